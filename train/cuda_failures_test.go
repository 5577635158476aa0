package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/models"
	"hourglass/train"
)

// fitted is what a run told: the loss of each step, those after a resume in the
// place of those before.
type fitted map[int]float64

func (f fitted) Observe(e train.Event) error {
	if done, ok := e.(*train.StepDone); ok {
		f[done.Step] = done.Loss
	}
	return nil
}

// steps of a whole run: three epochs of five, saved after every second step.
const steps = 15

// fit trains a model with statistics, dropout and noise on glyphs, and goes on
// from what the folder holds.
func fit(t *testing.T, device *graph.Device, dir string, observers ...train.Observer) (train.Result, error) {
	t.Helper()
	return fitWith(t, device, dir, func(*train.Options) {}, observers...)
}

// fitWith is fit with some options changed.
func fitWith(t *testing.T, device *graph.Device, dir string, change func(*train.Options), observers ...train.Observer) (train.Result, error) {
	t.Helper()
	encoder, err := models.Parse("conv 4 k3 s2 batchnorm relu | dropout 0.2")
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.New(models.Spec{Input: models.Shape{C: 1, H: 8, W: 8}, Encoder: encoder, Latent: 3, Likelihood: models.MSE}, 2)
	if err != nil {
		t.Fatal(err)
	}
	images, _, err := data.Open("glyphs:1x8x8,n=32", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Seed, o.Resume = 3, 6, 4, true
	o.Checkpoints = train.Checkpoints{Dir: dir, EverySteps: 2}
	change(&o)
	return train.Fit(context.Background(), device, model, images, images, o, observers...)
}

func openDevice(t *testing.T, backend graph.Backend) *graph.Device {
	t.Helper()
	device, err := graph.OpenDevice(backend, 1)
	if err != nil {
		t.Fatal(err)
	}
	return device
}

// failures are what may happen to a run. The failure is asked for after a step,
// 0 being before the run, so that it meets the nth call from then on.
var failures = []struct {
	kind       string
	after, nth int
	saved      int      // steps in the newest checkpoint; 0: none
	lost       bool     // the device does nothing any more
	words      []string // of the error
}{
	{"alloc", 0, 1, 0, false, []string{"compiling the training of the model", "needs ", "cuMemAlloc of "}},
	{"launch", 0, 5, 0, false, []string{"compiling the training of the model", "cuLaunchKernel of "}},
	{"copy", 0, 2, 0, false, []string{"compiling the training of the model", "copying the model to the GPU", "cuMemcpyHtoD of "}},
	{"lost", 0, 60, 0, true, []string{"compiling the training of the model", "CUDA_ERROR_LAUNCH_FAILED"}},
	{"alloc", 3, 1, 5, false, []string{"validation: compiling the model for 6 images", "cuMemAlloc of ", "step-00000005"}},
	{"launch", 4, 1, 4, false, []string{"step 5 of epoch 1 failed", "input:image 6x8x8x1", "cuGraphLaunch of ", "step-00000004"}},
	{"launch", 6, 2, 6, false, []string{"step 8 of epoch 2 failed", "cuGraphLaunch of ", "step-00000006"}},
	{"kernel", 6, 30, 6, true, []string{"step 8 of epoch 2 failed", "CUDA_ERROR_ILLEGAL_ADDRESS", "step-00000006"}},
	{"copy", 7, 1, 6, false, []string{"saving step 8", "copying the model from the GPU", "cuMemcpyDtoH of ", "step-00000006"}},
	{"copy", 7, 3, 6, false, []string{"saving step 8", "copying the model from the GPU", "step-00000006"}},
	{"kernel", 6, 10, 6, true, []string{"step 7 of epoch 2 failed", "input:image 6x8x8x1", "CUDA_ERROR_ILLEGAL_ADDRESS", "step-00000006"}},
	{"sync", 8, 1, 8, true, []string{"step 9 of epoch 2 failed", "cuEventSynchronize", "open the device anew", "step-00000008"}},
	{"lost", 7, 1, 6, true, []string{"step 8 of epoch 2 failed", "cuEventSynchronize", "step-00000006"}},
	{"lost", 7, 4, 6, true, []string{"saving step 8", "step-00000006"}},
	{"lost", 9, 6, 8, true, []string{"validation", "step-00000008"}},
}

// TestRunsSurviveTheirDevice ends runs by every failure that there is. Each
// says what happened in one sentence, leaves its newest checkpoint whole, and
// goes on from it, on the GPU and on the CPU, as if nothing had been.
func TestRunsSurviveTheirDevice(t *testing.T) {
	driver := gputest.Driver(t)
	host := openDevice(t, graph.CPU)
	defer host.Close()
	want := fitted{}
	if _, err := fit(t, host, t.TempDir(), want); err != nil || len(want) != steps {
		t.Fatalf("on the CPU the run has %d steps and ends with %v", len(want), err)
	}
	for _, f := range failures {
		t.Run(fmt.Sprintf("%s %d after step %d", f.kind, f.nth, f.after), func(t *testing.T) {
			dir, got := t.TempDir(), fitted{}
			device := openDevice(t, graph.CUDA)
			plan := train.ObserverFunc(func(e train.Event) error {
				if done, ok := e.(*train.StepDone); ok && done.Step == f.after {
					driver.Fail(f.kind, f.nth)
				}
				return nil
			})
			if f.after == 0 {
				driver.Fail(f.kind, f.nth)
			}
			_, err := fit(t, device, dir, got, plan)
			if err == nil {
				t.Fatal("the run went on")
			}
			if strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "cuda: ") != 1 {
				t.Errorf("the error %q is not one sentence about one call", err)
			}
			for _, word := range f.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error %q does not mention %q", err, word)
				}
			}
			if err := device.Close(); (err != nil) != f.lost {
				t.Errorf("closing the device: %v", err)
			}
			if n := driver.Live("allocations") + driver.Live("pinned") + driver.Live("streams") + driver.Live("executables") + driver.Live("modules") + driver.Live("contexts"); n != 0 {
				t.Errorf("%d things stay on the device", n)
			}
			driver.Revive()
			wholeUpTo(t, dir, f.saved)
			elsewhere := t.TempDir()
			if err := os.CopyFS(elsewhere, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			goesOn(t, graph.CUDA, dir, f.saved, got, want)
			goesOn(t, graph.CPU, elsewhere, f.saved, got, want)
		})
	}
}

// wholeUpTo wants the newest checkpoint to be of a step and all to be whole.
func wholeUpTo(t *testing.T, dir string, step int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	newest := 0
	for _, file := range files {
		c, err := train.LoadCheckpoint(file)
		if err != nil {
			t.Errorf("a checkpoint is not whole: %v", err)
			continue
		}
		newest = max(newest, c.State.Step)
	}
	if newest != step {
		t.Errorf("the newest of %d checkpoints is of step %d, want %d", len(files), newest, step)
	}
}

// goesOn resumes a run and wants the losses of one that was never interrupted.
func goesOn(t *testing.T, backend graph.Backend, dir string, from int, before, want fitted) {
	t.Helper()
	device := openDevice(t, backend)
	got := fitted{}
	for step := 1; step <= from; step++ {
		got[step] = before[step]
	}
	if _, err := fit(t, device, dir, got); err != nil {
		t.Fatalf("resumed on device %d: %v", backend, err)
	}
	if err := device.Close(); err != nil {
		t.Errorf("closing device %d: %v", backend, err)
	}
	for step := 1; step <= steps; step++ {
		if difference := math.Abs(got[step] - want[step]); !(difference <= 1e-4*want[step]) {
			t.Errorf("resumed on device %d the loss of step %d is %.7g, want %.7g within 1e-4", backend, step, got[step], want[step])
		}
	}
}

// TestDivergenceOnCUDA trains an epoch and goes on at a rate that throws the
// weights so far in step 6 that step 7 overflows, with step 8 begun behind it.
// The error says so, and the checkpoint from before is the newest and can be
// trained on from.
func TestDivergenceOnCUDA(t *testing.T) {
	gputest.Use(t)
	device, dir := openDevice(t, graph.CUDA), t.TempDir()
	defer device.Close()
	told := fitted{}
	for _, phase := range []struct {
		epochs int
		rate   float64
	}{{1, 1e-3}, {3, 1e38}} {
		_, err := fitWith(t, device, dir, func(o *train.Options) {
			o.Epochs, o.Rate, o.Checkpoints.EverySteps = phase.epochs, phase.rate, 0
		}, told)
		if phase.epochs == 1 {
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !errors.Is(err, graph.ErrNotFinite) {
			t.Fatalf("the run ends with %v, want ErrNotFinite", err)
		}
		for _, word := range []string{"training diverged at step 7 of epoch 2", "it first appeared in ", "step-00000005"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error %q does not mention %q", err, word)
			}
		}
	}
	if len(told) != 6 {
		t.Errorf("%d steps are told of, want the 6 before", len(told))
	}
	wholeUpTo(t, dir, 5)
	if _, err := fit(t, device, dir); err != nil {
		t.Errorf("going on from the last good checkpoint: %v", err)
	}
}

// TestResumedOnCUDAIsTheSame stops a run with a step under way, and wants the
// resumed run to tell the same losses, to the last bit, as one that went
// through.
func TestResumedOnCUDAIsTheSame(t *testing.T) {
	gputest.Use(t)
	device, dir := openDevice(t, graph.CUDA), t.TempDir()
	defer device.Close()
	want, got := fitted{}, fitted{}
	if _, err := fit(t, device, t.TempDir(), want); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("enough")
	_, err := fit(t, device, dir, got, train.ObserverFunc(func(e train.Event) error {
		if done, ok := e.(*train.StepDone); ok && done.Step == 7 {
			return stop
		}
		return nil
	}))
	if !errors.Is(err, stop) || len(got) != 8 {
		t.Fatalf("the run ends after %d steps with %v, want 8: the one that was under way too", len(got), err)
	}
	wholeUpTo(t, dir, 8)
	if _, err := fit(t, device, dir, got); err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= steps; step++ {
		if got[step] != want[step] {
			t.Errorf("the loss of step %d is %v, want %v", step, got[step], want[step])
		}
	}
}
