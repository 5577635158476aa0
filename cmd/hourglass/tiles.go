package main

import (
	"slices"

	"hourglass/data"
	"hourglass/train"
)

// denoiser runs a model over pictures of any size: in tiles of the model's size
// that overlap by half, each counting the more the nearer to its middle a pixel
// is. A picture smaller than a tile is continued by its mirror image. A model
// of grey images takes the channels of a colour picture one by one; one of
// colour images takes a grey picture three times over, and the mean is taken.
type denoiser struct {
	runner *train.Runner
	shape  data.Shape // of the model's images
	label  []int      // class of the pictures, of a conditional model; nil for others
}

func (d denoiser) apply(picture []float32, shape data.Shape) ([]float32, error) {
	if shape.C == d.shape.C {
		return d.tiled(picture, shape)
	}
	out := make([]float32, len(picture))
	if d.shape.C == 1 {
		for c := range shape.C {
			plane := make([]float32, shape.H*shape.W)
			for i := range plane {
				plane[i] = picture[i*shape.C+c]
			}
			made, err := d.tiled(plane, data.Shape{C: 1, H: shape.H, W: shape.W})
			if err != nil {
				return nil, err
			}
			for i, v := range made {
				out[i*shape.C+c] = v
			}
		}
		return out, nil
	}
	colour := make([]float32, len(picture)*d.shape.C)
	for i := range colour {
		colour[i] = picture[i/d.shape.C]
	}
	made, err := d.tiled(colour, data.Shape{C: d.shape.C, H: shape.H, W: shape.W})
	for i, v := range made {
		out[i/d.shape.C] += v / float32(d.shape.C)
	}
	return out, err
}

// tiled works on a picture with the model's channels.
func (d denoiser) tiled(picture []float32, shape data.Shape) ([]float32, error) {
	downs, acrosses := starts(shape.H, d.shape.H), starts(shape.W, d.shape.W)
	var tiles []float32
	for _, top := range downs {
		for _, left := range acrosses {
			for y := top; y < top+d.shape.H; y++ {
				for x := left; x < left+d.shape.W; x++ {
					at := (mirrored(y, shape.H)*shape.W + mirrored(x, shape.W)) * shape.C
					tiles = append(tiles, picture[at:at+shape.C]...)
				}
			}
		}
	}
	count := len(downs) * len(acrosses)
	made, err := d.runner.Reconstruct(tiles, count, slices.Repeat(d.label, count)...)
	if err != nil {
		return nil, err
	}
	sums, weights := make([]float64, len(picture)), make([]float64, len(picture))
	for i, v := range made {
		tile, inside := i/d.shape.Size(), i%d.shape.Size()
		c, pixel := inside%d.shape.C, inside/d.shape.C
		ty, tx := pixel/d.shape.W, pixel%d.shape.W
		y, x := downs[tile/len(acrosses)]+ty, acrosses[tile%len(acrosses)]+tx
		if y >= shape.H || x >= shape.W {
			continue
		}
		weight := float64(min(ty+1, d.shape.H-ty) * min(tx+1, d.shape.W-tx))
		at := (y*shape.W+x)*shape.C + c
		sums[at] += weight * float64(v)
		weights[at] += weight
	}
	out := make([]float32, len(picture))
	for i := range out {
		out[i] = float32(min(max(sums[i]/weights[i], 0), 1))
	}
	return out, nil
}

// starts are where tiles of a side begin so that they cover n pixels.
func starts(n, side int) []int {
	if n <= side {
		return []int{0}
	}
	var all []int
	for at := 0; at < n-side; at += max(1, side/2) {
		all = append(all, at)
	}
	return append(all, n-side)
}

// mirrored is the place within n of place i from 0, in the pattern a b c | c b a.
func mirrored(i, n int) int {
	if i %= 2 * n; i >= n {
		return 2*n - 1 - i
	}
	return i
}
