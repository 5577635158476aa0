package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"hourglass/bench"
	"hourglass/internal/figure"
	"hourglass/internal/terminal"
	"hourglass/kernels/cpu"
)

type benchCommand struct {
	Workload []string `placeholder:"NAME" help:"Workloads to measure: W1, W2, W3; all unless told otherwise. bench/w1.go and its siblings say what they are."`
	Threads  int      `default:"0" help:"CPU threads of every contender; 0 for all."`
	Rounds   int      `default:"7" help:"How often each contender has its turn."`
	Batch    int      `default:"0" help:"Images of a step; 0 for the workload's own, which with --roofline is that for GPUs."`
	Python   string   `placeholder:"PATH" help:"A Python that has torch, to measure PyTorch beside it."`
	Quick    bool     `help:"One round of small batches: that everything runs, not how fast."`
	Layers   bool     `help:"Instead of whole steps time every pass of every distinct convolution of the workloads, and of some with 256 and 512 channels."`
	floorFlags
	Output string `short:"o" placeholder:"FILE" help:"Also measure every convolution on its own and draw them below the machine's roof, as SVG."`

	// A contender is this program in a process of its own.
	Serve string `hidden:"" help:"Be a contender: hourglass or Gorgonia."`
	Steps int    `hidden:"" default:"1"`
}

func (benchCommand) Help() string {
	return "Each contender trains in a process of its own, in turn with the others, so that what disturbs the machine disturbs all of them. The ratio is that of its time to hourglass's in the same round.\n\nExamples:\n\n    hourglass bench --workload W1,W2\n    hourglass bench --python venv/bin/python -o roofline.svg\n    hourglass bench --layers --python venv/bin/python\n    hourglass bench --roofline --workload W2 --batch 64 --precision fp32"
}

// benchReport is what --json gives.
type benchReport struct {
	Machine     benchMachine       `json:"machine"`
	Comparisons []bench.Comparison `json:"comparisons"`
	Layers      []bench.Layer      `json:"layers,omitempty"`
}

// benchMachine is what the figures were measured on.
type benchMachine struct {
	Processor  string `json:"processor,omitempty"`
	Kernels    string `json:"kernels"`
	Go         string `json:"go"`
	Version    string `json:"version"`
	Threads    int    `json:"threads"`
	LoadBefore string `json:"load_before,omitempty"` // of the last minute, five, fifteen
	// Ceiling is the more of two measurements, before and after the workloads.
	Ceiling cpu.Ceiling `json:"ceiling"`
}

func (c benchCommand) Run(s *session) error {
	if c.Threads < 0 || c.Rounds < 1 || c.Batch < 0 {
		return usage{fmt.Errorf("--threads is %d, --rounds %d and --batch %d; want at least 0, 1 and 0", c.Threads, c.Rounds, c.Batch)}
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	workloads, err := c.workloads()
	if err != nil {
		return usage{err}
	}
	if c.Roofline && c.Layers {
		return usage{errors.New("--roofline and --layers measure each something else; leave one of them out")}
	}
	if c.Roofline {
		return c.floorSheets(s, workloads)
	}
	if c.Layers && c.Output != "" {
		return usage{errors.New("--layers prints a table, and --output is of the comparison's picture; leave one of them out")}
	}
	if c.Serve != "" {
		return bench.Serve(os.Stdin, s.out, c.Serve, workloads[0], c.Threads, c.Steps)
	}
	return c.measure(s, workloads)
}

// workloads are those that were asked for, in the order of their size.
func (c benchCommand) workloads() ([]bench.Workload, error) {
	var chosen []bench.Workload
	asked := make(map[string]bool)
	for _, name := range c.Workload {
		asked[strings.ToUpper(name)] = true
	}
	var names []string
	for _, w := range bench.Workloads() {
		names = append(names, w.Name)
		if len(asked) > 0 && !asked[w.Name] {
			continue
		}
		delete(asked, w.Name)
		if c.Batch > 0 {
			w.Batch = c.Batch
		} else if c.Quick {
			w.Batch = max(1, w.Batch/16)
		}
		chosen = append(chosen, w)
		if len(c.Workload) > 0 && len(asked) == 0 {
			return chosen, nil
		}
	}
	for name := range asked {
		return nil, fmt.Errorf("there is no workload %s; choose among %s", name, strings.Join(names, ", "))
	}
	return chosen, nil
}

// floorSheets are of the batches for GPUs, unless another is asked for.
func (c benchCommand) floorSheets(s *session, workloads []bench.Workload) error {
	if c.Output != "" {
		return usage{errors.New("--roofline prints tables, and --output is of the comparison's picture; leave one of them out")}
	}
	for i := range workloads {
		if c.Batch > 0 {
			workloads[i].GPUBatch = c.Batch
		}
	}
	return c.floorFlags.run(s, workloads, c.Python)
}

func (c benchCommand) measure(s *session, workloads []bench.Workload) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program, which runs the contenders: %w", err)
	}
	report := benchReport{Machine: c.machine()}
	c.raise(&report.Machine)
	o := bench.Options{Threads: c.Threads, Rounds: c.Rounds, Program: program, Serving: contenderArguments, Python: c.Python, Say: s.say}
	if c.Quick {
		o.Rounds = 1
	}
	if c.Layers {
		return c.compareLayers(s, workloads, o, report)
	}
	for _, w := range workloads {
		comparison, err := bench.Compare(s.ctx, w, o)
		if err != nil {
			return err
		}
		report.Comparisons = append(report.Comparisons, comparison)
	}
	if c.Output != "" {
		for _, w := range workloads {
			s.say("%s: each convolution on its own", w.Name)
			layers, err := bench.MeasureLayers(w, c.Threads, c.time()/2)
			if err != nil {
				return err
			}
			report.Layers = append(report.Layers, layers...)
		}
	}
	c.raise(&report.Machine)
	if err := c.draw(report); err != nil {
		return err
	}
	c.print(s, report)
	return s.give(report)
}

// compareLayers measures and prints single convolutions.
func (c benchCommand) compareLayers(s *session, workloads []bench.Workload, o bench.Options, report benchReport) (err error) {
	if report.Layers, err = bench.CompareLayers(s.ctx, workloads, o); err != nil {
		return err
	}
	c.raise(&report.Machine)
	c.printMachine(s, report.Machine)
	head := []string{"", "layer", "pass", "ms", "GFLOP/s", "% of peak"}
	if c.Python != "" {
		head = append(head, "PyTorch ms", "× hourglass", "half of them")
	}
	var rows [][]string
	for i, l := range report.Layers {
		workload := l.Workload
		if i > 0 && workload == report.Layers[i-1].Workload {
			workload = ""
		}
		row := []string{workload, l.Name, l.Pass, fmt.Sprintf("%.3f", 1e3*l.Seconds), fmt.Sprintf("%.0f", l.Speed()/1e9),
			fmt.Sprintf("%.0f", 100*l.Speed()/l.Ceiling)}
		if l.PyTorch != nil {
			row = append(row, fmt.Sprintf("%.3f", l.PyTorch.Median), fmt.Sprintf("%.2f", l.Ratio.Median), fmt.Sprintf("%.2f to %.2f", l.Ratio.Low, l.Ratio.High))
		}
		rows = append(rows, row)
	}
	s.print("")
	s.table(terminal.Table{Title: "Convolutions; FLOPs as if every tap were multiplied, of zeros beyond the border too: with fewer, per cent of the peak, measured beside each, may exceed 100", Head: head, Rows: rows})
	if c.Python == "" {
		s.print("absent: PyTorch: no Python was named; give one that has torch by --python")
	}
	return s.give(report)
}

// contenderArguments are those by which this program becomes a contender.
func contenderArguments(contender string, w bench.Workload, threads, steps int) []string {
	return []string{"bench", "--serve", contender, "--workload", w.Name, "--batch", fmt.Sprint(w.Batch), "--threads", fmt.Sprint(threads), "--steps", fmt.Sprint(steps)}
}

// time is how long one thing is measured.
func (c benchCommand) time() time.Duration {
	if c.Quick {
		return time.Millisecond
	}
	return time.Second
}

func (c benchCommand) machine() benchMachine {
	m := benchMachine{Kernels: cpu.Path(), Go: runtime.Version(), Version: version().Version, Threads: c.Threads}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, line, _ := strings.Cut(string(text), "model name")
		m.Processor = strings.Trim(firstLine(line), "\t: ")
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.LoadBefore = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return m
}

// raise measures the ceiling once more.
func (c benchCommand) raise(m *benchMachine) {
	workers := cpu.NewWorkers(c.Threads)
	defer workers.Close()
	seen := cpu.MeasureCeiling(workers, c.time())
	m.Ceiling.FLOPs, m.Ceiling.Bytes = max(m.Ceiling.FLOPs, seen.FLOPs), max(m.Ceiling.Bytes, seen.Bytes)
}

// draw writes the roofline, if it was asked for.
func (c benchCommand) draw(r benchReport) error {
	if c.Output == "" {
		return nil
	}
	var points []figure.RooflinePoint
	for _, l := range r.Layers {
		points = append(points, figure.RooflinePoint{Name: l.Workload + " " + l.Name, Kind: l.Pass, Set: l.Workload, Intensity: l.Intensity(), FLOPs: l.Speed()})
	}
	title := fmt.Sprintf("Convolutions of the workloads, %d threads, %s", c.Threads, r.Machine.Kernels)
	return writeFile(c.Output, func(w io.Writer) error {
		return figure.Roofline(w, title, figure.Roof{FLOPs: r.Machine.Ceiling.FLOPs, Bytes: r.Machine.Ceiling.Bytes}, points)
	})
}

func (c benchCommand) printMachine(s *session, m benchMachine) {
	s.print("%s, %d threads, %s, %s; load before %s", m.Processor, m.Threads, m.Kernels, m.Go, m.LoadBefore)
	s.print("at most %.0f GFLOP/s of multiply-adds and %.1f GB/s of memory", m.Ceiling.FLOPs/1e9, m.Ceiling.Bytes/1e9)
}

func (c benchCommand) print(s *session, r benchReport) {
	m := r.Machine
	c.printMachine(s, m)
	for _, one := range r.Comparisons {
		s.print("")
		s.table(terminal.Table{
			Title: fmt.Sprintf("%s, batch %d: %v a step", one.Workload, one.Batch, one.Work),
			Head:  []string{"", "ms a step", "half of them", "× hourglass", "half of them", "GFLOP/s", "% of peak", "allocations", "memory"},
			Rows:  benchRows(one, m.Ceiling.FLOPs),
		})
		s.print("FLOPs are those of direct convolutions: with fewer, per cent of the peak may exceed 100")
		for _, sentence := range one.Absent {
			s.print("absent: %s", sentence)
		}
	}
	if c.Output != "" {
		s.print("")
		s.print("%d passes of convolutions drawn in %s", len(r.Layers), c.Output)
	}
}

// benchRows are the lines of a comparison's table.
func benchRows(c bench.Comparison, peak float64) [][]string {
	var rows [][]string
	for _, e := range c.Entries {
		allocations, memory := "-", "-"
		if e.Allocations != nil {
			allocations = fmt.Sprintf("%.0f", *e.Allocations)
		}
		if e.PeakBytes > 0 {
			memory = terminal.Bytes(float64(e.PeakBytes))
		}
		rows = append(rows, []string{
			e.Contender, fmt.Sprintf("%.2f", e.Milliseconds.Median), spread(e.Milliseconds),
			fmt.Sprintf("%.2f", e.Ratio.Median), spread(e.Ratio),
			fmt.Sprintf("%.1f", e.FLOPs/1e9), fmt.Sprintf("%.0f", 100*e.FLOPs/peak), allocations, memory,
		})
	}
	return rows
}

func spread(s bench.Summary) string { return fmt.Sprintf("%.2f to %.2f", s.Low, s.High) }
