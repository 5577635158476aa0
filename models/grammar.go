package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hourglass/conv"
	"hourglass/internal/nearest"
	"hourglass/kernels"
)

// The text form of a list of layers is one line, the layers separated by "|":
//
//	conv 32 k3 s2 relu | conv 64 k3 s2 batchnorm relu | assert 64x7x7 | flatten | dense 128
//
// A layer is its kind, its number or shape, and options in any order:
//
//	conv F, convt F   kN or kRxS filter (3), sN stride (1), pN padding (same), dN dilation (1),
//	                  gN groups (1), oN output padding (0, convt only), nobias, a norm, an activation
//	dense F           nobias, a norm, an activation
//	flatten, unflatten CxHxW, assert CxHxW or F
//	maxpool N, avgpool N   sN (N), pN (0)
//	upsample N        bilinear
//	res F, attention  gN groups of the norms (the greatest divisor of their channels up to 32)
//	dropout RATE
//	batchnorm, layernorm, groupnorm:GROUPS                       the norms, alone or as option
//	relu, leakyrelu[:SLOPE], elu[:SCALE], silu, gelu, tanh, sigmoid, softplus   the activations, likewise
//
// [Parse] and [Layers.String] are inverses.

// Parse reads the text form. The error names the layer and the word.
func Parse(text string) (Layers, error) {
	var layers Layers
	if strings.TrimSpace(text) == "" {
		return layers, nil
	}
	for i, part := range strings.Split(text, "|") {
		words := strings.Fields(part)
		if len(words) == 0 {
			return nil, fmt.Errorf("layer %d of %q is empty; write a layer between every two bars", i+1, text)
		}
		l, err := parseLayer(words)
		if err != nil {
			return nil, fmt.Errorf("layer %d, %q: %w", i+1, strings.TrimSpace(part), err)
		}
		layers = append(layers, l)
	}
	return layers, nil
}

func parseLayer(words []string) (Layer, error) {
	kind, rest := Kind(words[0]), words[1:]
	switch kind {
	case KindFlatten, KindAttention:
		return parseOptions(Layer{Kind: kind}, rest)
	case KindConv, KindConvT, KindDense, KindMaxPool, KindAvgPool, KindUpsample, KindRes:
		number, rest, err := leadingNumber(kind, rest)
		if err != nil {
			return Layer{}, err
		}
		return parseOptions(sized[kind](number), rest)
	case KindUnflatten, KindAssert:
		if len(rest) == 0 {
			return Layer{}, fmt.Errorf("%s needs a shape such as 64x7x7", kind)
		}
		shape, err := ParseShape(rest[0])
		if err != nil {
			return Layer{}, err
		}
		if kind == KindUnflatten && shape.Flat {
			return Layer{}, fmt.Errorf("unflatten needs an image's shape such as 64x7x7, not %v", shape)
		}
		return parseOptions(Layer{Kind: kind, Shape: shape}, rest[1:])
	case KindDropout:
		if len(rest) == 0 {
			return Layer{}, fmt.Errorf("dropout needs a rate such as 0.2")
		}
		rate, err := strconv.ParseFloat(rest[0], 64)
		if err != nil || !(rate >= 0 && rate < 1) {
			return Layer{}, fmt.Errorf("dropout rate %q is no number from 0 up to but not 1", rest[0])
		}
		return parseOptions(Dropout(rate), rest[1:])
	}
	option, isNorm, err := parseFunction(words[0])
	if name, _, _ := strings.Cut(words[0], ":"); err != nil && slices.Contains(functionNames(), name) {
		return Layer{}, err
	}
	if err != nil {
		return Layer{}, unknown("layer", words[0], kindNames())
	}
	l := Layer{Kind: KindActivate}
	if isNorm {
		l.Kind = KindNorm
	}
	option(&l)
	return parseOptions(l, rest)
}

// sized are the layers that begin with one number.
var sized = map[Kind]func(int) Layer{
	KindConv:     func(n int) Layer { return Conv(n) },
	KindConvT:    func(n int) Layer { return ConvT(n) },
	KindDense:    func(n int) Layer { return Dense(n) },
	KindMaxPool:  func(n int) Layer { return MaxPool(n) },
	KindAvgPool:  func(n int) Layer { return AvgPool(n) },
	KindUpsample: func(n int) Layer { return Upsample(n) },
	KindRes:      func(n int) Layer { return Res(n) },
}

func leadingNumber(kind Kind, words []string) (int, []string, error) {
	if len(words) == 0 {
		return 0, nil, fmt.Errorf("%s needs a number, such as %s 2", kind, kind)
	}
	n, err := parseSize(words[0], 1)
	if err != nil || n.H != n.W {
		return 0, nil, fmt.Errorf("%s needs a whole number from 1 to %d, got %q", kind, maxSize, words[0])
	}
	return n.H, words[1:], nil
}

// maxSize bounds every number of the grammar, far above use and far below
// overflow of what is computed from them.
const maxSize = 1 << 20

// parseSize reads N or HxW, each at least least.
func parseSize(text string, least int) (conv.Size, error) {
	first, second, two := strings.Cut(text, "x")
	h, err := strconv.Atoi(first)
	w := h
	if two && err == nil {
		w, err = strconv.Atoi(second)
	}
	if err != nil || h < least || w < least || h > maxSize || w > maxSize {
		return conv.Size{}, fmt.Errorf("%q is no size; write a whole number of at least %d, or HxW", text, least)
	}
	return conv.Size{H: h, W: w}, nil
}

// ParseShape reads CxHxW, or a number of features.
func ParseShape(text string) (Shape, error) {
	var axes []int
	for _, part := range strings.Split(text, "x") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxSize {
			return Shape{}, fmt.Errorf("%q is no shape; write CxHxW such as 3x32x32, or a number of features", text)
		}
		axes = append(axes, n)
	}
	switch {
	case len(axes) == 1:
		return Features(axes[0]), nil
	case len(axes) == 3 && axes[0] <= 1<<28/axes[1]/axes[2]:
		return Shape{C: axes[0], H: axes[1], W: axes[2]}, nil
	}
	return Shape{}, fmt.Errorf("%q is no shape; write CxHxW such as 3x32x32, or a number of features", text)
}

func parseOptions(l Layer, words []string) (Layer, error) {
	for _, word := range words {
		err := parseOption(&l, word)
		if errors.Is(err, errRefused) {
			return Layer{}, fmt.Errorf("%s takes no option %q%s", l.Kind, word, l.stillTakes())
		}
		if err != nil {
			return Layer{}, err
		}
	}
	return l, nil
}

// stillTakes lists the options that a layer would take.
func (l Layer) stillTakes() string {
	var names []string
	for _, name := range optionNames() {
		if name == "groupnorm" { // it has a number of groups
			name += ":8"
		}
		if copied := l; parseOption(&copied, name) == nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "; it takes none"
	}
	return "; it takes " + strings.Join(names, ", ")
}

// errRefused is of an option that layers of another kind take, or only once.
var errRefused = errors.New("the layer does not take the option")

// parseOption applies one word, if the layer's kind takes it.
func parseOption(l *Layer, word string) error {
	convolves := l.Kind == KindConv || l.Kind == KindConvT
	pools := l.Kind == KindMaxPool || l.Kind == KindAvgPool
	sums := convolves || l.Kind == KindDense
	switch word {
	case "nobias":
		if !sums {
			return errRefused
		}
		l.NoBias = true
		return nil
	case "bilinear":
		if l.Kind != KindUpsample {
			return errRefused
		}
		l.Bilinear = true
		return nil
	}
	if option, isNorm, err := parseFunction(word); err == nil {
		taken := l.Norm != nil
		if !isNorm {
			taken = l.Activation != kernels.Activation{}
		}
		if !sums || taken {
			return errRefused
		}
		option(l)
		return nil
	}
	if len(word) < 2 {
		return unknown("option", word, optionNames())
	}
	least := 1
	if word[0] == 'p' || word[0] == 'o' {
		least = 0
	}
	size, err := parseSize(word[1:], least)
	if err != nil {
		return unknown("option", word, optionNames())
	}
	switch {
	case word[0] == 'k' && convolves:
		l.Kernel = size
	case word[0] == 's' && (convolves || pools):
		l.Stride = size
	case word[0] == 'p' && (convolves || pools):
		l.Padding, l.Padded = size, true
	case word[0] == 'd' && convolves:
		l.Dilation = size
	case word[0] == 'g' && (convolves || isBlock(l.Kind)) && size.H == size.W:
		l.Groups = size.H
	case word[0] == 'o' && l.Kind == KindConvT:
		l.OutputPadding = size
	default:
		return errRefused
	}
	return nil
}

// parseFunction reads a norm or an activation, with its parameter behind a
// colon.
func parseFunction(word string) (option Option, isNorm bool, err error) {
	name, parameter, given := strings.Cut(word, ":")
	value := 0.0
	if given {
		if value, err = strconv.ParseFloat(parameter, 64); err != nil || !(value >= 0) || math.IsInf(value, 0) {
			return nil, false, fmt.Errorf("%q: the parameter is no number of at least 0", word)
		}
	}
	switch name {
	case "batchnorm", "layernorm":
		if given {
			return nil, false, fmt.Errorf("%s takes no parameter", name)
		}
		if name == "batchnorm" {
			return BatchNorm, true, nil
		}
		return LayerNorm, true, nil
	case "groupnorm":
		if !given || value < 1 || value > maxSize || value != math.Trunc(value) {
			return nil, false, fmt.Errorf("groupnorm needs its groups, as in groupnorm:8")
		}
		return GroupNorm(int(value)), true, nil
	case "leakyrelu":
		if given {
			return LeakyReLUWith(value), false, nil
		}
		return LeakyReLU, false, nil
	case "elu":
		if given {
			return ELUWith(value), false, nil
		}
		return ELU, false, nil
	}
	for f, known := range kernels.Functions() {
		if known == name && kernels.Function(f) != kernels.Identity && !given {
			return func(l *Layer) { l.Activation = kernels.Activation{Function: kernels.Function(f)} }, false, nil
		}
	}
	return nil, false, fmt.Errorf("%q is neither a norm nor an activation", word)
}

func kindNames() []string {
	names := []string{"conv", "convt", "dense", "flatten", "unflatten", "maxpool", "avgpool", "upsample", "res", "attention", "dropout", "assert"}
	return append(names, functionNames()...)
}

func functionNames() []string {
	return append([]string{"batchnorm", "layernorm", "groupnorm"}, kernels.Functions()[1:]...)
}

func optionNames() []string {
	return append([]string{"k3", "s2", "p1", "d1", "g1", "o1", "nobias", "bilinear"}, functionNames()...)
}

// unknown says that a word does not exist, and which one may have been meant.
func unknown(what, word string, names []string) error {
	if near, ok := nearest.Of(word, names); ok {
		return fmt.Errorf("%s %q does not exist; did you mean %q?", what, word, near)
	}
	return fmt.Errorf("%s %q does not exist; choose among %s", what, word, strings.Join(names, ", "))
}

// String writes the text form.
func (l Layers) String() string {
	parts := make([]string, len(l))
	for i, one := range l {
		parts[i] = one.String()
	}
	return strings.Join(parts, " | ")
}

// String writes the text form of one layer; options at their defaults are left
// out, but for the filter's size.
func (l Layer) String() string {
	words := []string{string(l.Kind)}
	add := func(letter string, size, unless conv.Size) {
		if size != unless {
			words = append(words, letter+sizeText(size))
		}
	}
	switch l.Kind {
	case KindConv, KindConvT:
		words = append(words, fmt.Sprint(l.Channels), "k"+sizeText(l.Kernel))
		add("s", l.Stride, conv.Square(1))
		if l.Padded {
			words = append(words, "p"+sizeText(l.Padding))
		}
		add("d", l.Dilation, conv.Square(1))
		add("g", conv.Square(l.Groups), conv.Square(1))
		add("o", l.OutputPadding, conv.Size{})
	case KindDense:
		words = append(words, fmt.Sprint(l.Channels))
	case KindRes:
		words = append(words, fmt.Sprint(l.Channels))
		add("g", conv.Square(l.Groups), conv.Size{})
	case KindAttention:
		add("g", conv.Square(l.Groups), conv.Size{})
	case KindMaxPool, KindAvgPool:
		words = append(words, sizeText(l.Kernel))
		add("s", l.Stride, l.Kernel)
		add("p", l.Padding, conv.Size{})
	case KindUpsample:
		words = append(words, sizeText(l.Stride))
		if l.Bilinear {
			words = append(words, "bilinear")
		}
	case KindUnflatten, KindAssert:
		words = append(words, l.Shape.String())
	case KindDropout:
		words = append(words, strconv.FormatFloat(l.Rate, 'g', -1, 64))
	case KindNorm, KindActivate:
		words = nil
	}
	if l.NoBias {
		words = append(words, "nobias")
	}
	if l.Norm != nil {
		words = append(words, l.Norm.String())
	}
	if l.Activation.Function != kernels.Identity {
		words = append(words, activationText(l.Activation))
	}
	return strings.Join(words, " ")
}

func sizeText(s conv.Size) string {
	if s.H == s.W {
		return fmt.Sprint(s.H)
	}
	return fmt.Sprintf("%dx%d", s.H, s.W)
}

// String writes the norm as an option.
func (n Norm) String() string {
	if n.Kind == kernels.GroupNorm {
		return fmt.Sprintf("groupnorm:%d", n.Groups)
	}
	return n.Kind.String()
}

// activationText writes an activation as an option. A parameter is written
// where the function has one.
func activationText(a kernels.Activation) string {
	switch a.Function {
	case kernels.LeakyReLU, kernels.ELU:
		return a.Function.String() + ":" + strconv.FormatFloat(a.Alpha, 'g', -1, 64)
	}
	return a.Function.String()
}
