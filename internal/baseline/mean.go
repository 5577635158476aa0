package baseline

import (
	"fmt"
	"math"
)

// leastProbability keeps a pixel that is 0 (or 1) in all training images from
// costing infinitely much where a test image has it otherwise.
const leastProbability = 1e-7

// Mean is the mean image, which is what an autoencoder falls back to when it
// ignores its input.
type Mean struct {
	pixels []float64
}

// MeanImage returns the mean, value by value, of all images.
func MeanImage(rows Rows) (*Mean, error) {
	m := &Mean{pixels: make([]float64, max(0, rows.Size()))}
	err := forEachBlock(rows, func(b *block) error {
		for i := range b.n {
			for j, value := range b.row(i) {
				m.pixels[j] += value
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for j := range m.pixels {
		m.pixels[j] /= float64(rows.Len())
	}
	return m, nil
}

// Pixels returns a copy of the mean image.
func (m *Mean) Pixels() []float32 { return narrow(make([]float32, len(m.pixels)), m.pixels) }

// MSE is the mean squared error per value when every image of rows is
// reconstructed as the mean image.
func (m *Mean) MSE(rows Rows) (float64, error) {
	if rows.Size() != len(m.pixels) {
		return 0, m.sizeError(rows)
	}
	var sum float64
	err := forEachBlock(rows, func(b *block) error {
		m.centre(b)
		for i := range b.n {
			sum += squares(b.row(i))
		}
		return nil
	})
	return sum / float64(rows.Len()) / float64(rows.Size()), err
}

// BCE is the binary cross-entropy in nats per image when every image of rows
// is taken to be drawn with the mean image as its probabilities, which are
// kept at least 1e-7 from 0 and 1.
func (m *Mean) BCE(rows Rows) (float64, error) {
	if rows.Size() != len(m.pixels) {
		return 0, m.sizeError(rows)
	}
	zero, one := make([]float64, len(m.pixels)), make([]float64, len(m.pixels)) // cost of x = 0, x = 1
	for j, p := range m.pixels {
		p = min(max(p, leastProbability), 1-leastProbability)
		zero[j], one[j] = -math.Log1p(-p), -math.Log(p)
	}
	var sum float64
	err := forEachBlock(rows, func(b *block) error {
		if err := b.checkUnit(); err != nil {
			return err
		}
		for i := range b.n {
			for j, x := range b.row(i) {
				sum += x*one[j] + (1-x)*zero[j]
			}
		}
		return nil
	})
	return sum / float64(rows.Len()), err
}

// Floor is the entropy of the pixels in nats per image: the binary
// cross-entropy of a perfect reconstruction, which is 0 for black and white
// images only.
func Floor(rows Rows) (float64, error) {
	var sum float64
	err := forEachBlock(rows, func(b *block) error {
		if err := b.checkUnit(); err != nil {
			return err
		}
		for _, x := range b.values[:b.n*b.size] {
			if x > 0 && x < 1 {
				sum -= x*math.Log(x) + (1-x)*math.Log1p(-x)
			}
		}
		return nil
	})
	return sum / float64(rows.Len()), err
}

// centre subtracts the mean image from every image of the block.
func (m *Mean) centre(b *block) {
	for i := range b.n {
		for j, mean := range m.pixels {
			b.values[i*b.size+j] -= mean
		}
	}
}

func (m *Mean) sizeError(rows Rows) error {
	return fmt.Errorf("baseline: images of %d values, want %d as in those fitted", rows.Size(), len(m.pixels))
}

func squares(values []float64) float64 {
	var sum float64
	for _, value := range values {
		sum += value * value
	}
	return sum
}

// narrow writes values to dst, rounded to float32, and returns it.
func narrow(dst []float32, values []float64) []float32 {
	for i, value := range values {
		dst[i] = float32(value)
	}
	return dst
}
