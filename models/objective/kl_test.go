package objective_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/internal/gradcheck"
	"hourglass/kernels"
	"hourglass/models/objective"
)

func kl(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.KL(in[0], in[1]) }

// TestKL draws codes and averages log q(z) − log p(z), whose expectation is the
// divergence. It also checks the gradients by both operands.
func TestKL(t *testing.T) {
	const batch, code, draws = 2, 3, 200_000
	mean := []float64{0.5, -1.2, 0, 2, 0.1, -0.3}
	logVariance := []float64{-1, 0.4, -3, 0.2, 0, -0.7}
	shape := kernels.Shape{batch, code}
	got, err := gradcheck.Check(kl, gradcheck.Input{Shape: shape, Data: mean}, gradcheck.Input{Shape: shape, Data: logVariance})
	if err != nil {
		t.Fatal(err)
	}
	random, sum := rand.New(rand.NewPCG(5, 5)), 0.0
	for range draws {
		for i := range mean {
			e := random.NormFloat64()
			z := mean[i] + math.Exp(logVariance[i]/2)*e
			sum += (z*z - e*e - logVariance[i]) / 2 // the two log densities share −½ log 2π
		}
	}
	want := sum / draws / batch
	if math.Abs(got[0]-want) > 0.01*want {
		t.Errorf("the divergence is %.5f nats, and of %d draws %.5f; want equal within 1%%", got[0], draws, want)
	}
}

// TestKLOfThePrior is zero, and so is its gradient.
func TestKLOfThePrior(t *testing.T) {
	zeros := func() gradcheck.Input {
		return gradcheck.Input{Shape: kernels.Shape{4, 2}, Data: make([]float64, 8)}
	}
	got, err := gradcheck.Check(kl, zeros(), zeros())
	if err != nil || got[0] != 0 {
		t.Errorf("the divergence of the prior from itself is %v (%v)", got, err)
	}
}

func TestKLRefusesOtherShapes(t *testing.T) {
	input := func(shape ...int) gradcheck.Input {
		return gradcheck.Input{Shape: shape, Data: make([]float64, kernels.Shape(shape).Size())}
	}
	for _, shapes := range [][2]gradcheck.Input{{input(2, 3), input(3, 2)}, {input(6), input(6)}} {
		if _, err := gradcheck.Check(kl, shapes[0], shapes[1]); err == nil || !strings.Contains(err.Error(), "(N,Z)") {
			t.Errorf("the error is %v, want one that names the shape", err)
		}
	}
}

// TestGaussian adds up log densities of single values.
func TestGaussian(t *testing.T) {
	const variance, batch = 0.04, 2
	y, target := []float64{0.1, 0.2, 0.7, 0.9, 0.5, 0}, []float64{0, 0.4, 0.6, 1, 0.5, 0.3}
	want, mse := 0.0, 0.0
	for i := range y {
		d := y[i] - target[i]
		want -= math.Log(math.Exp(-d*d/(2*variance))/math.Sqrt(2*math.Pi*variance)) / batch
		mse += d * d / float64(len(y))
	}
	shape := kernels.Shape{batch, 3}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.Gaussian(in[0], in[1], variance) },
		gradcheck.Input{Shape: shape, Data: y}, gradcheck.Input{Shape: shape, Data: target, Constant: true})
	if err != nil || math.Abs(got[0]-want) > 1e-12 {
		t.Errorf("the loss is %v (%v), want %.15g", got, err, want)
	}
	if of := objective.GaussianOfMSE(mse, 3, variance); math.Abs(of-want) > 1e-12 {
		t.Errorf("of the squared error the loss is %.15g, want %.15g", of, want)
	}
}
