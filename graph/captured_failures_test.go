package graph_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels"
	"hourglass/kernels/cuda/emulated"
	"hourglass/models"
)

// small is a model with statistics, dropout and noise.
func small(t *testing.T) *models.Autoencoder {
	t.Helper()
	encoder, err := models.Parse("conv 4 k3 s2 batchnorm relu | dropout 0.2")
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.New(models.Spec{Input: models.Shape{C: 1, H: 8, W: 8}, Encoder: encoder, Latent: 3, Likelihood: models.MSE}, 2)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

var adam = kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}

func compileTraining(device *graph.Device, model models.Model, batch int) (*graph.Program, error) {
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, batch)
	return graph.Compile(device, b, &adam)
}

// life compiles, trains, brings the weights home and closes. The error is the
// first, that of closing last; the device is closed in any case.
func life(model *models.Autoencoder) (err error) {
	device, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		return err
	}
	defer func() {
		if closed := device.Close(); err == nil {
			err = closed
		}
	}()
	program, err := compileTraining(device, model, 5)
	if err != nil {
		return err
	}
	defer func() {
		if closed := program.Close(); err == nil {
			err = closed
		}
	}()
	fill(program.Input(models.Image))
	for step := 1; step <= 2; step++ {
		if _, err := program.Step(1e-3, step); err != nil {
			return err
		}
	}
	return device.Pull(model.Store())
}

// held lists what the emulated driver still counts, nothing where all was
// freed.
func held(driver *emulated.Driver) (list string) {
	for _, kind := range []string{"allocations", "bytes", "pinned", "streams", "events", "graphs", "executables", "modules", "contexts"} {
		if n := driver.Live(kind); n != 0 {
			list += fmt.Sprintf("%d %s ", n, kind)
		}
	}
	return list
}

// TestEveryCallMayFail lets the driver calls of a device's life fail in turn, each
// or every few. Whatever it was, the error is one sentence that names the call, and nothing
// stays behind.
func TestEveryCallMayFail(t *testing.T) {
	driver := gputest.Driver(t)
	model := small(t)
	if err := life(model); err != nil {
		t.Fatalf("without a failure: %v", err)
	}
	for _, c := range []struct {
		kind        string
		least, pace int // how many calls there are at least, and which are tried
	}{
		{"module", 3, 1}, {"alloc", 10, 1}, {"copy", 8, 1}, {"launch", 20, 1}, {"kernel", 30, 11}, {"sync", 2, 1}, {"lost", 150, 5},
	} {
		nth := 1
		for ; ; nth += c.pace {
			driver.Fail(c.kind, nth)
			err := life(model)
			if left := held(driver); left != "" {
				t.Fatalf("%s %d: %sstay behind after: %v", c.kind, nth, left, err)
			}
			driver.Revive()
			if err == nil {
				break
			}
			if !strings.Contains(err.Error(), "cuda: cu") || !strings.Contains(err.Error(), " failed with CUDA_ERROR_") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%s %d: the error is %q, want one sentence that names the driver's call", c.kind, nth, err)
			}
		}
		if nth <= c.least {
			t.Errorf("%s: the life of a device survives failure %d, want at least %d such calls", c.kind, nth, c.least)
		}
	}
}

// TestErrorsNameTheOperation looks at the sentences themselves.
func TestErrorsNameTheOperation(t *testing.T) {
	driver := gputest.Driver(t)
	for _, c := range []struct {
		kind  string
		nth   int
		words []string
	}{
		{"module", 1, []string{"device cuda: loading the kernels of ", "cuModuleLoadData"}},
		{"alloc", 1, []string{"taking memory for 11 variables of the model", "cuMemAlloc of "}},
		{"copy", 2, []string{"copying the model to the GPU", "cuMemcpyHtoD of "}},
		{"launch", 1, []string{"convolve_and_batchnorm_statistics_tracked (5x4x4x4) of input:image, encoder.0.weight, encoder.0.bias, encoder.1.running: cuda: cuLaunchKernel of convolve", "grid ["}},
		{"sync", 1, []string{"launches of a program on input:image 5x8x8x1", "cuEventSynchronize"}},
		{"kernel", 9, []string{"launches of a program on input:image 5x8x8x1", "CUDA_ERROR_ILLEGAL_ADDRESS", "compute-sanitizer"}},
	} {
		driver.Fail(c.kind, c.nth)
		err := life(small(t))
		driver.Revive()
		for _, word := range c.words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s %d: the error is %v, want it to mention %q", c.kind, c.nth, err, word)
			}
		}
	}
}

// TestRefusedLaunchIsSurvived: a device that refused a launch is not lost, and
// the step can be taken again.
func TestRefusedLaunchIsSurvived(t *testing.T) {
	driver := gputest.Driver(t)
	device, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	var losses []float32
	for _, refuse := range []bool{false, true} {
		program, err := compileTraining(device, small(t), 5)
		if err != nil {
			t.Fatal(err)
		}
		fill(program.Input(models.Image))
		for step := 1; step <= 3; step++ {
			if refuse && step == 2 {
				driver.Fail("launch", 1)
				if _, err := program.Step(1e-3, step); err == nil {
					t.Fatal("the refused launch went unnoticed")
				}
			}
			if _, err := program.Step(1e-3, step); err != nil {
				t.Fatal(err)
			}
			losses = append(losses, program.Output(models.Loss)[0])
		}
		if err := program.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if losses[i] != losses[3+i] {
			t.Errorf("after a refused launch the losses are %v, want %v", losses[3:], losses[:3])
		}
	}
}

var (
	fitting   = regexp.MustCompile(`needs ([\d.]+) MiB of the GPU's memory for a batch of 64, and ([\d.]+) MiB are free; a batch of (\d+) would fit: .*cuMemAlloc of \d+ bytes`)
	plentiful = 2 << 30
)

// TestOutOfMemoryNamesTheBatch gives the device less and less memory, and takes
// the error at its word.
func TestOutOfMemoryNamesTheBatch(t *testing.T) {
	driver := gputest.Driver(t)
	defer driver.SetMemory(plentiful)
	for _, c := range []struct {
		model models.Model
		kibi  []int
	}{{small(t), []int{90, 60, 30}}, {specified(t, "conv"), []int{400, 250, 150}}} {
		for _, kibi := range c.kibi {
			driver.SetMemory(kibi << 10)
			err := compileOnce(t, c.model, 64)
			if err == nil {
				t.Fatalf("a batch of 64 fits into %d KiB; the test needs less memory", kibi)
			}
			m := fitting.FindStringSubmatch(err.Error())
			if m == nil {
				t.Errorf("with %d KiB the error is %q, want the need, what is free, and the batch that would fit", kibi, err)
				continue
			}
			need, _ := strconv.ParseFloat(m[1], 64)
			free, _ := strconv.ParseFloat(m[2], 64)
			batch, _ := strconv.Atoi(m[3])
			if need < free || free > float64(kibi)/1024+0.01 {
				t.Errorf("with %d KiB: %q", kibi, err)
			}
			if err := compileOnce(t, c.model, batch); err != nil {
				t.Errorf("with %d KiB a batch of %d was said to fit: %v", kibi, batch, err)
			}
			// The workspace is taken to be as large as for 64, so a few more may fit.
			if more := batch + 6 + batch/4; compileOnce(t, c.model, more) == nil {
				t.Errorf("with %d KiB a batch of %d was said to be the largest, and %d fits", kibi, batch, more)
			}
		}
	}
	driver.SetMemory(4 << 10)
	if err := compileOnce(t, small(t), 64); err == nil || !strings.Contains(err.Error(), "not even a batch of 1 would fit") {
		t.Errorf("with 4 KiB the error is %v", err)
	}
	driver.SetMemory(plentiful)
	driver.Fail("alloc", 7)
	if err := compileOnce(t, small(t), 64); err == nil || !strings.Contains(err.Error(), "are free, but not in one piece") {
		t.Errorf("with enough memory the error is %v", err)
	}
}

// compileOnce compiles on a device of its own and wants it to be free after.
func compileOnce(t *testing.T, model models.Model, batch int) error {
	t.Helper()
	device, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	program, err := compileTraining(device, model, batch)
	if err == nil {
		err = program.Close()
	}
	if closed := device.Close(); closed != nil {
		t.Errorf("closing the device after %v: %v", err, closed)
	}
	return err
}
