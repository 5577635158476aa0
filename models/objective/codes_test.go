package objective_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// drawn are n codes of two elements from normal distributions.
func drawn(seed uint64, n int, mean, deviation float64) gradcheck.Input {
	random := rand.New(rand.NewPCG(seed, 1))
	in := gradcheck.Input{Shape: kernels.Shape{n, 2}, Data: make([]float64, 2*n)}
	for i := range in.Data {
		in.Data[i] = mean + deviation*random.NormFloat64()
	}
	return in
}

// logNormal is the log density by its definition.
func logNormal(z, mean, logVariance float64) float64 {
	variance := math.Exp(logVariance)
	return math.Log(math.Exp(-(z-mean)*(z-mean)/(2*variance)) / math.Sqrt(2*math.Pi*variance))
}

// TestMixtureLogDensity sums the densities of three components one by one.
func TestMixtureLogDensity(t *testing.T) {
	z, mean, logVariance := drawn(1, 4, 0, 1), drawn(2, 3, 0.2, 1), drawn(3, 3, -0.5, 0.3)
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) {
		return objective.MixtureLogDensity(in[0], in[1], in[2])
	}, z, mean, logVariance)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		sum := 0.0
		for j := range 3 {
			sum += math.Exp(logNormal(z.Data[2*i], mean.Data[2*j], logVariance.Data[2*j])+logNormal(z.Data[2*i+1], mean.Data[2*j+1], logVariance.Data[2*j+1])) / 3
		}
		if math.Abs(got[i]-math.Log(sum)) > 1e-12 {
			t.Errorf("code %d has the log density %.12g, want %.12g", i, got[i], math.Log(sum))
		}
	}
}

// TestDecompose wants the parts to add up to log q(z|x) − log p(z), and codes
// whose elements are equal to show a correlation that independent ones do not.
func TestDecompose(t *testing.T) {
	const n = 256
	parts := func(mean gradcheck.Input) (information, correlation, marginals, whole float64) {
		logVariance := drawn(5, n, -3, 0.1)
		noise := drawn(6, n, 0, 1)
		z := gradcheck.Input{Shape: mean.Shape, Data: make([]float64, 2*n)}
		for i := range z.Data {
			z.Data[i] = mean.Data[i] + math.Exp(logVariance.Data[i]/2)*noise.Data[i]
			whole += (logNormal(z.Data[i], mean.Data[i], logVariance.Data[i]) - logNormal(z.Data[i], 0, 0)) / n
		}
		got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			d, err := objective.Decompose(in[0], in[1], in[2])
			if err != nil {
				return nil, err
			}
			var rows gorgonia.Nodes
			for _, part := range []*gorgonia.Node{d.Information, d.Correlation, d.Marginals} {
				row, err := ops.Reshape(part, 1, 1)
				if err != nil {
					return nil, err
				}
				rows = append(rows, row)
			}
			return ops.Concat(1, rows...)
		}, z, mean, logVariance)
		if err != nil {
			t.Fatal(err)
		}
		return got[0], got[1], got[2], whole
	}
	independent := drawn(4, n, 0, 1)
	information, apart, marginals, whole := parts(independent)
	if math.Abs(information+apart+marginals-whole) > 1e-9 {
		t.Errorf("the parts %.4f, %.4f and %.4f add up to another divergence than %.4f", information, apart, marginals, whole)
	}
	same := drawn(4, n, 0, 1)
	for i := 0; i < len(same.Data); i += 2 {
		same.Data[i+1] = same.Data[i]
	}
	_, together, _, _ := parts(same)
	if together < apart+1 {
		t.Errorf("equal elements correlate by %.3f nats and independent ones by %.3f; want at least one nat more", together, apart)
	}
}

func discrepancy(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.MMD(in[0], in[1]) }

// TestMMD sums the kernels of all pairs one by one, and averages the estimate
// over samples of equal and of different distributions.
func TestMMD(t *testing.T) {
	x, y := drawn(1, 5, 0, 1), drawn(2, 5, 0.5, 1)
	kernel := func(a, b []float64) (sum float64) {
		d := (a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1])
		for _, scale := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
			sum += 4 * scale / (4*scale + d)
		}
		return sum
	}
	want := 0.0
	for i := range 5 {
		for j := range 5 {
			a, b := 2*i, 2*j
			if i != j {
				want += (kernel(x.Data[a:a+2], x.Data[b:b+2]) + kernel(y.Data[a:a+2], y.Data[b:b+2])) / 20
			}
			want -= 2 * kernel(x.Data[a:a+2], y.Data[b:b+2]) / 25
		}
	}
	got, err := gradcheck.Check(discrepancy, x, y)
	if err != nil || math.Abs(got[0]-want) > 1e-12 {
		t.Fatalf("the discrepancy is %v (%v), want %.12g", got, err, want)
	}
	equal, moved := 0.0, 0.0
	for seed := range uint64(20) {
		for _, c := range []struct {
			sum  *float64
			mean float64
		}{{&equal, 0}, {&moved, 1}} {
			a, b := drawn(100+seed, 40, 0, 1), drawn(200+seed, 40, c.mean, 1)
			got, err := gradcheck.Check(discrepancy, a, b)
			if err != nil {
				t.Fatal(err)
			}
			*c.sum += got[0] / 20
		}
	}
	if math.Abs(equal) > 0.03 || moved < 0.3 {
		t.Errorf("samples of one distribution are %.4f apart and of two %.4f; want about 0 and at least 0.3", equal, moved)
	}
}

// TestSparsity has activities whose divergence is known.
func TestSparsity(t *testing.T) {
	z := gradcheck.Input{Shape: kernels.Shape{2, 2}, Data: []float64{0.2, 0.9, 0.4, 0.7}}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.SparseKL(in[0], 0.3) }, z)
	want := (0.3*math.Log(0.3/0.8) + 0.7*math.Log(0.7/0.2)) / 2 // the first element has the target activity
	if err != nil || math.Abs(got[0]-want) > 1e-5 {
		t.Errorf("the divergence is %v (%v), want %.6f", got, err, want)
	}
	z.Data = []float64{0.2, -0.9, 0.4, 0.7}
	if got, err = gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.SparseL1(in[0]) }, z); err != nil || math.Abs(got[0]-0.55) > 1e-12 {
		t.Errorf("the magnitude is %v (%v), want 0.55", got, err)
	}
}
