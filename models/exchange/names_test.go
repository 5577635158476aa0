package exchange

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/safetensors"
	"hourglass/kernels"
	"hourglass/models"
)

// named is a file of the model's own weights under changed names; a name that
// becomes "" is left out.
func named(t *testing.T, m Model, change func(string) string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.safetensors")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var described []safetensors.Tensor
	data := make(map[string][]float32)
	for _, v := range models.StateDict(m.Store()) {
		if name := change(v.Name); name != "" {
			described = append(described, safetensors.Describe[float32](name, v.Shape...))
			data[name] = v.Data
		}
	}
	safetensors.Arrange(described) // by name, as Python does: 10 before 2
	w, err := safetensors.NewWriter(file, nil, described)
	for _, d := range described {
		if err == nil {
			err = safetensors.Write(w, d.Name, data[d.Name])
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// replaced changes the beginnings of names.
func replaced(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if rest, ok := strings.CutPrefix(name, pairs[i]); ok {
				return pairs[i+1] + rest
			}
		}
		return name
	}
}

// twins are two small models with the same layers, all of whose weights differ;
// the encoder has more than ten modules.
func twins(t *testing.T, variational bool) (from, to Model) {
	t.Helper()
	make := func(seed uint64) Model {
		encoder, err := models.Parse("flatten | dense 6 relu | dense 6 relu | dense 6 relu | dense 6 relu | dense 6 relu | dense 6 relu")
		if err != nil {
			t.Fatal(err)
		}
		spec := models.Spec{Input: models.Shape{C: 1, H: 3, W: 2}, Encoder: encoder, Latent: 6}
		var m Model
		if variational {
			m, err = models.NewVAE(models.VAESpec{Spec: spec}, seed)
		} else {
			m, err = models.New(spec, seed)
		}
		if err != nil {
			t.Fatal(err)
		}
		clock := kernels.Clock{Seed: seed}
		for i := range m.Store().Values { // biases too
			m.Store().Values[i] = kernels.Uniform(clock.Draw(1, uint32(i))[0])
		}
		return m
	}
	return make(1), make(2)
}

func TestNamesOfOthers(t *testing.T) {
	for _, c := range []struct {
		what        string
		variational bool
		change      func(string) string
		renames     []Rename
		scheme      string
	}{
		{"ours", false, replaced(), nil, ""},
		{"wrapped", false, replaced("", "module."), nil, ""},
		{"wrapped twice", false, replaced("", "_orig_mod.module."), nil, ""},
		{"wrapped by a module of another name", false, replaced("", "net."), []Rename{{"net", ""}}, ""},
		{"renamed modules", false, replaced("encoder", "features", "bottleneck", "fc"), []Rename{{"features", "encoder"}, {"fc", "bottleneck"}}, ""},
		{"one tensor renamed", false, replaced("decoder.0.bias", "b"), []Rename{{"b", "decoder.0.bias"}}, ""},
		{"the code within the encoder", false, replaced("bottleneck", "encoder.13"), nil, "encoder, decoder"},
		{"the code's layer in a list", false, replaced("encoder.", "encoder.layers.", "decoder.", "decoder.layers.", "bottleneck", "encoder.embedding"), nil, "pythae"},
		{"pythae's vae", true, replaced("encoder.", "encoder.layers.", "decoder.0", "decoder.fc", "decoder.", "decoder.layers.", "fc_mu", "encoder.embedding", "fc_var", "encoder.log_var"), nil, "pythae"},
		{"a list beside other layers, in no order that names tell", false, replaced("bottleneck", "encoder.last"), nil, "refused"},
		{"mu and logvar", true, replaced("fc_mu", "mu", "fc_var", "logvar", "encoder.", "enc.", "decoder.", "dec."), nil, "encoder, code, decoder"},
		{"renamed into a scheme", true, replaced("fc_mu", "mittel", "fc_var", "logvar"), []Rename{{"mittel", "mu"}}, "encoder, code, decoder"},
	} {
		t.Run(c.what, func(t *testing.T) {
			from, to := twins(t, c.variational)
			scheme, err := ReadWeights(named(t, from, c.change), to, c.renames)
			if c.scheme == "refused" && errors.Is(err, ErrOtherModel) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if scheme != c.scheme {
				t.Errorf("the scheme is %q, want %q", scheme, c.scheme)
			}
			for _, v := range from.Store().Parameters {
				if !slices.Equal(to.Store().Lookup(v.Name).Data, v.Data) {
					t.Errorf("%s has the weights of another", v.Name)
				}
			}
		})
	}
}

func TestFilesThatDoNotFit(t *testing.T) {
	narrower := func(t *testing.T) Model {
		m, err := models.New(models.MLP(models.Shape{C: 1, H: 3, W: 2}, []int{5}, 4, models.ReLU), 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		what    string
		file    func(*testing.T) (path string, m Model)
		renames []Rename
		other   bool
		says    string
	}{
		{"a tensor too few", func(t *testing.T) (string, Model) {
			m, _ := twins(t, false)
			return named(t, m, replaced("decoder.0.bias", "")), m
		}, nil, true, "it lacks decoder.0.bias 6"},
		{"a near name", func(t *testing.T) (string, Model) {
			m, _ := twins(t, false)
			return named(t, m, replaced("bottleneck.weight", "bottlenek.weight")), m
		}, nil, true, "it lacks bottleneck.weight 6x6 (perhaps bottlenek.weight)"},
		{"another shape", func(t *testing.T) (string, Model) {
			m, err := models.New(models.MLP(models.Shape{C: 1, H: 3, W: 2}, []int{5}, 3, models.ReLU), 1)
			if err != nil {
				t.Fatal(err)
			}
			return named(t, m, replaced()), narrower(t)
		}, nil, true, "it has bottleneck.weight as 3x5 and the model as 4x5"},
		{"another model", func(t *testing.T) (string, Model) {
			m, _ := twins(t, true)
			return named(t, m, replaced()), narrower(t)
		}, nil, true, "more; change the model, or rename the tensors"},
		{"a rename of nothing", func(t *testing.T) (string, Model) {
			m, _ := twins(t, false)
			return named(t, m, replaced("encoder", "features")), m
		}, []Rename{{"feature", "encoder"}}, false, "no tensor or module is called feature; did you mean features?"},
		{"two of a name", func(t *testing.T) (string, Model) {
			m, _ := twins(t, false)
			return named(t, m, replaced()), m
		}, []Rename{{"encoder.1", "encoder.3"}}, false, "both "},
		{"infinity", func(t *testing.T) (string, Model) {
			m, _ := twins(t, false)
			m.Store().Lookup("bottleneck.bias").Data[0] = float32(math.Inf(-1))
			return named(t, m, replaced()), m
		}, nil, false, "tensor bottleneck.bias holds NaN, infinity"},
		{"no file", func(t *testing.T) (string, Model) { return "nowhere.safetensors", narrower(t) }, nil, false, "nowhere.safetensors"},
	} {
		t.Run(c.what, func(t *testing.T) {
			path, m := c.file(t)
			before := slices.Clone(m.Store().Values)
			_, err := ReadWeights(path, m, c.renames)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v; want one line with %q", err, c.says)
			}
			if errors.Is(err, ErrOtherModel) != c.other {
				t.Errorf("%v: is of another model: %t", err, !c.other)
			}
			if !slices.Equal(before, m.Store().Values) {
				t.Error("the model has changed")
			}
		})
	}
}

// unknownModel is of a type that the package has never heard of.
type unknownModel struct{ Model }

func TestUnknownModelsAreRefused(t *testing.T) {
	m, _ := twins(t, false)
	strange := unknownModel{m}
	_, script := Script(strange, "")
	_, onnx := ONNX(strange, Whole, About{})
	for _, err := range []error{script, onnx, WriteWeights(filepath.Join(t.TempDir(), "w"), strange, nil)} {
		if err == nil || !strings.Contains(err.Error(), "cannot be exchanged") {
			t.Errorf("%v", err)
		}
	}
	if _, err := ONNX(m, "half", About{}); err == nil || !strings.Contains(err.Error(), `no part "half"`) {
		t.Errorf("%v", err)
	}
	for _, kind := range []models.Kind{"residual", models.KindNorm} {
		module := models.Module{Name: "encoder.0", Layer: models.Layer{Kind: kind, Norm: &models.Norm{Kind: 99}}}
		if _, err := call(module); err == nil || !strings.Contains(err.Error(), "no equivalent in PyTorch yet") {
			t.Errorf("%s: %v", kind, err)
		}
		t1 := translation{}
		if t1.module(module, "x"); t1.err == nil || !strings.Contains(t1.err.Error(), "no equivalent in ONNX yet") {
			t.Errorf("%s: %v", kind, t1.err)
		}
	}
}

// A title cannot end the script's documentation.
func TestTitleIsQuoted(t *testing.T) {
	m, _ := twins(t, false)
	text, err := Script(m, "\"\"\"\nimport os\\")
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(text), "\n"); first != `"""\"\"\" import os\\` {
		t.Errorf("the script begins with %s", first)
	}
}

// A variable that only the loss reads may be missing, and comes back if it is
// not.
func TestVariablesBesideTheModules(t *testing.T) {
	build := func() Model {
		m, err := models.New(models.Spec{Input: models.Shape{C: 1, H: 3, W: 2}, Latent: 2, Likelihood: models.LearnedGaussian}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const name = "likelihood.log_variance"
	from := build()
	from.Store().Lookup(name).Data[0] = 7
	for want, change := range map[float32]func(string) string{
		7:                                    replaced(),
		build().Store().Lookup(name).Data[0]: replaced(name, ""),
	} {
		to := build()
		if _, err := ReadWeights(named(t, from, change), to, nil); err != nil {
			t.Fatal(err)
		}
		if got := to.Store().Lookup(name).Data[0]; got != want {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	script, err := Script(from, "")
	if err != nil || !strings.Contains(string(script), `self.likelihood = nn.ParameterDict({
            "log_variance": nn.Parameter(torch.zeros(1)),
        })`) {
		t.Errorf("%v:\n%s", err, script)
	}
}
