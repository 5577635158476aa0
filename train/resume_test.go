package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/models"
)

// outcome is all that a run leaves behind and that must not depend on how
// often it was interrupted.
type outcome struct {
	values, moments, state []float32
	log                    []string // what observers saw, without the clock
	result                 Result
}

// recorder keeps what is seen of steps and epochs by an observer, each step
// once: those after a resume replace those before.
type recorder struct{ log []string }

func (r *recorder) Observe(e Event) error {
	switch e := e.(type) {
	case *StepDone:
		r.log = append(r.log, fmt.Sprintf("step %d of epoch %d: loss %x rate %x norm %x", e.Step, e.Epoch, e.Loss, e.Rate, e.GradientNorm))
	case *EpochDone:
		r.log = append(r.log, fmt.Sprintf("epoch %d: train %x validation %+v best %t", e.Epoch, e.TrainLoss, e.Validation, e.Best))
	}
	return nil
}

func outcomeOf(m *tiny, r *recorder, result Result) outcome {
	result.Duration, result.Checkpoint = 0, filepath.Base(result.Checkpoint)
	o := outcome{values: m.store.Values, state: m.store.State[0].Data, log: r.log, result: result}
	for _, block := range m.store.Moments {
		o.moments = append(o.moments, block...)
	}
	return o
}

func (o outcome) compare(t *testing.T, what string, want outcome) {
	t.Helper()
	if !slices.Equal(o.values, want.values) {
		t.Errorf("%s: the weights differ", what)
	}
	if !slices.Equal(o.moments, want.moments) {
		t.Errorf("%s: the moments differ", what)
	}
	if !slices.Equal(o.state, want.state) {
		t.Errorf("%s: the running statistics are %v, want %v", what, o.state, want.state)
	}
	if !slices.Equal(o.log, want.log) {
		t.Errorf("%s: observers saw\n%s\nwant\n%s", what, strings.Join(o.log, "\n"), strings.Join(want.log, "\n"))
	}
	if !reflect.DeepEqual(o.result, want.result) {
		t.Errorf("%s: the result is %+v, want %+v", what, o.result, want.result)
	}
}

// uninterrupted runs to the end and saves after every step.
func uninterrupted(t *testing.T, dir string) outcome {
	t.Helper()
	m, r := newTiny(t), &recorder{}
	o := tinyOptions()
	o.Checkpoints.Dir, o.Checkpoints.EverySteps = dir, 1
	result, err := Fit(context.Background(), openDevice(t, 2), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, r)
	if err != nil {
		t.Fatal(err)
	}
	if first := r.log[0]; len(r.log) != 24 || result.Step != 20 || result.Epoch != 4 {
		t.Fatalf("the run is of %d steps and has events %d, %s, ...; want 20 steps and 24 events", result.Step, len(r.log), first)
	}
	return outcomeOf(m, r, result)
}

// A run killed after any step finds on disk what it had saved until then.
func TestResumeIsExact(t *testing.T) {
	dir := t.TempDir()
	want := uninterrupted(t, dir)
	for step := 1; step <= 20; step++ {
		killed := t.TempDir()
		if err := os.Link(checkpoints{path: dir}.file(step), checkpoints{path: killed}.file(step)); err != nil {
			t.Fatal(err)
		}
		m, r := newTiny(t), &recorder{}
		o := tinyOptions()
		o.Checkpoints.Dir, o.Resume = killed, true
		result, err := Fit(context.Background(), openDevice(t, 1+step%3), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, r)
		if err != nil {
			t.Fatal(err)
		}
		done := step + step/5 // events
		r.log = append(slices.Clone(want.log[:done]), r.log...)
		got := outcomeOf(m, r, result)
		got.result.TrainLoss = want.result.TrainLoss // unknown to a process that completes no epoch
		got.compare(t, fmt.Sprintf("resumed after step %d", step), want)
	}
}

// cancelAt cancels after the nth event of a kind.
func cancelAt(cancel func(), kind string, n int) Observer {
	return ObserverFunc(func(e Event) error {
		if e.Kind() == kind {
			if n--; n == 0 {
				cancel()
			}
		}
		return nil
	})
}

// A run that is asked for fewer steps than it has taken is refused, for its
// configuration would no longer say how to repeat it.
func TestResumeTakesNoStepsBack(t *testing.T) {
	o := tinyOptions()
	o.Checkpoints.Dir = t.TempDir()
	uninterrupted(t, o.Checkpoints.Dir)
	o.Resume = true
	for epochs, says := range map[int]string{o.Epochs: "", o.Epochs - 1: "give it more epochs"} {
		o.Epochs = epochs
		_, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), tinyImages(t, 0, 22), tinyImages(t, 100, 7), o)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("resumed for %d epochs: error %v, want %q", epochs, err, says)
		}
	}
}

// The run is interrupted every third step: within epochs, before a validation
// and at the very end.
func TestInterruptionsAreExact(t *testing.T) {
	want := uninterrupted(t, t.TempDir())
	dir := t.TempDir()
	r := &recorder{}
	metrics, err := OpenMetrics(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer metrics.Close()
	o := tinyOptions()
	o.Checkpoints.Dir, o.Resume = filepath.Join(dir, "checkpoints"), true
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithCancel(context.Background())
		m := newTiny(t)
		result, err := Fit(ctx, openDevice(t, 1), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, metrics, r, cancelAt(cancel, "step", 3))
		cancel()
		if err == nil {
			if attempt != 7 {
				t.Errorf("%d attempts were needed, want 7", attempt)
			}
			outcomeOf(m, r, result).compare(t, "interrupted every third step", want)
			break
		}
		if !errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), "resume from "+checkpoints{path: o.Checkpoints.Dir}.file(3*attempt)) {
			t.Fatalf("attempt %d ended with: %v", attempt, err)
		}
		if result.Step != 3*attempt {
			t.Fatalf("attempt %d stopped after step %d, want %d", attempt, result.Step, 3*attempt)
		}
	}
	lines, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, count := range map[string]int{`"kind":"step"`: 20, `"kind":"epoch"`: 4, `"step":7,`: 1, `"step":15,`: 2} {
		if got := strings.Count(string(lines), kind); got != count {
			t.Errorf("metrics.jsonl has %s %d times, want %d", kind, got, count)
		}
	}
}

// endsContext is a set whose images end a context.
type endsContext struct {
	data.Dataset
	cancel func()
}

func (e endsContext) Image(i int, dst []float32) error {
	e.cancel()
	return e.Dataset.Image(i, dst)
}

func TestInterruptedValidationIsRepeated(t *testing.T) {
	want := uninterrupted(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	m, r := newTiny(t), &recorder{}
	o := tinyOptions()
	o.Checkpoints.Dir, o.Resume = t.TempDir(), true
	_, err := Fit(ctx, openDevice(t, 1), m, tinyImages(t, 0, 22), endsContext{tinyImages(t, 100, 7), cancel}, o, r)
	if !errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), "epoch 1, batch 5 of 5") {
		t.Fatalf("got error %v, want an interruption before the end of epoch 1", err)
	}
	if len(r.log) != 5 {
		t.Fatalf("observers saw %q, want 5 steps", r.log)
	}
	result, err := Fit(context.Background(), openDevice(t, 1), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, r)
	if err != nil {
		t.Fatal(err)
	}
	outcomeOf(m, r, result).compare(t, "interrupted in a validation", want)
	c, err := LoadCheckpoint(checkpoints{path: o.Checkpoints.Dir}.file(5))
	if err != nil || c.State.Epoch != 2 || c.State.Batch != 0 {
		t.Errorf("after the validation the checkpoint of step 5 is still that from before it (%v)", err)
	}
}

func TestDamagedCheckpointIsSkipped(t *testing.T) {
	dir := t.TempDir()
	want := uninterrupted(t, dir)
	half := filepath.Join(dir, "."+fileName(13)+".tmp-0123456789abcdef")
	if err := os.WriteFile(half, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for step := 13; step <= 20; step++ {
		spoil(t, checkpoints{path: dir}.file(step), -1-step)
	}
	var warnings []string
	var from string
	watch := ObserverFunc(func(e Event) error {
		switch e := e.(type) {
		case *Warned:
			warnings = append(warnings, e.Message)
		case *Started:
			from = e.ResumedFrom
			if latest, err := LatestCheckpoint(dir); latest != from {
				t.Errorf("the latest checkpoint is %s (%v), want %s from which the run goes on", latest, err, from)
			}
		}
		return nil
	})
	o := tinyOptions()
	o.Checkpoints.Dir, o.Checkpoints.EverySteps, o.Resume = dir, 1, true
	m, r := newTiny(t), &recorder{}
	result, err := Fit(context.Background(), openDevice(t, 1), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, r, watch)
	if err != nil {
		t.Fatal(err)
	}
	if from != (checkpoints{path: dir}).file(12) || len(warnings) != 8 || !strings.Contains(warnings[0], "step-00000020.safetensors: it is damaged") {
		t.Errorf("resumed from %q with warnings %q, want step 12 and 8 warnings", from, warnings)
	}
	r.log = append(slices.Clone(want.log[:14]), r.log...)
	outcomeOf(m, r, result).compare(t, "resumed from before the damage", want)
	if _, err := os.Stat(half); err == nil {
		t.Error("a checkpoint that was never finished is still there")
	}
	if _, err := LoadCheckpoint(result.Checkpoint); err != nil {
		t.Error(err)
	}
}

// A convolutional autoencoder goes through kernels that sum in parallel, and a
// variational one draws noise in training and in validation.
func TestResumeOfRealModels(t *testing.T) {
	spec := models.Convolutional(models.Shape{C: 1, H: 2, W: 3}, []int{8}, 3, 2, models.BatchNorm)
	for name, build := range map[string]func() (models.Model, error){
		"ae":  func() (models.Model, error) { return models.New(spec, 5) },
		"vae": func() (models.Model, error) { return models.NewVAE(models.VAESpec{Spec: spec}, 5) },
		"hvae": func() (models.Model, error) {
			of := spec
			of.Latent = 0
			return models.NewHVAE(models.HVAESpec{VAESpec: models.VAESpec{Spec: of, WarmUp: 0.5}, Levels: []int{2, 1}}, 5)
		},
		"vq": func() (models.Model, error) {
			return models.NewVQ(models.VQSpec{Spec: spec, Entries: 6, Dim: 1, Decay: 0.5, Revive: 0.5}, 5)
		},
	} {
		t.Run(name, func(t *testing.T) { resumeOnOtherThreads(t, build) })
	}
}

// resumeOnOtherThreads trains on two threads to the end, and again on three and
// then one with an interruption between, and wants the same outcome.
func resumeOnOtherThreads(t *testing.T, build func() (models.Model, error)) {
	o := tinyOptions()
	o.Epochs, o.Resume = 2, true
	var ends [][]float32
	var validations []Metrics
	for _, stop := range []int{0, 6} { // 0: never
		o.Checkpoints.Dir = t.TempDir()
		threads := 2 + stop/6
		for done := false; !done; threads = 1 {
			m, err := build()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			result, err := Fit(ctx, openDevice(t, threads), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, cancelAt(cancel, "step", stop))
			cancel()
			if err != nil && !errors.Is(err, ErrInterrupted) {
				t.Fatal(err)
			}
			if done = err == nil; done {
				if result.Step != 10 {
					t.Fatalf("the run ends after step %d, want 10", result.Step)
				}
				var state []float32
				for _, v := range m.Store().State {
					state = append(state, v.Data...)
				}
				ends = append(ends, m.Store().Values, state)
				validations = append(validations, result.Validation)
			}
		}
	}
	if !slices.Equal(ends[0], ends[2]) || !slices.Equal(ends[1], ends[3]) {
		t.Error("interrupted after step 6, the weights or the running statistics at the end differ")
	}
	if !reflect.DeepEqual(validations[0], validations[1]) {
		t.Errorf("interrupted after step 6, the validation is %+v, want %+v", validations[1], validations[0])
	}
}

// A run that resumes from weights of elsewhere goes as one whose model had them
// from the start.
func TestPretrained(t *testing.T) {
	run := func(m *tiny, o Options) outcome {
		t.Helper()
		r := &recorder{}
		result, err := Fit(context.Background(), openDevice(t, 2), m, tinyImages(t, 0, 22), tinyImages(t, 100, 7), o, r)
		if err != nil {
			t.Fatal(err)
		}
		return outcomeOf(m, r, result)
	}
	fitted := func() *tiny {
		m := newTiny(t)
		for i := range m.store.Values {
			m.store.Values[i] /= 3
		}
		m.store.State[0].Data[1] = 0.25
		return m
	}
	o := tinyOptions()
	o.Pretrained = true
	o.Checkpoints.Dir = t.TempDir()
	want := run(fitted(), o)
	o = tinyOptions()
	o.Resume, o.Checkpoints.Dir = true, t.TempDir()
	if _, err := SavePretrained(o.Checkpoints.Dir, fitted().store, nil); err != nil {
		t.Fatal(err)
	}
	run(newTiny(t), o).compare(t, "pretrained", want)
	if _, err := SavePretrained(o.Checkpoints.Dir, fitted().store, nil); err == nil || !strings.Contains(err.Error(), "already has checkpoints, up to step 20") {
		t.Errorf("saving over a run: %v", err)
	}
	broken := fitted()
	broken.store.Values[0] = float32(math.NaN())
	if _, err := SavePretrained(t.TempDir(), broken.store, nil); err == nil || !strings.Contains(err.Error(), "encoder.0.weight") {
		t.Errorf("saving NaN: %v", err)
	}
}
