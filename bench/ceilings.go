package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/kernels"
)

// Ceilings are what a GPU can do at most.
type Ceilings struct {
	GPU    string             `json:"gpu"`
	Copy   float64            `json:"copy_bytes_per_second"` // read and written
	FLOPs  map[string]float64 `json:"flops_per_second"`      // by precision, of two matrices of 8192x8192
	Origin string             `json:"origin,omitempty"`      // where they were not measured here: where they come from
}

// MeasureCeilings has PyTorch copy and multiply on this machine's first GPU.
func MeasureCeilings(ctx context.Context, python string) (c Ceilings, err error) {
	folder, err := os.MkdirTemp("", "hourglass-ceilings")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(folder)
	if err := os.CopyFS(folder, scripts); err != nil {
		return c, err
	}
	line, err := exec.CommandContext(ctx, python, filepath.Join(folder, "peers", "gpu_torch.py"), "ceilings").Output()
	if err != nil {
		said := ""
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
			lines := strings.Split(strings.TrimSpace(string(failed.Stderr)), "\n")
			said = ": " + lines[len(lines)-1]
		}
		return c, fmt.Errorf("measuring the ceilings by %s: %w%s", python, err, said)
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return c, fmt.Errorf("reading the ceilings %q: %w", line, err)
	}
	return c, nil
}

// card is a GPU whose ceilings have been measured, on another visit.
type card struct {
	Ceilings
	capability int
}

// cards are the known ones by name; what was measured stands in RESULTS.md.
var cards = map[string]card{
	"h200": {Ceilings{"NVIDIA H200", 4.23e12, map[string]float64{"fp32": 51e12, "tf32": 350e12, "bf16": 776e12},
		"measured on 2026-11-27 (bench/RESULTS.md), not on this machine"}, 90},
}

// Card returns the ceilings of a known card and its compute capability (90 for
// 9.0).
func Card(name string) (c Ceilings, capability int, err error) {
	known, ok := cards[strings.ToLower(name)]
	if !ok {
		return c, 0, fmt.Errorf("the ceilings of a card %q are not known; choose %s", name, strings.Join(slices.Sorted(maps.Keys(cards)), ", "))
	}
	known.FLOPs = maps.Clone(known.FLOPs)
	return known.Ceilings, known.capability, nil
}

// Floor is the least time in seconds that so many bytes and so much arithmetic
// take, and whether it is the arithmetic that takes it. It is 0 where the ceilings
// of the precision are not known.
func (c Ceilings) Floor(bytes, flops int, precision kernels.Precision) (seconds float64, arithmetic bool) {
	peak := c.FLOPs[precision.String()]
	if !(c.Copy > 0 && peak > 0) {
		return 0, false
	}
	moved, computed := float64(bytes)/c.Copy, float64(flops)/peak
	return max(moved, computed), computed > moved
}
