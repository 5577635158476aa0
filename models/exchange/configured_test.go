package exchange_test

import (
	"path/filepath"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/models"
	"hourglass/models/exchange"
)

// forms are what a model of any kind may be made of.
var forms = []struct {
	name  string
	input data.Shape
	keys  [][2]string
}{
	{"plain", data.Shape{C: 1, H: 8, W: 8}, [][2]string{{"encoder", "conv 4 k3 s2 batchnorm relu"}}},
	{"residual", data.Shape{C: 3, H: 12, W: 8}, [][2]string{{"encoder", "conv 6 k3 s2 | res 6 g3 | res 8 | attention g2 | groupnorm:4 | silu"}}},
	{"spatial", data.Shape{C: 3, H: 8, W: 8}, [][2]string{{"encoder", "conv 4 k4 s2 leakyrelu | conv 8 k3 silu"}, {"spatial", "true"}}},
	{"tied", data.Shape{C: 1, H: 9, W: 8}, [][2]string{{"encoder", "conv 4 k3 s2 relu | flatten | dense 10 tanh"}, {"tied", "true"}}},
}

// configured are all presets, and all kinds of models in all forms that a
// configuration does not refuse them. Nobody has to add a new one here.
func configured(t *testing.T) (all []architecture) {
	t.Helper()
	kind, err := config.Explain("model.kind")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range config.PresetNames() {
		settings := config.New()
		if err := settings.ApplyPreset(name); err != nil {
			t.Fatal(err)
		}
		input := data.Shape{C: 1, H: 28, W: 28}
		if strings.HasPrefix(settings.Config.Data.Shape, "3x") {
			input = data.Shape{C: 3, H: 16, W: 16} // as deep, and quick
		}
		all = append(all, architecture{name: "preset-" + name, configured: built(settings, input), learns: true})
	}
	for _, name := range kind.Choices {
		for _, form := range forms {
			settings := config.New()
			for _, set := range append([][2]string{{"kind", name}, {"loss", "bernoulli"}, {"latent", "4"}, {"classes", "3"}}, form.keys...) {
				if err := settings.Set("model."+set[0], set[1]); err != nil {
					t.Fatal(err)
				}
			}
			a := architecture{name: name + "-" + form.name, configured: built(settings, form.input)}
			if _, err := a.configured(); err == nil {
				all = append(all, a)
			} else if form.name == "plain" || form.name == "residual" {
				t.Errorf("%s: %v", a.name, err)
			}
		}
	}
	return all
}

// What can be configured can be written, whole and in parts, and its weights
// return, bit for bit.
func TestConfigured(t *testing.T) {
	count := make(map[string]int)
	for _, a := range configured(t) {
		_, form, _ := strings.Cut(a.name, "-")
		count[form]++
		m := a.build(t)
		for _, write := range []func(exchange.Model, string) ([]byte, error){exchange.Script, exchange.RunScript} {
			if _, err := write(m, a.title()); err != nil {
				t.Errorf("%s: %v", a.name, err)
			}
		}
		for _, part := range parts {
			if _, err := exchange.ONNX(m, part, a.about()); err != nil {
				t.Errorf("%s, %s: %v", a.name, part, err)
			}
		}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := exchange.WriteWeights(path, m, nil); err != nil {
			t.Errorf("%s: %v", a.name, err)
			continue
		}
		want := models.StateDict(m.Store())
		again := a.build(t)
		for _, v := range models.StateDict(again.Store()) {
			for i := range v.Data {
				v.Data[i] = -7
			}
		}
		if _, err := exchange.ReadWeights(path, again, nil); err != nil {
			t.Errorf("%s: %v", a.name, err)
			continue
		}
		beside := make(map[string]bool) // what the weights leave out: training alone reads it
		for i, v := range models.StateDict(again.Store()) {
			if worst(v.Data, want[i].Data) != 0 && !strings.Contains(v.Name, "discriminator") {
				beside[v.Name] = true
			}
		}
		if len(beside) > 0 {
			t.Errorf("%s: %v have changed", a.name, beside)
		}
	}
	if count["spatial"] < 3 || count["tied"] < 3 {
		t.Errorf("few models are spatial or tied: %v", count)
	}
}

// built makes a model of settings.
func built(s *config.Settings, input data.Shape) func() (exchange.Model, error) {
	return func() (exchange.Model, error) { return s.Config.Build(input) }
}
