package train_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels/cuda/emulated"
	"hourglass/models"
	"hourglass/train"
)

// augmented moves images in every way.
var augmented = data.Augment{Flip: true, Shift: 2, Pad: 3}

// residing is fit with augmentation, and the images on the GPU or not. where is
// what the run says of its batches.
func residing(t *testing.T, device *graph.Device, dir string, resident bool, told fitted, observers ...train.Observer) (where string, err error) {
	t.Helper()
	note := train.ObserverFunc(func(e train.Event) error {
		if started, ok := e.(*train.Started); ok {
			where = started.Batches
		}
		return nil
	})
	_, err = fitWith(t, device, dir, func(o *train.Options) {
		o.Resident, o.Augment, o.Checkpoints.Keep = resident, augmented, 2
	}, append(observers, told, note)...)
	return where, err
}

// TestResidentRunsAreTheSame trains with the images on the GPU and with batches
// of the host, and wants the same losses to the last bit; also of runs that were
// stopped with one and resumed with the other.
func TestResidentRunsAreTheSame(t *testing.T) {
	gputest.Use(t)
	gathered := func() int { // batches made on the GPU; only the emulated one counts
		if driver, found := emulated.Find(); found {
			return driver.Launches("gather_images")
		}
		return 0
	}
	device := openDevice(t, graph.CUDA)
	defer device.Close()
	want, before := fitted{}, gathered()
	where, err := residing(t, device, t.TempDir(), false, want)
	if n := gathered() - before; err != nil || where != "" || n != 0 {
		t.Fatalf("on the host: %v, batches %q, %d of them made on the GPU", err, where, n)
	}
	whole := fitted{}
	where, err = residing(t, device, t.TempDir(), true, whole)
	if err != nil || where != "made on the GPU, where the 32 training images are (0.0 MiB)" {
		t.Fatalf("on the GPU: %v, batches %q", err, where)
	}
	if _, counts := emulated.Find(); counts && gathered()-before < steps {
		t.Errorf("%d batches are made on the GPU in %d steps", gathered()-before, steps)
	}
	compareLosses(t, "on the GPU", whole, want)
	stop := errors.New("enough")
	for _, first := range []bool{false, true} {
		dir, got := t.TempDir(), fitted{}
		_, err := residing(t, device, dir, first, got, train.ObserverFunc(func(e train.Event) error {
			if done, ok := e.(*train.StepDone); ok && done.Step == 7 {
				return stop
			}
			return nil
		}))
		if !errors.Is(err, stop) {
			t.Fatalf("the run ends with %v", err)
		}
		if _, err := residing(t, device, dir, !first, got); err != nil {
			t.Fatal(err)
		}
		compareLosses(t, fmt.Sprintf("begun with resident %t and resumed otherwise", first), got, want)
	}
}

func compareLosses(t *testing.T, what string, got, want fitted) {
	t.Helper()
	if len(got) != steps {
		t.Errorf("%s: %d steps, want %d", what, len(got), steps)
	}
	for step := 1; step <= steps; step++ {
		if got[step] != want[step] {
			t.Errorf("%s: the loss of step %d is %v, want %v", what, step, got[step], want[step])
		}
	}
}

// between is a set whose image 5 has a number that no byte stands for, or cannot
// be read.
type between struct {
	data.Dataset
	fault error
}

func (b between) Image(i int, dst []float32) error {
	if err := b.Dataset.Image(i, dst); err != nil || i != 5 {
		return err
	}
	dst[0] = 0.5
	return b.fault
}

// TestSetsThatDoNotFitStayOnTheHost: each run says in a line why, and goes on.
func TestSetsThatDoNotFitStayOnTheHost(t *testing.T) {
	driver := gputest.Driver(t)
	glyphs, _, err := data.Open("glyphs:1x8x8,n=32", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	large, _, err := data.Open("glyphs:1x8x8,n=20000", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const plentiful = 2 << 30 // bytes of the emulated device
	for _, c := range []struct {
		set    data.Dataset
		memory int
		steps  int
		words  string
		fails  string
	}{
		{between{glyphs, nil}, plentiful, 8, "made on the host: the training images from 0 on are not all of eight bits", ""},
		{between{glyphs, errors.New("torn")}, plentiful, 8, "torn", "torn"},
		{large, 2 << 20, 4000, "made on the host: the training images take 1.2 MiB as bytes, more than half of the ", ""},
		{glyphs, plentiful, 3, "made on the host: the run ends before it has seen every image", ""},
		{glyphs, plentiful, 8, "made on the GPU, where the 32 training images are", ""},
	} {
		driver.SetMemory(c.memory)
		device := openDevice(t, graph.CUDA)
		model, err := models.New(models.Spec{Input: models.Shape{C: 1, H: 8, W: 8}, Encoder: models.Seq(models.Flatten()), Latent: 3, Likelihood: models.MSE}, 2)
		if err != nil {
			t.Fatal(err)
		}
		o := train.DefaultOptions()
		o.Batch, o.MaxSteps, o.Resident, o.Pretrained = 6, c.steps, true, true
		where := ""
		ctx, cancel := context.WithCancel(context.Background())
		_, err = train.Fit(ctx, device, model, c.set, nil, o, train.ObserverFunc(func(e train.Event) error {
			switch e := e.(type) {
			case *train.Started:
				where = e.Batches
			case *train.StepDone:
				if e.Step == 8 {
					cancel()
				}
			}
			return nil
		}))
		cancel()
		if !strings.Contains(where, c.words) || strings.Contains(where, "\n") {
			t.Errorf("the run says that its batches are %q, want %q", where, c.words)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) || c.fails == "" && err != nil && !errors.Is(err, train.ErrInterrupted) {
			t.Errorf("%s: the run ends with %v", where, err)
		}
		if err := device.Close(); err != nil {
			t.Error(err)
		}
	}
	driver.SetMemory(plentiful)
}
