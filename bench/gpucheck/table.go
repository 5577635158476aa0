package main

import (
	"cmp"
	"fmt"
	"slices"

	"hourglass/bench"
)

// printSteps prints what the steps took as tables, those of launches first: what is
// printed last is what is seen.
func (r *run) printSteps() {
	if len(r.steps) == 0 {
		return
	}
	for _, s := range r.steps {
		s.printSlowest(6)
	}
	fmt.Printf("\nmilliseconds a step, ours / PyTorch's best mode = ratio; MiB at the peak of ours and of PyTorch's leanest mode\n")
	fmt.Printf("%-4s %-5s %6s  %-28s %-28s %-28s %-18s %6s\n", "", "", "batch", "host", "queued ahead", "device", "memory", "nodes")
	for _, s := range r.steps {
		fmt.Printf("%-4s %-5s %6d  %-28s %-28s %-28s %-18s %6d\n", s.Workload, s.Precision, s.Batch,
			s.versus(func(t timing) float64 { return t.Host.Median }),
			s.versus(func(t timing) float64 { return t.Queued.Median }),
			s.versus(func(t timing) float64 { return t.Device.Median }), s.memory(), s.Nodes)
	}
}

// versus compares one way of timing.
func (s step) versus(of func(timing) float64) string {
	ours := of(s.Ours)
	_, best := s.best(of)
	if best == 0 {
		return fmt.Sprintf("%.3f / absent", ours)
	}
	return fmt.Sprintf("%.3f / %.3f = %.2fx", ours, best, best/ours)
}

// best is the mode of PyTorch that needs least; none where it is absent.
func (s step) best(of func(timing) float64) (mode string, least float64) {
	for name, t := range s.Torch {
		if mode == "" || of(t) < least {
			mode, least = name, of(t)
		}
	}
	return mode, least
}

func (s step) memory() string {
	_, theirs := s.best(func(t timing) float64 { return float64(t.Peak) })
	return fmt.Sprintf("%d / %d", s.Ours.Peak>>20, int(theirs)>>20)
}

// printSlowest lists the launches that take longest.
func (s step) printSlowest(n int) {
	mode, _ := s.best(func(t timing) float64 { return t.Device.Median })
	total, floor := 0.0, 0.0
	for _, l := range s.Launches {
		total, floor = total+l.Time, floor+l.Floor
	}
	fmt.Printf("\n%s in %s: %d launches take %.0f us one by one, floor %.0f us", s.Workload, s.Precision, len(s.Launches), total, floor)
	if mode != "" {
		fmt.Printf("; PyTorch is fastest with %s", mode)
	}
	fmt.Printf("\n%9s %9s %7s %6s  %-42s %-12s %s\n", "us", "floor", "ratio", "share", "kernel", "grid", "operation")
	slowest := slices.SortedStableFunc(slices.Values(s.Launches), func(a, b bench.LaunchFloor) int { return cmp.Compare(b.Time, a.Time) })
	for _, l := range slowest[:min(n, len(slowest))] {
		fmt.Printf("%9.1f %9.1f %7.1f %5.1f%%  %-42s %-12s %.60s\n", l.Time, l.Floor, l.Ratio, 100*l.Time/max(total, 1e-9),
			l.Kernel, fmt.Sprintf("%dx%dx%d", l.Grid[0], l.Grid[1], l.Grid[2]), l.Operation)
	}
}
