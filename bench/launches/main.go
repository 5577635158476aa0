package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"hourglass/bench"
	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// Paths from the root of the repository.
const (
	script       = "bench/peers/launches_torch.py"
	resultsPath  = "bench/results/launches-torch.json"
	documentPath = "bench/README.md"
)

func main() {
	python := flag.String("python", "", "Python that has torch, to count PyTorch's side anew")
	flag.Parse()
	if err := run(*python); err != nil {
		fmt.Fprintln(os.Stderr, "launches:", err)
		os.Exit(1)
	}
}

func run(python string) error {
	if python != "" {
		if err := ask(python); err != nil {
			return err
		}
	}
	theirs, err := read(resultsPath)
	if err != nil {
		return err
	}
	var all []counts
	for _, w := range bench.Workloads() {
		c, err := count(w)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	text, err := section(all, theirs)
	if err != nil {
		return err
	}
	document, err := os.ReadFile(documentPath)
	if err != nil {
		return err
	}
	before, _, after, err := parts(string(document))
	if err != nil {
		return err
	}
	return os.WriteFile(documentPath, []byte(before+text+after), 0o666)
}

// ask has PyTorch's side counted, for the batches that we take on a GPU.
func ask(python string) error {
	args := []string{script}
	for _, w := range bench.Workloads() {
		args = append(args, w.Name, fmt.Sprint(w.GPUBatch))
	}
	line, err := exec.Command(python, args...).Output()
	if err != nil {
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(failed.Stderr)))
		}
		return fmt.Errorf("counting by %s %s: %w", python, script, err)
	}
	return os.WriteFile(resultsPath, line, 0o666)
}

// torch is PyTorch's side.
type torch struct {
	Version   string            `json:"torch"`
	Workloads map[string]counts `json:"workloads"`
}

func read(path string) (t torch, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return t, fmt.Errorf("PyTorch's side was never counted; give -python: %w", err)
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("%s is not what %s prints: %w", path, script, err)
	}
	return t, nil
}

// counts are those of a training step. Bytes are of the operations, each operand
// and result once; launches read and write more where an operation takes several.
type counts struct {
	name        string
	Batch       int `json:"batch"`
	Parameters  int `json:"parameters"`
	Operations  int `json:"operations"`
	Bytes       int `json:"bytes"`
	Launches    int `json:"kernels"`
	LaunchBytes int `json:"kernel_bytes"`

	ByName  map[string]counts `json:"by_name"` // of PyTorch's operations
	kernels []string          // of our launches
}

// count is our side, as on a GPU of the newest kind that there are kernels for.
func count(w bench.Workload) (c counts, err error) {
	outline, err := w.Outline(w.GPUBatch)
	if err != nil {
		return c, err
	}
	launches, err := outline.Launches(kernels.TF32, launch.Warpgroups)
	if err != nil {
		return c, fmt.Errorf("workload %s: %w", w.Name, err)
	}
	model, err := w.New(w.Spec, 1)
	if err != nil {
		return c, err
	}
	c = counts{name: w.Name, Batch: w.GPUBatch, Parameters: model.Store().Count(), Launches: len(launches)}
	for _, step := range outline.Plan().Steps {
		c.Operations++
		c.Bytes += step.Bytes
	}
	for _, l := range launches {
		c.LaunchBytes += l.Bytes
		c.kernels = append(c.kernels, l.Kernel)
		// The plan has neither; the update is the one launch that writes parameters.
		if l.Kind == "noise" || l.Kernel == w.Optimiser.Rule.String() {
			c.Operations++
			c.Bytes += l.Bytes
		}
	}
	return c, nil
}
