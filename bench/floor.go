package bench

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"hourglass/graph"
	"hourglass/kernels"
)

// LaunchFloor is one launch of a training step beside the least time that it could
// take, in microseconds. Each number that it reads or writes is counted once.
type LaunchFloor struct {
	Kind       string  `json:"kind"`   // of its operation
	Result     string  `json:"result"` // of its operation: the shape
	Operation  string  `json:"operation"`
	Kernel     string  `json:"kernel"`
	Grid       [3]int  `json:"grid"`
	Block      [3]int  `json:"block"`
	Bytes      int     `json:"bytes"`
	FLOPs      int     `json:"flops"`
	Floor      float64 `json:"floor_us,omitempty"`
	Arithmetic bool    `json:"arithmetic,omitempty"` // the floor is that of the FLOPs, not of the bytes
	Time       float64 `json:"us,omitempty"`         // measured
	Ratio      float64 `json:"ratio,omitempty"`      // of the time to the floor
}

// Launch sets a launch beside its floor. A product that is computed in float32
// because its kernel knows nothing else is still held to the precision's ceiling.
func (c Ceilings) Launch(l graph.Launch, precision kernels.Precision) LaunchFloor {
	floor, arithmetic := c.Floor(l.Bytes, l.FLOPs, precision)
	return LaunchFloor{Kind: l.Kind, Result: l.Result, Operation: l.Operation, Kernel: l.Kernel, Grid: l.Grid, Block: l.Block, Bytes: l.Bytes, FLOPs: l.FLOPs,
		Floor: 1e6 * floor, Arithmetic: arithmetic}
}

// Measured adds what the launch took.
func (f LaunchFloor) Measured(t time.Duration) LaunchFloor {
	f.Time = 1e6 * t.Seconds()
	if f.Floor > 0 {
		f.Ratio = f.Time / f.Floor
	}
	return f
}

// Sheet states what a training step takes at least, launch by launch.
type Sheet struct {
	Workload  string        `json:"workload"`
	Batch     int           `json:"batch"`
	Precision string        `json:"precision"`
	Ceilings  Ceilings      `json:"ceilings"`
	Device    string        `json:"device,omitempty"` // on which the launches were timed; empty if they were not
	Launches  []LaunchFloor `json:"launches"`         // in order
	Total     Group         `json:"total"`
	Groups    []Group       `json:"groups"`     // by operation, the highest floor first
	Least     Work          `json:"operations"` // of the plan: what launches pass on to each other is not counted, nor noise and update
}

// Group adds up the launches of one kind of operation, or all.
type Group struct {
	Kind     string  `json:"kind,omitempty"`
	Launches int     `json:"launches"`
	Bytes    int     `json:"bytes"`
	FLOPs    int     `json:"flops"`
	Floor    float64 `json:"floor_us"`
	Time     float64 `json:"us,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"`
}

func (g *Group) add(l LaunchFloor) {
	g.Launches++
	g.Bytes, g.FLOPs = g.Bytes+l.Bytes, g.FLOPs+l.FLOPs
	g.Floor, g.Time = g.Floor+l.Floor, g.Time+l.Time
	if g.Floor > 0 {
		g.Ratio = g.Time / g.Floor
	}
}

// Outline is the workload's training step before any device, for a batch.
func (w Workload) Outline(batch int) (*graph.Outline, error) {
	model, err := w.New(w.Spec, 1)
	if err != nil {
		return nil, fmt.Errorf("building workload %s: %w", w.Name, err)
	}
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, batch)
	outline, err := graph.OutlineOf(b, &w.Optimiser)
	if err != nil {
		return nil, fmt.Errorf("compiling workload %s: %w", w.Name, err)
	}
	return outline, nil
}

// PlanSheet is the sheet of a workload for GPUs of a compute capability, in its
// batch for GPUs. It needs no GPU, and times nothing.
func PlanSheet(w Workload, precision kernels.Precision, capability int, c Ceilings) (Sheet, error) {
	outline, err := w.Outline(w.GPUBatch)
	if err != nil {
		return Sheet{}, err
	}
	launches, err := outline.Launches(precision, capability)
	if err != nil {
		return Sheet{}, fmt.Errorf("workload %s: %w", w.Name, err)
	}
	floors := make([]LaunchFloor, len(launches))
	for i, l := range launches {
		floors[i] = c.Launch(l, precision)
	}
	return sheet(w, precision, c, outline, floors), nil
}

// MeasureSheet is that of a workload on the first GPU, each launch timed there.
func MeasureSheet(w Workload, precision kernels.Precision, c Ceilings, repeats int) (s Sheet, err error) {
	trainer, err := OpenGPU(w, precision)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, trainer.Close()) }()
	if _, err := trainer.Step(); err != nil {
		return s, err
	}
	launches, err := trainer.Program.Profile(repeats)
	if err != nil {
		return s, err
	}
	floors := make([]LaunchFloor, len(launches))
	for i, l := range launches {
		floors[i] = c.Launch(l.Launch, precision).Measured(l.Time)
	}
	s = sheet(w, precision, c, trainer.Program.Outline, floors)
	s.Device = trainer.device.String()
	return s, nil
}

func sheet(w Workload, precision kernels.Precision, c Ceilings, o *graph.Outline, floors []LaunchFloor) Sheet {
	s := Sheet{Workload: w.Name, Batch: w.GPUBatch, Precision: precision.String(), Ceilings: c, Launches: floors, Least: workOf(o.Plan())}
	at := make(map[string]int)
	for _, l := range floors {
		if _, known := at[l.Kind]; !known {
			at[l.Kind] = len(s.Groups)
			s.Groups = append(s.Groups, Group{Kind: l.Kind})
		}
		s.Groups[at[l.Kind]].add(l)
		s.Total.add(l)
	}
	slices.SortStableFunc(s.Groups, func(a, b Group) int { return cmp.Compare(b.Floor, a.Floor) })
	return s
}

// Alike are launches of one kernel that move and compute the same.
type Alike struct {
	Group
	Kernel, Result string
}

// Alike are the launches of a kind of operation, the highest floor first.
func (s Sheet) Alike(kind string) (all []Alike) {
	for _, l := range s.Launches {
		if l.Kind != kind {
			continue
		}
		same := func(a Alike) bool {
			return a.Kernel == l.Kernel && a.Result == l.Result && a.Bytes == a.Launches*l.Bytes && a.FLOPs == a.Launches*l.FLOPs
		}
		k := slices.IndexFunc(all, same)
		if k < 0 {
			k = len(all)
			all = append(all, Alike{Group{Kind: kind}, l.Kernel, l.Result})
		}
		all[k].add(l)
	}
	slices.SortStableFunc(all, func(a, b Alike) int { return cmp.Compare(b.Floor, a.Floor) })
	return all
}
