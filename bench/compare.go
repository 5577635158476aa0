package bench

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// scripts are the peers in PyTorch and the models that they import.
//
//go:embed peers/step_torch.py peers/layers_torch.py peers/gpu_torch.py peers/workloads.py
var scripts embed.FS

// modes are those in which PyTorch is tried.
var modes = []string{"eager", "channels-last", "compile"}

// Options of a comparison.
type Options struct {
	Threads int
	Rounds  int
	// Program is the path of a program that becomes a contender by the arguments
	// that Serving returns.
	Program string
	Serving func(contender string, w Workload, threads, steps int) []string
	Python  string                           // one that has torch; empty leaves PyTorch out
	Say     func(format string, args ...any) // what is being waited for
}

// Entry is how one contender did.
type Entry struct {
	Contender    string            `json:"contender"`
	Versions     map[string]string `json:"versions,omitempty"`
	Milliseconds Summary           `json:"ms"`    // a step, over all rounds
	Ratio        Summary           `json:"ratio"` // of its time to that of hourglass in the same round
	FLOPs        float64           `json:"flops"` // a second, of the work that hourglass counts
	Allocations  *float64          `json:"allocations,omitempty"`
	PeakBytes    int               `json:"peak_bytes,omitempty"`
}

// Comparison is a workload, trained by all contenders in turn.
type Comparison struct {
	Workload   string   `json:"workload"`
	Batch      int      `json:"batch"`
	Parameters int      `json:"parameters"`
	Work       Work     `json:"work"`
	Steps      int      `json:"steps"` // of hourglass in a round
	Rounds     int      `json:"rounds"`
	Entries    []Entry  `json:"entries"`          // hourglass first
	Absent     []string `json:"absent,omitempty"` // a sentence each
}

// stepsOfRound is how many steps make a round of some tenths of a second.
func (w Work) stepsOfRound() int { return max(1, int(6e10/float64(w.FLOPs))) }

// Compare trains a workload by all contenders that there are, a round of each
// in turn, again and again: what disturbs the machine for a while disturbs them
// all.
func Compare(ctx context.Context, w Workload, o Options) (c Comparison, err error) {
	trainer, err := Open(w, o.Threads)
	if err != nil {
		return c, err
	}
	c = Comparison{Workload: w.Name, Batch: w.Batch, Parameters: trainer.Model.Store().Count(), Work: trainer.Work(), Rounds: o.Rounds}
	if err := trainer.Close(); err != nil {
		return c, err
	}
	c.Steps = c.Work.stepsOfRound()
	var running []*contender
	defer func() {
		for _, one := range running {
			err = errors.Join(err, one.close())
		}
	}()
	folder, err := os.MkdirTemp("", "hourglass-bench")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(folder)
	commands, err := c.commands(ctx, w, o, folder)
	if err != nil {
		return c, err
	}
	for _, cmd := range commands {
		o.Say("%s: starting %s", w.Name, cmd.name)
		one, err := start(cmd.name, cmd.Cmd)
		if err != nil {
			return c, err
		}
		running = append(running, one)
	}
	running = c.present(running)
	for _, one := range running {
		if one.about.Parameters != c.Parameters {
			return c, fmt.Errorf("%s trains %d parameters, and %s has %d; the two are not the same", one.name, one.about.Parameters, w.Name, c.Parameters)
		}
	}
	return c, c.race(running, o)
}

// command is how a contender is started.
type command struct {
	name string
	*exec.Cmd
}

// commands are those of all contenders, whose scripts stand in a folder; those
// that are not run are noted.
func (c *Comparison) commands(ctx context.Context, w Workload, o Options, folder string) ([]command, error) {
	self := func(name string, steps int) command {
		return command{name, exec.CommandContext(ctx, o.Program, o.Serving(name, w, o.Threads, steps)...)}
	}
	all := []command{self(Hourglass, c.Steps)}
	c.Absent = append(c.Absent, "GoMLX: its backend in pure Go, at v0.28.0, lacks the reversal of axes that the gradient of its convolutions needs")
	if o.Python == "" {
		c.Absent = append(c.Absent, "PyTorch: no Python was named; give one that has torch by --python")
	} else {
		if err := usable(ctx, o.Python); err != nil {
			return all, err
		}
		if err := os.CopyFS(folder, scripts); err != nil {
			return all, err
		}
		script := filepath.Join(folder, "peers", "step_torch.py")
		for _, mode := range modes {
			cmd := exec.CommandContext(ctx, o.Python, script, w.Name, fmt.Sprint(w.Batch), fmt.Sprint(o.Threads), fmt.Sprint(c.Steps), mode)
			cmd.Env = o.bound()
			all = append(all, command{"PyTorch " + mode, cmd})
		}
	}
	if w.Name == "W1" {
		all = append(all, self(Gorgonia, 1))
	} else {
		c.Absent = append(c.Absent, "Gorgonia: only W1 is written for it")
	}
	return all, nil
}

// bound is an environment in which threads of OpenMP do not move, and lose their
// caches.
func (o Options) bound() []string {
	return append(os.Environ(), "OMP_PROC_BIND=true", fmt.Sprintf("OMP_NUM_THREADS=%d", o.Threads))
}

// usable says why a Python cannot run the peer.
func usable(ctx context.Context, python string) error {
	err := exec.CommandContext(ctx, python, "-c", "import torch").Run()
	switch ended := (*exec.ExitError)(nil); {
	case err == nil:
		return nil
	case errors.As(err, &ended):
		return fmt.Errorf("%s has no torch; name a Python that has, or none", python)
	default:
		return fmt.Errorf("the Python that PyTorch is to run in does not start: %w", err)
	}
}

// present leaves out the contenders that said that they do not run here.
func (c *Comparison) present(all []*contender) (running []*contender) {
	for _, one := range all {
		if one.about.Absent == "" {
			running = append(running, one)
			continue
		}
		c.Absent = append(c.Absent, one.name+": "+one.about.Absent)
		if err := one.close(); err != nil {
			c.Absent = append(c.Absent, err.Error())
		}
	}
	return running
}

// race runs the rounds; the first contender is hourglass.
func (c *Comparison) race(running []*contender, o Options) error {
	times, ratios, last := make([][]float64, len(running)), make([][]float64, len(running)), make([]round, len(running))
	for n := range o.Rounds {
		o.Say("%s: round %d of %d", c.Workload, n+1, o.Rounds)
		ours := 0.0
		for i, one := range running {
			r, err := one.round()
			if err != nil {
				return err
			}
			middle := Summarise(r.Milliseconds).Median
			if i == 0 {
				ours = middle
			}
			times[i], ratios[i], last[i] = append(times[i], r.Milliseconds...), append(ratios[i], middle/ours), r
		}
	}
	for i, one := range running {
		e := Entry{Contender: one.name, Versions: one.about.Versions, Milliseconds: Summarise(times[i]), Ratio: Summarise(ratios[i]),
			Allocations: last[i].Allocations, PeakBytes: last[i].PeakBytes}
		e.FLOPs = float64(c.Work.FLOPs) / (e.Milliseconds.Median / 1e3)
		c.Entries = append(c.Entries, e)
	}
	return nil
}
