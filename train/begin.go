package train

import (
	"fmt"
	"time"

	"hourglass/data"
	"hourglass/graph"
)

// start compiles the training program and puts the run where it begins.
func (f *fit) start() (err error) {
	o := f.options
	f.perEpoch = f.train.Len() / o.Batch
	f.total = o.total(f.perEpoch)
	b := graph.NewBuilder(f.model.Store(), true)
	f.model.Train(b, o.Batch)
	if f.program, err = graph.Compile(f.device, b, &o.Optimiser); err != nil {
		return fmt.Errorf("compiling the training of the model: %w", err)
	}
	f.program.Clock().Seed = o.Seed
	f.set = func(input string, value float64) { f.program.Input(input)[0] = float32(value) }
	if f.runner, err = NewRunner(f.device, f.model, o.Batch); err != nil {
		return err
	}
	f.state = State{Epoch: 1, Seed: o.Seed, BatchSize: o.Batch, Images: f.train.Len(), Optimiser: o.Optimiser.Rule.String()}
	if err := f.resumeOrBegin(); err != nil {
		return err
	}
	if err := f.device.Push(f.model.Store()); err != nil {
		return err
	}
	if held := f.validation; o.Diagnose {
		if held == nil {
			held = f.train
		}
		f.examination = newExamination(f.runner, held, f.train.Len())
	}
	where, err := f.reside()
	if err != nil {
		return err
	}
	f.batches = data.NewBatches(f.train, data.BatchOptions{
		Size: o.Batch, Seed: o.Seed, Epoch: uint64(f.state.Epoch), Start: f.state.Batch,
		Shuffle: true, DropLast: true, Augment: o.Augment, Unread: f.resident,
	})
	f.epochBegan = time.Now()
	validationImages := 0
	if f.validation != nil {
		validationImages = f.validation.Len()
	}
	f.emit(&Started{
		Device: f.device.String(), Batches: where, Parameters: f.model.Store().Count(), Unit: f.model.Unit(),
		TrainImages: f.train.Len(), ValidationImages: validationImages,
		Epochs: (f.total + f.perEpoch - 1) / f.perEpoch, StepsPerEpoch: f.perEpoch, TotalSteps: f.total,
		ResumedFrom: f.path, Step: f.state.Step, EpochsDone: f.state.Epoch - 1,
	})
	if f.examination != nil {
		if finding, found := f.examination.subject.Capacity(); found {
			f.emit(&Warned{finding.String()})
		}
	}
	return nil
}

// resumeOrBegin restores a checkpoint or sets the model's output to the mean
// image.
func (f *fit) resumeOrBegin() error {
	if f.folder.path != "" {
		if err := f.folder.clean(); err != nil {
			return err
		}
	}
	if f.options.Resume {
		resumed, err := f.resume()
		if err != nil || resumed {
			return err
		}
	} else if f.folder.path != "" {
		steps, err := f.folder.steps()
		if err != nil {
			return err
		}
		if len(steps) > 0 {
			return fmt.Errorf("the folder %s already has checkpoints, up to step %d; resume from them, or choose another folder", f.folder.path, steps[0])
		}
	}
	if f.options.Pretrained {
		return nil
	}
	mean, err := meanImage(f.train)
	if err != nil {
		return err
	}
	f.model.StartAt(mean)
	return nil
}

// resume restores the newest whole checkpoint, if there is one.
func (f *fit) resume() (bool, error) {
	c, path, damaged, err := f.folder.newest()
	if c == nil || err != nil {
		return false, err
	}
	for _, problem := range damaged {
		f.emit(&Warned{fmt.Sprintf("%v; training goes on from %s", problem, path)})
	}
	if c.State.pretrained() {
		if err := c.Restore(f.model.Store()); err != nil {
			return false, fmt.Errorf("cannot begin from %s: %w", path, err)
		}
		f.path = path
		return true, nil
	}
	err = c.State.resumes(f.state)
	if err == nil && c.State.Step > f.total {
		err = fmt.Errorf("it is of step %d, beyond step %d, with which this run would end; give it more epochs", c.State.Step, f.total)
	}
	if err == nil {
		err = c.Restore(f.model.Store())
	}
	if err == nil {
		err = c.RestoreMoments(f.model.Store(), f.options.Optimiser)
	}
	if err == nil {
		err = f.folder.pointAt(c.State)
	}
	if err != nil {
		return false, fmt.Errorf("cannot resume from %s: %w", path, err)
	}
	f.state, f.saved, f.path = c.State, c.State, path
	return true, nil
}

// meanImages is how many images the mean image is taken over at most.
const meanImages = 10_000

// meanImage averages images that are spread evenly over a set.
func meanImage(ds data.Dataset) ([]float32, error) {
	ds, err := data.AtMost(ds, meanImages)
	if err != nil {
		return nil, err
	}
	mean, err := data.MeanImage(ds)
	if err != nil {
		return nil, fmt.Errorf("averaging the training images: %w", err)
	}
	return mean, nil
}
