package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/conv"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Constants of the normalisations, PyTorch's defaults.
const (
	NormEpsilon       = 1e-5 // added to every variance
	BatchNormMomentum = 0.1  // of the running statistics
)

// runningName ends the name of a batch normalisation's (2,C) statistics.
const runningName = "running"

// variable is a variable to be made, with how its values begin.
type variable struct {
	graph.Variable
	state bool
	begin beginning
}

// beginning says how a variable's values begin: uniform on value ± bound.
type beginning struct{ bound, value float64 }

// part is a list of layers with its place in the model: "encoder", say. It
// knows the name of each layer's variables.
type part struct {
	name   string
	layers Layers
	shapes []Shape // before the first layer and after each one
	images []Shape // at the same places: what [Layers.pixelwise] says of rows
	// single parts are one module, not a sequence: their names carry no number.
	single bool
	// twins are weights of another part that this one uses transposed, by the
	// number of the module that uses them.
	twins map[int]string
	init  Initialisation
}

func (s Spec) part(name string, layers Layers, in Shape) (part, error) {
	shapes, err := layers.Shapes(name, in)
	if err != nil {
		return part{}, err
	}
	return part{name: name, layers: layers, shapes: shapes, images: layers.pixelwise(shapes), init: s.Init}, nil
}

// out is the shape after the last layer.
func (p part) out() Shape { return p.shapes[len(p.shapes)-1] }

// prefix is the name of module number m of the part.
func (p part) prefix(m int) string {
	if p.single && m == 0 {
		return p.name
	}
	return fmt.Sprintf("%s.%d", p.name, m)
}

// variables lists the part's variables in order.
func (p part) variables() []variable { return p.variablesOf(0, len(p.layers)) }

// variablesOf lists those of some of its layers, up to but not end.
func (p part) variablesOf(start, end int) []variable {
	var all []variable
	module := 0
	for i, l := range p.layers[:end] {
		if i >= start {
			all = append(all, p.layerVariables(i, module)...)
		}
		module += l.modules()
	}
	return all
}

// names are those of the variables of some of its layers.
func (p part) names(start, end int) []string {
	var all []string
	for _, v := range p.variablesOf(start, end) {
		all = append(all, v.Name)
	}
	return all
}

// layerVariables lists those of layer number i, whose first module is given.
func (p part) layerVariables(i, module int) []variable {
	l, in, out := p.layers[i], p.shapes[i], p.shapes[i+1]
	from, to := p.images[i], p.images[i+1] // of rows that are images
	prefix := p.prefix(module)
	var all []variable
	parameter := func(name string, begin beginning, order graph.Order, shape ...int) {
		all = append(all, variable{Variable: graph.Variable{Name: name, Shape: shape, Order: order}, begin: begin})
	}
	switch l.Kind {
	case KindRes, KindAttention:
		for _, one := range p.inside(l, in, module) {
			all = append(all, one.variables()...)
		}
	case KindConv, KindConvT, KindDense:
		shape, fanIn, fanOut := l.weight(in)
		if p.twins[module] == "" {
			parameter(prefix+".weight", beginning{bound: p.init.bound(l.Activation, fanIn, fanOut)}, orders(to, from), shape...)
		}
		if !l.NoBias {
			parameter(prefix+".bias", beginning{}, orders(to), out.C)
		}
		prefix = p.prefix(module + 1)
	}
	if l.Norm != nil {
		parameter(prefix+".weight", beginning{value: 1}, orders(to), out.C)
		parameter(prefix+".bias", beginning{}, orders(to), out.C)
		if l.Norm.Kind == kernels.BatchNorm {
			all = append(all, variable{Variable: graph.Variable{Name: prefix + "." + runningName, Shape: kernels.Shape{2, out.C}, Order: orders(Shape{}, to)}, state: true})
		}
	}
	return all
}

// weight returns the shape of a layer's weight in PyTorch's layout, and over
// how many of its elements a number of the result sums (on average, for a
// transposed convolution with a stride), and a number of the input is used.
func (l Layer) weight(in Shape) (shape kernels.Shape, fanIn, fanOut float64) {
	area, stride := float64(l.Kernel.H*l.Kernel.W), float64(l.Stride.H*l.Stride.W)
	switch l.Kind {
	case KindConv:
		shape = kernels.Shape{l.Channels, in.C / l.Groups, l.Kernel.H, l.Kernel.W}
		return shape, float64(in.C/l.Groups) * area, float64(l.Channels/l.Groups) * area / stride
	case KindConvT:
		shape = kernels.Shape{in.C, l.Channels / l.Groups, l.Kernel.H, l.Kernel.W}
		return shape, float64(in.C/l.Groups) * area / stride, float64(l.Channels/l.Groups) * area
	default:
		return kernels.Shape{l.Channels, in.C}, float64(in.C), float64(l.Channels)
	}
}

// Initialisation says from which uniform distribution on ±bound weights are
// drawn. Biases begin at zero.
type Initialisation string

const (
	// FanIn is bound 1/√fanIn, PyTorch's default: He's for a leaky slope of √5.
	// It is less than He's; autoencoders of mostly dark images learn faster
	// from it.
	FanIn Initialisation = "fanin"
	// He is bound √(6/fanIn) before functions that drop half of their input,
	// √(3/fanIn) elsewhere: the variance of activations neither grows nor fades
	// from layer to layer (He et al., "Delving deep into rectifiers", 2015).
	He Initialisation = "he"
	// Xavier is bound √(6/(fanIn+fanOut)), a compromise between activations and
	// gradients (Glorot and Bengio, "Understanding the difficulty of training
	// deep feedforward neural networks", 2010).
	Xavier Initialisation = "xavier"
)

// Initialisations are the names of all initialisations.
func Initialisations() []string { return []string{string(FanIn), string(He), string(Xavier)} }

func (i Initialisation) bound(a kernels.Activation, fanIn, fanOut float64) float64 {
	switch i {
	case Xavier:
		return math.Sqrt(6 / (fanIn + fanOut))
	case He:
		switch a.Function {
		case kernels.ReLU, kernels.SiLU, kernels.GELU, kernels.ELU, kernels.Softplus:
			return math.Sqrt(6 / fanIn)
		case kernels.LeakyReLU:
			return math.Sqrt(6 / (1 + a.Alpha*a.Alpha) / fanIn)
		}
		return math.Sqrt(3 / fanIn)
	default:
		return 1 / math.Sqrt(fanIn)
	}
}

// apply adds the part's operations to the graph. The first error sticks to the
// builder; after it, nodes are nil.
func (p part) apply(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	module := 0
	for i, l := range p.layers {
		y, err := p.applyLayer(b, i, l, x, module)
		if err != nil {
			b.Fail(fmt.Errorf("%s[%d] %v: %w", p.name, i, l, err))
			return nil
		}
		x = y
		module += l.modules()
	}
	return x
}

// applyLayer adds layer number i, or what is given of it.
func (p part) applyLayer(b *graph.Builder, i int, l Layer, x *gorgonia.Node, module int) (y *gorgonia.Node, err error) {
	in, prefix := p.shapes[i], p.prefix(module)
	switch l.Kind {
	case KindConv, KindConvT, KindDense:
		y, err = p.applyWeights(b, l, module, x)
		prefix = p.prefix(module + 1)
	case KindRes:
		y, err = applyRes(b, p.inside(l, in, module), x)
	case KindAttention:
		y, err = applyAttention(b, p.inside(l, in, module), x)
	case KindFlatten:
		y, err = flatten(x, p.images[i+1])
	case KindUnflatten:
		y, err = unflatten(x, p.images[i], l.Shape)
	case KindMaxPool:
		y, err = conv.MaxPool2D(x, l.Kernel, l.Stride, l.Padding)
	case KindAvgPool:
		y, err = conv.AvgPool2D(x, l.Kernel, l.Stride, l.Padding)
	case KindUpsample:
		y, err = conv.Upsample2D(x, l.Stride, l.Bilinear)
	case KindDropout:
		y, err = ops.Dropout(b, x, l.Rate)
	default:
		y = x
	}
	if err == nil && l.Norm != nil {
		y, err = applyNorm(b, *l.Norm, prefix, y)
	}
	if err != nil {
		return nil, err
	}
	return ops.Activate(y, l.Activation)
}

func (p part) applyWeights(b *graph.Builder, l Layer, module int, x *gorgonia.Node) (*gorgonia.Node, error) {
	w := b.Variable(p.weightName(module))
	var bias *gorgonia.Node
	if !l.NoBias {
		bias = b.Variable(p.prefix(module) + ".bias")
	}
	switch {
	case l.Kind == KindConv: // a twin's weight has the shape of this one's, by the layouts
		return conv.Conv2D(x, w, bias, l.attributes())
	case l.Kind == KindConvT:
		return conv.ConvTranspose2D(x, w, bias, l.attributes())
	case p.twins[module] == "":
		return ops.Linear(x, w, bias)
	}
	y, err := ops.MatMul(x, w, false, false)
	if err != nil || bias == nil {
		return y, err
	}
	return ops.Add(y, bias)
}

// applyNorm normalises images and rows alike: a row is an image of one pixel.
func applyNorm(b *graph.Builder, n Norm, prefix string, x *gorgonia.Node) (*gorgonia.Node, error) {
	scale, shift := b.Variable(prefix+".weight"), b.Variable(prefix+".bias")
	if n.Kind == kernels.LayerNorm {
		return conv.LayerNorm(x, scale, shift, NormEpsilon)
	}
	shape := kernels.Shape(x.Shape().Clone())
	row := len(shape) == 2
	if row {
		var err error
		if x, err = ops.Reshape(x, shape[0], 1, 1, shape[1]); err != nil {
			return nil, err
		}
	}
	var y *gorgonia.Node
	var err error
	if n.Kind == kernels.BatchNorm {
		y, err = conv.BatchNorm2D(b, x, scale, shift, b.Variable(prefix+"."+runningName), BatchNormMomentum, NormEpsilon)
	} else {
		y, err = conv.GroupNorm(x, scale, shift, n.Groups, NormEpsilon)
	}
	if err == nil && row {
		y, err = ops.Reshape(y, shape...)
	}
	return y, err
}
