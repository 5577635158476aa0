package train

import (
	"time"

	"hourglass/models"
	"hourglass/train/diagnose"
)

// Event is something that happened during [Fit]: a pointer to one of the types
// below. An observer may read it until it returns and copies what it keeps,
// because events are reused.
type Event interface {
	// Kind is one word: "step", "epoch", ...
	Kind() string
}

// Observer is told what happens, in order, on the goroutine of [Fit]. If it
// returns an error, training stops after the present step, saves a checkpoint
// and returns the error. On a GPU the step behind the one of a StepDone may be
// under way, and is finished before training stops.
type Observer interface {
	Observe(Event) error
}

// ObserverFunc makes an [Observer] of a function.
type ObserverFunc func(Event) error

// Observe calls f.
func (f ObserverFunc) Observe(e Event) error { return f(e) }

// Term is one of the terms of a model's loss, with its value.
type Term struct {
	models.Term
	Value float64 `json:"value"` // in the unit of the loss, before it is weighted
}

// Started is the first event, apart from a Warned about damaged checkpoints.
type Started struct {
	Device           string
	Batches          string // where they are made, and why; empty where there is no choice
	Parameters       int
	Unit             string // of every loss
	TrainImages      int
	ValidationImages int
	Epochs           int // that TotalSteps begin
	StepsPerEpoch    int
	TotalSteps       int
	ResumedFrom      string // path of a checkpoint; empty at the beginning of a run
	Step             int    // done before
	EpochsDone       int    // with their validation
}

// StepDone follows each update of the parameters.
type StepDone struct {
	Epoch           int // from 1
	Step            int // from 1, over the whole run
	StepsPerEpoch   int
	TotalSteps      int
	Loss            float64 // of the batch, before the update
	Terms           []Term  // of Loss, if it is a sum
	Rate            float64 // learning rate
	GradientNorm    float64 // before clipping
	ImagesPerSecond float64 // smoothed over recent steps
	ETA             time.Duration
}

// EpochDone follows the last step of an epoch and its validation.
type EpochDone struct {
	Epoch      int
	Step       int
	TrainLoss  float64 // mean of the batches' losses, each from before its update
	Validated  bool
	Validation Metrics       // if Validated
	Best       bool          // no epoch before had a lower loss
	Duration   time.Duration // of what this process did of the epoch
}

// Diagnosed follows EpochDone where [Options.Diagnose] is set. A Warned follows
// for each finding that the last one had not.
type Diagnosed struct {
	Epoch  int
	Step   int
	Report diagnose.Report
}

// CheckpointSaved follows each checkpoint that is safely on disk.
type CheckpointSaved struct {
	Path string
	Step int
	Best bool
}

// Warned tells of something that training went on in spite of.
type Warned struct{ Message string }

// Stopped says why training ends before its last step: by early stopping, or
// by the error that [Fit] is about to return.
type Stopped struct {
	Step   int
	Reason string
	Failed bool // Reason is the error's
}

// Finished is the last event of a run that ends without an error.
type Finished struct{ Result }

func (*Started) Kind() string         { return "started" }
func (*StepDone) Kind() string        { return "step" }
func (*EpochDone) Kind() string       { return "epoch" }
func (*Diagnosed) Kind() string       { return "diagnosis" }
func (*CheckpointSaved) Kind() string { return "checkpoint" }
func (*Warned) Kind() string          { return "warning" }
func (*Stopped) Kind() string         { return "stopped" }
func (*Finished) Kind() string        { return "finished" }
