package models

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
)

// TestCorruptions damages a grey image with a white centre and looks at the
// statistics of what each kind leaves.
func TestCorruptions(t *testing.T) {
	const side, grey = 64, 0.5
	for text, check := range map[string]func(t *testing.T, x []float32){
		"gaussian 0.1": func(t *testing.T, x []float32) {
			if d := deviation(x, grey); math.Abs(d-0.1) > 0.01 {
				t.Errorf("the deviation is %.4f, want 0.1", d)
			}
		},
		"gaussian 5":  func(t *testing.T, x []float32) { near(t, "black and white", share(x, 0)+share(x, 1), 0.92, 0.03) }, // P(|ε| > 0.1)
		"speckle 0.2": func(t *testing.T, x []float32) { near(t, "deviation", deviation(x, grey), 0.1, 0.01) },
		"mask 0.25":   func(t *testing.T, x []float32) { near(t, "black", share(x, 0), 0.25, 0.03) },
		"saltpepper 0.3": func(t *testing.T, x []float32) {
			near(t, "white", share(x, 1), 0.15, 0.03)
			near(t, "black", share(x, 0), 0.15, 0.03)
		},
		"blur 2": func(t *testing.T, x []float32) {
			near(t, "inside", float64(x[(side/2*side+side/2)*2]), grey, 1e-4)
			near(t, "corner", float64(x[0]), grey*0.36, 0.03)
		}, // the Gaussian's part from −½ on, squared
		"mask 0.5 | blur": nil,
	} {
		t.Run(text, func(t *testing.T) {
			corruptions, err := ParseCorruptions(text)
			if again, _ := ParseCorruptions(strings.Replace(text, " ", ":", 1)); !slices.Equal(again, corruptions) {
				t.Errorf("with a colon it is %v", again)
			}
			if check == nil {
				if err == nil {
					t.Error("a corruption without an amount was taken")
				}
				return
			}
			if err != nil || corruptions.String() != text {
				t.Fatalf("read as %v (%v)", corruptions, err)
			}
			check(t, corrupt(t, corruptions, side, grey))
		})
	}
}

// corrupt runs corruptions over an image of two equal channels.
func corrupt(t *testing.T, c Corruptions, side int, grey float32) []float32 {
	store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: []int{1}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	b := graph.NewBuilder(store, true)
	m := &body{spec: Spec{Corruption: c}}
	b.Output("x", m.corrupted(b, b.Input(Image, 1, side, side, 2)))
	p, err := graph.Compile(device, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range p.Input(Image) {
		p.Input(Image)[i] = grey
	}
	p.Clock().Seed, p.Clock().Step = 3, 1
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), p.Output("x")...)
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s: %.4f, want %.4f within %g", what, got, want, within)
	}
}

func share(x []float32, value float32) float64 {
	n := 0
	for _, v := range x {
		if v == value {
			n++
		}
	}
	return float64(n) / float64(len(x))
}

func deviation(x []float32, mean float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += (float64(v) - mean) * (float64(v) - mean)
	}
	return math.Sqrt(sum / float64(len(x)))
}
