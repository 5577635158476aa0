package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"hourglass/bench"
	"hourglass/graph"
	"hourglass/models"
)

// compareSteps times a training step of W1: rounds of ours and of PyTorch's in
// turn, each some steps, medians over all. A step is from the batch in pinned
// memory to its loss on the host; ours also as training takes them, a step queued
// ahead.
func (r *run) compareSteps() (any, error) {
	rounds, each := 10, 100
	if r.dry {
		rounds, each = 1, 1
	}
	w := bench.W1()
	if r.dry {
		w.Batch = 2
	}
	device, err := graph.OpenDevice(graph.CUDA, 0)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	model, err := models.New(w.Spec, seed)
	if err != nil {
		return nil, err
	}
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, w.Batch)
	program, err := graph.Compile(device, b, &w.Optimiser)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	batch := make([]float32, len(program.Input(models.Image)))
	for i := range batch {
		batch[i] = float32(i%29) / 29
	}
	copy(program.Input(models.Image), batch)
	figures := map[string]any{"batch": w.Batch, "parameters": model.Store().Count(), "steps": rounds * each}
	peer, err := r.startTorch(w.Batch, each)
	switch {
	case errors.Is(err, errAbsent), errors.Is(err, errSilicon):
		figures["torch"] = err.Error()
	case err != nil:
		return figures, err
	default:
		defer peer.in.Close() // ends its loop
	}
	var ours, queued []float64
	theirs := map[string][]float64{}
	for round := range rounds {
		for i := range each {
			began := time.Now()
			if _, err := program.Step(w.Rate, 1+round*each+i); err != nil {
				return nil, err
			}
			ours = append(ours, 1e3*time.Since(began).Seconds())
		}
		perStep, err := queueSteps(program, batch, w.Rate, rounds*each+1+round*each, each)
		if err != nil {
			return nil, err
		}
		queued = append(queued, perStep)
		if peer == nil {
			continue
		}
		times, err := peer.round()
		if err != nil {
			return nil, err
		}
		for mode, t := range times {
			theirs[mode] = append(theirs[mode], t...)
		}
	}
	figures["hourglass_ms, host"] = median(ours)
	figures["hourglass_ms, host, a step queued ahead"] = median(queued)
	if peer != nil {
		medians := map[string]float64{}
		for mode, t := range theirs {
			medians[mode] = median(t)
		}
		figures["torch"], figures["torch_ms"] = peer.about, medians
		if n := peer.about.Parameters; n != model.Store().Count() {
			return figures, fmt.Errorf("PyTorch's model has %d parameters, ours %d; the two are not the same", n, model.Store().Count())
		}
		return figures, peer.close()
	}
	if r.dry {
		return figures, fmt.Errorf("%w: times on the emulated driver mean nothing", errSilicon)
	}
	return figures, nil
}

// queueSteps takes n steps from the given number on as training does, each queued
// while the one before computes, its batch copied in meanwhile. It returns the
// milliseconds of one.
func queueSteps(program *graph.Program, batch []float32, rate float64, first, n int) (float64, error) {
	began, under := time.Now(), 0
	for step := first; step < first+n || under > 0; step++ {
		if step < first+n {
			copy(program.Input(models.Image), batch)
			if err := program.Begin(rate, step); err != nil {
				return 0, err
			}
			under++
		}
		if under == program.Depth() || step >= first+n-1 {
			if _, err := program.Finish(); err != nil {
				return 0, err
			}
			under--
		}
	}
	return 1e3 * time.Since(began).Seconds() / float64(n), nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// torch is peers/w1_torch.py: it says what it is, and answers each line by a
// line with the times of a round.
type torch struct {
	command *exec.Cmd
	in      interface {
		Write([]byte) (int, error)
		Close() error
	}
	out   *bufio.Reader
	about struct {
		Versions   map[string]string `json:"versions"`
		Parameters int               `json:"parameters"`
		Absent     map[string]string `json:"absent"` // modes that do not work here, and why
	}
}

// startTorch starts and warms up the peer; the error says why there is none.
func (r *run) startTorch(batch, each int) (*torch, error) {
	if r.dry {
		return nil, fmt.Errorf("%w: PyTorch is not timed in a rehearsal", errSilicon)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, fmt.Errorf("%w: python3 is not on the PATH", errAbsent)
	}
	if err := exec.Command(python, "-c", "import torch; assert torch.cuda.is_available()").Run(); err != nil {
		return nil, fmt.Errorf("%w: python3 has no torch that sees the GPU", errAbsent)
	}
	p := &torch{command: exec.Command(python, filepath.Join(r.folder, "w1_torch.py"), fmt.Sprint(batch), fmt.Sprint(each))}
	p.command.Stderr = os.Stderr
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if err := p.read(&p.about); err != nil {
		p.in.Close()
		return nil, err
	}
	return p, nil
}

func (p *torch) round() (times map[string][]float64, err error) {
	if _, err := p.in.Write([]byte("\n")); err != nil {
		return nil, fmt.Errorf("asking PyTorch for a round: %w", err)
	}
	return times, p.read(&times)
}

func (p *torch) read(into any) error {
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		return fmt.Errorf("reading what PyTorch says: %w", err)
	}
	return nil
}

func (p *torch) close() error {
	p.in.Close() // ends its loop
	return p.command.Wait()
}
