package graph_test

import (
	"strings"
	"testing"

	"hourglass/kernels"
	"hourglass/models"
)

// TestProfileHasEveryLaunch profiles a model and wants the launches of a step:
// as many as the recorded graph has, but for the copies of the outputs.
func TestProfileHasEveryLaunch(t *testing.T) {
	device := openCUDA(t)
	program, err := compileTraining(device, small(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	fill(program.Input(models.Image))
	if _, err := program.Step(1e-3, 1); err != nil {
		t.Fatal(err)
	}
	launches, err := program.Profile(3)
	if err != nil {
		t.Fatal(err)
	}
	step, nodes, err := program.StepTime(2)
	if err != nil {
		t.Fatal(err)
	}
	if step < 0 || len(launches) >= nodes || len(launches) < nodes-8 {
		t.Errorf("a step takes %v and has %d nodes, and the profile %d launches; want all but the few copies", step, nodes, len(launches))
	}
	planned, err := program.Launches(kernels.FP32, 0)
	if err != nil || len(planned) != len(launches) {
		t.Fatalf("%d launches are planned (%v), and %d were measured", len(planned), err, len(launches))
	}
	var operations []string
	for i, l := range launches {
		if l.Launch != planned[i] {
			t.Errorf("launch %d is planned as %+v and was %+v", i, planned[i], l.Launch)
		}
		if l.Operation == "" || l.Kernel == "" || l.Grid[0] < 1 || l.Block[0] < 1 || l.Bytes <= 0 || l.FLOPs < 0 || l.Time < 0 {
			t.Errorf("launch %d is %+v", i, l)
		}
		operations = append(operations, l.Operation)
	}
	all := strings.Join(operations, "\n")
	for _, want := range []string{"multiply (", "dropout (", "parameters by adam"} {
		if !strings.Contains(strings.ToLower(all), want) {
			t.Errorf("no operation contains %q:\n%s", want, all)
		}
	}
	if _, err := program.Step(1e-3, 2); err != nil {
		t.Errorf("a step after the profile: %v", err)
	}
}

// TestProfileIsRefused where it would mean nothing.
func TestProfileIsRefused(t *testing.T) {
	program, err := compileTraining(open(t, 1), small(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if _, err := program.Profile(1); err == nil || !strings.Contains(err.Error(), "needs a GPU") {
		t.Errorf("on the CPU: %v", err)
	}
	if _, _, err := program.StepTime(0); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("no steps: %v", err)
	}
}
