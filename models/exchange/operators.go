package exchange

import (
	"cmp"
	"math"

	"hourglass/conv"
	"hourglass/internal/onnx"
	"hourglass/kernels"
	"hourglass/models"
)

// module adds the operators of one module and returns its result, called as
// the module is.
func (t *translation) module(m models.Module, x string) string {
	l := m.Layer
	switch l.Kind {
	case models.KindConv:
		return t.node("Conv", m.Name, convolutionAttributes(l), t.operands(m, x)...)
	case models.KindConvT:
		attributes := append(convolutionAttributes(l), onnx.Attribute{Name: "output_padding", Value: pair(l.OutputPadding)})
		return t.node("ConvTranspose", m.Name, attributes, t.operands(m, x)...)
	case models.KindDense: // the weight is (out, in); a twin's is as it is multiplied by
		var transposed []onnx.Attribute
		if m.Twin == "" {
			transposed = []onnx.Attribute{{Name: "transB", Value: 1}}
		}
		return t.node("Gemm", m.Name, transposed, t.operands(m, x)...)
	case models.KindFlatten:
		return t.node("Flatten", m.Name, []onnx.Attribute{{Name: "axis", Value: 1}}, x)
	case models.KindUnflatten:
		return t.reshape(m.Name, x, 0, l.Shape.C, l.Shape.H, l.Shape.W)
	case models.KindMaxPool:
		return t.node("MaxPool", m.Name, window(l), x)
	case models.KindAvgPool: // padding counts as zeros
		return t.node("AveragePool", m.Name, append(window(l), onnx.Attribute{Name: "count_include_pad", Value: 1}), x)
	case models.KindUpsample:
		return t.upsample(m, x)
	case models.KindRes:
		return t.residual(m, x)
	case models.KindAttention:
		return t.attention(m, x)
	case models.KindNorm:
		return t.norm(m, x)
	case models.KindActivate:
		return t.activation(m.Name, l.Activation, x)
	case models.KindDropout: // drops nothing outside training
		return x
	}
	t.fail(unknown(m, "ONNX"))
	return x
}

// operands are the operands of a sum: x, the weight and perhaps a bias.
func (t *translation) operands(m models.Module, x string) []string {
	in := []string{x, t.weight(cmp.Or(m.Twin, m.Name) + ".weight")}
	if !m.Layer.NoBias {
		in = append(in, t.weight(m.Name+".bias"))
	}
	return in
}

func pair(s conv.Size) []int { return []int{s.H, s.W} }

// pads are before and behind: top, left, bottom, right.
func pads(s conv.Size) []int { return []int{s.H, s.W, s.H, s.W} }

func window(l models.Layer) []onnx.Attribute {
	return []onnx.Attribute{{Name: "kernel_shape", Value: pair(l.Kernel)}, {Name: "pads", Value: pads(l.Padding)}, {Name: "strides", Value: pair(l.Stride)}}
}

func convolutionAttributes(l models.Layer) []onnx.Attribute {
	return append(window(l), onnx.Attribute{Name: "dilations", Value: pair(l.Dilation)}, onnx.Attribute{Name: "group", Value: l.Groups})
}

// upsample repeats pixels, or interpolates between their centres.
func (t *translation) upsample(m models.Module, x string) string {
	scales := t.floats(m.Name+".scales", []int{4}, []float32{1, 1, float32(m.Layer.Stride.H), float32(m.Layer.Stride.W)})
	attributes := []onnx.Attribute{{Name: "coordinate_transformation_mode", Value: "asymmetric"}, {Name: "mode", Value: "nearest"}, {Name: "nearest_mode", Value: "floor"}}
	if m.Layer.Bilinear {
		attributes = []onnx.Attribute{{Name: "coordinate_transformation_mode", Value: "half_pixel"}, {Name: "mode", Value: "linear"}}
	}
	return t.node("Resize", m.Name, attributes, x, "", scales)
}

func (t *translation) norm(m models.Module, x string) string {
	n := m.Layer.Norm
	epsilon := []onnx.Attribute{{Name: "epsilon", Value: float32(models.NormEpsilon)}}
	scale, shift := m.Name+".weight", m.Name+".bias"
	switch n.Kind {
	case kernels.BatchNorm:
		return t.node("BatchNormalization", m.Name, epsilon, x, t.weight(scale), t.weight(shift),
			t.weight(m.Name+".running_mean"), t.weight(m.Name+".running_var"))
	case kernels.LayerNorm: // over the last axis, where the channels of an image must go
		if m.In.Flat {
			return t.node("LayerNormalization", m.Name, epsilon, x, t.weight(scale), t.weight(shift))
		}
		last := t.node("Transpose", m.Name+"/last", []onnx.Attribute{{Name: "perm", Value: []int{0, 2, 3, 1}}}, x)
		normal := t.node("LayerNormalization", m.Name+"/normal", epsilon, last, t.weight(scale), t.weight(shift))
		return t.node("Transpose", m.Name, []onnx.Attribute{{Name: "perm", Value: []int{0, 3, 1, 2}}}, normal)
	case kernels.GroupNorm:
		return t.groupNorm(m, x)
	}
	t.fail(unknown(m, "ONNX"))
	return x
}

// groupNorm normalises each group of channels as if it were one channel of an
// image, then scales and shifts each channel. Opset 17 has no operator for it.
func (t *translation) groupNorm(m models.Module, x string) string {
	groups, in := m.Layer.Norm.Groups, m.In
	ones, channel := make([]float32, groups), []int{in.C, 1, 1}
	back := []int{0, in.C, in.H, in.W}
	if in.Flat {
		channel, back = []int{in.C}, []int{0, in.C}
	}
	for i := range ones {
		ones[i] = 1
	}
	grouped := t.reshape(m.Name+"/grouped", x, 0, groups, -1)
	normal := t.node("InstanceNormalization", m.Name+"/normal", []onnx.Attribute{{Name: "epsilon", Value: float32(models.NormEpsilon)}}, grouped,
		t.floats(m.Name+".ones", []int{groups}, ones), t.floats(m.Name+".zeros", []int{groups}, make([]float32, groups)))
	image := t.reshape(m.Name+"/image", normal, back...)
	scaled := t.node("Mul", m.Name+"/scaled", nil, image, t.perChannel(m.Name+".weight", channel))
	return t.node("Add", m.Name, nil, scaled, t.perChannel(m.Name+".bias", channel))
}

// perChannel is a weight with axes behind its own, along which it is repeated.
func (t *translation) perChannel(name string, shape []int) string {
	t.weight(name)
	t.graph.Constants[len(t.graph.Constants)-1].Shape = shape
	return name
}

func (t *translation) activation(result string, a kernels.Activation, x string) string {
	alpha := []onnx.Attribute{{Name: "alpha", Value: float32(a.Alpha)}}
	switch a.Function {
	case kernels.Identity:
		return x
	case kernels.ReLU:
		return t.node("Relu", result, nil, x)
	case kernels.LeakyReLU:
		return t.node("LeakyRelu", result, alpha, x)
	case kernels.ELU:
		return t.node("Elu", result, alpha, x)
	case kernels.SiLU: // x·σ(x)
		return t.node("Mul", result, nil, x, t.node("Sigmoid", result+"/sigmoid", nil, x))
	case kernels.GELU: // x·Φ(x) with Φ(x) = (1 + erf(x/√2))/2
		scaled := t.node("Mul", result+"/scaled", nil, x, t.floats(result+".root", nil, []float32{float32(1 / math.Sqrt2)}))
		erf := t.node("Erf", result+"/erf", nil, scaled)
		twice := t.node("Add", result+"/twice", nil, erf, t.floats(result+".one", nil, []float32{1}))
		product := t.node("Mul", result+"/product", nil, x, twice)
		return t.node("Mul", result, nil, product, t.floats(result+".half", nil, []float32{0.5}))
	case kernels.Tanh:
		return t.node("Tanh", result, nil, x)
	case kernels.Sigmoid:
		return t.node("Sigmoid", result, nil, x)
	case kernels.Softplus:
		return t.node("Softplus", result, nil, x)
	}
	t.fail(unknown(models.Module{Name: result, Layer: models.Layer{Kind: models.KindActivate, Activation: a}}, "ONNX"))
	return x
}
