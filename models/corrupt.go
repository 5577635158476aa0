package models

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gorgonia.org/gorgonia"

	"hourglass/conv"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// CorruptionKind is a way to damage an image.
type CorruptionKind string

const (
	GaussianNoise CorruptionKind = "gaussian"   // adds normal noise of that deviation and cuts the result to [0,1]
	Masking       CorruptionKind = "mask"       // sets that part of the pixels to 0
	SaltAndPepper CorruptionKind = "saltpepper" // sets that part of the pixels to 0 or 1, as often
	Speckle       CorruptionKind = "speckle"    // multiplies by 1 + normal noise of that deviation and cuts the result to [0,1]
	Blur          CorruptionKind = "blur"       // convolves with a Gaussian of that deviation in pixels, black beyond the edge
)

// CorruptionKinds are the names of all.
func CorruptionKinds() []string {
	return []string{string(GaussianNoise), string(Masking), string(SaltAndPepper), string(Speckle), string(Blur)}
}

// Corruption damages an image by an amount, whose meaning is the kind's.
type Corruption struct {
	Kind   CorruptionKind
	Amount float64
}

// Corruptions are applied one after the other.
type Corruptions []Corruption

// ParseCorruptions reads "gaussian 0.4" or "gaussian:0.4", or several between
// bars.
func ParseCorruptions(text string) (Corruptions, error) {
	var all Corruptions
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for one := range strings.SplitSeq(text, "|") {
		words := strings.Fields(strings.Replace(one, ":", " ", 1))
		if len(words) != 2 {
			return nil, fmt.Errorf("the corruption %q is not a kind and an amount, as in %q", strings.TrimSpace(one), "gaussian 0.4")
		}
		amount, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			return nil, fmt.Errorf("the amount of the corruption %s is %q; want a number", words[0], words[1])
		}
		all = append(all, Corruption{CorruptionKind(words[0]), amount})
	}
	return all, all.check()
}

// String writes the text form.
func (c Corruptions) String() string {
	texts := make([]string, len(c))
	for i, one := range c {
		texts[i] = string(one.Kind) + " " + strconv.FormatFloat(one.Amount, 'g', -1, 64)
	}
	return strings.Join(texts, " | ")
}

// mostCorruption is the greatest amount of each kind.
var mostCorruption = map[CorruptionKind]float64{GaussianNoise: 10, Masking: 0.99, SaltAndPepper: 0.99, Speckle: 10, Blur: 16}

func (c Corruptions) check() error {
	for _, one := range c {
		most, known := mostCorruption[one.Kind]
		if !known {
			return unknown("corruption", string(one.Kind), CorruptionKinds())
		}
		if !(one.Amount > 0 && one.Amount <= most) {
			return fmt.Errorf("the amount of the corruption %s is %g; want more than 0 and at most %g", one.Kind, one.Amount, most)
		}
	}
	return nil
}

// corrupted is the image as the encoder sees it in training: a denoising
// autoencoder learns to undo the damage (Vincent et al., "Extracting and
// composing robust features with denoising autoencoders", 2008).
func (m *body) corrupted(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	return m.try(b, x, func() (*gorgonia.Node, error) { return m.spec.Corruption.Apply(b, x) })
}

// Apply adds the graph that damages images x, (N,H,W,C), by noise that depends
// on the clock and on the batch size.
func (c Corruptions) Apply(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	for i, one := range c {
		var err error
		if x, err = one.apply(b, x, i); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// apply damages x (N,H,W,C); number tells several corruptions apart.
func (c Corruption) apply(b *graph.Builder, x *gorgonia.Node, number int) (*gorgonia.Node, error) {
	n, h, w, channels := x.Shape()[0], x.Shape()[1], x.Shape()[2], x.Shape()[3]
	switch c.Kind {
	case GaussianNoise, Speckle:
		noise, err := ops.Scale(b.Noise(n, h, w, channels), c.Amount)
		if err == nil && c.Kind == Speckle {
			noise, err = ops.Mul(noise, x)
		}
		if err != nil {
			return nil, err
		}
		if x, err = ops.Add(x, noise); err != nil {
			return nil, err
		}
		return cut(x)
	case Masking:
		return chosen(b, b.Noise(n, h, w, 1), c.Amount, x, number, 0)
	case SaltAndPepper: // the two tails of one normal number a pixel
		noise := b.Noise(n, h, w, 1)
		x, err := chosen(b, noise, c.Amount/2, x, number, 0)
		if err != nil {
			return nil, err
		}
		if noise, err = ops.Scale(noise, -1); err != nil {
			return nil, err
		}
		return chosen(b, noise, c.Amount/2, x, number, 1)
	}
	return c.blur(b, x, number)
}

// chosen sets to a value the pixels of x whose normal number is among the
// lowest part.
func chosen(b *graph.Builder, noise *gorgonia.Node, part float64, x *gorgonia.Node, number int, value float32) (*gorgonia.Node, error) {
	quantile := math.Sqrt2 * math.Erfinv(2*part-1)
	constant := func(name string, v float32) *gorgonia.Node {
		return b.Constant(fmt.Sprintf("corruption %d, %s %g", number, name, value), kernels.Shape{1}, []float32{v})
	}
	mask, err := ops.Less(noise, constant("quantile", float32(quantile)))
	if err != nil {
		return nil, err
	}
	return ops.Where(mask, constant("value", value), x)
}

// cut is x kept within [0,1].
func cut(x *gorgonia.Node) (*gorgonia.Node, error) {
	x, err := ops.ReLU(x)
	if err != nil {
		return nil, err
	}
	if x, err = ops.Affine(x, -1, 1); err != nil {
		return nil, err
	}
	if x, err = ops.ReLU(x); err != nil {
		return nil, err
	}
	return ops.Affine(x, -1, 1)
}

// blur convolves each channel with a Gaussian that ends at three deviations.
func (c Corruption) blur(b *graph.Builder, x *gorgonia.Node, number int) (*gorgonia.Node, error) {
	channels := x.Shape()[3]
	radius := int(math.Ceil(3 * c.Amount))
	side := 2*radius + 1
	weights := make([]float32, channels*side*side)
	sum := 0.0
	for r := -radius; r <= radius; r++ {
		for s := -radius; s <= radius; s++ {
			sum += c.density(r, s)
		}
	}
	for i := range weights {
		at := i % (side * side)
		weights[i] = float32(c.density(at/side-radius, at%side-radius) / sum)
	}
	filter := b.Constant(fmt.Sprintf("corruption %d, filter", number), kernels.Shape{channels, 1, side, side}, weights)
	return conv.Conv2D(x, filter, nil, conv.Attributes{Stride: conv.Square(1), Padding: conv.Square(radius), Dilation: conv.Square(1), Groups: channels})
}

// density of the Gaussian, but for a factor.
func (c Corruption) density(r, s int) float64 {
	return math.Exp(-float64(r*r+s*s) / (2 * c.Amount * c.Amount))
}
