package kernels

import (
	"fmt"
	"math"
	"math/bits"
)

// Philox returns four random words for a counter and a key: Philox 4x32-10
// (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", 2011). Every backend draws from it, so that they draw the same numbers.
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	const (
		multiply0, multiply1 = 0xD2511F53, 0xCD9E8D57
		weyl0, weyl1         = 0x9E3779B9, 0xBB67AE85
	)
	for range 10 {
		high0, low0 := bits.Mul32(multiply0, counter[0])
		high1, low1 := bits.Mul32(multiply1, counter[2])
		counter = [4]uint32{high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0}
		key[0] += weyl0
		key[1] += weyl1
	}
	return counter
}

// Draw returns the four words for elements 4·block to 4·block+3 of a stream at
// the clock's seed and step. Streams are numbered by who draws: each random
// operation of a model has its own.
func (c Clock) Draw(stream, block uint32) [4]uint32 {
	return Philox(
		[4]uint32{block, stream, uint32(c.Step), uint32(c.Step >> 32)},
		[2]uint32{uint32(c.Seed), uint32(c.Seed >> 32)})
}

// Uniform maps a word to the open interval (0,1): the middle of one of 2²³
// equal parts, exact in float32.
func Uniform(word uint32) float32 {
	return (float32(word>>9) + 0.5) * (1.0 / (1 << 23))
}

// Normals maps four words to four standard normal numbers by Box and Muller's
// transform (1958).
func Normals(words [4]uint32) [4]float32 {
	var normals [4]float32
	for i := 0; i < 4; i += 2 {
		radius := math.Sqrt(-2 * math.Log(float64(Uniform(words[i]))))
		sin, cos := math.Sincos(2 * math.Pi * float64(Uniform(words[i+1])))
		normals[i], normals[i+1] = float32(radius*cos), float32(radius*sin)
	}
	return normals
}

// Dropout zeroes each element with probability Rate and divides the others by
// 1 − Rate (Srivastava et al. 2014, in its inverted form). Which elements is
// drawn from Stream at the clock, so that the operation, run again in the same
// step on dy, is its own gradient: element i is kept where
// Uniform(word i) >= Rate.
type Dropout struct {
	Rate   float64
	Stream uint32
	Size   int
}

func (Dropout) Kind() string        { return "dropout" }
func (o Dropout) Operands() []Shape { return []Shape{{o.Size}} }
func (o Dropout) Result() Shape     { return Shape{o.Size} }
func (o Dropout) FLOPs() int        { return o.Size }
func (o Dropout) Check() error {
	if !(o.Rate >= 0 && o.Rate < 1) {
		return fmt.Errorf("dropout: rate is %g, want 0 up to but not 1", o.Rate)
	}
	return positive("dropout", "size", o.Size)
}

// Noise draws standard normal numbers, or uniform ones on (0,1), from Stream
// at the clock. It has no operands.
type Noise struct {
	Uniform bool
	Stream  uint32
	Shape   Shape
}

func (o Noise) Kind() string {
	if o.Uniform {
		return "noise_uniform"
	}
	return "noise_normal"
}
func (o Noise) Operands() []Shape { return nil }
func (o Noise) Result() Shape     { return o.Shape }
func (o Noise) FLOPs() int        { return 0 }
func (o Noise) Check() error      { return axes(o.Kind(), o.Shape) }
