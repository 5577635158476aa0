package train

import (
	"errors"
	"fmt"
	"io"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// beginStep takes the next batch and lets the device update the parameters by
// it, be it behind another step.
func (f *fit) beginStep() error {
	if f.ahead == 0 {
		f.stepBegan = time.Now()
	}
	batch, err := f.batches.Next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the training set ended before batch %d of %d", f.state.Batch+f.ahead+1, f.perEpoch)
		}
		return f.afterOthers(func() error { return f.abandoned(err) })
	}
	step := f.state.Step + f.ahead + 1
	err = f.feed(batch, step)
	f.batches.Release(batch)
	if err != nil {
		return f.afterOthers(func() error { return f.abandoned(err) })
	}
	if err := f.program.Begin(f.rate(step), step); err != nil {
		return f.afterOthers(func() error { return f.broken(step, err) })
	}
	f.ahead++
	return nil
}

// afterOthers finishes the steps that are begun before the run fails.
func (f *fit) afterOthers(fail func() error) error {
	for f.ahead > 0 {
		if err := f.finishStep(); err != nil {
			return err
		}
	}
	return fail()
}

func (f *fit) rate(step int) float64 {
	return f.options.Rate * f.options.Schedule.Rate(step, f.total, f.perEpoch)
}

// finishStep waits for the oldest step that was begun, and tells of it.
func (f *fit) finishStep() error {
	step := f.state.Step + 1
	done, err := f.program.Finish()
	if err != nil {
		return f.broken(step, err)
	}
	f.ahead--
	loss := float64(f.program.Output(models.Loss)[0])
	if !finite(loss) {
		return f.broken(step, fmt.Errorf("the loss is %g: %w", loss, graph.ErrNotFinite))
	}
	f.state.Step = step
	f.state.Batch++
	f.state.LossSum += loss
	now := time.Now()
	f.time(now.Sub(f.stepBegan).Seconds())
	f.stepBegan = now
	f.stepDone = StepDone{
		Epoch: f.state.Epoch, Step: step, StepsPerEpoch: f.perEpoch, TotalSteps: f.total,
		Loss: loss, Terms: readTerms(f.stepDone.Terms, f.model, f.program), Rate: f.rate(step), GradientNorm: done.GradientNorm,
		ImagesPerSecond: float64(f.options.Batch) / f.perStep,
		ETA:             time.Duration(f.perStep * float64(f.total-step) * float64(time.Second)),
	}
	f.emit(&f.stepDone)
	if every := f.options.Checkpoints.EverySteps; every > 0 && step%every == 0 && f.state.Batch < f.perEpoch {
		return f.save()
	}
	return nil
}

// feed fills the inputs of the training program.
func (f *fit) feed(batch *data.Batch, step int) error {
	if f.resident {
		if err := f.program.Pick(models.Image, batch.Picks); err != nil {
			return err
		}
	} else {
		copy(f.program.Input(models.Image), batch.Images)
	}
	if annealed, ok := f.model.(models.Annealed); ok {
		annealed.Anneal(step, f.total, f.set)
	}
	return condition(f.model, f.program, batch.Labels)
}

// time smooths the duration of steps over about the last twenty.
func (f *fit) time(seconds float64) {
	if f.perStep == 0 {
		f.perStep = seconds
	}
	f.perStep = max(f.perStep+(seconds-f.perStep)/20, 1e-9)
}
