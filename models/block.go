package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// isBlock reports whether a kind of layer is made of several modules under
// names of their own.
func isBlock(k Kind) bool { return k == KindRes || k == KindAttention }

// submodule is a module inside a block, with the shapes before and behind it: of
// an image, or of one row a pixel.
type submodule struct {
	name    string // as in Hugging Face's diffusers
	layer   Layer
	in, out Shape
}

// submodules lists what a block is made of.
func (l Layer) submodules(in Shape) []submodule {
	norm := func(channels int) Layer { return Normalise(GroupNorm(l.normGroups(channels))) }
	if l.Kind == KindAttention {
		pixel, linear := Features(in.C), Dense(in.C)
		return []submodule{
			{"group_norm", norm(in.C), in, in},
			{"to_q", linear, pixel, pixel}, {"to_k", linear, pixel, pixel}, {"to_v", linear, pixel, pixel},
			{"to_out.0", linear, pixel, pixel},
		}
	}
	out := Shape{C: l.Channels, H: in.H, W: in.W}
	all := []submodule{
		{"norm1", norm(in.C), in, in}, {"conv1", Conv(l.Channels), in, out},
		{"norm2", norm(l.Channels), out, out}, {"conv2", Conv(l.Channels), out, out},
	}
	if in.C != l.Channels {
		all = append(all, submodule{"conv_shortcut", Conv(l.Channels, K(1)), in, out})
	}
	return all
}

// normGroups is how many groups the norm of so many channels has: 32 as in
// latent diffusion, or the next smaller number that divides the channels.
func (l Layer) normGroups(channels int) int {
	if l.Groups > 0 {
		return l.Groups
	}
	groups := min(32, channels)
	for channels%groups != 0 {
		groups--
	}
	return groups
}

// acceptsBlock checks what a block demands of its input beside being an image.
func (l Layer) acceptsBlock(in Shape) error {
	channels := []int{in.C}
	if l.Kind == KindRes {
		channels = append(channels, l.Channels)
	}
	for _, c := range channels {
		if l.Groups < 0 || l.Groups > 0 && c%l.Groups != 0 {
			return fmt.Errorf("%d groups do not divide %d channels", l.Groups, c)
		}
	}
	if pixels := in.H * in.W; l.Kind == KindAttention && pixels > maxElements/pixels {
		return fmt.Errorf("it would compare each of %d pixels with each; put it where images are at most %d pixels", pixels, int(math.Sqrt(maxElements)))
	}
	return nil
}

// inside makes each module of a block, number module of the part, a part of its
// own.
func (p part) inside(l Layer, in Shape, module int) []part {
	var all []part
	for _, one := range l.submodules(in) {
		all = append(all, part{name: p.prefix(module) + "." + one.name, layers: Seq(one.layer), shapes: []Shape{one.in, one.out}, images: make([]Shape, 2), single: true, init: p.init})
	}
	return all
}

// applyRes adds a residual block: with norm 1 and 2, convolution 1 and 2 and,
// where the channels differ, the shortcut's.
func applyRes(b *graph.Builder, modules []part, x *gorgonia.Node) (*gorgonia.Node, error) {
	h, shortcut := x, x
	for i := range 2 {
		norm, convolution := modules[2*i], modules[2*i+1]
		active, err := ops.Activate(norm.apply(b, h), kernels.Activation{Function: kernels.SiLU})
		if err != nil {
			return nil, err
		}
		h = convolution.apply(b, active)
	}
	if len(modules) > 4 {
		shortcut = modules[4].apply(b, x)
	}
	return ops.Add(shortcut, h)
}

// applyAttention adds self-attention: with a norm and the linear maps Q, K, V
// and O.
func applyAttention(b *graph.Builder, modules []part, x *gorgonia.Node) (*gorgonia.Node, error) {
	shape := append([]int{}, x.Shape()...)
	n, pixels, c := shape[0], shape[1]*shape[2], shape[3]
	rows, err := ops.Reshape(modules[0].apply(b, x), n*pixels, c)
	if err != nil {
		return nil, err
	}
	var qkv [3]*gorgonia.Node // each (N, H·W, C)
	for i := range qkv {
		if qkv[i], err = ops.Reshape(modules[1+i].apply(b, rows), n, pixels, c); err != nil {
			return nil, err
		}
	}
	gathered, err := attend(qkv[0], qkv[1], qkv[2])
	if err != nil {
		return nil, err
	}
	if gathered, err = ops.Reshape(gathered, n*pixels, c); err != nil {
		return nil, err
	}
	if gathered, err = ops.Reshape(modules[4].apply(b, gathered), shape...); err != nil {
		return nil, err
	}
	return ops.Add(x, gathered)
}

// attend is softmax(q·kᵀ/√C)·v for queries, keys and values (N,pixels,C).
func attend(q, k, v *gorgonia.Node) (*gorgonia.Node, error) {
	q, err := ops.Scale(q, 1/math.Sqrt(float64(q.Shape()[2])))
	if err != nil {
		return nil, err
	}
	likeness, err := ops.MatMul(q, k, false, true)
	if err != nil {
		return nil, err
	}
	weights, err := ops.Softmax(likeness)
	if err != nil {
		return nil, err
	}
	return ops.MatMul(weights, v, false, false)
}

// blockFLOPs counts the multiplications and additions of a block's sums.
func (l Layer) blockFLOPs(in Shape) int {
	total, pixels := 0, in.H*in.W
	for _, one := range l.submodules(in) {
		flops := one.layer.flops(one.in)
		if one.in.Flat { // a map of each pixel
			flops *= pixels
		}
		total += flops
	}
	if l.Kind == KindAttention { // the products with keys and with values
		total += 4 * pixels * pixels * in.C
	}
	return total
}
