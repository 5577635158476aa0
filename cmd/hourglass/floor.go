package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"hourglass/bench"
	"hourglass/internal/terminal"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
)

// floorFlags are those of bench --roofline.
type floorFlags struct {
	Roofline  bool    `help:"Instead state for each launch of a training step on a GPU what it moves and computes, the least time that this takes, and on a GPU the time measured."`
	Precision string  `default:"tf32" help:"Of --roofline: how products are computed, as for train."`
	Card      string  `default:"" placeholder:"NAME" help:"Of --roofline: the GPU whose ceilings, measured elsewhere, are taken: h200. Without a GPU it is that anyhow."`
	Peak      float64 `placeholder:"TFLOP/s" help:"Of --roofline: the ceiling of arithmetic, where you know better."`
	Bandwidth float64 `placeholder:"TB/s" help:"Of --roofline: the ceiling of memory, where you know better."`
}

// repeats of each launch that is timed.
const repeats = 50

// run prints the sheets of workloads; python may measure the ceilings.
func (f floorFlags) run(s *session, workloads []bench.Workload, python string) error {
	precision, err := kernels.ParsePrecision(f.Precision)
	if err != nil {
		return usage{err}
	}
	if f.Peak < 0 || f.Bandwidth < 0 {
		return usage{fmt.Errorf("--peak is %g TFLOP/s and --bandwidth %g TB/s; give what the GPU reaches at most", f.Peak, f.Bandwidth)}
	}
	gpu := cuda.Probe()
	ceilings, capability, err := f.ceilings(s.ctx, precision, gpu, python)
	if err != nil {
		return err
	}
	var sheets []bench.Sheet
	for _, w := range workloads {
		s.say("%s: %d images in %v", w.Name, w.GPUBatch, precision)
		var sheet bench.Sheet
		if gpu.Available {
			sheet, err = bench.MeasureSheet(w, precision, ceilings, repeats)
		} else {
			sheet, err = bench.PlanSheet(w, precision, capability, ceilings)
		}
		if err != nil {
			return err
		}
		sheets = append(sheets, sheet)
		printSheet(s, sheet)
	}
	return s.give(map[string]any{"sheets": sheets})
}

// ceilings are measured where there is a GPU and a PyTorch to load it; otherwise
// they are those of a known card, or as given. capability is that of the card.
func (f floorFlags) ceilings(ctx context.Context, precision kernels.Precision, gpu cuda.Status, python string) (c bench.Ceilings, capability int, err error) {
	name := cmp.Or(f.Card, "h200")
	if gpu.Available && f.Card == "" {
		c.GPU = gpu.GPUs[0].Name
		name = strings.TrimPrefix(c.GPU, "NVIDIA ")
	}
	if gpu.Available && f.Card == "" && python != "" {
		limited, stop := context.WithTimeout(ctx, 2*time.Minute)
		defer stop()
		if c, err = bench.MeasureCeilings(limited, python); err != nil {
			return c, 0, err
		}
	} else if known, its, err := bench.Card(name); err == nil {
		c, capability = known, its
	} else if f.Card != "" || f.Peak == 0 || f.Bandwidth == 0 {
		return c, 0, usage{fmt.Errorf("%w, or give --peak and --bandwidth, or have them measured by --python PYTHON, one that has torch", err)}
	}
	f.override(&c, precision)
	if c.FLOPs[precision.String()] == 0 {
		return c, 0, usage{fmt.Errorf("the ceiling of %v is not known of %s; give it by --peak", precision, c.GPU)}
	}
	return c, capability, nil
}

// override puts what was given in the place of what is known.
func (f floorFlags) override(c *bench.Ceilings, precision kernels.Precision) {
	var given []string
	if f.Peak > 0 {
		if c.FLOPs == nil {
			c.FLOPs = make(map[string]float64)
		}
		c.FLOPs[precision.String()] = 1e12 * f.Peak
		given = append(given, "--peak")
	}
	if f.Bandwidth > 0 {
		c.Copy, given = 1e12*f.Bandwidth, append(given, "--bandwidth")
	}
	switch len(given) {
	case 1:
		c.Origin = given[0] + " as given, the other " + cmp.Or(c.Origin, "measured here")
	case 2:
		c.Origin = "as given, not measured"
	}
}

// printSheet prints the launches by operation, and behind them what the operations
// take together.
func printSheet(s *session, sheet bench.Sheet) {
	c := sheet.Ceilings
	s.print("")
	s.table(terminal.Table{
		Title: fmt.Sprintf("%s, batch %d, %s: the launches of a training step", sheet.Workload, sheet.Batch, sheet.Precision),
		Head:  headings(sheet, "operation", "result", "kernel"),
		Rows:  launchRows(sheet),
	})
	s.print("")
	table := terminal.Table{
		Title: fmt.Sprintf("%s, batch %d, %s: together", sheet.Workload, sheet.Batch, sheet.Precision),
		Head:  headings(sheet, "operation"),
	}
	for _, g := range append(sheet.Groups, sheet.Total) {
		table.Rows = append(table.Rows, floorRow(sheet, g, cmp.Or(g.Kind, "all")))
	}
	s.table(table)
	s.print("")
	s.print("ceilings of %s: %s/s, %s/s of memory; %s", c.GPU, flops(int(c.FLOPs[sheet.Precision])), terminal.Bytes(c.Copy), cmp.Or(c.Origin, "measured here"))
	s.print("the operations alone, without noise, the update, and what launches pass on to each other: %s, %s", flops(sheet.Least.FLOPs), terminal.Bytes(float64(sheet.Least.Bytes)))
	if sheet.Device == "" {
		s.print("no GPU: nothing was timed")
	} else {
		s.print("timed on %s, each launch %d times over: it may find in the caches what it would not in a step", sheet.Device, repeats)
	}
}

// headings are those of a table whose first columns are text.
func headings(sheet bench.Sheet, first ...string) []string {
	all := append(first, "launches", "FLOP", "bytes", "floor µs", "% of all")
	if sheet.Device != "" {
		all = append(all, "µs", "× floor")
	}
	return all
}

// floorRow is a row of a table, behind its texts.
func floorRow(sheet bench.Sheet, g bench.Group, texts ...string) []string {
	row := append(texts, fmt.Sprint(g.Launches), terminal.Count(float64(g.FLOPs)), terminal.Bytes(float64(g.Bytes)),
		fmt.Sprintf("%.2f", g.Floor), fmt.Sprintf("%.1f", 100*g.Floor/sheet.Total.Floor))
	if sheet.Device != "" {
		row = append(row, fmt.Sprintf("%.2f", g.Time), fmt.Sprintf("%.1f", g.Ratio))
	}
	return row
}

// launchRows has the operations in the order of the sheet's groups, of each the
// launches with the highest floor first. Those that are alike share a row.
func launchRows(sheet bench.Sheet) (rows [][]string) {
	for _, g := range sheet.Groups {
		for i, a := range sheet.Alike(g.Kind) {
			kind := ""
			if i == 0 {
				kind = g.Kind
			}
			rows = append(rows, floorRow(sheet, a.Group, kind, a.Result, a.Kernel))
		}
	}
	return rows
}
