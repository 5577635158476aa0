package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hourglass/kernels"
)

// trained is a model that is trained on both devices; its encoder is of a width, and of
// twice that.
type trained struct{ name, loss, encoder string }

func trainings() []trained {
	return []trained{
		{"of a convolutional model", "mse", "conv %d k3 s2 relu | conv %d k3 s2 relu"},
		{"with statistics", "bernoulli", "conv %d k4 s2 batchnorm leakyrelu | dropout 0.2 | conv %d k4 s2 groupnorm:4 silu"},
	}
}

// compareTraining trains from one seed on CPU and GPU, and wants the losses of the
// first 200 steps equal within 1e-3. Training can be chaotic: then other roundings
// alone part two runs. So the CPU trains a second time with its kernels in plain
// Go, and the GPU may differ three times as much as these.
func (r *run) compareTraining(ctx context.Context, t trained) (any, error) {
	steps, width := 200, 32
	size := []string{"--source", "glyphs:1x28x28,n=16000", "--batch", "64", "--epochs", "1"}
	if r.dry {
		steps, width = 10, 4
		size = []string{"--source", "glyphs:1x12x12,n=75,test=6", "--batch", "6", "--epochs", "1"}
	}
	folder, err := os.MkdirTemp(r.folder, "training-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the runs: %w", err)
	}
	defer os.RemoveAll(folder)
	flags := append(size, "--loss", t.loss, "--encoder", fmt.Sprintf(t.encoder, width, 2*width))
	losses := map[string][]float64{}
	for _, one := range []struct{ name, device, debug string }{
		{"cpu", "cpu", ""}, {"plain", "cpu", "cpu.avx2=off,cpu.avx512f=off"}, {"gpu", "cuda", ""},
	} {
		args := append([]string{"train", "--quiet", "--device", one.device, "--precision", "fp32", "--seed", "3", "--images", "0", "--dir", folder, "--name", one.name}, flags...)
		if _, err := r.executeWith(ctx, []string{"GODEBUG=" + one.debug}, filepath.Join(r.folder, "hourglass"), args...); err != nil {
			return nil, err
		}
		all, err := readLosses(filepath.Join(folder, one.name, "metrics.jsonl"))
		if err != nil {
			return nil, err
		}
		if len(all) < steps {
			return nil, fmt.Errorf("on %s the run has %d steps, want at least %d", one.device, len(all), steps)
		}
		losses[one.name] = all[:steps]
	}
	worst, at := farthest(losses["cpu"], losses["gpu"])
	rounding, _ := farthest(losses["cpu"], losses["plain"])
	figures := map[string]any{"steps": steps, "worst_relative_difference": worst, "of_step": at, "of_two_cpu_kernels": rounding,
		"first_loss": losses["cpu"][0], "last_loss_cpu": losses["cpu"][steps-1], "last_loss_gpu": losses["gpu"][steps-1]}
	if allowed := max(1e-3, 3*rounding); !(worst <= allowed) {
		return figures, fmt.Errorf("%s: the losses of step %d differ by %.2g, want at most %.2g", t.name, at, worst, allowed)
	}
	return figures, nil
}

// farthest is the greatest difference relative to the first, and its step from 1.
func farthest(want, got []float64) (worst float64, step int) {
	for i := range want {
		if d := math.Abs(got[i]-want[i]) / math.Abs(want[i]); !(d <= worst) {
			worst, step = d, i+1
		}
	}
	return worst, step
}

// compareMNIST trains a model on MNIST, if it was packed, with three seeds in each
// precision on the GPU, and wants the means of the validation losses no farther
// apart than the seeds part them.
func (r *run) compareMNIST(ctx context.Context, preset string) (any, error) {
	files := filepath.Join(r.folder, "mnist")
	if _, err := os.Stat(files); err != nil || r.dry {
		return nil, fmt.Errorf("%w: MNIST was not packed", errAbsent)
	}
	folder, err := os.MkdirTemp(r.folder, "mnist-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the runs: %w", err)
	}
	defer os.RemoveAll(folder)
	losses := map[string][]float64{}
	for _, p := range precisions {
		seeds, errs := make([]float64, 3), make([]error, 3)
		var training sync.WaitGroup
		for seed := range seeds {
			training.Go(func() { seeds[seed], errs[seed] = r.trainMNIST(ctx, preset, files, folder, p, 1+seed) })
		}
		training.Wait()
		if err := errors.Join(errs...); err != nil {
			return losses, err
		}
		losses[p.String()] = seeds
	}
	exact := losses[precisions[0].String()]
	noise := slices.Max(exact) - slices.Min(exact)
	for _, p := range precisions[1:] {
		if d := math.Abs(mean(losses[p.String()]) - mean(exact)); !(d <= noise) {
			return losses, fmt.Errorf("%s: the mean validation loss in %v is %.3g from that in fp32, want at most the %.3g between seeds", preset, p, d, noise)
		}
	}
	return losses, nil
}

// trainMNIST returns the last validation loss.
func (r *run) trainMNIST(ctx context.Context, preset, files, folder string, p kernels.Precision, seed int) (float64, error) {
	folder = filepath.Join(folder, fmt.Sprintf("%v-%d", p, seed))
	if _, err := r.execute(ctx, filepath.Join(r.folder, "hourglass"), "train", preset, "--quiet", "--source", "mnist:"+files, "--device", "cuda",
		"--precision", p.String(), "--seed", fmt.Sprint(seed), "--epochs", "2", "--images", "0", "--dir", folder, "--name", "run"); err != nil {
		return 0, err
	}
	return readValidation(filepath.Join(folder, "run", "metrics.jsonl"))
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// readValidation is the last validation loss of a run.
func readValidation(path string) (loss float64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var m struct {
			Kind string
			Loss float64
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if m.Kind == "epoch" {
			loss = m.Loss
		}
	}
	if loss == 0 {
		return 0, fmt.Errorf("%s has no validation loss", path)
	}
	return loss, nil
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
