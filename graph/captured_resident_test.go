package graph_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/internal/gputest"
	"hourglass/kernels"
	"hourglass/models"
)

// showing compiles a program whose output is its input of so many images.
func showing(t *testing.T, device *graph.Device, batch int, s data.Shape) *graph.Program {
	t.Helper()
	store, err := graph.NewStore(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(store, false)
	y, err := ops.Affine(b.Input(models.Image, batch, s.H, s.W, s.C), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.Output("shown", y)
	program, err := graph.Compile(device, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// whole hands a set over in uneven pieces.
func whole(t *testing.T, ds data.Dataset) func(put func([]byte) error) error {
	t.Helper()
	size := ds.Shape().Size()
	values, pixels := make([]float32, size), make([]byte, ds.Len()*size)
	for i := range ds.Len() {
		if err := ds.Image(i, values); err != nil {
			t.Fatal(err)
		}
		if !data.ToBytes(pixels[i*size:][:size], values) {
			t.Fatalf("image %d is not of eight bits", i)
		}
	}
	return func(put func([]byte) error) error {
		for rest := pixels; len(rest) > 0; {
			n := min(len(rest), 1000)
			if err := put(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}
}

// TestResidentBatchesAreThoseOfTheHost compares two epochs of batches, moved in
// every way, with what the host makes, bit by bit.
func TestResidentBatchesAreThoseOfTheHost(t *testing.T) {
	device := openCUDA(t)
	for _, shape := range []string{"1x28x28", "3x9x11"} {
		ds, _, err := data.Open("glyphs:"+shape+",n=50", data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		const batch = 8
		program := showing(t, device, batch, ds.Shape())
		if err := program.Reside(models.Image, ds.Len(), whole(t, ds)); err != nil {
			t.Fatal(err)
		}
		for _, augment := range []data.Augment{{}, {Flip: true}, {Shift: 3}, {Pad: 5}, {Flip: true, Shift: 6, Pad: 3}} {
			for epoch := range uint64(2) {
				compareEpoch(t, program, ds, data.BatchOptions{Size: batch, Seed: 11, Epoch: epoch, Shuffle: true, DropLast: true, Augment: augment})
			}
		}
		if err := program.Close(); err != nil {
			t.Error(err)
		}
	}
}

func compareEpoch(t *testing.T, program *graph.Program, ds data.Dataset, o data.BatchOptions) {
	t.Helper()
	batches := data.NewBatches(ds, o)
	defer batches.Close()
	for k := range batches.Len() {
		batch, err := batches.Next()
		if err == nil {
			err = program.Pick(models.Image, batch.Picks)
		}
		if err == nil {
			err = program.Run()
		}
		if err != nil {
			t.Fatal(err)
		}
		shown := program.Output("shown")
		for i, want := range batch.Images {
			if math.Float32bits(shown[i]) != math.Float32bits(want) {
				t.Fatalf("%+v: number %d of batch %d is %g on the GPU and %g on the host", o, i, k, shown[i], want)
			}
		}
		batches.Release(batch)
	}
}

// TestResideRefuses what cannot be, and leaves the program as it was.
func TestResideRefuses(t *testing.T) {
	device := openCUDA(t)
	ds, _, err := data.Open("glyphs:1x8x8,n=10", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	program := showing(t, device, 2, ds.Shape())
	defer program.Close()
	stop := errors.New("enough")
	for _, c := range []struct {
		do    func() error
		words string
	}{
		{func() error { return program.Reside("mask", 10, whole(t, ds)) }, "nothing reads the input mask"},
		{func() error { return program.Reside(models.Image, 0, whole(t, ds)) }, "images is 0"},
		{func() error { return program.Reside(models.Image, 11, whole(t, ds)) }, "the images have 640 bytes, want 704"},
		{func() error { return program.Reside(models.Image, 9, whole(t, ds)) }, "outside a memory of 576 bytes"},
		{func() error { return program.Reside(models.Image, 10, func(func([]byte) error) error { return stop }) }, "enough"},
		{func() error { return program.Pick(models.Image, make([]kernels.Pick, 2)) }, "call Reside first"},
		{func() error { return program.Pick("mask", nil) }, "call Reside first"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("the error is %v, want one that says %q", err, c.words)
		}
	}
	fill(program.Input(models.Image))
	if err := program.Run(); err != nil || program.Output("shown")[3] != program.Input(models.Image)[3] {
		t.Errorf("after it the program runs with %v and shows %g", err, program.Output("shown")[3])
	}
	if err := program.Reside(models.Image, 10, whole(t, ds)); err != nil {
		t.Fatal(err)
	}
	if err := program.Pick(models.Image, make([]kernels.Pick, 3)); err == nil || !strings.Contains(err.Error(), "3 picks, want 2") {
		t.Errorf("three picks for two images: %v", err)
	}
	if program.Input(models.Image) != nil {
		t.Error("the input still has a buffer")
	}
}

// TestEveryCallOfResideMayFail: whichever call to the driver fails, the error says
// so and nothing stays on the device.
func TestEveryCallOfResideMayFail(t *testing.T) {
	driver := gputest.Driver(t)
	ds, _, err := data.Open("glyphs:1x8x8,n=40", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Launches are many, and alike; each try opens a device.
	for kind, apart := range map[string]int{"alloc": 1, "copy": 1, "launch": 17, "lost": 17} {
		t.Run(kind, func(t *testing.T) {
			for nth := 1; ; nth += apart {
				device, err := graph.OpenDevice(graph.CUDA, 1)
				if err != nil {
					t.Fatal(err)
				}
				program, err := compileTraining(device, small(t), 5)
				if err != nil {
					t.Fatal(err)
				}
				in := program.Input(models.Image)
				images := whole(t, pictures(t, ds, len(in)/5))
				driver.Fail(kind, nth)
				err = program.Reside(models.Image, 40, images)
				driver.Fail(kind, 0)
				if noRoom := errors.Is(err, graph.ErrNoRoom); noRoom && kind != "alloc" {
					t.Errorf("call %d: %v is taken for a lack of room", nth, err)
				}
				closed := errors.Join(program.Close(), device.Close())
				if closed != nil && kind != "lost" {
					t.Errorf("call %d: closing after %v: %v", nth, err, closed)
				}
				for _, what := range []string{"allocations", "pinned", "executables"} {
					if n := driver.Live(what); n != 0 {
						t.Errorf("call %d: after %v %d %s stay", nth, err, n, what)
					}
				}
				driver.Revive()
				if err == nil {
					if nth < 3 {
						t.Errorf("only %d calls were tried", nth)
					}
					return
				}
			}
		})
	}
}

// pictures are the glyphs in the shape that has so many pixels, a square.
func pictures(t *testing.T, ds data.Dataset, pixels int) data.Dataset {
	t.Helper()
	side := int(math.Sqrt(float64(pixels)))
	fitted, err := data.Fit(ds, data.Shape{C: 1, H: side, W: side})
	if err != nil {
		t.Fatal(fmt.Errorf("%d pixels: %w", pixels, err))
	}
	return fitted
}
