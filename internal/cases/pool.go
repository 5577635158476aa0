package cases

import (
	"fmt"

	"hourglass/kernels"
)

// pooling is a row of sizes: height before width everywhere.
type pooling struct {
	name             string
	n, c, h, w, r, s int
	strideH, strideW int
	padH, padW       int
}

var poolings = []pooling{
	//                              N   C   H  W  R  S  stride  pad
	{"one number", 1, 1, 1, 1, 1, 1, 1, 1, 0, 0},
	{"2x2", 2, 3, 6, 8, 2, 2, 2, 2, 0, 0},
	{"2x2 with a remainder", 2, 3, 7, 5, 2, 2, 2, 2, 0, 0},
	{"overlapping", 1, 5, 6, 7, 3, 3, 1, 1, 0, 0},
	{"overlapping, padded, stride 2", 2, 8, 9, 8, 3, 3, 2, 2, 1, 1},
	{"half the window is padding", 1, 3, 3, 4, 2, 4, 2, 3, 1, 2},
	{"stride larger than the window", 1, 2, 9, 10, 2, 1, 3, 4, 0, 0},
	{"everything differs", 2, 7, 9, 8, 4, 3, 3, 2, 2, 1},
	{"window as large as the image", 3, 9, 5, 6, 5, 6, 1, 1, 0, 0},
	{"one channel", 4, 1, 8, 6, 2, 3, 2, 3, 0, 1},
	{"one row", 1, 4, 1, 9, 1, 3, 1, 2, 0, 1},
	{"15 channels", 1, 15, 4, 4, 2, 2, 2, 2, 0, 0},
	{"16 channels", 1, 16, 4, 4, 2, 2, 2, 2, 0, 0},
	{"17 channels", 1, 17, 4, 4, 2, 2, 2, 2, 0, 0},
	{"31 channels", 1, 31, 5, 5, 3, 3, 2, 2, 1, 1},
	{"32 channels", 1, 32, 5, 5, 3, 3, 2, 2, 1, 1},
	{"33 channels", 1, 33, 5, 5, 3, 3, 2, 2, 1, 1},
	{"global, 14x14", 2, 24, 14, 14, 14, 14, 14, 14, 0, 0},
}

// maxima are distributions that only matter to a maximum.
var maxima = []struct {
	name string
	x    Fill
}{
	{"ties", Among{-1, 0, 1}},
	{"all equal", Among{-3}},
	{"negative, so that padding must not win", Uniform{-2, -1}},
}

var upsamplings = []kernels.Upsampling{
	{N: 1, C: 1, H: 1, W: 1, ScaleH: 1, ScaleW: 1},
	{N: 2, C: 3, H: 1, W: 1, ScaleH: 2, ScaleW: 2},
	{N: 2, C: 3, H: 4, W: 5, ScaleH: 2, ScaleW: 2},
	{N: 1, C: 2, H: 5, W: 3, ScaleH: 3, ScaleW: 3},
	{N: 1, C: 5, H: 3, W: 4, ScaleH: 1, ScaleW: 3},
	{N: 2, C: 1, H: 2, W: 7, ScaleH: 4, ScaleW: 2},
	{N: 1, C: 8, H: 1, W: 6, ScaleH: 5, ScaleW: 1},
	{N: 1, C: 15, H: 3, W: 3, ScaleH: 2, ScaleW: 2},
	{N: 1, C: 16, H: 3, W: 3, ScaleH: 2, ScaleW: 2},
	{N: 1, C: 17, H: 3, W: 3, ScaleH: 2, ScaleW: 2},
	{N: 1, C: 33, H: 2, W: 3, ScaleH: 3, ScaleW: 2},
	{N: 2, C: 6, H: 16, W: 14, ScaleH: 2, ScaleW: 2},
}

func pool() []Case {
	var all []Case
	for _, p := range poolings {
		g := kernels.Pooling{N: p.n, C: p.c, H: p.h, W: p.w, R: p.r, S: p.s,
			StrideH: p.strideH, StrideW: p.strideW, PadH: p.padH, PadW: p.padW}
		all = append(all, row(kernels.PoolForward{Pooling: g}, p.name), row(kernels.PoolBackward{Pooling: g}, p.name))
		for _, m := range maxima {
			name := p.name + ", " + m.name
			all = append(all, row(kernels.PoolForward{Pooling: g}, name, m.x), row(kernels.PoolBackward{Pooling: g}, name, m.x))
		}
		g.Average = true
		all = append(all, row(kernels.PoolForward{Pooling: g}, p.name), row(kernels.PoolBackward{Pooling: g}, p.name))
	}
	for _, g := range upsamplings {
		for _, g.Bilinear = range []bool{false, true} {
			name := fmt.Sprintf("%v by %dx%d", g.X(), g.ScaleH, g.ScaleW)
			all = append(all, row(kernels.UpsampleForward{Upsampling: g}, name), row(kernels.UpsampleBackward{Upsampling: g}, name))
		}
	}
	return all
}
