package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/train/diagnose"
)

// ErrInterrupted is wrapped by the error of a [Fit] whose context was
// cancelled.
var ErrInterrupted = errors.New("interrupted")

// FailedError is wrapped in the error of a [Fit] that [Options.StopOn] ended.
type FailedError struct{ Finding diagnose.Finding }

func (e *FailedError) Error() string { return e.Finding.String() }

// Result says how a run ended. The model holds the weights of the last step,
// not those of the best epoch, which are in the checkpoint that [BestCheckpoint]
// finds.
type Result struct {
	Step         int
	Epoch        int     // complete ones
	EarlyStopped bool    // before the last step
	TrainLoss    float64 // of the last epoch that this process completed; 0 if none
	Validation   Metrics // of the last weights; N is 0 without a validation set
	Best         float64 // lowest loss of an epoch
	BestStep     int     // after which it was reached
	Checkpoint   string  // path of the last one saved; "" if none
	Duration     time.Duration
}

// Fit trains a model until its last epoch or step, early stopping, an error, or
// the end of the context. validation may be nil: losses of epochs are then
// those of their training.
//
// When ctx is cancelled, the present step is finished, a checkpoint is saved,
// and the error wraps [ErrInterrupted]. When loss or gradients are not finite,
// the error wraps [graph.ErrNotFinite] and nothing more is saved.
func Fit(ctx context.Context, device *graph.Device, model models.Model, train, validation data.Dataset, o Options, observers ...Observer) (Result, error) {
	f := &fit{
		ctx: ctx, options: o, device: device, model: model, train: train, validation: validation,
		observers: observers, folder: checkpoints{o.Checkpoints.Dir, o.Checkpoints.Keep}, began: time.Now(),
	}
	if err := f.check(); err != nil {
		return Result{}, err
	}
	defer f.close()
	if err := f.start(); err != nil {
		return Result{}, err
	}
	err := f.run()
	f.summarise()
	if pulled := device.Pull(model.Store()); err == nil {
		err = pulled
	}
	return f.result, err
}

// fit is a run.
type fit struct {
	ctx               context.Context
	options           Options
	device            *graph.Device
	model             models.Model
	train, validation data.Dataset
	observers         []Observer
	folder            checkpoints

	program *graph.Program
	runner  *Runner
	batches *data.Batches
	// resident: the training images are on the GPU, and a batch is made there.
	resident bool
	set      func(input string, value float64) // an input of one element
	// examination is nil unless it is wanted.
	examination *examination
	state       State // of the steps that are finished
	ahead       int   // steps that are begun and not finished
	perEpoch    int
	total       int

	saved     State  // of the last checkpoint
	path      string // of it; "" if there is none
	result    Result
	validated int   // the step of result.Validation
	failure   error // the first of an observer

	began      time.Time // of the run, in this process
	stepBegan  time.Time // when the step before was finished, or this one begun
	epochBegan time.Time
	perStep    float64 // seconds, smoothed
	stepDone   StepDone
}

// check refuses what cannot be trained, before anything is compiled.
func (f *fit) check() error {
	if err := f.options.Check(); err != nil {
		return err
	}
	if err := fits(f.model, "training", f.train); err != nil {
		return err
	}
	if f.validation != nil {
		if err := fits(f.model, "validation", f.validation); err != nil {
			return err
		}
	}
	if n := f.train.Len(); n < f.options.Batch {
		return fmt.Errorf("the training set has %d images, which fill no batch of %d; choose a batch of at most %d", n, f.options.Batch, n)
	}
	return f.options.Augment.Check(f.train.Shape())
}

// close frees what start has made.
func (f *fit) close() {
	if f.program != nil {
		f.program.Close()
	}
	if f.runner != nil {
		f.runner.Close()
	}
	if f.batches != nil {
		f.batches.Close()
	}
}

// run goes from step to step and, between epochs, validates. The last event of
// a run that fails says why.
func (f *fit) run() error {
	for {
		done, err := f.advance()
		if err != nil {
			f.emit(&Stopped{f.state.Step, err.Error(), true})
		}
		if done || err != nil {
			return err
		}
	}
}

// advance does what comes next.
func (f *fit) advance() (done bool, err error) {
	pending := f.state.Batch == f.perEpoch // the epoch's validation is to come
	switch {
	case f.ahead > 0 && (f.ahead == f.program.Depth() || f.settles()):
		return false, f.finishStep()
	case f.failure != nil:
		return false, f.abandoned(f.failure)
	case f.ctx.Err() != nil:
		return false, f.interrupted()
	case pending:
		return false, f.endEpoch()
	case f.state.Step >= f.total || f.outOfPatience():
		return f.finish()
	}
	return false, f.beginStep()
}

// settles reports whether the steps that are begun must be finished before
// another is: the weights after the last of them are wanted, or no other comes.
func (f *fit) settles() bool {
	step, every := f.state.Step+f.ahead, f.options.Checkpoints.EverySteps
	return f.failure != nil || f.ctx.Err() != nil || f.state.Batch+f.ahead == f.perEpoch ||
		step >= f.total || every > 0 && step%every == 0
}
