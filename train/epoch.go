package train

import (
	"fmt"
	"time"

	"hourglass/graph"
)

// endEpoch validates and begins the next epoch. If the context ends during the
// validation, it changes nothing.
func (f *fit) endEpoch() error {
	s, o := &f.state, f.options
	if s.Step < f.total {
		f.batches.Reset(uint64(s.Epoch+1), 0) // fills batches meanwhile
	}
	event := &EpochDone{Epoch: s.Epoch, Step: s.Step, TrainLoss: s.LossSum / float64(f.perEpoch)}
	if f.validation == nil {
		event.Best = f.judge(event.TrainLoss)
	} else if s.Epoch%o.ValidateEvery == 0 {
		metrics, ok, err := f.validate()
		if !ok || err != nil {
			return err
		}
		event.Validated, event.Validation, event.Best = true, metrics, f.judge(metrics.Loss)
		f.result.Validation, f.validated = metrics, s.Step
	}
	f.result.TrainLoss = event.TrainLoss
	event.Duration = time.Since(f.epochBegan)
	f.epochBegan = time.Now()
	s.Epoch, s.Batch, s.LossSum = s.Epoch+1, 0, 0
	f.emit(event)
	if f.validation == nil || event.Validated {
		if err := f.examine(event.Epoch); err != nil {
			return err
		}
	}
	every := o.Checkpoints
	if event.Best || every.EveryEpochs > 0 && event.Epoch%every.EveryEpochs == 0 || every.EverySteps > 0 && s.Step%every.EverySteps == 0 {
		return f.save()
	}
	return nil
}

// validate measures the model on the validation set; ok is false if the context
// ended meanwhile.
func (f *fit) validate() (metrics Metrics, ok bool, err error) {
	metrics, err = f.runner.Evaluate(f.ctx, f.validation)
	switch {
	case f.ctx.Err() != nil:
		return Metrics{}, false, nil
	case err != nil:
		return Metrics{}, false, f.abandoned(fmt.Errorf("validation: %w", err))
	case !finite(metrics.Loss):
		return Metrics{}, false, f.broken(f.state.Step, fmt.Errorf("the validation loss is %g: %w", metrics.Loss, graph.ErrNotFinite))
	}
	return metrics, true, nil
}

// judge takes in the loss of an epoch and reports whether it is the lowest.
func (f *fit) judge(loss float64) (best bool) {
	s := &f.state
	if s.ReferenceEpoch == 0 || loss < s.Reference-f.options.EarlyStopping.MinDelta {
		s.Reference, s.ReferenceEpoch = loss, s.Epoch
	}
	if best = s.BestStep == 0 || loss < s.Best; best {
		s.Best, s.BestStep = loss, s.Step
	}
	return best
}

// outOfPatience says that early stopping ends the run, at the end of an epoch.
func (f *fit) outOfPatience() bool {
	patience, s := f.options.EarlyStopping.Patience, f.state
	return patience > 0 && s.ReferenceEpoch > 0 && s.Batch == 0 && s.Epoch-1-s.ReferenceEpoch >= patience
}

// finish ends the run. If the last weights have not been validated, because
// the run ends within an epoch or between two validations, it does so. done is
// false if the context ended meanwhile.
func (f *fit) finish() (done bool, err error) {
	if f.validation != nil && (f.result.Validation.N == 0 || f.validated != f.state.Step) {
		metrics, ok, err := f.validate()
		if !ok || err != nil {
			return false, err
		}
		f.result.Validation, f.validated = metrics, f.state.Step
		if f.state.BestStep == 0 || metrics.Loss < f.state.Best {
			f.state.Best, f.state.BestStep = metrics.Loss, f.state.Step
		}
	}
	if err := f.save(); err != nil {
		return false, err
	}
	if f.state.Step < f.total {
		f.result.EarlyStopped = true
		f.emit(&Stopped{f.state.Step, fmt.Sprintf("the loss has not improved for %d epochs, since epoch %d", f.options.EarlyStopping.Patience, f.state.ReferenceEpoch), false})
	}
	f.summarise()
	f.emit(&Finished{f.result})
	return true, f.failure
}
