package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// trainings are models that are trained on both devices: flags whose encoder
// is of a width, and of twice that.
var trainings = map[string][]string{
	"of a convolutional model": {"--loss", "mse", "--encoder", "conv %d k3 s2 relu | conv %d k3 s2 relu"},
	"with statistics":          {"--loss", "bernoulli", "--encoder", "conv %d k4 s2 batchnorm leakyrelu | dropout 0.2 | conv %d k4 s2 groupnorm:4 silu"},
}

// compareTraining trains from one seed on CPU and GPU, and wants the losses
// equal within 1e-3 over the first 200 steps.
func (r *run) compareTraining(name string, flags []string) (any, error) {
	steps, width := 200, 32
	size := []string{"--source", "glyphs:1x28x28,n=16000", "--batch", "64", "--epochs", "1"}
	if r.dry {
		steps, width = 10, 4
		size = []string{"--source", "glyphs:1x12x12,n=75", "--batch", "6", "--epochs", "1"}
	}
	folder, err := os.MkdirTemp(r.out, "training-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the runs: %w", err)
	}
	defer os.RemoveAll(folder)
	var losses [2][]float64
	for i, device := range []string{"cpu", "cuda"} {
		encoder := fmt.Sprintf(flags[len(flags)-1], width, 2*width)
		args := append([]string{"train", "--quiet", "--device", device, "--seed", "3", "--images", "0", "--dir", folder, "--name", device}, slices.Concat(size, flags[:len(flags)-1], []string{encoder})...)
		if _, err := r.execute(filepath.Join(r.folder, "hourglass"), args...); err != nil {
			return nil, err
		}
		if losses[i], err = readLosses(filepath.Join(folder, device, "metrics.jsonl")); err != nil {
			return nil, err
		}
		if len(losses[i]) < steps {
			return nil, fmt.Errorf("on %s the run has %d steps, want at least %d", device, len(losses[i]), steps)
		}
	}
	worst, at := 0.0, 0
	for i := range steps {
		if d := math.Abs(losses[1][i]-losses[0][i]) / math.Abs(losses[0][i]); !(d <= worst) {
			worst, at = d, i+1
		}
	}
	figures := map[string]any{"steps": steps, "worst_relative_difference": worst, "of_step": at, "first_loss": losses[0][0], "last_loss_cpu": losses[0][steps-1], "last_loss_gpu": losses[1][steps-1]}
	if !(worst <= 1e-3) {
		return figures, fmt.Errorf("%s: the losses of step %d differ by %.2g, want at most 1e-3", name, at, worst)
	}
	return figures, nil
}

// readLosses are the losses of all steps of a run.
func readLosses(path string) (losses []float64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		var m struct {
			Kind string
			Loss float64
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if m.Kind == "step" {
			losses = append(losses, m.Loss)
		}
	}
	return losses, nil
}
