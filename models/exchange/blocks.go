package exchange

import (
	"fmt"
	"math"

	"hourglass/internal/onnx"
	"hourglass/kernels"
	"hourglass/models"
)

// residual adds the operators of a residual block: of a norm and a convolution,
// twice, and of the shortcut's convolution if there is one.
func (t *translation) residual(m models.Module, x string) string {
	h, shortcut := x, x
	for i := range 2 {
		norm := m.Inside[2*i]
		active := t.activation(norm.Name+"/silu", kernels.Activation{Function: kernels.SiLU}, t.module(norm, h))
		h = t.module(m.Inside[2*i+1], active)
	}
	if len(m.Inside) > 4 {
		shortcut = t.module(m.Inside[4], x)
	}
	return t.node("Add", m.Name, nil, shortcut, h)
}

// attention adds the operators of self-attention over the P pixels of an image:
// of a norm, and of the linear maps Q, K, V and O, which take rows (N·P,C).
func (t *translation) attention(m models.Module, x string) string {
	c, pixels := m.In.C, m.In.H*m.In.W
	turn := func(result, x string, axes ...int) string {
		return t.node("Transpose", result, []onnx.Attribute{{Name: "perm", Value: axes}}, x)
	}
	columns := t.reshape(m.Name+"/columns", t.module(m.Inside[0], x), 0, c, pixels)
	rows := t.reshape(m.Name+"/rows", turn(m.Name+"/turned", columns, 0, 2, 1), -1, c)
	var qkv [3]string // (N,P,C)
	for i := range qkv {
		linear := m.Inside[1+i]
		qkv[i] = t.reshape(linear.Name+"/images", t.module(linear, rows), -1, pixels, c)
	}
	likeness := t.node("MatMul", m.Name+"/likeness", nil, qkv[0], turn(m.Name+"/keys", qkv[1], 0, 2, 1))
	scale := t.floats(m.Name+".scale", nil, []float32{float32(1 / math.Sqrt(float64(c)))})
	weights := t.node("Softmax", m.Name+"/weights", []onnx.Attribute{{Name: "axis", Value: -1}}, t.node("Mul", m.Name+"/scaled", nil, likeness, scale))
	gathered := t.reshape(m.Name+"/gathered", t.node("MatMul", m.Name+"/values", nil, weights, qkv[2]), -1, c)
	back := t.reshape(m.Name+"/back", t.module(m.Inside[4], gathered), -1, pixels, c)
	image := t.reshape(m.Name+"/image", turn(m.Name+"/channels", back, 0, 2, 1), 0, c, m.In.H, m.In.W)
	return t.node("Add", m.Name, nil, x, image)
}

// Classes of the script, each of which holds what is inside a layer.
const (
	residualBlock = "ResidualBlock"
	selfAttention = "SelfAttention"
)

// block is the Python expression that makes a layer of several modules.
func block(m models.Module) string {
	groups := func(i int) string { return fmt.Sprint(m.Inside[i].Layer.Norm.Groups) }
	if m.Layer.Kind == models.KindAttention {
		return expression(selfAttention, fmt.Sprint(m.In.C), "groups="+groups(0))
	}
	return expression(residualBlock, fmt.Sprint(m.In.C), fmt.Sprint(m.Out.C), "groups=("+groups(0)+", "+groups(2)+")")
}
