package diagnose

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/kernels"
)

// functions are a model made of two functions of rows.
type functions struct {
	encode, decode func([]float32, int) []float32
}

func (f functions) Encode(images []float32, n int) ([]float32, error) {
	return f.encode(images, n), nil
}
func (f functions) Decode(codes []float32, n int) ([]float32, error) { return f.decode(codes, n), nil }

const pixels = 16

// waves are n images that differ in two numbers only.
func waves(n int) []float32 {
	var images []float32
	for i := range n {
		a := kernels.Normals(kernels.Clock{Seed: 9}.Draw(1, uint32(i)))
		for j := range pixels {
			images = append(images, 0.5+0.1*a[0]*float32(math.Sin(float64(j)))+0.1*a[1]*float32(math.Cos(float64(j))))
		}
	}
	return images
}

func same(rows []float32, _ int) []float32 { return slices.Clone(rows) }

// projected keeps only what lies in the space of the waves.
func projected(images []float32, n int) []float32 {
	var sines, cosines [pixels]float64
	for j := range pixels {
		sines[j], cosines[j] = math.Sin(float64(j)), math.Cos(float64(j))
	}
	codes := make([]float32, 0, n*8)
	for i := range n {
		var ss, sc, cc, xs, xc float64
		for j := range pixels {
			x := float64(images[i*pixels+j]) - 0.5
			ss, sc, cc = ss+sines[j]*sines[j], sc+sines[j]*cosines[j], cc+cosines[j]*cosines[j]
			xs, xc = xs+x*sines[j], xc+x*cosines[j]
		}
		d := ss*cc - sc*sc
		codes = append(codes, float32((cc*xs-sc*xc)/d), float32((ss*xc-sc*xs)/d), 0, 0, 0, 0, 0, 0)
	}
	return codes
}

func drawn(codes []float32, n int) []float32 {
	var images []float32
	for i := range n {
		for j := range pixels {
			images = append(images, 0.5+0.98*codes[8*i]*float32(math.Sin(float64(j)))+0.98*codes[8*i+1]*float32(math.Cos(float64(j))))
		}
	}
	return images
}

func flat(value float32, size int) func([]float32, int) []float32 {
	return func(_ []float32, n int) []float32 { return slices.Repeat([]float32{value}, n*size) }
}

func used(c Codebook) func([]float32, int) (Codebook, error) {
	return func([]float32, int) (Codebook, error) { return c, nil }
}

func TestFindings(t *testing.T) {
	images := waves(200)
	for name, c := range map[string]struct {
		subject Subject
		want    []Failure
		says    string
	}{
		"healthy":                       {Subject{Model: functions{projected, drawn}, Code: 8, Image: pixels}, nil, ""},
		"few":                           {Subject{Model: functions{projected, drawn}, Code: 8, Image: pixels, PCA: 1}, nil, ""},
		"linear":                        {Subject{Model: functions{projected, drawn}, Code: 8, Image: pixels, PCA: 1e-9}, []Failure{LosesToPCA}, "times that of PCA"},
		"mean":                          {Subject{Model: functions{flat(1, 2), flat(0.5, pixels)}, Code: 2, Image: pixels}, []Failure{MeanImage}, "train.rate"},
		"collapsed":                     {Subject{Model: functions{flat(0, 2), flat(0.5, pixels)}, Code: 2, Image: pixels, Variational: true, Beta: 50}, []Failure{PosteriorCollapse}, "to 1 or below"},
		"collapsed, weighed by 1":       {Subject{Model: functions{flat(0, 2), flat(0.5, pixels)}, Code: 2, Image: pixels, Variational: true, Beta: 1}, []Failure{PosteriorCollapse}, "model.warm_up"},
		"collapsed, weighed by nothing": {Subject{Model: functions{flat(0, 2), flat(0.5, pixels)}, Code: 2, Image: pixels, Variational: true}, []Failure{PosteriorCollapse}, "take model.kind vae"},
		"dead":                          {Subject{Model: functions{flat(0, 2), flat(0.5, pixels)}, Code: 2, Image: pixels, Usage: used(Codebook{Entries: 512, Used: 3, Vectors: 200})}, []Failure{DeadCodebook}, "set model.revive to 0.03"},
		"dead in spite":                 {Subject{Model: functions{projected, drawn}, Code: 8, Image: pixels, Usage: used(Codebook{Entries: 8, Used: 3, Vectors: 200, Revives: true})}, []Failure{DeadCodebook}, "take fewer model.entries"},
		// Of 512 entries 200 vectors cannot use more than 200, and use 166 by chance.
		"few vectors": {Subject{Model: functions{projected, drawn}, Code: 8, Image: pixels, Usage: used(Codebook{Entries: 512, Used: 90, Vectors: 200})}, nil, ""},
		"identity":    {Subject{Model: functions{same, same}, Code: pixels, Image: pixels}, []Failure{Identity}, "model.latent"},
	} {
		r, err := Examine(c.subject, images, 200)
		if err != nil {
			t.Fatal(err)
		}
		var got []Failure
		text := ""
		for _, f := range r.Findings {
			got, text = append(got, f.Failure), text+f.String()
		}
		if !slices.Equal(got, c.want) || !strings.Contains(text, c.says) {
			t.Errorf("%s: %+v\nwant %v with %q", name, r, c.want, c.says)
		}
	}
}

// TestNumbers computes the signals of a model that halves its input by hand.
func TestNumbers(t *testing.T) {
	images := []float32{0, 0.2, 1, 0.4, 0.5, 0.6} // three of two values
	halve := func(rows []float32, _ int) []float32 {
		made := slices.Clone(rows)
		for i := range made {
			made[i] /= 2
		}
		return made
	}
	r, err := Examine(Subject{Model: functions{same, halve}, Code: 2, Image: 2, PCA: 0.5}, images, 3)
	if err != nil {
		t.Fatal(err)
	}
	mse, variance, crossed := 0.0, 0.0, 0.0
	mean := [2]float64{0.5, 0.4}
	for i, x := range images {
		mse += float64(x) * float64(x) / 4 / 6
		variance += (float64(x) - mean[i%2]) * (float64(x) - mean[i%2]) / 6
		for k := i % 2; k < 6; k += 2 {
			d := float64(x)/2 - float64(images[k])
			crossed += d * d / 18
		}
	}
	for what, c := range map[string][2]float64{
		"explained": {r.ExplainedVariance, 1 - mse/variance}, "diversity": {r.Diversity, 0.25},
		"use": {r.CodeUse, crossed / mse}, "beside PCA": {*r.BesidePCA, mse / 0.5}, "active": {float64(r.Active), 2},
	} {
		if math.Abs(c[0]-c[1]) > 1e-6 {
			t.Errorf("%s is %g, want %g", what, c[0], c[1])
		}
	}
}

func TestCapacity(t *testing.T) {
	for _, c := range []struct {
		subject Subject
		warns   bool
	}{{Subject{Code: 16, Image: 16}, true}, {Subject{Code: 15, Image: 16}, false}, {Subject{Code: 16, Image: 16, Variational: true}, false}, {Subject{Code: 16, Image: 16, Usage: used(Codebook{})}, false}} {
		f, warns := c.subject.Capacity()
		if warns != c.warns || warns && !strings.Contains(f.String(), "set model.latent below 16") {
			t.Errorf("%+v: %v, %q", c.subject, warns, f)
		}
	}
}

// TestNoise checks that noise has the mean and spread of the pixels, and that
// shuffling loses no value.
func TestNoise(t *testing.T) {
	images := waves(100)
	noise := whiteNoise(images, 6400)
	if mse, variance, other, apart := compare(images, noise[:len(images)], 100); mse < variance || math.Abs(other/variance-1) > 0.2 || apart > 0.05*variance {
		t.Errorf("noise of variance %g about a mean %g off, of images of variance %g", other, apart, variance)
	}
	shuffled := shuffledPixels(images, 100, pixels)
	moved := 0
	for i := 0; i < len(images); i += pixels {
		before, after := slices.Clone(images[i:i+pixels]), slices.Clone(shuffled[i:i+pixels])
		for j := range before {
			if before[j] != after[j] {
				moved++
			}
		}
		slices.Sort(before)
		slices.Sort(after)
		if !slices.Equal(before, after) {
			t.Fatal("an image has other values when shuffled")
		}
	}
	if moved < len(images)/2 {
		t.Errorf("%d of %d values have moved", moved, len(images))
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Encode([]float32, int) ([]float32, error) { return nil, errBroken }
func (broken) Decode([]float32, int) ([]float32, error) { return nil, errBroken }

func TestMistakes(t *testing.T) {
	if _, err := Examine(Subject{Model: broken{}, Code: 2, Image: 3}, make([]float32, 6), 2); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	if _, err := Examine(Subject{Model: broken{}, Code: 2, Image: 3}, make([]float32, 3), 1); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("one image gave %v", err)
	}
}
