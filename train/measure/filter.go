package measure

import (
	"fmt"
	"math"
	"slices"
)

// MedianFilter replaces each value by the median of the side·side values about
// it in its channel; side is odd. Beyond its edge an image is its own mirror
// image, the outermost pixel repeated.
func MedianFilter(image []float32, size Size, side int) ([]float32, error) {
	if err := size.check("median filter", image); err != nil {
		return nil, err
	}
	if side < 1 || side%2 == 0 {
		return nil, fmt.Errorf("median filter: the side is %d, want an odd number of at least 1", side)
	}
	out := make([]float32, len(image))
	about := make([]float32, 0, side*side)
	radius := side / 2
	for y := range size.H {
		for x := range size.W {
			for c := range size.C {
				about = about[:0]
				for v := y - radius; v <= y+radius; v++ {
					row := mirrored(v, size.H) * size.W
					for u := x - radius; u <= x+radius; u++ {
						about = append(about, image[(row+mirrored(u, size.W))*size.C+c])
					}
				}
				slices.Sort(about)
				out[(y*size.W+x)*size.C+c] = about[len(about)/2]
			}
		}
	}
	return out, nil
}

// reach is how many σ from its middle a Gaussian filter ends.
const reach = 4

// GaussianFilter blurs each channel with a Gaussian of the given σ in pixels,
// cut off at 4σ. Edges are those of [MedianFilter].
func GaussianFilter(image []float32, size Size, sigma float64) ([]float32, error) {
	if err := size.check("blur", image); err != nil {
		return nil, err
	}
	if !(sigma > 0) || sigma > float64(size.H+size.W) {
		return nil, fmt.Errorf("blur: sigma is %g, want more than 0 and no more than the image is large", sigma)
	}
	radius := int(reach*sigma + 0.5)
	weights := gaussianWeights(radius, sigma)
	between, out := make([]float64, len(image)), make([]float32, len(image))
	for y := range size.H {
		for x := range size.W {
			for i, share := range weights {
				from := (y*size.W + mirrored(x+i-radius, size.W)) * size.C
				for c := range size.C {
					between[(y*size.W+x)*size.C+c] += share * float64(image[from+c])
				}
			}
		}
	}
	for y := range size.H {
		for at := range size.W * size.C {
			sum := 0.0
			for i, share := range weights {
				sum += share * between[mirrored(y+i-radius, size.H)*size.W*size.C+at]
			}
			out[y*size.W*size.C+at] = float32(sum)
		}
	}
	return out, nil
}

// mirrored is the place within n of place i, in the pattern c b a | a b c | c b a.
func mirrored(i, n int) int {
	i %= 2 * n
	if i < 0 {
		i += 2 * n
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return i
}

// BestFilter is the filter, without any learning, that brings noisy images
// nearest to the clean ones, all choices having seen the clean images: medians
// of side 3, 5 and 7 and Gaussians of σ from 0.4 to 2.
type BestFilter struct {
	Name string
	MSE  float64 // mean over the images
	// Images are what it makes of the noisy ones.
	Images []float32
}

// FindBestFilter tries all filters on noisy images, one after the other.
func FindBestFilter(noisy, clean []float32, size Size) (BestFilter, error) {
	if err := size.check("filters"); err != nil {
		return BestFilter{}, err
	}
	if len(noisy) != len(clean) || len(noisy) == 0 || len(noisy)%size.values() != 0 {
		return BestFilter{}, fmt.Errorf("filters: %d noisy and %d clean values, want as many of both, in images of %d", len(noisy), len(clean), size.values())
	}
	best := BestFilter{MSE: math.Inf(1)}
	for _, f := range filters(size) {
		made := make([]float32, 0, len(noisy))
		for at := 0; at < len(noisy); at += size.values() {
			image, err := f.apply(noisy[at : at+size.values()])
			if err != nil {
				return best, err
			}
			made = append(made, image...)
		}
		mse, err := MSE(made, clean)
		if err != nil {
			return best, err
		}
		if mse < best.MSE {
			best = BestFilter{f.name, mse, made}
		}
	}
	return best, nil
}

type filter struct {
	name  string
	apply func([]float32) ([]float32, error)
}

func filters(size Size) []filter {
	var all []filter
	for _, side := range []int{3, 5, 7} {
		all = append(all, filter{fmt.Sprintf("median %dx%d", side, side), func(image []float32) ([]float32, error) { return MedianFilter(image, size, side) }})
	}
	for _, sigma := range []float64{0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2} {
		all = append(all, filter{fmt.Sprintf("Gaussian σ %g", sigma), func(image []float32) ([]float32, error) { return GaussianFilter(image, size, sigma) }})
	}
	return all
}
