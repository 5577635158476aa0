package cpu

import (
	"math"
	"unsafe"

	"hourglass/kernels"
)

func init() {
	registerPointwise(dropoutPoints)
	registerPointwise(noisePoints)
}

// draw fills out with the bits of words first, first+1, … of a stream, first
// being a multiple of 4: they are turned into numbers where they stand.
func draw(out []float32, clock *kernels.Clock, stream uint32, first int) {
	const words = 4 * 8
	eights := len(out) / words
	if eights > 0 {
		routines.drawEights((*uint32)(unsafe.Pointer(&out[0])), clock, stream, uint32(first/4), eights)
	}
	for i := eights * words; i < len(out); i += 4 {
		block := clock.Draw(stream, uint32((first+i)/4))
		for j := i; j < min(i+4, len(out)); j++ {
			out[j] = math.Float32frombits(block[j-i])
		}
	}
}

// drawEightsPortable draws eights times eight blocks of four words.
func drawEightsPortable(words *uint32, clock *kernels.Clock, stream, block uint32, eights int) {
	blocks := unsafe.Slice((*[4]uint32)(unsafe.Pointer(words)), 8*eights)
	for i := range blocks {
		blocks[i] = clock.Draw(stream, block+uint32(i))
	}
}

// dropoutPoints compares words as integers: (w>>9 + ½)·2⁻²³ >= rate where
// w>>9 >= rate·2²³ − ½. The choice is made by a mask, for no branch predictor
// foresees it.
func dropoutPoints(ctx *Context, op kernels.Dropout) pointwise {
	scale := float32(1 / (1 - op.Rate))
	threshold := int32(math.Ceil(op.Rate*(1<<23) - 0.5))
	return func(y []float32, in [][]float32, first int) {
		draw(y, ctx.Clock, op.Stream, first)
		for i, x := range in[0] {
			dropped := (int32(math.Float32bits(y[i])>>9) - threshold) >> 31 // all ones, or zero
			y[i] = math.Float32frombits(math.Float32bits(x*scale) &^ uint32(dropped))
		}
	}
}

func noisePoints(ctx *Context, op kernels.Noise) pointwise {
	transform := uniforms
	if !op.Uniform {
		transform = normals
	}
	return func(y []float32, _ [][]float32, first int) {
		draw(y, ctx.Clock, op.Stream, first)
		transform(y)
		if rest := len(y) % 4; rest > 0 && !op.Uniform { // an incomplete block at the end
			block := kernels.Normals(ctx.Clock.Draw(op.Stream, uint32((first+len(y))/4)))
			copy(y[len(y)-rest:], block[:])
		}
	}
}

// uniforms turns the bits of words into numbers of (0,1).
func uniforms(y []float32) {
	for i, word := range y {
		y[i] = kernels.Uniform(math.Float32bits(word))
	}
}

// normals turns the bits of whole blocks of words into normal numbers, as
// kernels.Normals does: in float64, so that both round to the same float32 but
// in the rarest cases.
func normals(y []float32) {
	for i := 0; i+2 <= len(y); i += 2 {
		radius := math.Sqrt(-2 * logarithm(float64(kernels.Uniform(math.Float32bits(y[i])))))
		sin, cos := sincosTurns(float64(kernels.Uniform(math.Float32bits(y[i+1]))))
		y[i], y[i+1] = float32(radius*cos), float32(radius*sin)
	}
}

// sincosTurns is the sine and cosine of 2πv for v of [0,1]: v is a number of
// quarter turns and a rest of at most an eighth, for which the series serve.
func sincosTurns(v float64) (sin, cos float64) {
	quarters := int(4*v + 0.5)
	a := 2 * math.Pi * (v - 0.25*float64(quarters))
	t := a * a
	s := a * (1 - t*(1.0/6-t*(1.0/120-t*(1.0/5040-t*(1.0/362880)))))
	c := 1 - t*(0.5-t*(1.0/24-t*(1.0/720-t*(1.0/40320-t*(1.0/3628800)))))
	switch quarters & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}
