package baseline

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// matrix is Rows in memory.
type matrix [][]float32

func (m matrix) Len() int                       { return len(m) }
func (m matrix) Size() int                      { return len(m[0]) }
func (m matrix) Row(i int, dst []float32) error { copy(dst, m[i]); return nil }

// planted draws images 0.5 + Σ scales[i]·z·direction[i] + noise·ε with normal
// z and ε, and returns them with the directions.
func planted(n, size int, scales []float64, noise float64) (matrix, [][]float64) {
	random := rand.New(rand.NewPCG(7, 7))
	directions := make([][]float64, len(scales))
	for i := range directions {
		directions[i] = make([]float64, size)
		for j := range directions[i] {
			directions[i][j] = random.NormFloat64()
		}
	}
	directions = orthonormal(directions)
	images := make(matrix, n)
	for row := range images {
		value := make([]float64, size)
		for j := range value {
			value[j] = 0.5 + noise*random.NormFloat64()
		}
		for i, direction := range directions {
			axpy(value, scales[i]*random.NormFloat64(), direction)
		}
		images[row] = narrow(make([]float32, size), value)
	}
	return images, directions
}

func fit(t *testing.T, rows Rows, k int) *PCA {
	t.Helper()
	p, err := Fit(rows, k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mse(t *testing.T, p *PCA, rows Rows) float64 {
	t.Helper()
	got, err := p.MSE(rows)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func near(a, b, relative float64) bool { return math.Abs(a-b) <= relative*math.Abs(b) }

func largestAngle(t *testing.T, a, b [][]float64) float64 {
	t.Helper()
	angles, err := PrincipalAngles(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return angles[len(angles)-1]
}

func TestFitRecoversAPlantedModel(t *testing.T) {
	scales := []float64{3, 2, 1}
	for _, size := range []int{1, 111, 112, 113, 225, exactValues + 1, 2000} { // strips, and both methods
		k := min(len(scales), size)
		images, directions := planted(700, size, scales[:k], 0)
		p := fit(t, images, k)
		// float32 pixels are off by 3e-8, which is all the angle there can be.
		if angle := largestAngle(t, p.Components(), directions); angle > 1e-6 {
			t.Errorf("size %d: the planted space is missed by %g radians", size, angle)
		}
		for i, variance := range p.Variances() {
			if got, want := math.Sqrt(variance), scales[i]; !near(got, want, 0.1) { // √(2/700) is 0.05
				t.Errorf("size %d: component %d has deviation %g, planted %g", size, i, got, want)
			}
		}
		if got := p.Explained(); got < 1-1e-9 {
			t.Errorf("size %d: %v explained, want everything", size, got)
		}
		if got := mse(t, p, images); got > 1e-12 {
			t.Errorf("size %d: MSE is %g, want nothing but rounding", size, got)
		}
	}
}

func TestErrorIsTheVarianceLeftOver(t *testing.T) {
	images, _ := planted(1000, 150, []float64{3, 2, 1, 0.5}, 0.1)
	all := fit(t, images, 150)
	for _, k := range []int{1, 2, 5, 150} {
		var left float64
		for _, variance := range all.Variances()[k:] {
			left += variance / 150
		}
		p := fit(t, images, k)
		if got := mse(t, p, images); math.Abs(got-left) > 1e-12 {
			t.Errorf("k = %d: MSE is %v, want the variance left over, %v", k, got, left)
		}
		if got, want := 1-p.Explained(), left*150/all.total; math.Abs(got-want) > 1e-12 {
			t.Errorf("k = %d: %v is not explained, want %v", k, got, want)
		}
	}
}

func TestBothMethodsAgree(t *testing.T) {
	images, _ := planted(900, 300, []float64{3, 2.5, 2, 1, 0.5, 0.3}, 0.05)
	const k = 6
	exact := fit(t, images, k)
	random := &PCA{mean: exact.mean, k: k, components: make([]float64, k*300), variances: make([]float64, k)}
	if err := random.fitRandomised(images); err != nil {
		t.Fatal(err)
	}
	if angle := largestAngle(t, exact.Components(), random.Components()); angle > 1e-2 {
		t.Errorf("the spaces differ by %g radians", angle)
	}
	if got, want := mse(t, random, images), mse(t, exact, images); got < want*(1-1e-9) || got > want*(1+1e-4) {
		t.Errorf("the randomised MSE is %v, want that of the exact one or barely more, %v", got, want)
	}
	if !near(random.total, exact.total, 1e-12) {
		t.Errorf("the randomised total variance is %v, want %v", random.total, exact.total)
	}
}

func TestEncodeThenDecode(t *testing.T) {
	images, _ := planted(200, 40, []float64{2, 1}, 0.1)
	p := fit(t, images, 3)
	var sum float64
	code, decoded := make([]float32, 3), make([]float32, 40)
	for _, image := range images {
		if err := errors.Join(p.Encode(code, image), p.Decode(decoded, code)); err != nil {
			t.Fatal(err)
		}
		for j := range image {
			sum += float64(image[j]-decoded[j]) * float64(image[j]-decoded[j])
		}
	}
	if got, want := sum/200/40, mse(t, p, images); !near(got, want, 1e-5) {
		t.Errorf("image by image the MSE is %v, want %v", got, want)
	}
	if p.Encode(code[:2], images[0]) == nil || p.Decode(decoded[:39], code) == nil {
		t.Error("slices of wrong length passed")
	}
}

func TestComponentsAreOrthonormal(t *testing.T) {
	for _, size := range []int{90, 1100} {
		images, _ := planted(60, size, []float64{2, 1}, 0.1)
		components := fit(t, images, 20).Components()
		for i := range components {
			for j := range components {
				want := 0.0
				if i == j {
					want = 1
				}
				if got := dot(components[i], components[j]); math.Abs(got-want) > 1e-12 {
					t.Errorf("size %d: the product of components %d and %d is %g, want %g", size, i, j, got, want)
				}
			}
		}
	}
}

func TestImagesThatSpanLess(t *testing.T) {
	for _, size := range []int{20, 1100} {
		same := make(matrix, 5)
		for i := range same {
			same[i] = make([]float32, size)
			for j := range same[i] {
				same[i][j] = 0.25
			}
		}
		p := fit(t, same, 4)
		if got := mse(t, p, same); got != 0 {
			t.Errorf("size %d: equal images have MSE %v, want 0", size, got)
		}
		if got := p.Explained(); got != 1 {
			t.Errorf("size %d: %v of nothing explained, want 1", size, got)
		}
		two, _ := planted(5, size, []float64{1}, 0)
		p = fit(t, two, 4)
		if got := mse(t, p, two); got > 1e-12 {
			t.Errorf("size %d: images on a line have MSE %v, want 0", size, got)
		}
	}
}

// The result must not hang on chance or on how work is shared.
func TestFitIsDeterministic(t *testing.T) {
	images, _ := planted(300, 1100, []float64{2, 1}, 0.1)
	a, b := fit(t, images, 4), fit(t, images, 4)
	for i := range a.components {
		if a.components[i] != b.components[i] {
			t.Fatalf("value %d of the components is %v, then %v", i, a.components[i], b.components[i])
		}
	}
}

type failing struct{ matrix }

func (failing) Row(i int, dst []float32) error {
	if i == 3 {
		return errors.New("no such file")
	}
	return nil
}

func TestRefusals(t *testing.T) {
	images, _ := planted(10, 4, []float64{1}, 0.1)
	spoilt, _ := planted(10, 4, []float64{1}, 0.1)
	spoilt[7][2] = float32(math.Inf(1))
	p := fit(t, images, 2)
	for want, run := range map[string]func() error{
		"0 components, want 1 to 4":  func() error { _, err := Fit(images, 0); return err },
		"5 components, want 1 to 4":  func() error { _, err := Fit(images, 5); return err },
		"4 components, want 1 to 3":  func() error { _, err := Fit(images[:3], 4); return err },
		"image 3: no such file":      func() error { _, err := Fit(failing{images}, 1); return err },
		"image 7 has the value +Inf": func() error { _, err := Fit(spoilt, 1); return err },
		"images of 2 values, want 4": func() error { _, err := p.MSE(matrix{{1, 2}}); return err },
		"0 images of 4 values":       func() error { _, err := MeanImage(empty{}); return err },
		"want 0 to 1":                func() error { _, err := Floor(matrix{{0.5, 1.5}}); return err },
	} {
		if err := run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

type empty struct{ matrix }

func (empty) Len() int  { return 0 }
func (empty) Size() int { return 4 }

func TestMeanImage(t *testing.T) {
	train, test := matrix{{0, 1, 0}, {0, 1, 0.5}}, matrix{{0.5, 1, 0.25}, {0, 1, 0}}
	m, err := MeanImage(train)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(m.Pixels()); got != "[0 1 0.25]" {
		t.Errorf("the mean image is %s, want [0 1 0.25]", got)
	}
	if got, _ := m.MSE(test); !near(got, (0.25+0.0625)/6, 1e-12) {
		t.Errorf("MSE is %v, want %v", got, (0.25+0.0625)/6)
	}
	if got, _ := m.MSE(test[1:]); !near(got, 0.0625/3, 1e-12) {
		t.Errorf("MSE is %v: the images given were changed", got)
	}
	// Half a surprise at 1e-7; the two sure pixels cost about 1e-7 each.
	surprise := -0.5*math.Log(1e-7) + 0.25*-math.Log(0.25) + 1.75*-math.Log(0.75)
	if got, _ := m.BCE(test); !near(got, surprise/2, 1e-6) {
		t.Errorf("BCE is %v, want %v", got, surprise/2)
	}
	entropy := math.Ln2 - 0.25*math.Log(0.25) - 0.75*math.Log(0.75)
	if got, _ := Floor(test); !near(got, entropy/2, 1e-12) {
		t.Errorf("the floor is %v, want %v", got, entropy/2)
	}
}

func TestNamed(t *testing.T) {
	if one, more := Named(1), Named(32); one != "PCA, 1 component" || more != "PCA, 32 components" {
		t.Errorf("%q, %q", one, more)
	}
}
