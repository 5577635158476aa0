package kernels

import "fmt"

// Pooling is the geometry of a max or average pooling of N,H,W,C images with
// an R x S window. As in PyTorch, padding may be at most half the window; it
// reads as minus infinity for the maximum and counts as zeros in the average
// (count_include_pad), and windows that would start beyond the image are
// dropped (no ceil_mode).
type Pooling struct {
	N, C, H, W       int
	R, S             int
	StrideH, StrideW int
	PadH, PadW       int
	Average          bool
}

// Out returns the height and width of the result; call it where Check is nil.
func (g Pooling) Out() (p, q int) {
	return (g.H+2*g.PadH-g.R)/g.StrideH + 1, (g.W+2*g.PadW-g.S)/g.StrideW + 1
}

// Check says in one sentence what is wrong with the sizes, or nil.
func (g Pooling) Check() error {
	if err := positive("pool", "batch", g.N, "channels", g.C, "height", g.H, "width", g.W,
		"window height", g.R, "window width", g.S, "stride", g.StrideH, "stride", g.StrideW); err != nil {
		return err
	}
	if g.PadH < 0 || g.PadW < 0 || 2*g.PadH > g.R || 2*g.PadW > g.S {
		return fmt.Errorf("pool: padding is %dx%d, want 0 to half of the %dx%d window", g.PadH, g.PadW, g.R, g.S)
	}
	if g.H+2*g.PadH < g.R || g.W+2*g.PadW < g.S {
		return fmt.Errorf("pool: a %dx%d window does not fit a %dx%d image with padding %dx%d", g.R, g.S, g.H, g.W, g.PadH, g.PadW)
	}
	return nil
}

func (g Pooling) name() string {
	if g.Average {
		return "pool_average"
	}
	return "pool_max"
}

// X and Y are the shapes of input and output.
func (g Pooling) X() Shape { return Shape{g.N, g.H, g.W, g.C} }
func (g Pooling) Y() Shape { p, q := g.Out(); return Shape{g.N, p, q, g.C} }

func (g Pooling) FLOPs() int { return g.Y().Size() * g.R * g.S }

// PoolForward computes y from x.
type PoolForward struct{ Pooling }

func (o PoolForward) Kind() string      { return o.name() }
func (o PoolForward) Operands() []Shape { return []Shape{o.X()} }
func (o PoolForward) Result() Shape     { return o.Y() }

// PoolBackward computes the gradient by x. Average: from dy. Max: from x and
// dy, the gradient going to the first greatest element of each window in
// reading order.
type PoolBackward struct{ Pooling }

func (o PoolBackward) Kind() string { return o.name() + "_backward" }
func (o PoolBackward) Operands() []Shape {
	if o.Average {
		return []Shape{o.Y()}
	}
	return []Shape{o.X(), o.Y()}
}
func (o PoolBackward) Result() Shape { return o.X() }

// Upsampling is the geometry of an enlargement of N,H,W,C images by whole
// factors. Bilinear samples at pixel centres (PyTorch's align_corners=False):
// output row p reads the source at (p+½)/ScaleH − ½, clamped to the image.
type Upsampling struct {
	N, C, H, W     int
	ScaleH, ScaleW int
	Bilinear       bool
}

// Check says in one sentence what is wrong with the sizes, or nil.
func (g Upsampling) Check() error {
	return positive("upsample", "batch", g.N, "channels", g.C, "height", g.H, "width", g.W, "scale", g.ScaleH, "scale", g.ScaleW)
}

func (g Upsampling) name() string {
	if g.Bilinear {
		return "upsample_bilinear"
	}
	return "upsample_nearest"
}

// X and Y are the shapes of input and output.
func (g Upsampling) X() Shape { return Shape{g.N, g.H, g.W, g.C} }
func (g Upsampling) Y() Shape { return Shape{g.N, g.H * g.ScaleH, g.W * g.ScaleW, g.C} }

func (g Upsampling) FLOPs() int {
	if g.Bilinear {
		return 8 * g.Y().Size()
	}
	return 0
}

// UpsampleForward computes y from x.
type UpsampleForward struct{ Upsampling }

func (o UpsampleForward) Kind() string      { return o.name() }
func (o UpsampleForward) Operands() []Shape { return []Shape{o.X()} }
func (o UpsampleForward) Result() Shape     { return o.Y() }

// UpsampleBackward computes the gradient by x from dy.
type UpsampleBackward struct{ Upsampling }

func (o UpsampleBackward) Kind() string      { return o.name() + "_backward" }
func (o UpsampleBackward) Operands() []Shape { return []Shape{o.Y()} }
func (o UpsampleBackward) Result() Shape     { return o.X() }
