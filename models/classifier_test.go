package models

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
)

// TestCrossEntropy compares the cost with −log of the softmax's share of the class,
// and its gradient with difference quotients.
func TestCrossEntropy(t *testing.T) {
	logits := []float64{1, -2, 0.5, 30, 0, 29}
	class := gradcheck.Input{Shape: kernels.Shape{2, 3}, Data: []float64{0, 0, 1, 1, 0, 0}, Constant: true}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return crossEntropy(in[0], in[1]) },
		gradcheck.Input{Shape: kernels.Shape{2, 3}, Data: slices.Clone(logits)}, class)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for i, at := range []int{2, 0} {
		row, sum := logits[3*i:3*i+3], 0.0
		for _, logit := range row {
			sum += math.Exp(logit)
		}
		want -= math.Log(math.Exp(row[at])/sum) / 2
	}
	if math.Abs(got[0]-want) > 1e-6 {
		t.Errorf("the cost is %.9g nats, want %.9g", got[0], want)
	}
}

// TestClassifierGradient compares the gradient by all parameters, those of the
// encoder among them, with difference quotients.
func TestClassifierGradient(t *testing.T) {
	encoder, err := Parse("conv 4 k3 s2 batchnorm silu | flatten | dense 9 tanh")
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewVAE(VAESpec{Spec: Spec{Input: Shape{C: 2, H: 7, W: 5}, Encoder: encoder, Latent: 3, Likelihood: Bernoulli}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClassifier(m, 4)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range append(c.Store().Parameters, c.Store().State...) {
		names = append(names, v.Name)
		if from := m.Store().Lookup(v.Name); from != nil && !slices.Equal(v.Read(), from.Read()) {
			t.Errorf("%s is not that of the model", v.Name)
		}
	}
	// Neither the decoder nor the head of the variance makes the code.
	want := "encoder.0.weight encoder.0.bias encoder.1.weight encoder.1.bias encoder.4.weight encoder.4.bias fc_mu.weight fc_mu.bias classifier.weight classifier.bias encoder.1.running"
	if got := strings.Join(names, " "); !strings.HasPrefix(got, want) {
		t.Errorf("the classifier has %s, want %s", got, want)
	}
	checkObjective(t, classifying{c, m})
}

// classifying is a classifier as the check of gradients takes a model.
type classifying struct {
	*Classifier
	Model
}

func (c classifying) Store() *graph.Store               { return c.Classifier.Store() }
func (c classifying) Input() Shape                      { return c.Classifier.Input() }
func (c classifying) Train(b *graph.Builder, batch int) { c.Classifier.Train(b, batch) }

func TestClassifierRefuses(t *testing.T) {
	spec := Spec{Input: Shape{C: 1, H: 4, W: 4}, Encoder: Seq(Flatten(), Dense(6)), Latent: 3}
	plain, err := New(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	spec.Likelihood = Bernoulli
	told, err := NewCVAE(CVAESpec{VAESpec: VAESpec{Spec: spec}, Classes: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	codebook, err := NewVQ(VQSpec{Spec: Spec{Input: Shape{C: 1, H: 4, W: 4}, Encoder: Seq(Conv(3, K(3), S(2)))}, Entries: 4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for want, make := range map[string]func() (*Classifier, error){
		"2 at least":            func() (*Classifier, error) { return NewClassifier(plain, 1) },
		"told the class":        func() (*Classifier, error) { return NewClassifier(told, 2) },
		"entries of a codebook": func() (*Classifier, error) { return NewClassifier(codebook, 2) },
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}
