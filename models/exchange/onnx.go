package exchange

import (
	"fmt"
	"slices"

	"hourglass/graph"
	"hourglass/internal/onnx"
	"hourglass/models"
)

// Part is what of a model is written to ONNX.
type Part string

// The parts, with their inputs and outputs. A conditional model has the input
// condition besides.
const (
	Whole   Part = "whole"   // image to reconstruction and code
	Encoder Part = "encoder" // image to code and, of a VAE, log_variance; indices of a codebook's entries
	Decoder Part = "decoder" // code to reconstruction
)

// About is what an ONNX file says of itself beside the graph.
type About struct {
	Version  string // of the program
	Doc      string
	Metadata map[string]string
}

// Names of ONNX inputs and outputs.
const (
	imageValue          = "image"
	conditionValue      = "condition"
	codeValue           = "code"
	logVarianceValue    = "log_variance"
	reconstructionValue = "reconstruction"
	indicesValue        = "indices"
)

// ONNX returns the bytes of a model, or of a part of it, for onnxruntime and
// others. The batch axis is called N and may have any size. A VAE's code is the
// mean, of each level if it has several.
func ONNX(m Model, part Part, about About) ([]byte, error) {
	s, err := structureOf(m)
	if err != nil {
		return nil, err
	}
	t := translation{structure: s, weights: make(map[string]graph.Variable)}
	for _, v := range models.StateDict(m.Store()) {
		t.weights[v.Name] = v
	}
	switch part {
	case Whole:
		t.input(t.image(imageValue))
		t.decode(t.encode(imageValue))
		t.output(t.image(reconstructionValue), t.codes(codeValue))
	case Encoder:
		t.input(t.image(imageValue))
		t.encode(imageValue)
		t.output(t.codes(codeValue))
		if s.variational {
			t.logVariance()
		}
		if s.book != nil {
			t.output(onnx.Value{Name: indicesValue, Doc: "which entry of the codebook stands at each position", Integers: true, Axes: []onnx.Axis{{Name: "N"}, {Size: s.book.positions}}})
		}
	case Decoder:
		t.input(t.codes(codeValue))
		t.decode(codeValue)
		t.output(t.image(reconstructionValue))
	default:
		return nil, fmt.Errorf("there is no part %q; want %s, %s or %s", part, Whole, Encoder, Decoder)
	}
	if t.err != nil {
		return nil, t.err
	}
	if s.classes > 0 {
		t.input(onnx.Value{Name: conditionValue, Doc: "1 at the class of each image, 0 elsewhere", Axes: []onnx.Axis{{Name: "N"}, {Size: s.classes}}})
	}
	t.graph.Name = string(part)
	return onnx.Model{Producer: "hourglass", Version: about.Version, Doc: about.Doc, Metadata: about.Metadata, Graph: t.graph}.Marshal()
}

// translation is an ONNX graph under construction. Its first error sticks.
type translation struct {
	structure
	weights  map[string]graph.Variable
	graph    onnx.Graph
	features string // what the heads read
	err      error
}

func (t *translation) input(v onnx.Value)      { t.graph.Inputs = append(t.graph.Inputs, v) }
func (t *translation) output(vs ...onnx.Value) { t.graph.Outputs = append(t.graph.Outputs, vs...) }

func (t *translation) image(name string) onnx.Value {
	in := t.spec.Input
	return onnx.Value{Name: name, Doc: "pixels from 0 to 1; image, channel, row, column",
		Axes: []onnx.Axis{{Name: "N"}, {Size: in.C}, {Size: in.H}, {Size: in.W}}}
}

func (t *translation) codes(name string) onnx.Value {
	doc := "codes"
	switch {
	case t.book != nil:
		doc = "entries of the codebook, side by side"
	case t.levels != nil:
		doc = "means of the codes of all levels, side by side"
	case t.variational:
		doc = map[string]string{codeValue: "means of the codes", logVarianceValue: "logarithms of the variances of the codes"}[name]
	}
	return onnx.Value{Name: name, Doc: doc, Axes: []onnx.Axis{{Name: "N"}, {Size: t.code}}}
}

// encode adds the modules from image to code.
func (t *translation) encode(image string) string {
	t.features = t.told("features", t.modules(t.encoder, image))
	code := t.features
	switch {
	case t.levels != nil:
		code = t.descend(code)
	case len(t.heads) > 0:
		code = t.head(0)
	}
	if t.book != nil {
		code, _ = t.quantise(code)
	}
	return t.rename(code, codeValue)
}

// head is a row of numbers of the code's size.
func (t *translation) head(i int) string {
	row := t.module(t.heads[i], t.features)
	if t.spatial {
		row = t.node("Flatten", t.heads[i].Name+"/row", []onnx.Attribute{{Name: "axis", Value: 1}}, row)
	}
	return row
}

// told joins rows with the condition, if there is one.
func (t *translation) told(result, x string) string {
	if t.classes == 0 {
		return x
	}
	return t.beside(result, x, conditionValue)
}

// logVariance adds the second head of a VAE.
func (t *translation) logVariance() {
	t.rename(t.head(1), logVarianceValue)
	t.output(t.codes(logVarianceValue))
}

// decode adds the modules from code to reconstruction.
func (t *translation) decode(code string) {
	y := t.modules(t.decoder, t.told("told", code))
	if t.flat() {
		in := t.spec.Input
		y = t.reshape("output", y, 0, in.C, in.H, in.W)
	}
	y = t.activation("output/function", t.structure.output().Activation, y)
	t.rename(y, reconstructionValue)
}

func (t *translation) modules(all []models.Module, x string) string {
	for _, m := range all {
		x = t.module(m, x)
	}
	return x
}

func (t *translation) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// node adds an operator and returns the name of its result.
func (t *translation) node(operator, result string, attributes []onnx.Attribute, in ...string) string {
	t.graph.Nodes = append(t.graph.Nodes, onnx.Node{Operator: operator, In: in, Out: []string{result}, Attributes: attributes})
	return result
}

// rename gives a result another name.
func (t *translation) rename(old, name string) string {
	for _, n := range t.graph.Nodes {
		for _, names := range [][]string{n.In, n.Out} {
			for i := range names {
				if names[i] == old {
					names[i] = name
				}
			}
		}
	}
	if t.features == old {
		t.features = name
	}
	return name
}

// weight adds a variable of the model as a constant, and returns its name.
func (t *translation) weight(name string) string {
	v, found := t.weights[name]
	if !found {
		t.fail(fmt.Errorf("the model has no variable %s", name))
	}
	if !slices.ContainsFunc(t.graph.Constants, func(c onnx.Tensor) bool { return c.Name == name }) { // twins share one
		t.graph.Constants = append(t.graph.Constants, onnx.Tensor{Name: name, Shape: v.Shape, Floats: v.Read()})
	}
	return name
}

// floats adds a constant of one or more axes.
func (t *translation) floats(name string, shape []int, values []float32) string {
	t.graph.Constants = append(t.graph.Constants, onnx.Tensor{Name: name, Shape: shape, Floats: values})
	return name
}

// reshape gives x another shape, in which 0 keeps the batch and -1 is whatever
// is left.
func (t *translation) reshape(result, x string, shape ...int) string {
	name := result + ".shape"
	axes := make([]int64, len(shape))
	for i, n := range shape {
		axes[i] = int64(n)
	}
	t.graph.Constants = append(t.graph.Constants, onnx.Tensor{Name: name, Shape: []int{len(axes)}, Integers: axes})
	return t.node("Reshape", result, nil, x, name)
}
