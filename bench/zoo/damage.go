package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"hourglass/data"
	"hourglass/models"
)

// damage is images of a shape as the encoder of a denoising model sees them in
// training, with noise that is the same for every model.
func damage(corrupt string, images []float32, shape data.Shape) ([]float32, error) {
	all, err := models.ParseCorruptions(corrupt)
	if err != nil {
		return nil, err
	}
	noise := rand.New(rand.NewPCG(1, 1))
	damaged := append([]float32(nil), images...)
	for _, one := range all {
		switch one.Kind {
		case models.Blur:
			for at := 0; at < len(damaged); at += shape.Size() {
				blur(damaged[at:at+shape.Size()], shape, one.Amount)
			}
		case models.GaussianNoise, models.Masking, models.SaltAndPepper:
			for i, x := range damaged {
				damaged[i] = struck(one, x, noise)
			}
		default:
			return nil, fmt.Errorf("the corruption %s is not measured; choose %s, %s, %s or %s", one.Kind, models.GaussianNoise, models.Masking, models.SaltAndPepper, models.Blur)
		}
	}
	return damaged, nil
}

// struck is a pixel of a grey image after damage that strikes each alone.
func struck(c models.Corruption, x float32, noise *rand.Rand) float32 {
	if c.Kind == models.GaussianNoise {
		return min(max(x+float32(c.Amount*noise.NormFloat64()), 0), 1)
	}
	chance := noise.Float64()
	switch {
	case c.Kind == models.Masking && chance < c.Amount, chance < c.Amount/2:
		return 0
	case c.Kind == models.SaltAndPepper && chance < c.Amount:
		return 1
	}
	return x
}

// blur convolves an image (H,W,C) in place with a Gaussian that ends at three
// deviations, black beyond the edge: first along the rows, then the columns.
func blur(image []float32, s data.Shape, deviation float64) {
	radius := int(math.Ceil(3 * deviation))
	filter, sum := make([]float64, 2*radius+1), 0.0
	for i := range filter {
		filter[i] = math.Exp(-float64((i-radius)*(i-radius)) / (2 * deviation * deviation))
		sum += filter[i]
	}
	along := func(length, step, start int) {
		line := make([]float64, length)
		for i := range line {
			line[i] = float64(image[start+i*step])
		}
		for i := range line {
			total := 0.0
			for k, f := range filter {
				if from := i + k - radius; from >= 0 && from < length {
					total += f * line[from]
				}
			}
			image[start+i*step] = float32(total / sum)
		}
	}
	for c := range s.C {
		for h := range s.H {
			along(s.W, s.C, h*s.W*s.C+c)
		}
		for w := range s.W {
			along(s.H, s.W*s.C, w*s.C+c)
		}
	}
}
