package measure

import (
	"fmt"
	"math"
)

// Size is that of one image: H·W pixels of C values, in the order H,W,C.
type Size struct{ H, W, C int }

func (s Size) values() int { return s.H * s.W * s.C }

// check proves that each image has the size.
func (s Size) check(what string, images ...[]float32) error {
	if s.H < 1 || s.W < 1 || s.C < 1 {
		return fmt.Errorf("%s: an image of %dx%dx%d, want at least one pixel and one channel", what, s.H, s.W, s.C)
	}
	for _, image := range images {
		if len(image) != s.values() {
			return fmt.Errorf("%s: an image of %dx%dx%d has %d values, want %d", what, s.H, s.W, s.C, len(image), s.values())
		}
	}
	return nil
}

// MSE is the mean squared difference of two rows of equal length.
func MSE(a, b []float32) (float64, error) {
	if len(a) != len(b) || len(a) == 0 {
		return 0, fmt.Errorf("squared error: rows of %d and %d values, want one length of at least 1", len(a), len(b))
	}
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a)), nil
}

// PSNR is the peak signal-to-noise ratio, in decibels, of images in [0,1] with
// a mean squared difference of mse. It is infinite at 0.
func PSNR(mse float64) float64 { return -10 * math.Log10(mse) }

// Constants of SSIM for values in [0,1]: (0.01)² and (0.03)² keep its quotients
// finite where an image is flat.
const (
	luminanceFloor = 0.01 * 0.01
	contrastFloor  = 0.03 * 0.03
)

// window is the side of SSIM's Gaussian window, and windowSigma its spread.
const (
	window      = 11
	windowSigma = 1.5
)

// SSIM is the structural similarity of two images in [0,1] (Wang, Bovik, Sheikh
// and Simoncelli, "Image quality assessment: from error visibility to
// structural similarity", 2004), at most 1: for each channel the mean over all
// positions at which an 11x11 Gaussian window of σ = 1.5 lies within the image,
// and then the mean over channels. In an image with a side below 11 the window
// is cut, in that direction, to the largest odd side that fits.
func SSIM(a, b []float32, size Size) (float64, error) {
	if err := size.check("SSIM", a, b); err != nil {
		return 0, err
	}
	sum := 0.0
	for c := range size.C {
		x, y := channel(a, size, c), channel(b, size, c)
		similarity, _ := x.compare(y)
		sum += similarity
	}
	return sum / float64(size.C), nil
}

// scaleWeights are the exponents of the five scales, finest first (Wang,
// Simoncelli and Bovik 2003, fitted to what people see).
var scaleWeights = [...]float64{0.0448, 0.2856, 0.3001, 0.2363, 0.1333}

// Scales is how many scales [MultiScaleSSIM] uses for an image: up to five, as
// many as leave the shorter side at least 11 pixels at the coarsest, and one
// for images that are smaller.
func Scales(size Size) int {
	n := 1
	for side := min(size.H, size.W) / 2; n < len(scaleWeights) && side >= window; side /= 2 {
		n++
	}
	return n
}

// MultiScaleSSIM is the product, over scales each half as fine as the one
// before, of the contrast and structure terms of [SSIM], and of its luminance
// term at the coarsest (Wang, Simoncelli and Bovik, "Multiscale structural
// similarity for image quality assessment", 2003). A scale is the mean of 2x2
// pixels of the one before; a row or column left over is dropped. Images too
// small for five scales use the first [Scales], their weights divided by their
// sum. Terms below 0, which have no power, count as 0.
func MultiScaleSSIM(a, b []float32, size Size) (float64, error) {
	if err := size.check("multi-scale SSIM", a, b); err != nil {
		return 0, err
	}
	weights := scaleWeights[:Scales(size)]
	total := 0.0
	for _, w := range weights {
		total += w
	}
	sum := 0.0
	for c := range size.C {
		x, y := channel(a, size, c), channel(b, size, c)
		product := 1.0
		for i, w := range weights {
			if i > 0 {
				x, y = x.halve(), y.halve()
			}
			similarity, term := x.compare(y)
			if i == len(weights)-1 {
				term = similarity
			}
			product *= math.Pow(max(term, 0), w/total)
		}
		sum += product
	}
	return sum / float64(size.C), nil
}

// plane is one channel of an image.
type plane struct {
	h, w   int
	values []float64
}

func channel(image []float32, size Size, c int) plane {
	p := plane{size.H, size.W, make([]float64, size.H*size.W)}
	for i := range p.values {
		p.values[i] = float64(image[i*size.C+c])
	}
	return p
}

// halve returns the means of 2x2 pixels.
func (p plane) halve() plane {
	half := plane{p.h / 2, p.w / 2, make([]float64, (p.h/2)*(p.w/2))}
	for y := range half.h {
		for x := range half.w {
			at := 2*y*p.w + 2*x
			half.values[y*half.w+x] = (p.values[at] + p.values[at+1] + p.values[at+p.w] + p.values[at+p.w+1]) / 4
		}
	}
	return half
}

// compare returns the mean similarity and the mean of its contrast and
// structure term alone.
func (p plane) compare(q plane) (similarity, structure float64) {
	meanP, meanQ := p.smooth(), q.smooth()
	squareP, squareQ, product := p.times(p).smooth(), q.times(q).smooth(), p.times(q).smooth()
	for i, m := range meanP.values {
		n := meanQ.values[i]
		variances := squareP.values[i] - m*m + squareQ.values[i] - n*n
		covariance := product.values[i] - m*n
		s := (2*covariance + contrastFloor) / (variances + contrastFloor)
		structure += s
		similarity += s * (2*m*n + luminanceFloor) / (m*m + n*n + luminanceFloor)
	}
	count := float64(len(meanP.values))
	return similarity / count, structure / count
}

func (p plane) times(q plane) plane {
	product := plane{p.h, p.w, make([]float64, len(p.values))}
	for i, v := range p.values {
		product.values[i] = v * q.values[i]
	}
	return product
}

// smooth weighs by SSIM's window, at the positions where it fits.
func (p plane) smooth() plane {
	down, across := gaussianWindow(fitting(p.h)), gaussianWindow(fitting(p.w))
	rows := plane{p.h, p.w - len(across) + 1, nil}
	rows.values = make([]float64, rows.h*rows.w)
	for y := range rows.h {
		for x := range rows.w {
			for i, share := range across {
				rows.values[y*rows.w+x] += share * p.values[y*p.w+x+i]
			}
		}
	}
	both := plane{p.h - len(down) + 1, rows.w, nil}
	both.values = make([]float64, both.h*both.w)
	for y := range both.h {
		for i, share := range down {
			for x := range both.w {
				both.values[y*both.w+x] += share * rows.values[(y+i)*rows.w+x]
			}
		}
	}
	return both
}

// fitting is the side of the window in a direction of n pixels.
func fitting(n int) int {
	if n >= window {
		return window
	}
	return n - 1 + n%2
}

// gaussianWindow are n weights about their middle, with sum 1.
func gaussianWindow(n int) []float64 { return gaussianWeights(n/2, windowSigma) }

// gaussianWeights are 2·radius+1 weights with sum 1.
func gaussianWeights(radius int, sigma float64) []float64 {
	weights := make([]float64, 2*radius+1)
	sum := 0.0
	for i := range weights {
		d := float64(i-radius) / sigma
		weights[i] = math.Exp(-d * d / 2)
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights
}
