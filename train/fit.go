package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// ErrInterrupted is wrapped by the error of a [Fit] whose context was
// cancelled.
var ErrInterrupted = errors.New("interrupted")

// ErrCollapsed is wrapped in the error of a [Fit] that [Options.StopOnCollapse]
// ended.
var ErrCollapsed = errors.New("the model has collapsed")

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
	set     func(input string, value float64) // an input of one element
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
	f.batches = data.NewBatches(f.train, data.BatchOptions{
		Size: o.Batch, Seed: o.Seed, Epoch: uint64(f.state.Epoch), Start: f.state.Batch,
		Shuffle: true, DropLast: true, Augment: o.Augment,
	})
	f.epochBegan = time.Now()
	validationImages := 0
	if f.validation != nil {
		validationImages = f.validation.Len()
	}
	f.emit(&Started{
		Device: f.device.String(), Parameters: f.model.Store().Count(), Unit: f.model.Unit(),
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
	if n := ds.Len(); n > meanImages {
		spread := make([]int, meanImages)
		for k := range spread {
			spread[k] = k * n / meanImages
		}
		var err error
		if ds, err = data.Subset(ds, spread); err != nil {
			return nil, err
		}
	}
	mean, err := data.MeanImage(ds)
	if err != nil {
		return nil, fmt.Errorf("averaging the training images: %w", err)
	}
	return mean, nil
}

// run goes from step to step and, between epochs, validates. The last event of
// a run that fails says why.
func (f *fit) run() error {
	for {
		done, err := f.advance()
		if err != nil {
			f.emit(&Stopped{f.state.Step, err.Error()})
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
	copy(f.program.Input(models.Image), batch.Images)
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
		f.emit(&Stopped{f.state.Step, fmt.Sprintf("the loss has not improved for %d epochs, since epoch %d", f.options.EarlyStopping.Patience, f.state.ReferenceEpoch)})
	}
	f.summarise()
	f.emit(&Finished{f.result})
	return true, f.failure
}
