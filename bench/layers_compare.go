package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

const (
	// timeOfRound is how long a pass of a layer is run in one round.
	timeOfRound = 50 * time.Millisecond

	// timeOfCeiling is how long the ceiling is measured in each round, after the layer:
	// the clock of a processor is another one a minute later, and threads of PyTorch
	// still look for work when the next round begins.
	timeOfCeiling = 5 * time.Millisecond
)

// CompareLayers times every pass of every distinct convolution of the workloads,
// and of some with 256 and 512 channels, and where there is a Python with torch
// in turn with PyTorch's of the same. Seconds are the median of the rounds.
func CompareLayers(ctx context.Context, workloads []Workload, o Options) (all []Layer, err error) {
	peer, err := o.startLayers(ctx)
	if err != nil {
		return nil, err
	}
	if peer != nil {
		defer func() { err = errors.Join(err, peer.close()) }()
	}
	workers := cpu.NewWorkers(o.Threads)
	defer workers.Close()
	compare := func(name string, geometries []kernels.Convolution) error {
		for _, g := range geometries {
			o.Say("%s: %s", name, layerName(g))
			for which := range passes {
				layer, err := compareLayer(workers, peer, g, which, o.Rounds)
				if err != nil {
					return err
				}
				layer.Workload = name
				all = append(all, layer)
			}
		}
		return nil
	}
	for _, w := range workloads {
		geometries, err := w.convolutions()
		if err != nil {
			return nil, err
		}
		if err := compare(w.Name, geometries); err != nil {
			return nil, err
		}
	}
	return all, compare("large", large())
}

// startLayers starts PyTorch, or returns nil where no Python was named.
func (o Options) startLayers(ctx context.Context) (*contender, error) {
	if o.Python == "" {
		return nil, nil
	}
	if err := usable(ctx, o.Python); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "hourglass-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) // once started, it has read its script
	if err := os.CopyFS(folder, scripts); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, o.Python, filepath.Join(folder, "peers", "layers_torch.py"), fmt.Sprint(o.Threads))
	command.Env = o.bound()
	return start("PyTorch", command)
}

// compareLayer runs one pass in some rounds, in turn with the peer's if there is
// one.
func compareLayer(workers *cpu.Workers, peer *contender, g kernels.Convolution, which, rounds int) (Layer, error) {
	pass := passes[which]
	kernel, err := prepare(workers, pass.of(g))
	if err != nil {
		return Layer{}, err
	}
	question := fmt.Sprint(g.N, g.C, g.H, g.W, g.K, g.R, g.StrideH, g.PadH, which)
	var ours, theirs, ratios []float64
	ceiling := 0.0 // whatever else runs can only lower it
	for range rounds {
		seconds := kernel.median(timeOfRound)
		ours = append(ours, seconds)
		ceiling = max(ceiling, cpu.MeasureFLOPs(workers, timeOfCeiling))
		if peer == nil {
			continue
		}
		answer, err := peer.roundOf(question)
		if err != nil {
			return Layer{}, err
		}
		milliseconds := Summarise(answer.Milliseconds).Median
		theirs, ratios = append(theirs, milliseconds), append(ratios, milliseconds/1e3/seconds)
	}
	layer := Layer{Name: layerName(g), Pass: pass.name, FLOPs: kernel.op.FLOPs(), Bytes: kernel.bytes(),
		Seconds: Summarise(ours).Median, Ceiling: ceiling}
	if peer != nil {
		ms, ratio := Summarise(theirs), Summarise(ratios)
		layer.PyTorch, layer.Ratio = &ms, &ratio
	}
	return layer, nil
}
