package graph

import (
	"fmt"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// Outline is a compiled graph before any device: what it computes, in which order,
// and of which launches. It takes no memory for results, so that one of any batch
// can be made anywhere.
type Outline struct {
	store     *Store
	schedule  schedule
	homes     map[int]int // parameters by the value that is their gradient
	optimiser *kernels.Optimiser
}

// OutlineOf makes the outline of what a builder has collected, as [Compile] does
// for a GPU. A builder can be compiled once.
func OutlineOf(b *Builder, optimiser *kernels.Optimiser) (*Outline, error) {
	_, outline, err := outline(b, optimiser, true)
	return outline, err
}

// outline differentiates, lowers and rewrites; the lowering knows the nodes.
func outline(b *Builder, optimiser *kernels.Optimiser, onGPU bool) (*lowering, *Outline, error) {
	if b.err != nil {
		return nil, nil, b.err
	}
	if optimiser != nil && b.cost == nil {
		return nil, nil, fmt.Errorf("the graph has an optimiser but no cost; give the builder a scalar Cost")
	}
	gradients, err := differentiate(b)
	if err != nil {
		return nil, nil, err
	}
	l, err := lower(b.Graph, b.roots(gradients))
	if err != nil {
		return nil, nil, err
	}
	l.markLeaves(b)
	l.unfused = l.sideBySide(l.roots[len(b.outputs):])
	for _, pass := range passes {
		if onGPU || !pass.onGPU {
			pass.run(&l.schedule)
		}
	}
	homes := l.placeGradients(gradients, len(b.outputs)+len(b.updates))
	return l, &Outline{store: b.Store, schedule: l.schedule, homes: homes, optimiser: optimiser}, nil
}

// Plan places the buffers as on a GPU, whatever the device of the program is. On the
// CPU, whose kernels write over fewer operands, the arena can be larger, and what is fused
// on GPUs alone is not fused.
func (o *Outline) Plan() *Plan { return o.planFor(overOnGPU) }

func (o *Outline) planFor(over overwriting) *Plan {
	names := make(map[int]string)
	for v, parameter := range o.homes {
		names[v] = "∂" + o.store.Parameters[parameter].Name
	}
	return o.schedule.plan(names, over)
}

// Launch is one launch of a run on a GPU, and what it takes at least.
type Launch struct {
	Kind        string // of the operation that it belongs to, as in a [PlanStep]; noise; the optimiser's rule
	Result      string // shape of that operation's result
	Operation   string // in words, with the variables
	Kernel      string
	Grid, Block [3]int
	Bytes       int // read and written, each number once
	FLOPs       int
}

// Launches are those of a run, in order, on GPUs of a compute capability (90 for
// 9.0; 0 for any that has the precision): of the noises, of all operations, and of
// the optimiser's update.
func (o *Outline) Launches(precision kernels.Precision, capability int) ([]Launch, error) {
	parameters := len(o.store.Values)
	programs, _, err := o.schedule.programs(o.optimiser, parameters, o.homes, func(op kernels.Operation) (launch.Program, error) {
		return launch.LowerOn(op, precision, capability)
	})
	if err != nil {
		return nil, err
	}
	var all []Launch
	for k, p := range programs {
		part := o.schedule.part(k, o.optimiser, parameters)
		for _, l := range p.Launches {
			all = append(all, part.launch(l))
		}
	}
	return all, nil
}

// launch is one launch of the operation that a Launch names.
func (of Launch) launch(l launch.Launch) Launch {
	of.Kernel, of.Grid, of.Block, of.Bytes, of.FLOPs = l.Kernel, l.Grid, l.Block, l.Bytes, l.FLOPs
	return of
}

// programs are what a GPU runs: the noises, all instructions, and the update of the
// parameters, if there is an optimiser. They read copies of parameters. homes are the
// values that are gradients.
func (s *schedule) programs(optimiser *kernels.Optimiser, parameters int, homes map[int]int, lower func(kernels.Operation) (launch.Program, error)) (all []launch.Program, read []filterCopy, err error) {
	for _, noise := range s.noises() {
		p, err := lower(noise)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, p)
	}
	for _, in := range s.instructions {
		p, err := lower(in.op)
		if err != nil {
			return nil, nil, err
		}
		copies, kept := s.copiesOf(in, p)
		if !kept {
			p = p.Alone()
		}
		all, read = append(all, p), union(read, copies)
	}
	if optimiser == nil {
		return all, read, nil
	}
	p, err := launch.Update(*optimiser, parameters, copied(read))
	if last := len(all) - 1; err == nil && s.endsInGradients(homes) {
		all[last], p = launch.Norm(*optimiser, parameters, all[last], p)
	}
	return append(all, p), read, err
}

// endsInGradients reports whether all that the last instruction makes are gradients of
// parameters, so that all others are there before.
func (s *schedule) endsInGradients(homes map[int]int) bool {
	if len(s.instructions) == 0 {
		return false
	}
	for _, v := range s.instructions[len(s.instructions)-1].results() {
		if _, gradient := homes[v]; !gradient {
			return false
		}
	}
	return true
}

// noises are what is drawn before the instructions.
func (s *schedule) noises() (all []kernels.Noise) {
	for _, val := range s.values {
		if val.noise != nil {
			all = append(all, *val.noise)
		}
	}
	return all
}

// part says what one of programs computes.
func (s *schedule) part(k int, optimiser *kernels.Optimiser, parameters int) Launch {
	noises := s.noises()
	i := k - len(noises)
	switch {
	case i < 0:
		return Launch{Kind: "noise", Result: noises[k].Result().String(), Operation: "noise"}
	case i < len(s.instructions):
		op := s.instructions[i].op
		return Launch{Kind: op.Kind(), Result: op.Result().String(), Operation: s.describe(i)}
	}
	return Launch{Kind: optimiser.Rule.String(), Result: fmt.Sprint(parameters), Operation: fmt.Sprintf("the update of %d parameters by %v", parameters, optimiser.Rule)}
}
