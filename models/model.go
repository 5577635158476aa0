package models

import (
	"fmt"

	"hourglass/graph"
	"hourglass/kernels"
)

// Shape is the shape of one image, or of a row of features with H = W = 1 and
// Flat set. It prints as CxHxW, or as the number of features.
type Shape struct {
	C, H, W int
	Flat    bool
}

// Size is the number of elements, counted as by [kernels.Shape.Size].
func (s Shape) Size() int { return kernels.Shape{s.C, s.H, s.W}.Size() }

// Features is the shape of a row of n features.
func Features(n int) Shape { return Shape{C: n, H: 1, W: 1, Flat: true} }

func (s Shape) String() string {
	if s.Flat {
		return fmt.Sprint(s.C)
	}
	return fmt.Sprintf("%dx%dx%d", s.C, s.H, s.W)
}

// Names of inputs and outputs of the graphs that a [Model] builds.
const (
	Image          = "image"          // input (N,H,W,C): pixels in [0,1]
	Code           = "code"           // output of Encode and Evaluate, input of Decode: (N,Z)
	Reconstruction = "reconstruction" // output (N,H,W,C): pixels as the model believes them
	Condition      = "condition"      // input (N,Classes) of a [Conditional] model: 1 at the image's class
	Loss           = "loss"           // output: scalar, in the unit that Unit names, averaged over the batch
)

// Term is a scalar output of the graphs that Train and Evaluate build, of which
// the loss is a weighted sum. One of weight 0 is no part of it and tells how the
// rest of the model fares.
type Term struct {
	Name   string  `json:"name"` // of the output
	Short  string  `json:"-"`    // for a line of text
	Weight float64 `json:"weight"`
}

// Model is anything that training can fit: it owns its variables and builds
// graphs over them. Graphs of different batch sizes and purposes share the
// variables.
type Model interface {
	// Store holds the variables.
	Store() *graph.Store
	// Input is the shape of one image.
	Input() Shape
	// CodeSize is the number of elements of one code.
	CodeSize() int
	// Unit names the unit of the loss: "mse/px" or "nats/img".
	Unit() string
	// Terms are what the loss consists of, if it is a sum.
	Terms() []Term
	// Train adds the training graph: input Image, outputs Loss and Terms, the
	// cost.
	Train(b *graph.Builder, batch int)
	// Evaluate adds input Image, outputs Loss, Terms, Reconstruction and Code.
	Evaluate(b *graph.Builder, batch int)
	// Encode adds input Image and output Code.
	Encode(b *graph.Builder, batch int)
	// Decode adds input Code and output Reconstruction.
	Decode(b *graph.Builder, batch int)
	// StartAt sets the output's bias so that an untrained model's output is
	// about the mean image, whatever its input. mean has Input().Size()
	// elements, H,W,C.
	StartAt(mean []float32)
}

// Conditional is a model that is told the class of each image: all its graphs
// have the input [Condition].
type Conditional interface {
	Model
	Classes() int
}

// Prior is a model that has a distribution of codes of its own, from which one
// can draw without images.
type Prior interface {
	Model
	// Draw adds output Code, drawn anew at each step of the clock. It has no
	// input.
	Draw(b *graph.Builder, batch int)
}

// Annealed is a model whose training graph has scalar inputs, of shape (1),
// that follow the progress of training: the weight of a divergence that is
// warmed up, say.
type Annealed interface {
	Model
	// Anneal gives each of these inputs its value at a step, of 1 to total. It
	// depends on nothing else, so that a resumed run goes on as it would have.
	Anneal(step, total int, set func(input string, value float64))
}
