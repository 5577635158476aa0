package train

import (
	"fmt"

	"hourglass/data"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/train/diagnose"
)

// Options are the terms of a run. Start from [DefaultOptions].
type Options struct {
	Epochs   int // 0: as many as MaxSteps take
	MaxSteps int // end after so many updates; 0: at the end of the last epoch
	Batch    int // images an update; the incomplete batch at an epoch's end is left out
	Seed     uint64

	Optimiser kernels.Optimiser
	Rate      float64 // learning rate, which Schedule multiplies
	Schedule  Schedule
	Augment   data.Augment
	// Resident puts the training images on a GPU, as bytes, if they take at most
	// half of the memory that is free there, and makes batches where they are. It
	// changes no bit of them. Sets that do not consist of bytes, and runs that do
	// not see every image, go on as on the CPU.
	Resident bool
	// Pretrained says that the weights have been fitted before: the output is
	// not set to the mean image.
	Pretrained bool

	ValidateEvery int // epochs
	// Diagnose looks for known failures after each validation, or without a
	// validation set after each epoch.
	Diagnose bool
	// StopOn says which of the failures that Diagnose finds end the run with a
	// [FailedError]: [diagnose.Failure.Collapse], say. nil goes on in any case.
	StopOn        func(diagnose.Failure) bool
	EarlyStopping EarlyStopping
	Checkpoints   Checkpoints
	// Resume goes on from the newest whole checkpoint in the folder, or begins
	// if there is none.
	Resume bool
	// Metadata goes into every checkpoint: the text of the model's spec, say.
	Metadata map[string]string
}

// EarlyStopping ends a run when the validation loss, or without a validation
// set the training loss, has not fallen by more than MinDelta for Patience
// epochs.
type EarlyStopping struct {
	Patience int // 0: off
	MinDelta float64
}

// Checkpoints says when checkpoints are saved, beside those of the best epoch
// so far, of an interruption and of the end.
type Checkpoints struct {
	Dir         string // "": none are saved
	EverySteps  int    // 0: not by steps
	EveryEpochs int    // 0: not by epochs
	Keep        int    // the newest, beside the best; 0 keeps all
}

// DefaultOptions are 20 epochs of Adam with the constants of its paper.
func DefaultOptions() Options {
	return Options{
		Epochs: 20, Batch: 128, Seed: 1,
		Optimiser:     kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		Rate:          1e-3,
		ValidateEvery: 1,
		Checkpoints:   Checkpoints{EveryEpochs: 1, Keep: 3},
	}
}

// Check says in one sentence what is wrong, or nil.
func (o Options) Check() error {
	for _, size := range []struct {
		name         string
		value, least int
	}{
		{"epochs", o.Epochs, 0}, {"max steps", o.MaxSteps, 0}, {"batch size", o.Batch, 1},
		{"validation interval", o.ValidateEvery, 1}, {"patience", o.EarlyStopping.Patience, 0},
		{"checkpoint interval in steps", o.Checkpoints.EverySteps, 0},
		{"checkpoint interval in epochs", o.Checkpoints.EveryEpochs, 0},
		{"number of checkpoints kept", o.Checkpoints.Keep, 0},
	} {
		if size.value < size.least {
			return fmt.Errorf("training: the %s is %d, want at least %d", size.name, size.value, size.least)
		}
	}
	switch {
	case o.Epochs == 0 && o.MaxSteps == 0:
		return fmt.Errorf("training: neither epochs nor max steps is given; give at least one of them")
	case !(o.Rate >= 0) || !finite(o.Rate):
		return fmt.Errorf("training: the learning rate is %g, want a number of at least 0, such as 0.001", o.Rate)
	case !(o.EarlyStopping.MinDelta >= 0):
		return fmt.Errorf("training: the smallest improvement is %g, want at least 0", o.EarlyStopping.MinDelta)
	case o.Resume && o.Checkpoints.Dir == "":
		return fmt.Errorf("training: there is nothing to resume from; give the folder of the checkpoints")
	}
	if err := checkMetadata(o.Metadata); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if err := o.Schedule.Check(); err != nil {
		return err
	}
	return o.Optimiser.Check()
}

// total is the number of steps of a run with perEpoch in each epoch.
func (o Options) total(perEpoch int) int {
	switch {
	case o.Epochs == 0:
		return o.MaxSteps
	case o.MaxSteps == 0:
		return o.Epochs * perEpoch
	}
	return min(o.MaxSteps, o.Epochs*perEpoch)
}

// fits says in one sentence what is wrong with a set of images for a model, or
// nil.
func fits(model models.Model, name string, ds data.Dataset) error {
	in, have := model.Input(), ds.Shape()
	if have.C != in.C || have.H != in.H || have.W != in.W {
		return fmt.Errorf("the %s set has images of %v and the model takes %v; resize the images or change the model", name, have, in)
	}
	if ds.Len() < 1 {
		return fmt.Errorf("the %s set is empty; give at least one image", name)
	}
	return nil
}
