package models

import (
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Names of a [Classifier]'s graphs, beside [Image].
const (
	Label        = "label"         // input (N,classes): 1 at the image's class
	Logits       = "logits"        // output (N,classes)
	CrossEntropy = "cross_entropy" // output: scalar, in nats an image
)

// Names of the linear layer from a code to the logits.
const (
	classifierWeight = "classifier.weight" // (classes,Z)
	classifierBias   = "classifier.bias"   // (classes)
)

// Classifier is the encoder of a model with a linear layer from its code to the
// logits of classes. Both learn from labels: an encoder that images alone have
// taught is fine-tuned.
type Classifier struct {
	model   Model // of which Encode is used
	store   *graph.Store
	classes int
}

// NewClassifier copies what a model's encoder consists of; the model stays as it
// is. The linear layer begins at zero, so that every class is as likely.
func NewClassifier(m Model, classes int) (*Classifier, error) {
	switch m.(type) {
	case Conditional:
		return nil, errors.New("a classifier of this model would be told the class, for its encoder is; take a model of another kind")
	case Quantised:
		return nil, errors.New("the codes of this model are entries of a codebook, through which labels do not teach the encoder; take a model of another kind")
	}
	if classes < 2 {
		return nil, fmt.Errorf("a classifier of %d classes; want 2 at least", classes)
	}
	b := graph.NewBuilder(m.Store(), false)
	m.Encode(b, 1)
	if b.Err() != nil {
		return nil, b.Err()
	}
	used := make(map[string]bool)
	for _, n := range b.Graph.AllNodes() {
		used[n.Name()] = true
	}
	copies := func(all []graph.Variable) (kept []graph.Variable) {
		for _, v := range all {
			if used[v.Name] {
				kept = append(kept, graph.Variable{Name: v.Name, Shape: v.Shape, Order: v.Order})
			}
		}
		return kept
	}
	parameters := append(copies(m.Store().Parameters),
		graph.Variable{Name: classifierWeight, Shape: kernels.Shape{classes, m.CodeSize()}},
		graph.Variable{Name: classifierBias, Shape: kernels.Shape{classes}})
	c := &Classifier{model: m, classes: classes}
	var err error
	if c.store, err = graph.NewStore(parameters, copies(m.Store().State)); err != nil {
		return nil, err
	}
	for name := range used {
		if from := m.Store().Lookup(name); from != nil {
			c.store.Lookup(name).Write(from.Read())
		}
	}
	return c, nil
}

// Store holds the encoder's variables under their names, and those of the linear
// layer.
func (c *Classifier) Store() *graph.Store { return c.store }

// Input is the shape of one image.
func (c *Classifier) Input() Shape { return c.model.Input() }

// Classes is how many classes it tells.
func (c *Classifier) Classes() int { return c.classes }

// Train adds the training graph: inputs Image and Label, outputs Logits and
// CrossEntropy, the cost.
func (c *Classifier) Train(b *graph.Builder, batch int) {
	logits := c.logits(b, batch)
	if b.Err() != nil {
		return
	}
	cost, err := crossEntropy(logits, b.Input(Label, batch, c.classes))
	if err != nil {
		b.Fail(err)
		return
	}
	b.Output(CrossEntropy, cost)
	b.Cost(cost)
}

// Classify adds input Image and output Logits.
func (c *Classifier) Classify(b *graph.Builder, batch int) { c.logits(b, batch) }

func (c *Classifier) logits(b *graph.Builder, batch int) *gorgonia.Node {
	c.model.Encode(b, batch)
	if b.Err() != nil {
		return nil
	}
	logits := keep(b)(ops.Linear(b.OutputNode(Code), b.Variable(classifierWeight), b.Variable(classifierBias)))
	b.Output(Logits, logits)
	return logits
}

// crossEntropy is −log of the probability of each image's class, averaged over the
// batch: log Σ exp of the logits, less the one of the class.
func crossEntropy(logits, class *gorgonia.Node) (*gorgonia.Node, error) {
	total, err := ops.LogSumExp(logits)
	if err != nil {
		return nil, err
	}
	chosen, err := ops.Mul(logits, class)
	if err != nil {
		return nil, err
	}
	if chosen, err = ops.Sum(chosen, 1); err != nil {
		return nil, err
	}
	each, err := ops.Sub(total, chosen)
	if err != nil {
		return nil, err
	}
	return ops.Mean(each)
}
