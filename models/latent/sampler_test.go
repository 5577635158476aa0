package latent

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// line is 2-D codes along a line with noise: mean (1, −2), covariance
// ((4, 3), (3, 9/4 + ¼)).
func line(n int) []float32 {
	codes := Normal(2).Sample(5, n)
	for i := range n {
		e, f := codes[2*i], codes[2*i+1]
		codes[2*i], codes[2*i+1] = 1+2*e, -2+1.5*e+0.5*f
	}
	return codes
}

// blobs are 2-D codes about three far places, in shares of ½, ¼ and ¼.
var (
	blobCentres    = [][]float64{{0, 0}, {20, 5}, {-10, 15}}
	blobDeviations = [][]float64{{1, 2}, {0.5, 0.5}, {3, 1}}
)

func blobs(n int) []float32 {
	codes := Normal(2).Sample(9, n)
	for i := range n {
		k := max(0, i%4-1)
		for j := range 2 {
			codes[2*i+j] = float32(blobCentres[k][j] + blobDeviations[k][j]*float64(codes[2*i+j]))
		}
	}
	return codes
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %g, want %g ± %g", what, got, want, tolerance)
	}
}

func fit(t *testing.T, codes []float32, o MixtureOptions) *Mixture {
	t.Helper()
	m, err := FitMixture(codes, 2, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fitGaussian(t *testing.T, codes []float32, size int) *Gaussian {
	t.Helper()
	g, err := FitGaussian(codes, size)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestSamplers holds what is true of every sampler: seeds, prefixes, and a
// density whose integral over the plane is 1.
func TestSamplers(t *testing.T) {
	for name, s := range map[string]Sampler{
		"normal":              Normal(2),
		"gaussian":            fitGaussian(t, line(500), 2),
		"mixture":             fit(t, blobs(500), MixtureOptions{Components: 3}),
		"mixture of diagonal": fit(t, blobs(500), MixtureOptions{Components: 4, Covariance: Diagonal}),
	} {
		if s.Size() != 2 {
			t.Errorf("%s: codes of %d, want 2", name, s.Size())
		}
		first := s.Sample(3, 7)
		if again := s.Sample(3, 50); len(again) != 100 || !slices.Equal(first, again[:14]) {
			t.Errorf("%s: 50 codes do not begin with the 7 of the same seed", name)
		}
		if slices.Equal(first, s.Sample(4, 7)) {
			t.Errorf("%s: another seed drew the same codes", name)
		}
		if x := s.LogDensity(make([]float32, 3)); x == x || len(s.Sample(1, 0))+len(s.Sample(1, -1)) > 0 {
			t.Errorf("%s: a code of 3 has the log density %g, and no codes are drawn as %v", name, x, s.Sample(1, -1))
		}
		const step = 0.2
		integral := 0.0
		for x := -30.0; x < 40; x += step {
			for y := -30.0; y < 40; y += step {
				integral += math.Exp(s.LogDensity([]float32{float32(x), float32(y)})) * step * step
			}
		}
		near(t, name+": the integral of the density", integral, 1, 1e-3)
	}
}

// TestNormal compares with the closed form and the moments.
func TestNormal(t *testing.T) {
	near(t, "the log density", Normal(3).LogDensity([]float32{1, 2, -2}), -4.5-1.5*math.Log(2*math.Pi), 1e-12)
	const n = 40000
	s, err := Describe(Normal(2).Sample(1, n), 2)
	if err != nil {
		t.Fatal(err)
	}
	for j := range 2 { // five standard errors
		near(t, "a mean", s.Mean[j], 0, 5/math.Sqrt(n))
		near(t, "a deviation", s.Deviation[j], 1, 5/math.Sqrt(2*n))
	}
}

// TestGaussian recovers mean and covariance of codes, and of what it draws
// itself, and has the density of the closed form.
func TestGaussian(t *testing.T) {
	const n = 40000
	g := fitGaussian(t, line(n), 2)
	for name, g := range map[string]*Gaussian{"fitted": g, "fitted to its samples": fitGaussian(t, g.Sample(2, n), 2)} {
		for i, want := range []float64{1, -2} {
			near(t, name+": a mean", g.Mean()[i], want, 0.05)
		}
		for i, row := range [][]float64{{4, 3}, {3, 2.5}} {
			for j, want := range row {
				near(t, name+": a covariance", g.Covariance()[i][j], want, 0.12)
			}
		}
	}
	// Of (0,0), (2,0), (0,2), (2,2): mean (1,1), covariance I.
	square := fitGaussian(t, []float32{0, 0, 2, 0, 0, 2, 2, 2}, 2)
	near(t, "the log density", square.LogDensity([]float32{2, 3}), -2.5-math.Log(2*math.Pi), 1e-5)
}

// TestFewCodes fits fewer codes than there are dimensions, one of which never
// changes: what is drawn stays where the codes lie.
func TestFewCodes(t *testing.T) {
	codes := []float32{1, 0, 7, 3, 0, 7, 5, 3, 7}
	for name, s := range map[string]Sampler{"gaussian": fitGaussian(t, codes, 3), "one code": fitGaussian(t, codes[:3], 3)} {
		drawn := s.Sample(1, 100)
		for i := 2; i < len(drawn); i += 3 {
			near(t, name+": the third element", float64(drawn[i]), 7, 0.05)
		}
	}
	m, err := FitMixture(slices.Repeat(codes[:3], 5), 3, MixtureOptions{Components: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range m.Sample(1, 4) {
		near(t, "an element of equal codes", float64(x), float64(codes[i%3]), 1e-3)
	}
}

// TestMixture recovers separated blobs, in whatever order.
func TestMixture(t *testing.T) {
	for _, covariance := range []Covariance{Full, Diagonal} {
		for seed := range uint64(3) {
			m := fit(t, blobs(4000), MixtureOptions{Components: 3, Covariance: covariance, Seed: seed})
			if m.Components() != 3 {
				t.Fatalf("%d components, want 3", m.Components())
			}
			for i, centre := range blobCentres {
				k := 0
				for other := range 3 {
					if _, g := m.Component(other); distance(g.mean, centre) < distance(m.components[k].mean, centre) {
						k = other
					}
				}
				weight, g := m.Component(k)
				near(t, covariance.String()+": a weight", weight, []float64{0.5, 0.25, 0.25}[i], 1e-3)
				for j, deviation := range blobDeviations[i] {
					near(t, covariance.String()+": a mean", g.Mean()[j], centre[j], 0.3)
					near(t, covariance.String()+": a deviation", math.Sqrt(g.Covariance()[j][j]), deviation, 0.1*deviation)
				}
				near(t, covariance.String()+": a covariance", g.Covariance()[0][1], 0, 0.25)
			}
		}
	}
}

// TestMixtureNeverFalls watches what fitting maximises, also where there are
// too many components, or nothing to find.
func TestMixtureNeverFalls(t *testing.T) {
	for name, codes := range map[string][]float32{"blobs": blobs(300), "noise": Normal(2).Sample(8, 300), "line": line(60)} {
		for _, o := range []MixtureOptions{{Components: 2}, {Components: 3, Covariance: Diagonal}, {Components: 20}, {Components: 9, Seed: 4, Covariance: Diagonal}} {
			history := fit(t, codes, o).History()
			for i := 1; i < len(history); i++ {
				if history[i] < history[i-1]-1e-9 {
					t.Errorf("%s, %+v: iteration %d fell from %.12g to %.12g", name, o, i, history[i-1], history[i])
				}
			}
			if len(history) < 2 || history[len(history)-1] < history[0]-1e-9 {
				t.Errorf("%s, %+v: the history is %v", name, o, history)
			}
		}
	}
}

// TestMixtureOfOne is the Gaussian.
func TestMixtureOfOne(t *testing.T) {
	codes := line(200)
	m, g := fit(t, codes, MixtureOptions{Components: 1}), fitGaussian(t, codes, 2)
	for _, code := range [][]float32{{0, 0}, {3, -1}, {-4, 2}} {
		near(t, "the log density", m.LogDensity(code), g.LogDensity(code), 1e-6)
	}
	if a, b := fit(t, codes, MixtureOptions{Components: 5, Seed: 2}), fit(t, codes, MixtureOptions{Components: 5, Seed: 2}); !slices.Equal(a.Sample(1, 9), b.Sample(1, 9)) {
		t.Error("the same seed fitted another mixture")
	}
}

// TestMixtureBeatsGaussian holds that more freedom is more likely on codes that
// are no one blob.
func TestMixtureBeatsGaussian(t *testing.T) {
	codes := blobs(400)
	likelihood := func(s Sampler) (sum float64) {
		for i := 0; i < len(codes); i += 2 {
			sum += s.LogDensity(codes[i:i+2]) / 400
		}
		return sum
	}
	normal, gaussian, mixture := likelihood(Normal(2)), likelihood(fitGaussian(t, codes, 2)), likelihood(fit(t, codes, MixtureOptions{Components: 3}))
	if !(normal < gaussian-1 && gaussian < mixture-1) {
		t.Errorf("log densities %g, %g and %g nats, want them to rise by one and more", normal, gaussian, mixture)
	}
}

func TestRefusals(t *testing.T) {
	nan := float32(math.NaN())
	for want, err := range map[string]error{
		"5 numbers are not codes of 2":                 second(FitGaussian(make([]float32, 5), 2)),
		"0 numbers are not codes":                      second(FitGaussian(nil, 2)),
		"not codes of 0":                               second(Describe(make([]float32, 5), 0)),
		"code 1 has the value NaN":                     second(FitGaussian([]float32{1, 2, 3, nan}, 2)),
		"a mixture of 3 components for 2 codes":        second(FitMixture(make([]float32, 4), 2, MixtureOptions{Components: 3})),
		"a mixture of 0 components":                    second(FitMixture(make([]float32, 4), 2, MixtureOptions{})),
		"covariance 7 does not exist":                  second(FitMixture(make([]float32, 4), 2, MixtureOptions{Components: 1, Covariance: 7})),
		"of codes of 4097 elements, want at most 4096": second(FitGaussian(make([]float32, 4097), 4097)),
		"4 means and 2 variances":                      second(KL(make([]float32, 4), make([]float32, 2), 2)),
		"3 numbers are not codes of 2 each; want":      second(KL(make([]float32, 3), make([]float32, 3), 2)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }
