package objective_test

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// TestLogistic adds up the probabilities of all 256 grey levels, which is 1, and
// compares one of each kind with the difference of two sigmoids.
func TestLogistic(t *testing.T) {
	const mean, scale = 0.3, 0.05
	constant := func(value float64) gradcheck.Input {
		data := make([]float64, 256)
		for i := range data {
			data[i] = value
		}
		return gradcheck.Input{Shape: kernels.Shape{1, 256, 1, 1}, Data: data}
	}
	target := constant(0)
	target.Constant = true
	for i := range target.Data {
		target.Data[i] = float64(i) / 255
	}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.Logistic(in[0], in[1], in[2]) },
		constant(mean), target, gradcheck.Input{Shape: kernels.Shape{1}, Data: []float64{math.Log(scale)}})
	if err != nil {
		t.Fatal(err)
	}
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	sum := 0.0
	for _, nats := range got {
		sum += math.Exp(-nats)
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the probabilities of all levels add up to %.12g, want 1", sum)
	}
	for level, want := range map[int]float64{
		0:   sigmoid((0.5/255 - mean) / scale),
		80:  sigmoid((80.5/255-mean)/scale) - sigmoid((79.5/255-mean)/scale),
		255: 1 - sigmoid((254.5/255-mean)/scale),
	} {
		if math.Abs(math.Exp(-got[level])/want-1) > 1e-8 {
			t.Errorf("level %d has probability %.12g, want %.12g", level, math.Exp(-got[level]), want)
		}
	}
}

// TestLearnedGaussian agrees with the fixed variance that its parameter means.
func TestLearnedGaussian(t *testing.T) {
	const v = -3.2
	shape := kernels.Shape{2, 1, 2, 1}
	y := gradcheck.Input{Shape: shape, Data: []float64{0.1, 0.4, 0.8, 0.3}}
	target := gradcheck.Input{Shape: shape, Data: []float64{0.2, 0.1, 0.7, 0.9}, Constant: true}
	learned, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) {
		each, err := objective.LearnedGaussian(in[0], in[1], in[2])
		if err != nil {
			return nil, err
		}
		return ops.Sum(each, 1, 2, 3)
	}, y, target, gradcheck.Input{Shape: kernels.Shape{1}, Data: []float64{v}})
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) {
		return objective.GaussianEach(in[0], in[1], objective.BoundedVariance(v))
	}, y, target)
	if err != nil {
		t.Fatal(err)
	}
	for i := range fixed {
		if math.Abs(learned[i]-fixed[i]) > 1e-9 {
			t.Errorf("image %d costs %.12g nats, and with that variance fixed %.12g", i, learned[i], fixed[i])
		}
	}
}

// TestFreeBits has one element that diverges by less than what is free and one
// by more, of which only the other pays.
func TestFreeBits(t *testing.T) {
	const free = 0.3
	shape := kernels.Shape{2, 2}
	mean := gradcheck.Input{Shape: shape, Data: []float64{0.1, 2, -0.2, 1.5}}
	logVariance := gradcheck.Input{Shape: shape, Data: []float64{0.1, 0, -0.1, -0.5}}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.FreeBits(in[0], in[1], free) }, mean, logVariance)
	if err != nil {
		t.Fatal(err)
	}
	want := free
	for _, i := range []int{1, 3} { // the second element of both codes
		m, v := mean.Data[i], logVariance.Data[i]
		want += (m*m + math.Exp(v) - 1 - v) / 2 / 2
	}
	if math.Abs(got[0]-want) > 1e-12 {
		t.Errorf("the codes pay %.12g nats, want %.12g", got[0], want)
	}
}
