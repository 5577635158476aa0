package exchange

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"hourglass/conv"
	"hourglass/graph"
	"hourglass/kernels"
	"hourglass/models"
)

//go:embed model.py.tmpl
var scriptText string

var scriptTemplate = template.Must(template.New("model.py").Parse(scriptText))

// Script returns the source of model.py: an nn.Module whose state_dict is what
// [WriteWeights] writes. Its function load takes model.safetensors beside it
// unless told otherwise. The title, one line, says in it what the model is.
func Script(m Model, title string) ([]byte, error) { return script(m, title, false) }

// RunScript is a [Script] for the folder of a run, which loads the best of the
// checkpoints there.
func RunScript(m Model, title string) ([]byte, error) { return script(m, title, true) }

func script(m Model, title string, checkpoints bool) ([]byte, error) {
	s, err := structureOf(m)
	if err != nil {
		return nil, err
	}
	view := struct {
		Title, Class      string
		Code, Classes     int
		Input             models.Shape
		Encoder, Heads    []line
		Decoder, Judge    []line
		Levels            []levelView
		Book              *bookView
		Beside            []group
		Variational, Flat bool
		ChannelNorm       bool
		Residual          bool
		Attention         bool
		Tied              bool
		Spatial           bool
		Output            string // "": none
		Bernoulli         bool
		Checkpoints       bool // in the folder checkpoints, instead of a file of weights
	}{
		Title: docstring.Replace(title), Class: s.class(), Code: s.code, Classes: s.classes, Input: s.spec.Input,
		Variational: s.variational, Spatial: s.spatial, Flat: s.flat(), Bernoulli: s.spec.Likelihood == models.Bernoulli,
		Book: s.book.view(), Tied: s.spec.Tied, Checkpoints: checkpoints,
	}
	heads := s.heads
	if s.levels != nil {
		heads = nil // the levels hold them
		if view.Levels, err = s.levelViews(); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		from []models.Module
		to   *[]line
	}{{s.encoder, &view.Encoder}, {heads, &view.Heads}, {s.decoder, &view.Decoder}, {s.judge, &view.Judge}} {
		for _, one := range part.from {
			call, err := call(one)
			if err != nil {
				return nil, err
			}
			view.ChannelNorm = view.ChannelNorm || strings.HasPrefix(call, channelNorm)
			view.Residual = view.Residual || strings.HasPrefix(call, residualBlock)
			view.Attention = view.Attention || strings.HasPrefix(call, selfAttention)
			*part.to = append(*part.to, line{one.Name, call, one.Out.String()})
		}
	}
	if view.Beside, err = groups(m); err != nil {
		return nil, err
	}
	if out := s.output(); out.Activation.Function != kernels.Identity {
		if view.Output, err = call(models.Module{Name: "output", Layer: out}); err != nil {
			return nil, err
		}
	}
	var source bytes.Buffer
	if err := scriptTemplate.Execute(&source, view); err != nil {
		return nil, fmt.Errorf("writing model.py: %w", err)
	}
	return source.Bytes(), nil
}

// class is the name of the script's class.
func (s structure) class() string {
	switch {
	case s.book != nil:
		return "QuantisedAutoencoder"
	case s.levels != nil:
		return "HierarchicalAutoencoder"
	case s.variational:
		return "VariationalAutoencoder"
	}
	return "Autoencoder"
}

// docstring makes a text fit to stand between """.
var docstring = strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", " ")

// line is one module of the script.
type line struct{ Name, Call, Shape string }

// group is a dictionary of parameters that belong to no module or, without a
// name, a number of such parameters.
type group struct {
	Name       string
	Parameters []graph.Variable
}

// groups lists the variables beside the modules by the first part of their
// names.
func groups(m Model) ([]group, error) {
	var all []group
	_, beside := divide(m)
	modules := partsOf(m)
	for _, v := range beside {
		if modules[moduleOf(v.Name)] != "" || v.Name == countsName { // which the class Codebook has
			continue
		}
		name, rest := moduleOf(v.Name), lastOf(v.Name)
		if strings.Contains(name, ".") || v.Gradient == nil {
			return nil, fmt.Errorf("variable %s: it has no equivalent in PyTorch yet", v.Name)
		}
		if n := len(all); n == 0 || all[n-1].Name != name {
			all = append(all, group{Name: name})
		}
		last := &all[len(all)-1]
		last.Parameters = append(last.Parameters, graph.Variable{Name: rest, Shape: v.Shape})
	}
	return all, nil
}

// Number is the module's place in its nn.Sequential.
func (l line) Number() string { return l.Name[strings.LastIndexByte(l.Name, '.')+1:] }

// channelNorm is a class of the script: PyTorch's LayerNorm wants the channels
// last.
const channelNorm = "ChannelNorm"

// call is the Python expression that makes a module.
func call(m models.Module) (string, error) {
	l, in := m.Layer, m.In
	if m.Twin != "" {
		return tied(m), nil
	}
	switch l.Kind {
	case models.KindConv:
		return expression("nn.Conv2d", fmt.Sprint(in.C), fmt.Sprint(l.Channels), tuple(l.Kernel), convolution(l)), nil
	case models.KindConvT:
		return expression("nn.ConvTranspose2d", fmt.Sprint(in.C), fmt.Sprint(l.Channels), tuple(l.Kernel), convolution(l)), nil
	case models.KindDense:
		return expression("nn.Linear", fmt.Sprint(in.C), fmt.Sprint(l.Channels), option("bias", "False", l.NoBias)), nil
	case models.KindRes, models.KindAttention:
		return block(m), nil
	case models.KindFlatten:
		return "nn.Flatten()", nil
	case models.KindUnflatten:
		return fmt.Sprintf("nn.Unflatten(1, (%d, %d, %d))", l.Shape.C, l.Shape.H, l.Shape.W), nil
	case models.KindMaxPool, models.KindAvgPool:
		class := map[models.Kind]string{models.KindMaxPool: "nn.MaxPool2d", models.KindAvgPool: "nn.AvgPool2d"}[l.Kind]
		return expression(class, tuple(l.Kernel), option("stride", tuple(l.Stride), l.Stride != l.Kernel),
			option("padding", tuple(l.Padding), l.Padding != conv.Size{})), nil
	case models.KindUpsample:
		if l.Bilinear {
			return fmt.Sprintf(`nn.Upsample(scale_factor=%s, mode="bilinear", align_corners=False)`, tuple(l.Stride)), nil
		}
		return fmt.Sprintf("nn.Upsample(scale_factor=%s)", tuple(l.Stride)), nil
	case models.KindDropout:
		return fmt.Sprintf("nn.Dropout(%s)", number(l.Rate)), nil
	case models.KindNorm:
		return norm(m)
	case models.KindActivate:
		return activation(m)
	}
	return "", unknown(m, "PyTorch")
}

// tied is the expression of a module that multiplies by its twin's weight. A
// convolution's weight has the shape of its transpose's and the other way round.
func tied(m models.Module) string {
	twin := "self." + m.Twin
	if module, number, found := strings.Cut(m.Twin, "."); found {
		twin = fmt.Sprintf("self.%s[%s]", module, number)
	}
	l := m.Layer
	switch l.Kind {
	case models.KindConv:
		return expression(tiedLayer, twin, fmt.Sprint(l.Channels), "nn.functional.conv2d", convolution(l))
	case models.KindConvT:
		return expression(tiedLayer, twin, fmt.Sprint(l.Channels), "nn.functional.conv_transpose2d", convolution(l))
	default:
		return expression(tiedLayer, twin, fmt.Sprint(l.Channels), "nn.functional.linear", option("bias", "False", l.NoBias))
	}
}

// tiedLayer is the script's class of layers that have another's weight.
const tiedLayer = "Tied"

// convolution lists the arguments of a convolution that are not PyTorch's
// defaults.
func convolution(l models.Layer) string {
	return list(
		option("stride", tuple(l.Stride), l.Stride != conv.Square(1)),
		option("padding", tuple(l.Padding), l.Padding != conv.Size{}),
		option("output_padding", tuple(l.OutputPadding), l.OutputPadding != conv.Size{}),
		option("dilation", tuple(l.Dilation), l.Dilation != conv.Square(1)),
		option("groups", fmt.Sprint(l.Groups), l.Groups != 1),
		option("bias", "False", l.NoBias),
	)
}

func norm(m models.Module) (string, error) {
	c, epsilon := fmt.Sprint(m.In.C), "eps="+number(models.NormEpsilon)
	switch n := m.Layer.Norm; n.Kind {
	case kernels.BatchNorm:
		class := "nn.BatchNorm2d"
		if m.In.Flat {
			class = "nn.BatchNorm1d"
		}
		return expression(class, c, epsilon, "momentum="+number(models.BatchNormMomentum)), nil
	case kernels.LayerNorm:
		if m.In.Flat {
			return expression("nn.LayerNorm", c, epsilon), nil
		}
		return expression(channelNorm, c, epsilon), nil
	case kernels.GroupNorm:
		return expression("nn.GroupNorm", fmt.Sprint(n.Groups), c, epsilon), nil
	}
	return "", unknown(m, "PyTorch")
}

func activation(m models.Module) (string, error) {
	switch a := m.Layer.Activation; a.Function {
	case kernels.Identity:
		return "nn.Identity()", nil
	case kernels.ReLU:
		return "nn.ReLU()", nil
	case kernels.LeakyReLU:
		return expression("nn.LeakyReLU", number(a.Alpha)), nil
	case kernels.ELU:
		return expression("nn.ELU", number(a.Alpha)), nil
	case kernels.SiLU:
		return "nn.SiLU()", nil
	case kernels.GELU:
		return "nn.GELU()", nil
	case kernels.Tanh:
		return "nn.Tanh()", nil
	case kernels.Sigmoid:
		return "nn.Sigmoid()", nil
	case kernels.Softplus:
		return "nn.Softplus()", nil
	}
	return "", unknown(m, "PyTorch")
}

func expression(function string, arguments ...string) string {
	return function + "(" + list(arguments...) + ")"
}

// list joins what is not empty.
func list(parts ...string) string {
	var given []string
	for _, p := range parts {
		if p != "" {
			given = append(given, p)
		}
	}
	return strings.Join(given, ", ")
}

// option is an argument with its name, if it is given.
func option(name, value string, given bool) string {
	if !given {
		return ""
	}
	return name + "=" + value
}

func tuple(s conv.Size) string {
	if s.H == s.W {
		return fmt.Sprint(s.H)
	}
	return fmt.Sprintf("(%d, %d)", s.H, s.W)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
