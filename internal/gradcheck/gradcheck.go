package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Input is one input of the piece of graph.
type Input struct {
	Shape    kernels.Shape
	Data     []float64
	Constant bool // no gradient is asked for
}

// Build makes the piece of graph of its inputs' nodes.
type Build func(in gorgonia.Nodes) (*gorgonia.Node, error)

const (
	directions = 3
	tolerance  = 1e-6
)

// steps are the half-widths of difference quotients, one of which must agree:
// the longer errs less by rounding, the shorter where the function bends or
// has kinks nearby. A wrong gradient agrees at neither.
var steps = []float64{1e-5, 1e-7}

// Check builds the graph and returns its value, and an error that names the
// input whose gradient is not the derivative.
func Check(build Build, inputs ...Input) (value []float64, err error) {
	symbolic, err := assemble(build, inputs, true)
	if err != nil {
		return nil, err
	}
	defer symbolic.machine.Close()
	if err := symbolic.run(); err != nil {
		return nil, err
	}
	value = append(value, floats(symbolic.y)...)
	moved, err := assemble(build, inputs, false)
	if err != nil {
		return value, err
	}
	defer moved.machine.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for k, i := range symbolic.differentiated {
		for range directions {
			if err := moved.compare(inputs[i].Data, floats(symbolic.gradients[k]), random); err != nil {
				return value, fmt.Errorf("gradient by input %d: %w", i, err)
			}
		}
	}
	return value, nil
}

// assembled is a graph with its gradients, or without them where the value alone is
// wanted again and again. The inputs' nodes share memory with the inputs' data.
type assembled struct {
	machine        gorgonia.VM
	y, cost        gorgonia.Value
	gradients      []gorgonia.Value
	differentiated []int // inputs
}

func assemble(build Build, inputs []Input, differentiate bool) (*assembled, error) {
	g := gorgonia.NewGraph()
	nodes, wrt := make(gorgonia.Nodes, len(inputs)), gorgonia.Nodes{}
	c := &assembled{}
	for i, in := range inputs {
		nodes[i] = constant(g, fmt.Sprintf("input%d", i), in.Shape, in.Data)
		if differentiate && !in.Constant {
			wrt = append(wrt, nodes[i])
			c.differentiated = append(c.differentiated, i)
		}
	}
	y, err := build(nodes)
	if err != nil {
		return nil, err
	}
	cost, err := weigh(g, y)
	if err != nil {
		return nil, err
	}
	gorgonia.Read(y, &c.y)
	gorgonia.Read(cost, &c.cost)
	if len(wrt) > 0 {
		gradients, err := gorgonia.Grad(cost, wrt...)
		if err != nil {
			return nil, err
		}
		c.gradients = make([]gorgonia.Value, len(gradients))
		for k, n := range gradients {
			gorgonia.Read(n, &c.gradients[k])
		}
	}
	c.machine = gorgonia.NewTapeMachine(g)
	return c, nil
}

// weigh makes the cost Σ w·y with fixed random weights; a scalar y is the cost
// itself.
func weigh(g *gorgonia.ExprGraph, y *gorgonia.Node) (*gorgonia.Node, error) {
	shape := kernels.Shape(y.Shape().Clone())
	if len(shape) == 0 {
		return y, nil
	}
	random := rand.New(rand.NewPCG(3, 4))
	weights := make([]float64, shape.Size())
	for i := range weights {
		weights[i] = random.NormFloat64()
	}
	weighed, err := ops.Mul(y, constant(g, "weights", shape, weights))
	if err != nil {
		return nil, err
	}
	return ops.Sum(weighed)
}

func constant(g *gorgonia.ExprGraph, name string, shape kernels.Shape, data []float64) *gorgonia.Node {
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
	return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(value))
}

func (c *assembled) run() error {
	c.machine.Reset()
	return c.machine.RunAll()
}

// compare tests one direction from data, which it restores.
func (c *assembled) compare(data, gradient []float64, random *rand.Rand) error {
	direction := make([]float64, len(data))
	symbolic, length := 0.0, 0.0
	for i := range direction {
		direction[i] = random.NormFloat64()
		symbolic += direction[i] * gradient[i]
		length += gradient[i] * gradient[i]
	}
	var numerical, allowed float64
	for _, step := range steps {
		above, err := c.along(data, direction, step)
		if err != nil {
			return err
		}
		below, err := c.along(data, direction, -step)
		if err != nil {
			return err
		}
		numerical = (above - below) / (2 * step)
		allowed = tolerance*(math.Sqrt(length)+1) + 1e-15*(math.Abs(above)+math.Abs(below))/step
		if math.Abs(numerical-symbolic) <= allowed {
			return nil
		}
	}
	return fmt.Errorf("along a random direction it is %.9g and the difference quotient %.9g, want equal within %.2g", symbolic, numerical, allowed)
}

// along returns the cost at data + h·direction.
func (c *assembled) along(data, direction []float64, h float64) (float64, error) {
	kept := append([]float64{}, data...)
	defer copy(data, kept)
	for i := range data {
		data[i] += h * direction[i]
	}
	err := c.run()
	return floats(c.cost)[0], err
}

func floats(v gorgonia.Value) []float64 {
	switch t := v.(type) {
	case *tensor.Dense:
		return t.Float64s()
	case *gorgonia.F64:
		return (*[1]float64)(t.Pointer())[:]
	}
	return nil
}
