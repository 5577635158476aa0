package graph_test

import (
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels/ptx"
	"hourglass/models"
)

// TestKernelsAreLoadedWhenWanted: to open a GPU compiles one module, and a program those
// whose kernels it has.
func TestKernelsAreLoadedWhenWanted(t *testing.T) {
	driver := gputest.Driver(t)
	all, err := ptx.Modules(90)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if n := driver.Live("modules"); n != 1 {
		t.Errorf("an open GPU has %d modules, want 1", n)
	}
	program, err := compileTraining(device, small(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if n := driver.Live("modules"); n < 5 || n > len(all)-5 {
		t.Errorf("with a small model the GPU has %d of %d modules, want neither few nor nearly all", n, len(all))
	}
}

// TestProgramOutlivesAModule: images whose kernel does not compile are refused, and the
// program goes on without them.
func TestProgramOutlivesAModule(t *testing.T) {
	driver := gputest.Driver(t)
	device, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	program, err := compileTraining(device, small(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	ds, _, err := data.Open("glyphs:1x8x8,n=40", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	images := whole(t, pictures(t, ds, len(program.Input(models.Image))/5))
	driver.Fail("module", 1)
	if err := program.Reside(models.Image, 40, images); err == nil || !strings.Contains(err.Error(), "loading the kernels of gather: cuda: cuModuleLoadData") {
		t.Errorf("the error is %v, want one that names the module", err)
	}
	fill(program.Input(models.Image))
	if _, err := program.Step(1e-3, 1); err != nil {
		t.Error(err)
	}
	if err := program.Reside(models.Image, 40, images); err != nil {
		t.Error(err)
	}
}

// TestDriversOlderThanTheKernels are told apart when a GPU is opened, while there is
// still the CPU to be taken.
func TestDriversOlderThanTheKernels(t *testing.T) {
	driver := gputest.Driver(t)
	defer driver.SetCUDA(13, 0)
	defer driver.SetCapability(90)
	for _, c := range []struct{ capability, major, minor, wantMajor, wantMinor int }{{90, 11, 8, 12, 0}, {86, 11, 4, 11, 5}} {
		driver.SetCapability(c.capability)
		driver.SetCUDA(c.wantMajor, c.wantMinor)
		device, err := graph.OpenDevice(graph.CUDA, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := device.Close(); err != nil {
			t.Error(err)
		}
		driver.SetCUDA(c.major, c.minor)
		if device, err = graph.OpenDevice(graph.Auto, 1); err != nil {
			t.Fatal(err)
		}
		if device.GPU() || !strings.Contains(device.String(), "install a newer NVIDIA driver") {
			t.Errorf("capability %d with a driver of CUDA %d.%d is %v, want the CPU and why", c.capability, c.major, c.minor, device)
		}
		if err := device.Close(); err != nil {
			t.Error(err)
		}
	}
}
