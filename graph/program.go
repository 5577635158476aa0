package graph

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"hourglass/kernels"
)

// Program is a compiled graph: fill its inputs, run it, read its outputs. What a run
// allocates does not grow with the graph or its tensors. One goroutine at a time uses a
// program.
type Program struct {
	*Outline
	device  *Device
	clock   *kernels.Clock
	engine  engine
	inputs  map[string]int // values by name
	outputs map[string]int
	idle    map[string][]float32 // inputs that nothing reads
	begun   int                  // steps that are not finished
}

// Input is the buffer of an input, to be filled before each run; nil if there
// is none of that name, or if it resides on the GPU. [Program.Begin] may give an
// input another buffer.
func (p *Program) Input(name string) []float32 {
	if v, read := p.inputs[name]; read {
		return p.engine.input(v)
	}
	return p.idle[name]
}

// Output is the buffer of an output of the last run, or of the step finished
// last, valid until the next begins; nil if there is none of that name.
func (p *Program) Output(name string) []float32 {
	if v, ok := p.outputs[name]; ok {
		return p.engine.output(v)
	}
	return nil
}

// ErrNoRoom is wrapped by the error of [Program.Reside] where the GPU has no
// memory for the images.
var ErrNoRoom = errors.New("the GPU has no room for the images")

// Reside puts a set of images on the GPU, each byte a value from 0 to 255 that
// stands for a 255th, and makes an input of shape (N,H,W,C) of them from then on:
// of those that [Program.Pick] says. The input has no buffer any more. fill hands
// the images over in their order, each H,W,C, through put, in pieces of any size;
// if it fails, so does Reside, and nothing has changed.
func (p *Program) Reside(input string, images int, fill func(put func(pixels []byte) error) error) error {
	p.device.busy.Lock()
	defer p.device.busy.Unlock()
	v, read := p.inputs[input]
	switch {
	case !read:
		return fmt.Errorf("nothing reads the input %s; its images have no use on the GPU", input)
	case p.device.gpu != nil && p.engine.input(v) == nil:
		return fmt.Errorf("the input %s is made of images on the GPU already", input)
	case p.begun > 0:
		return fmt.Errorf("the input %s is to be made on the GPU while %d steps are under way; finish them first", input, p.begun)
	case len(p.schedule.values[v].shape) != 4:
		return fmt.Errorf("the input %s has shape %v, want N,H,W,C to be made of images", input, p.schedule.values[v].shape)
	}
	return p.engine.reside(v, images, fill)
}

// Pick says of which images the next run makes an input that resides on the GPU,
// one for each row of the batch.
func (p *Program) Pick(input string, picks []kernels.Pick) error {
	v, read := p.inputs[input]
	if !read || p.engine.input(v) != nil {
		return fmt.Errorf("the input %s is not made of images on the GPU; call Reside first", input)
	}
	if n := p.schedule.values[v].shape[0]; len(picks) != n {
		return fmt.Errorf("the input %s is given %d picks, want %d", input, len(picks), n)
	}
	p.engine.pick(v, picks)
	return nil
}

// Clock is what random operations draw by; set Seed once and Step before each
// run.
func (p *Program) Clock() *kernels.Clock { return p.clock }

// Run computes all outputs, state updates and gradients from the inputs.
func (p *Program) Run() error {
	p.device.busy.Lock()
	defer p.device.busy.Unlock()
	if p.begun > 0 {
		return fmt.Errorf("a run is asked for while %d steps are under way; finish them first", p.begun)
	}
	return p.engine.run(*p.clock)
}

// ErrNotFinite is wrapped by the error of a step whose cost or gradients held
// NaN or infinity; the parameters are then those from before the step.
var ErrNotFinite = errors.New("not a finite number")

// StepResult says what a training step did.
type StepResult struct {
	GradientNorm float64 // Euclidean, of all gradients, before clipping
}

// Step runs the program and then updates the parameters by the optimiser given
// to [Compile], at the given learning rate. step counts updates from 1; it is
// also the step of the clock.
func (p *Program) Step(rate float64, step int) (StepResult, error) {
	if p.begun > 0 {
		return StepResult{}, fmt.Errorf("step %d is asked for while %d steps are under way; finish them first", step, p.begun)
	}
	if err := p.Begin(rate, step); err != nil {
		return StepResult{}, err
	}
	return p.Finish()
}

// Depth is how many steps can be begun before one has to be finished: on a GPU
// a batch is copied, and its step queued, while the step before computes.
func (p *Program) Depth() int { return p.engine.depth() }

// Begin is the first half of [Program.Step]: the step has its inputs, and is
// done or under way. What is evaluated or pulled meanwhile waits for it, and is
// of the parameters after it.
func (p *Program) Begin(rate float64, step int) error {
	p.device.busy.Lock()
	defer p.device.busy.Unlock()
	if p.begun == p.engine.depth() {
		return fmt.Errorf("step %d is begun while %d are under way; finish one first", step, p.begun)
	}
	p.clock.Step = uint64(step)
	if err := p.engine.begin(*p.clock, rate, step); err != nil {
		return err
	}
	p.begun++
	return nil
}

// Finish is the other half of [Program.Step], for the oldest step that was
// begun: it waits until the step is done, whose outputs can be read then. If it
// fails with [ErrNotFinite], so do the steps that were begun after it, and the
// parameters are those from before them all.
func (p *Program) Finish() (StepResult, error) {
	p.device.busy.Lock()
	defer p.device.busy.Unlock()
	if p.begun == 0 {
		return StepResult{}, fmt.Errorf("no step is under way; begin one first")
	}
	p.begun--
	norm, err := p.engine.finish()
	if err != nil {
		return StepResult{}, err
	}
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		where, err := p.firstNonFinite()
		if err != nil {
			return StepResult{norm}, err
		}
		return StepResult{norm}, fmt.Errorf("%s: %w", where, ErrNotFinite)
	}
	return StepResult{norm}, nil
}

// firstNonFinite describes the first value in the order of computation that
// holds NaN or infinity. State that an Updater writes is passed over: it holds
// one after the step because something else did before.
func (p *Program) firstNonFinite() (where string, err error) {
	s := &p.schedule
	updated := make(map[int]bool)
	for _, in := range s.instructions {
		if state, result, updates := in.updated(); updates {
			updated[state], updated[result] = true, true
		}
	}
	if err := p.engine.pull(); err != nil {
		return "", err
	}
	for v, val := range s.values {
		data := val.data
		if val.input {
			data = p.engine.input(v)
		}
		if val.producer < 0 && !updated[v] && !finite(data) {
			return val.name + " held one before the step", nil
		}
	}
	where = "the gradients' norm overflowed"
	err = p.engine.visit(func(v int, result []float32) bool {
		if updated[v] || finite(result) {
			return true
		}
		where = "it first appeared in " + s.describe(s.values[v].producer)
		return false
	})
	return where, err
}

func finite(data []float32) bool {
	for _, x := range data {
		if d := x - x; d != 0 {
			return false
		}
	}
	return true
}

// describe names an instruction by its kind, the shape of its result and the
// variables nearest to it.
func (s *schedule) describe(i int) string {
	in := s.instructions[i]
	var near []string
	for _, v := range in.operands {
		if s.values[v].producer < 0 && s.values[v].name != "" {
			near = append(near, s.values[v].name)
		}
	}
	kind := in.op.Kind()
	if chain, ok := in.op.(kernels.Chain); ok {
		kind += " of " + strings.Join(chain.Kinds(), ", ")
	}
	text := fmt.Sprintf("%s (%v)", kind, s.values[in.result].shape)
	if len(near) > 0 {
		return text + " of " + strings.Join(near, ", ")
	}
	if len(in.operands) > 0 {
		return text + " after " + s.describe(s.values[in.operands[len(in.operands)-1]].producer)
	}
	return text
}

// Cost sums up what one run of a program takes.
type Cost struct {
	Instructions int
	FLOPs        int // multiplications and additions
	Bytes        int // of the arena that all temporaries share, see [Plan]
}

// Cost adds up the schedule.
func (p *Program) Cost() Cost {
	c := Cost{Instructions: len(p.schedule.instructions), Bytes: p.planFor(p.device.overwriting()).Arena}
	for _, in := range p.schedule.instructions {
		c.FLOPs += in.op.FLOPs()
	}
	return c
}

// Close frees what the program holds on its device.
func (p *Program) Close() error {
	p.device.busy.Lock()
	defer p.device.busy.Unlock()
	return p.engine.close()
}
