package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/objective"
)

// tinyOptions are a run of 4 epochs with 5 steps of 4 images each; 2 of 22
// images are left out of every epoch.
func tinyOptions() Options {
	o := DefaultOptions()
	o.Epochs, o.Batch, o.Seed, o.Rate = 4, 4, 9, 0.02
	o.Schedule = Schedule{Decay: Cosine, Floor: 0.1, Warmup: 3}
	o.Checkpoints.Keep = 0
	return o
}

func TestObserversSeeEverythingInOrder(t *testing.T) {
	var kinds []string
	var last Finished
	sum := 0.0 // of the losses of the epoch's five steps
	dir := t.TempDir()
	o := tinyOptions()
	o.Epochs, o.Checkpoints.Dir, o.Checkpoints.EverySteps = 2, dir, 3
	result, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), tinyImages(t, 0, 22), nil, o, ObserverFunc(func(e Event) error {
		kinds = append(kinds, e.Kind())
		switch e := e.(type) {
		case *Started:
			if e.TotalSteps != 10 || e.StepsPerEpoch != 5 || e.Epochs != 2 || e.Parameters != 3*6+3+3+3+6*3+6 || e.Unit != "mse/px" || e.TrainImages != 22 {
				t.Errorf("the run starts as %+v", e)
			}
		case *StepDone:
			if e.ImagesPerSecond <= 0 || e.ETA < 0 || e.Step == 10 && e.ETA != 0 {
				t.Errorf("step %d: %g images a second, %v to go", e.Step, e.ImagesPerSecond, e.ETA)
			}
			sum += e.Loss
		case *EpochDone:
			if e.TrainLoss != sum/5 {
				t.Errorf("the training loss of epoch %d is %g, want %g", e.Epoch, e.TrainLoss, sum/5)
			}
			sum = 0
		case *CheckpointSaved:
			if _, err := os.Stat(e.Path); err != nil {
				t.Error(err)
			}
		case *Finished:
			last = *e
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := "started step step step checkpoint step step epoch checkpoint step checkpoint step step step checkpoint step epoch checkpoint finished"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("the events are\n%s\nwant\n%s", got, want)
	}
	last.Duration, result.Duration = 0, 0
	if !reflect.DeepEqual(last.Result, result) || result.Validation.N != 0 || result.Best != result.TrainLoss {
		t.Errorf("the last event is %+v, the result %+v", last.Result, result)
	}
}

func TestAnObserversErrorStopsAfterSaving(t *testing.T) {
	full := errors.New("the disk of pictures is full")
	var stopped Stopped
	o := tinyOptions()
	o.Checkpoints.Dir = t.TempDir()
	_, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), tinyImages(t, 0, 22), nil, o, ObserverFunc(func(e Event) error {
		if s, ok := e.(*Stopped); ok {
			stopped = *s
		}
		if s, ok := e.(*StepDone); ok && s.Step == 7 {
			return full
		}
		return nil
	}))
	if !errors.Is(err, full) || stopped.Reason != err.Error() || !stopped.Failed {
		t.Errorf("got error %v and %+v in the event, want the observer's in both", err, stopped)
	}
	if path, err := LatestCheckpoint(o.Checkpoints.Dir); err != nil || filepath.Base(path) != fileName(7) {
		t.Errorf("the latest checkpoint is %s (%v), want step 7", path, err)
	}
}

func TestEarlyStopping(t *testing.T) {
	o := tinyOptions()
	o.Epochs, o.Rate = 50, 0 // nothing improves after epoch 1
	o.EarlyStopping = EarlyStopping{Patience: 3}
	o.Checkpoints.Dir, o.Checkpoints.EveryEpochs = t.TempDir(), 0
	stops := 0
	count := ObserverFunc(func(e Event) error {
		if s, ok := e.(*Stopped); ok && !s.Failed {
			stops++
		}
		return nil
	})
	run := func() Result {
		t.Helper()
		result, err := Fit(context.Background(), openDevice(t, 1), deterministic{newTiny(t)}, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, count)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	result := run()
	if !result.EarlyStopped || result.Epoch != 4 || result.Step != 20 || result.BestStep != 5 || stops != 1 {
		t.Errorf("the result is %+v after %d stops, want an early stop after epoch 4 with the best after step 5", result, stops)
	}
	if best, err := BestCheckpoint(o.Checkpoints.Dir); err != nil || filepath.Base(best) != fileName(5) {
		t.Errorf("the best checkpoint is %s (%v), want step 5", best, err)
	}
	o.Resume = true
	if again := run(); !again.EarlyStopped || again.Step != 20 || !reflect.DeepEqual(again.Validation, result.Validation) {
		t.Errorf("resumed, the result is %+v, want it to stay stopped", again)
	}
	o.EarlyStopping.Patience = 5
	if more := run(); !more.EarlyStopped || more.Epoch != 6 {
		t.Errorf("resumed with more patience, the run stopped after epoch %d, want 6", more.Epoch)
	}
}

func TestSmallImprovementsAreBestButNoProgress(t *testing.T) {
	f := &fit{options: Options{EarlyStopping: EarlyStopping{Patience: 2, MinDelta: 0.1}}}
	for _, c := range []struct {
		loss       float64
		best, over bool
	}{
		{1, true, false}, {0.95, true, false}, {0.85, true, false}, {0.86, false, false}, {0.8, true, true}, {0.5, true, false},
	} {
		f.state.Epoch++
		f.state.Step += 5
		best := f.judge(c.loss)
		after := *f
		after.state.Epoch++
		if best != c.best || after.outOfPatience() != c.over {
			t.Errorf("a loss of %g after epoch %d: best %t, out of patience %t; want %t, %t", c.loss, f.state.Epoch, best, after.outOfPatience(), c.best, c.over)
		}
	}
}

// deterministic is the tiny model trained without dropout, noise or updates of
// its statistics.
type deterministic struct{ *tiny }

func (m deterministic) Train(b *graph.Builder, batch int) {
	b.Training = false
	x := b.Input(models.Image, batch, 2, 3, 1)
	loss := must(b)(objective.MSE(m.decode(b, m.encode(b, x)), x, objective.Mean))
	b.Output(models.Loss, loss)
	b.Cost(loss)
}

func TestDivergenceSavesNothingMore(t *testing.T) {
	o := tinyOptions()
	o.Optimiser = kernels.Optimiser{Rule: kernels.SGD}
	o.Rate, o.Schedule, o.Epochs = 1e5, Schedule{}, 20
	o.Checkpoints.Dir, o.Checkpoints.EverySteps = t.TempDir(), 1
	last := 0
	result, err := Fit(context.Background(), openDevice(t, 1), deterministic{newTiny(t)}, tinyImages(t, 0, 22), nil, o, ObserverFunc(func(e Event) error {
		if s, ok := e.(*CheckpointSaved); ok {
			last = s.Step
		}
		return nil
	}))
	if !errors.Is(err, graph.ErrNotFinite) {
		t.Fatalf("got error %v, want one that is not finite", err)
	}
	for _, part := range []string{"training diverged at step", "it first appeared in", "the last good checkpoint is", "lower the learning rate of 100000", "clip the gradient's norm, to 1 say"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, want one with %q", err, part)
		}
	}
	steps, _ := checkpoints{path: o.Checkpoints.Dir}.steps()
	if last == 0 || steps[0] != last || result.Step != last {
		t.Fatalf("the newest checkpoint is of step %d, the last event of step %d, the result of %d", steps[0], last, result.Step)
	}
	c, err := LoadCheckpoint(checkpoints{path: o.Checkpoints.Dir}.file(last))
	if err != nil {
		t.Fatal(err)
	}
	if name := c.notFinite(); name != "" {
		t.Errorf("the last checkpoint holds %s that is not finite", name)
	}
}

// overflowing is the tiny model with a loss to watch that overflows while the cost
// and its gradient do not.
type overflowing struct{ deterministic }

func (m overflowing) Train(b *graph.Builder, batch int) {
	x := b.Input(models.Image, batch, 2, 3, 1)
	loss := must(b)(objective.MSE(m.decode(b, m.encode(b, x)), x, objective.Mean))
	b.Output(models.Loss, must(b)(ops.Exp(must(b)(ops.Affine(loss, 1, 1000)))))
	b.Cost(loss)
}

func TestNothingInfiniteIsTakenForAResult(t *testing.T) {
	fit := func(m models.Model, rate float64) error {
		t.Helper()
		o := tinyOptions()
		o.Optimiser, o.Rate, o.Schedule = kernels.Optimiser{Rule: kernels.SGD}, rate, Schedule{}
		o.Checkpoints.Dir, o.Checkpoints.EverySteps = t.TempDir(), 1
		_, err := Fit(context.Background(), openDevice(t, 1), m, tinyImages(t, 0, 22), nil, o)
		if steps, _ := (checkpoints{path: o.Checkpoints.Dir}).steps(); len(steps) > 0 {
			t.Errorf("checkpoints of steps %v were saved", steps)
		}
		return err
	}
	if err := fit(overflowing{deterministic{newTiny(t)}}, 0.01); !errors.Is(err, graph.ErrNotFinite) || !strings.Contains(err.Error(), "the loss is +Inf") {
		t.Errorf("an infinite loss gave %v", err)
	}
	if err := fit(deterministic{newTiny(t)}, 1e300); !errors.Is(err, graph.ErrNotFinite) || !strings.Contains(err.Error(), "after the update") {
		t.Errorf("infinite weights gave %v", err)
	}
}

func TestMaxStepsEndsWithinAnEpoch(t *testing.T) {
	ds, validation, device := tinyImages(t, 0, 22), tinyImages(t, 100, 7), openDevice(t, 1)
	o := tinyOptions()
	o.Epochs, o.Checkpoints.Dir, o.Resume = 0, t.TempDir(), true
	for _, c := range []struct{ steps, epochs int }{{3, 0}, {7, 1}, {11, 2}} {
		o.MaxSteps = c.steps
		m := newTiny(t)
		result, err := Fit(context.Background(), device, m, ds, validation, o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Evaluate(context.Background(), device, m, validation, o.Batch)
		if err != nil {
			t.Fatal(err)
		}
		if result.Step != c.steps || result.Epoch != c.epochs || !reflect.DeepEqual(result.Validation, want) || filepath.Base(result.Checkpoint) != fileName(c.steps) {
			t.Errorf("the result is %+v, want %d steps, the last one validated as %+v and saved", result, c.steps, want)
		}
		if c.steps == 3 && (result.BestStep != 3 || result.Best != want.Loss) {
			t.Errorf("the best loss is %g after step %d, want the only one, %g", result.Best, result.BestStep, want.Loss)
		}
	}
}

func TestTheSeedChangesTheNoise(t *testing.T) {
	ds, err := data.NewMemory("one", data.Shape{C: 1, H: 2, W: 3}, bytes.Repeat([]byte{10, 90, 30, 200, 5, 60}, 4), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var losses [2]float64 // of one batch, whose order does not matter
	for seed := range losses {
		o := tinyOptions()
		o.Epochs, o.Seed = 1, uint64(seed)
		result, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), ds, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		losses[seed] = result.TrainLoss
	}
	if losses[0] == losses[1] {
		t.Errorf("both seeds give a loss of %g", losses[0])
	}
}

func TestStartsAtTheMeanImage(t *testing.T) {
	ds := tinyImages(t, 0, 22)
	mean, err := data.MeanImage(ds)
	if err != nil {
		t.Fatal(err)
	}
	for _, pretrained := range []bool{false, true} {
		m := newTiny(t)
		before := slices.Clone(m.store.Lookup("decoder.0.bias").Data)
		o := tinyOptions()
		o.MaxSteps, o.Rate, o.Pretrained = 1, 0, pretrained
		if _, err := Fit(context.Background(), openDevice(t, 1), m, ds, nil, o); err != nil {
			t.Fatal(err)
		}
		want := mean
		if pretrained {
			want = before
		}
		if got := m.store.Lookup("decoder.0.bias").Data; !slices.Equal(got, want) {
			t.Errorf("pretrained %t: the bias is %v, want %v", pretrained, got, want)
		}
	}
}

func TestMeanImageIsSpreadOverLargeSets(t *testing.T) {
	const n = 3 * meanImages
	pixels := make([]byte, n)
	for i := 2 * meanImages; i < n; i++ {
		pixels[i] = 255 // the last third, as where classes follow one another
	}
	ds, err := data.NewMemory("thirds", data.Shape{C: 1, H: 1, W: 1}, pixels, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, err := meanImage(ds)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(mean[0])-1.0/3) > 1e-3 {
		t.Errorf("the mean is %g, want a third", mean[0])
	}
}

// differentShape claims another shape.
type differentShape struct{ data.Dataset }

func (differentShape) Shape() data.Shape { return data.Shape{C: 1, H: 3, W: 2} }

// brokenSet fails at one image.
type brokenSet struct{ data.Dataset }

var errUnreadable = errors.New("unreadable")

func (b brokenSet) Image(i int, dst []float32) error {
	if i == 21 {
		return errUnreadable
	}
	return b.Dataset.Image(i, dst)
}

func TestFitRefuses(t *testing.T) {
	used := t.TempDir()
	saveSteps(t, checkpoints{path: used}, 1, 5)
	foreign := t.TempDir()
	m := newTiny(t)
	m.store.AddMoments(adam)
	state := State{Step: 5, Epoch: 2, Seed: 10, BatchSize: 4, Images: 22, Optimiser: "adam"}
	if _, err := (checkpoints{path: foreign}).save(Snapshot(m.store, state, nil)); err != nil {
		t.Fatal(err)
	}
	ds, small := tinyImages(t, 0, 22), tinyImages(t, 0, 3)
	for _, c := range []struct {
		want              string
		train, validation data.Dataset
		change            func(*Options)
	}{
		{"batch size is 0", ds, nil, func(o *Options) { o.Batch = 0 }},
		{"neither epochs nor max steps", ds, nil, func(o *Options) { o.Epochs = 0 }},
		{"learning rate is NaN", ds, nil, func(o *Options) { o.Rate = math.NaN() }},
		{"learning rate is +Inf", ds, nil, func(o *Options) { o.Rate = math.Inf(1) }},
		{"validation interval is 0", ds, nil, func(o *Options) { o.ValidateEvery = 0 }},
		{"smallest improvement is -1", ds, nil, func(o *Options) { o.EarlyStopping.MinDelta = -1 }},
		{"nothing to resume from", ds, nil, func(o *Options) { o.Resume = true }},
		{"epsilon is 0", ds, nil, func(o *Options) { o.Optimiser.Epsilon = 0 }},
		{"step decays every 0", ds, nil, func(o *Options) { o.Schedule.Decay = StepDecay }},
		{"cannot move by 5", ds, nil, func(o *Options) { o.Augment.Shift = 5 }},
		{"3 images, which fill no batch of 4", small, nil, func(*Options) {}},
		{"training set has images of 1x3x2", differentShape{ds}, nil, func(*Options) {}},
		{"validation set has images of 1x3x2", ds, differentShape{ds}, func(*Options) {}},
		{"already has checkpoints, up to step 5", ds, nil, func(o *Options) { o.Checkpoints.Dir = used }},
		{"made with seed 10 and this run has 9", ds, nil, func(o *Options) { o.Checkpoints.Dir, o.Resume = foreign, true }},
		{"unreadable", brokenSet{ds}, nil, func(*Options) {}},
		{"reserved", ds, nil, func(o *Options) { o.Metadata = map[string]string{"hourglass.spec": ""} }},
	} {
		o := tinyOptions()
		c.change(&o)
		_, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), c.train, c.validation, o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want one with %q", err, c.want)
		}
	}
}

// A set that becomes unreadable in the middle of a run costs nothing that was
// learnt.
func TestUnreadableImageStopsAfterSaving(t *testing.T) {
	o := tinyOptions()
	o.Pretrained, o.Checkpoints.Dir = true, t.TempDir()
	result, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), brokenSet{tinyImages(t, 0, 22)}, nil, o)
	if !errors.Is(err, errUnreadable) {
		t.Fatalf("got error %v, want that of the set", err)
	}
	if result.Step > 0 {
		c, err := LoadCheckpoint(result.Checkpoint)
		if err != nil || c.State.Step != result.Step {
			t.Errorf("the checkpoint is %v (%v), want one of step %d", c, err, result.Step)
		}
	}
}
