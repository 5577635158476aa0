package train

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hourglass/graph"
)

// emit tells the observers of an event. The first error sticks.
func (f *fit) emit(e Event) {
	for _, o := range f.observers {
		if err := o.Observe(e); err != nil && f.failure == nil {
			f.failure = fmt.Errorf("observing the %s event of step %d: %w", e.Kind(), f.state.Step, err)
		}
	}
}

// save writes a checkpoint of the present state, unless the last one is of it
// or nothing has been done yet.
func (f *fit) save() error {
	if f.folder.path == "" || f.state == f.saved || f.state.Step == 0 {
		return nil
	}
	if err := f.device.Pull(f.model.Store()); err != nil {
		return fmt.Errorf("saving step %d: %w; %s", f.state.Step, err, f.kept())
	}
	c := Snapshot(f.model.Store(), f.state, f.options.Metadata)
	if name := c.notFinite(); name != "" {
		return f.broken(f.state.Step, fmt.Errorf("after the update %s holds one that is %w", name, graph.ErrNotFinite))
	}
	path, err := f.folder.save(c)
	if err != nil {
		return fmt.Errorf("saving step %d: %w; %s", f.state.Step, err, f.kept())
	}
	f.saved, f.path = f.state, path
	f.emit(&CheckpointSaved{path, f.state.Step, f.state.BestStep == f.state.Step})
	return nil
}

// interrupted saves, and is the error of a run whose context has ended.
func (f *fit) interrupted() error {
	if err := f.save(); err != nil {
		return fmt.Errorf("%w after step %d: %w", ErrInterrupted, f.state.Step, err)
	}
	remedy := "nothing was saved, so the run can only begin anew"
	if f.path != "" {
		remedy = "resume from " + f.path
	}
	return fmt.Errorf("%w after step %d of %d (epoch %d, batch %d of %d); %s",
		ErrInterrupted, f.state.Step, f.total, f.state.Epoch, f.state.Batch, f.perEpoch, remedy)
}

// abandoned saves, because the state is good, and is the error of a run that
// ends for a reason outside the model. From a device that is lost there is
// nothing to save.
func (f *fit) abandoned(err error) error {
	var device interface{ Lost() bool }
	if !errors.As(err, &device) || !device.Lost() {
		if failed := f.save(); failed != nil {
			return fmt.Errorf("training stopped after step %d: %w; and then %w", f.state.Step, err, failed)
		}
	}
	return fmt.Errorf("training stopped after step %d: %w; %s", f.state.Step, err, f.kept())
}

// broken is the error of a run whose step failed; nothing is saved any more.
func (f *fit) broken(step int, err error) error {
	if !errors.Is(err, graph.ErrNotFinite) {
		return fmt.Errorf("step %d of epoch %d failed: %w; %s", step, f.state.Epoch, err, f.kept())
	}
	clip := "clip the gradient's norm, to 1 say"
	if limit := f.options.Optimiser.ClipNorm; limit > 0 {
		clip = fmt.Sprintf("clip the gradient's norm to less than %g", limit)
	}
	return fmt.Errorf("training diverged at step %d of epoch %d: %w; %s; lower the learning rate of %g, or %s",
		step, f.state.Epoch, err, f.kept(), f.options.Rate, clip)
}

// kept says what there is to go on from.
func (f *fit) kept() string {
	if f.path == "" {
		return "no checkpoint was saved"
	}
	return "the last good checkpoint is " + f.path
}

// summarise fills in the result.
func (f *fit) summarise() {
	s := f.state
	f.result.Step, f.result.Epoch = s.Step, s.Epoch-1
	f.result.Best, f.result.BestStep = s.Best, s.BestStep
	f.result.Checkpoint, f.result.Duration = f.path, time.Since(f.began)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
