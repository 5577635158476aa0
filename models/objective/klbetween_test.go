package objective_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
	"hourglass/models/objective"
)

func normals(in gorgonia.Nodes) (q, p objective.Normals) {
	return objective.Normals{Mean: in[0], LogVariance: in[1]}, objective.Normals{Mean: in[2], LogVariance: in[3]}
}

func klBetween(in gorgonia.Nodes) (*gorgonia.Node, error) {
	q, p := normals(in)
	return objective.KLBetween(q, p)
}

// pairs are two images' codes of three numbers: means and log variances of q
// and of p.
func pairs() []gradcheck.Input {
	var all []gradcheck.Input
	for _, data := range [][]float64{
		{0.5, -1.2, 0, 2, 0.1, -0.3}, {-1, 0.4, -3, 0.2, 0, -0.7},
		{0.1, -0.2, 0.3, 1, 0.1, 0.4}, {0.5, -0.6, -2, 1, 0, 0.3},
	} {
		all = append(all, gradcheck.Input{Shape: kernels.Shape{2, 3}, Data: data})
	}
	return all
}

// TestKLBetween compares with the closed form written out, and with the mean of
// log q(z) − log p(z) over codes drawn from q, whose expectation is the
// divergence. It also checks the gradients by all four operands.
func TestKLBetween(t *testing.T) {
	in := pairs()
	got, err := gradcheck.Check(klBetween, in...)
	if err != nil {
		t.Fatal(err)
	}
	const batch, draws = 2, 200_000
	random, closed, sampled := rand.New(rand.NewPCG(6, 6)), 0.0, 0.0
	for i := range in[0].Data {
		mq, vq, mp, vp := in[0].Data[i], math.Exp(in[1].Data[i]), in[2].Data[i], math.Exp(in[3].Data[i])
		closed += (math.Log(vp/vq) + (vq+(mq-mp)*(mq-mp))/vp - 1) / 2 / batch
		for range draws {
			e := random.NormFloat64()
			z := mq + math.Sqrt(vq)*e
			sampled += ((z-mp)*(z-mp)/vp + math.Log(vp) - e*e - math.Log(vq)) / 2 / batch / draws
		}
	}
	if math.Abs(got[0]-closed) > 1e-12 {
		t.Errorf("the divergence is %.15g nats, want %.15g", got[0], closed)
	}
	if math.Abs(got[0]-sampled) > 0.01*sampled {
		t.Errorf("the divergence is %.5f nats, and of %d draws %.5f; want equal within 1%%", got[0], draws, sampled)
	}
}

// TestKLBetweenOfStandardPrior is KL.
func TestKLBetweenOfStandardPrior(t *testing.T) {
	in := pairs()
	for i := range in[2].Data {
		in[2].Data[i], in[3].Data[i] = 0, 0
	}
	between, err := gradcheck.Check(klBetween, in...)
	if err != nil {
		t.Fatal(err)
	}
	standard, err := gradcheck.Check(kl, in[0], in[1])
	if err != nil || math.Abs(between[0]-standard[0]) > 1e-14 {
		t.Errorf("the divergence from the standard normal distribution is %.15g as from any other, and %.15g (%v)", between[0], standard[0], err)
	}
}

// TestFreeBitsBetween pays for each element at least the free nats: all of them
// if that is more than any diverges, the divergence if they are 0.
func TestFreeBitsBetween(t *testing.T) {
	in := pairs()
	of := func(free float64) float64 {
		got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			q, p := normals(in)
			return objective.FreeBitsBetween(q, p, free)
		}, in...)
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	whole, err := gradcheck.Check(klBetween, in...)
	if err != nil {
		t.Fatal(err)
	}
	if got := of(0); math.Abs(got-whole[0]) > 1e-12 {
		t.Errorf("with nothing free %.15g nats are paid, want %.15g", got, whole[0])
	}
	if got := of(50); math.Abs(got-150) > 1e-12 {
		t.Errorf("with 50 nats of each of 3 elements free %.15g are paid, want 150", got)
	}
}

// combined is mean and log variance side by side, (2,6).
func combined(in gorgonia.Nodes) (*gorgonia.Node, error) {
	a, b := normals(in)
	c, err := objective.Combine(a, b)
	if err != nil {
		return nil, err
	}
	return ops.Concat(1, c.Mean, c.LogVariance)
}

// TestCombine multiplies two densities: that of the result is their product, but
// for a factor, so that the log densities of any two points differ alike.
func TestCombine(t *testing.T) {
	in := pairs()
	got, err := gradcheck.Check(combined, in...)
	if err != nil {
		t.Fatal(err)
	}
	var means, logVariances []float64
	for image := range 2 {
		means, logVariances = append(means, got[6*image:6*image+3]...), append(logVariances, got[6*image+3:6*image+6]...)
	}
	log := func(z, mean, logVariance float64) float64 {
		return -(z - mean) * (z - mean) / 2 / math.Exp(logVariance)
	}
	for i := range means {
		for _, z := range []float64{-2, 0.5, 3} {
			drop := func(mean, logVariance float64) float64 { return log(z, mean, logVariance) - log(0, mean, logVariance) }
			want := drop(in[0].Data[i], in[1].Data[i]) + drop(in[2].Data[i], in[3].Data[i])
			if got := drop(means[i], logVariances[i]); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Errorf("element %d: between %g and 0 the log density drops by %g, want %g", i, z, got, want)
			}
		}
	}
}

// TestCombineDoesNotOverflow takes variances beyond float32, of which one says
// all and the other nothing.
func TestCombineDoesNotOverflow(t *testing.T) {
	in := pairs()
	for i := range in[1].Data {
		in[1].Data[i], in[3].Data[i] = -400, 400
	}
	got, err := gradcheck.Check(combined, in...)
	if err != nil || math.Abs(got[1]+1.2) > 1e-12 {
		t.Errorf("the mean is %v (%v), want that of the certain distribution, -1.2", got, err)
	}
}

func TestKLBetweenRefusesOtherShapes(t *testing.T) {
	in := pairs()
	in[2].Shape, in[2].Data = kernels.Shape{3, 2}, append([]float64{}, in[2].Data...)
	if _, err := gradcheck.Check(klBetween, in...); err == nil || !strings.Contains(err.Error(), "must be one (N,Z)") {
		t.Errorf("the error is %v, want one that names the shape", err)
	}
}

// TestPerplexity is the number of entries that are used alike, and 1 of one.
func TestPerplexity(t *testing.T) {
	for _, test := range []struct {
		chosen []float64
		want   float64
	}{
		{[]float64{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}, math.Exp(0.5*math.Log(2) + 0.5*math.Log(4))},
		{[]float64{0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0}, 1},
	} {
		got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.Perplexity(in[0]) },
			gradcheck.Input{Shape: kernels.Shape{4, 3}, Data: test.chosen, Constant: true})
		if err != nil || math.Abs(got[0]-test.want) > 1e-6 {
			t.Errorf("the perplexity of %v is %v (%v), want %.6f", test.chosen, got, err, test.want)
		}
	}
}
