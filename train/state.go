package train

import (
	"fmt"
	"strconv"
)

// State is where a run stands between two steps: all that, beside the tensors,
// decides how it goes on. The order of the data depends on seed and epoch, and
// random numbers on seed and step, so no generator's state is part of it.
type State struct {
	Step  int // updates done
	Epoch int // from 1
	Batch int // of the epoch, next; equal to the batches of an epoch while its validation is to come

	// What gives these numbers their meaning: a run resumes only with the same.
	Seed      uint64
	BatchSize int
	Images    int    // of the training set
	Optimiser string // name of the rule

	LossSum float64 // of the epoch's steps so far

	Best     float64 // lowest loss of an epoch so far
	BestStep int     // after which it was reached; 0: no epoch has ended

	Reference      float64 // the loss that early stopping wants improved
	ReferenceEpoch int     // which reached it; 0: none
}

// pretrained says that the checkpoint holds weights from elsewhere: a run
// begins from them.
func (s State) pretrained() bool { return s == State{} }

// field is one entry of a checkpoint's metadata.
type field struct {
	key   string
	value any // *int, *uint64, *float64 or *string
}

// fields lists how the state is written, and read.
func (s *State) fields() []field {
	return []field{
		{"step", &s.Step}, {"epoch", &s.Epoch}, {"batch", &s.Batch},
		{"seed", &s.Seed}, {"batch_size", &s.BatchSize}, {"images", &s.Images}, {"optimiser", &s.Optimiser},
		{"loss_sum", &s.LossSum},
		{"best", &s.Best}, {"best_step", &s.BestStep},
		{"reference", &s.Reference}, {"reference_epoch", &s.ReferenceEpoch},
	}
}

// String prints the value; a float in hexadecimal, which is exact.
func (f field) String() string {
	switch v := f.value.(type) {
	case *int:
		return strconv.Itoa(*v)
	case *uint64:
		return strconv.FormatUint(*v, 10)
	case *float64:
		return strconv.FormatFloat(*v, 'x', -1, 64)
	default:
		return *v.(*string)
	}
}

// read sets the value from the metadata and demands the form that String
// prints.
func (f field) read(metadata map[string]string) error {
	text, found := metadata[ownPrefix+f.key]
	if !found {
		return fmt.Errorf("its metadata lack %s%s", ownPrefix, f.key)
	}
	if !read(text, f.value) || f.String() != text {
		return fmt.Errorf("its metadata have %s%s = %q, which is no such number", ownPrefix, f.key, text)
	}
	return nil
}

// resumes says in one sentence why a run that begins as fresh cannot go on from
// s, or nil.
func (s State) resumes(fresh State) error {
	var what string
	var then, now any
	switch {
	case s.Seed != fresh.Seed:
		what, then, now = "seed", s.Seed, fresh.Seed
	case s.BatchSize != fresh.BatchSize:
		what, then, now = "batch size", s.BatchSize, fresh.BatchSize
	case s.Images != fresh.Images:
		what, then, now = "number of training images", s.Images, fresh.Images
	case s.Optimiser != fresh.Optimiser:
		what, then, now = "optimiser", s.Optimiser, fresh.Optimiser
	default:
		return s.consistent()
	}
	return fmt.Errorf("it was made with %s %v and this run has %v; resume with the same, or start a run in another folder", what, then, now)
}

// consistent checks that the position in the epoch belongs to the step.
func (s State) consistent() error {
	if s.BatchSize < 1 || s.Images < s.BatchSize {
		return fmt.Errorf("its batch size is %d of %d images, which no run has", s.BatchSize, s.Images)
	}
	perEpoch := s.Images / s.BatchSize
	if s.Epoch < 1 || s.Batch < 0 || s.Batch > perEpoch || s.Step != (s.Epoch-1)*perEpoch+s.Batch {
		return fmt.Errorf("its step %d is not batch %d of epoch %d with %d batches an epoch", s.Step, s.Batch, s.Epoch, perEpoch)
	}
	return nil
}
