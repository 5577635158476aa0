package config

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/kernels"
	"hourglass/models"
)

// TestEveryKeyIsExplained checks that no key lacks a meaning or a range, that
// defaults are valid, and that names as flags are unique.
func TestEveryKeyIsExplained(t *testing.T) {
	seen := make(map[string]bool)
	fields := 0
	root := reflect.TypeFor[Config]()
	for i := range root.NumField() {
		fields += root.Field(i).Type.NumField()
	}
	if len(Keys()) != fields {
		t.Errorf("%d keys of %d fields", len(Keys()), fields)
	}
	for _, k := range Keys() {
		got, err := Explain(k.Name)
		if err != nil || got.Name != k.Name {
			t.Errorf("Explain(%q) = %v, %v", k.Name, got, err)
		}
		if !strings.HasSuffix(k.Meaning, ".") || len(k.Meaning) < 12 {
			t.Errorf("%s has no meaning that is a sentence: %q", k.Name, k.Meaning)
		}
		if k.Range == "" {
			t.Errorf("%s does not say what it may be", k.Name)
		}
		if list := k.tag.Get("choices"); list != "" && len(choices[list]) == 0 {
			t.Errorf("%s chooses from %q, which is no list", k.Name, list)
		}
		if seen[k.Flag] {
			t.Errorf("two keys are the flag --%s", k.Flag)
		}
		seen[k.Flag] = true
		if c := Default(); k.check(c) != nil {
			t.Errorf("the default: %v", k.check(c))
		}
	}
}

func TestPresetsAreValid(t *testing.T) {
	for _, name := range PresetNames() {
		s := New()
		if err := s.ApplyPreset(name); err != nil {
			t.Fatal(err)
		}
		if err := s.Config.Validate(); err != nil {
			t.Errorf("preset %s: %v", name, err)
		}
		spec, err := s.Config.Spec(data.Shape{C: 3, H: 32, W: 32})
		if err != nil {
			t.Fatalf("preset %s: %v", name, err)
		}
		if _, err = s.Config.kind().build(s.Config, spec); err != nil {
			t.Errorf("preset %s: %v", name, err)
		}
		if PresetAbout(name) == "" {
			t.Errorf("preset %s has no description", name)
		}
	}
	if got, want := Default().Model.Encoder, "conv 32 k3 s2 relu | conv 64 k3 s2 relu"; got != want {
		t.Errorf("the default encoder is %q, want %q", got, want)
	}
}

func TestApplyPreset(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ text, source, preset, problem string }{
		{text: "conv", source: "glyphs", preset: "conv"},
		{text: "mnist/mlp", source: "mnist", preset: "mlp"},
		{text: "cifar10", source: "cifar10", preset: "conv"},
		{text: dir + "/linear", source: dir, preset: "linear"},
		{text: dir, source: dir, preset: "conv"},
		{text: "glyphs:n=256,test=64/mlp", source: "glyphs:n=256,test=64", preset: "mlp"},
		{text: "konv", problem: "did you mean conv?"},
		{text: "mnist/konv", problem: "did you mean mnist/conv?"},
		{text: "zebra", problem: "presets are conv, conv-vae, features, hvae, kl-f8, linear, mlp, resconv, vae-400-20, vq-conv"},
	} {
		s := New()
		err := s.ApplyPreset(test.text)
		if test.problem != "" {
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("preset %q: %v, want an error with %q", test.text, err, test.problem)
			}
			continue
		}
		if err != nil || s.Config.Data.Source != test.source || s.Preset != test.preset {
			t.Errorf("preset %q gave source %q and preset %q (%v), want %q and %q", test.text, s.Config.Data.Source, s.Preset, err, test.source, test.preset)
		}
	}
}

// TestPrecedence sets one key in each layer and one in all of them.
func TestPrecedence(t *testing.T) {
	s := New()
	if err := s.ApplyPreset("mnist/linear"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := "data: {source: cifar10}\nmodel: {latent: 16}\ntrain:\n  rate: 0.01\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.ApplyFile(path); err != nil {
		t.Fatal(err)
	}
	for _, set := range [][2]string{{"train.rate", "0.5"}, {"weight-decay", "0.1"}} {
		if err := s.Set(set[0], set[1]); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]struct {
		origin Origin
		text   string
	}{
		"train.batch": {FromDefault, "128"}, "model.encoder": {FromPreset, "flatten"},
		"data.source": {FromFile, "cifar10"}, "model.latent": {FromFile, "16"},
		"train.rate": {FromFlag, "0.5"}, "train.weight_decay": {FromFlag, "0.1"},
	} {
		if got := keyOf(key).Text(s.Config); got != want.text || s.Origin(key) != want.origin {
			t.Errorf("%s is %s from %s, want %s from %s", key, got, s.Origin(key), want.text, want.origin)
		}
		if !strings.Contains(string(s.Marshal()), "# "+string(want.origin)) {
			t.Errorf("the text does not mark what comes from the %s", want.origin)
		}
	}
	again := New()
	if err := again.apply("again", s.Marshal()); err != nil || again.Config != s.Config {
		t.Errorf("read back: %+v (%v), want %+v", again.Config, err, s.Config)
	}
}

func TestFileProblems(t *testing.T) {
	for _, test := range []struct{ text, problem string }{
		{"train:\n  ratee: 1\n", `line 2, column 3: train has no key "ratee"; did you mean rate?`},
		{"train: {latent: 3}\n", `line 1, column 9: train has no key "latent"; did you mean model.latent?`},
		{"train: {zebra: 3}\n", "choose among epochs, batch"},
		{"trian: {}\n", `line 1, column 1: there is no section "trian"; did you mean train?`},
		{"rate: 0.1\n", `"rate" stands outside its section; write it below train`},
		{"train:\n  epochs: many\n", `line 2, column 11: train.epochs is "many"; want a whole number, from 1 to 1000000`},
		{"train:\n  epochs: 1.5\n", `train.epochs is "1.5"; want a whole number`},
		{"train:\n  epochs: '3'\n", "train.epochs is text in quotes"},
		{"train:\n  rate: [1, 2]\n", "line 2, column 9: a list stands here"},
		{"train:\n  rate:\n", "train.rate is nothing; want more than 0"},
		{"train:\n  rate: 1\n  rate: 2\n", "line 3"},
		{"train: {}\ntrain: {}\n", "line 2"},
		{"data: {flip: yes}\n", `data.flip is "yes"; want true or false`},
		{"data: &a {flip: true}\n", "line 1, column 7: an anchor, alias or merge key"},
		{"data: {source: &a x}\n", "an anchor, alias or merge key"},
		{"data: !!x {}\n", `"!!x" stands here`},
		{"data: {source: {a: {b: {c: {d: {e: 1}}}}}}\n", "more braces than sections"},
		{"data: {source: {a: 1}}\n", "data.source is a mapping"},
		{"train: 3\n", "train is a single value; want names and values, as in `epochs: 5`"},
		{"- 1\n- 2\n", "line 1, column 1: a list stands here"},
		{"train: {}\n---\ndata: {}\n", "a second document begins"},
		{"train: {epochs: 1\n", "line 1"},
		{"\"a\\u0007b\": 1\n", "there is no section"},
		{"data: {source: \"a\\u0007b\"}\n", `data.source holds the character '\a'`},
		{strings.Repeat("#", largestFile+1), "more than 16384 bytes"},
	} {
		err := New().apply("c.yaml", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v; want one line with %q", test.text, err, test.problem)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct{ key, text, problem string }{
		{"train.epochs", "0", "train.epochs is 0; want from 1 to 1000000"},
		{"train.rate", "-1", "train.rate is -1; want more than 0 and at most 1000"},
		{"train.rate", "NaN", "train.rate is NaN"},
		{"train.beta1", "1", "want from 0 up to but not 1"},
		{"train.clip", "Inf", "train.clip is +Inf"},
		{"train.optimiser", "adm", `train.optimiser is "adm"; did you mean adam?`},
		{"model.loss", "zebra", "choose among mse"},
		{"model.kind", "vea", `model.kind is "vea"; did you mean vae?`},
		{"model.kind", "vae", "model.loss is mse, which is no distribution"},
		{"model.kind", "hvae", "model.loss is mse, which is no distribution"},
		{"model.entries", "1", "model.entries is 1; want from 2 to 65536"},
		{"model.decay", "1", "model.decay is 1; want more than 0 and less than 1"},
		{"model.commitment", "0", "model.commitment is 0; want more than 0"},
		{"model.revive", "-0.1", "model.revive is -0.1; want from 0"},
		{"model.beta", "0", "model.beta is 0; want more than 0"},
		{"model.output", "sigmoyd", "model.output"},
		{"model.output", "conv 3", "model.output"},
		{"model.encoder", "conv 32 kk", "model.encoder: layer 1"},
		{"model.decoder", "dense", "model.decoder: layer 1"},
		{"train.schedule", "linear", "train.schedule"},
		{"data.shape", "28x28", "data.shape: shape"},
		{"data.validation", "1.5", "data.validation is 1.5"},
		{"data.background", "256", "want from 0 to 255"},
		{"data.source", "", "data.source is empty"},
		{"out.name", "../x", "out.name"},
	} {
		s := New()
		err := s.Set(test.key, test.text)
		if err == nil {
			err = s.Config.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s = %q: %v; want an error with %q", test.key, test.text, err, test.problem)
		}
	}
	s := New()
	s.Config.Model.Loss, s.Config.Model.Output = string(models.Bernoulli), "sigmoid"
	if err := s.Config.Validate(); err == nil || !strings.Contains(err.Error(), "logits") {
		t.Errorf("bernoulli with a sigmoid: %v", err)
	}
}

// TestLevels refuses sizes that are none, and a capacity beside levels.
func TestLevels(t *testing.T) {
	for _, test := range [][2]string{
		{"20", "model.levels: a hierarchical variational autoencoder has 1 levels"},
		{"20,x", `model.levels: the size of a level is "x"`},
		{"20,0", "model.levels: level 2 of the codes has size 0"},
		{"20, 10", "which its levels cannot share"},
	} {
		s := New()
		if err := s.ApplyPreset("hvae"); err != nil {
			t.Fatal(err)
		}
		s.Config.Model.Levels, s.Config.Model.Capacity = test[0], 5
		if test[0] != "20, 10" {
			s.Config.Model.Capacity = 0
		}
		if err := s.Config.Validate(); err == nil || !strings.Contains(err.Error(), test[1]) {
			t.Errorf("levels %q: %v; want an error with %q", test[0], err, test[1])
		}
	}
}

// TestLibraryTypes follows values into the types of the packages that use them.
func TestLibraryTypes(t *testing.T) {
	s := New()
	for _, set := range [][2]string{
		{"optimiser", "adamw"}, {"clip", "2"}, {"schedule", "warmup 10, cosine 0.1"}, {"output", "leakyrelu:0.3"},
		{"on-corrupt", "fail"}, {"data.shape", "3x16x20"}, {"crop", "4"}, {"flip", "true"},
	} {
		if err := s.Set(set[0], set[1]); err != nil {
			t.Fatal(err)
		}
	}
	c := s.Config
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if o := c.Optimiser(); o.Rule != kernels.AdamW || o.ClipNorm != 2 || o.Beta2 != 0.999 {
		t.Errorf("optimiser %+v", o)
	}
	if schedule, err := c.Schedule(); err != nil || schedule.String() != "warmup 10, cosine 0.1" {
		t.Errorf("schedule %v, %v", schedule, err)
	}
	if spec, err := c.Spec(data.Shape{C: 3, H: 16, W: 20}); err != nil || spec.Output.Alpha != 0.3 || spec.Input.W != 20 || spec.Latent != 32 {
		t.Errorf("spec %+v, %v", spec, err)
	}
	if o, err := c.DataOptions(); err != nil || o.OnCorrupt != data.Fail || o.Shape.W != 20 {
		t.Errorf("data options %+v, %v", o, err)
	}
	if a := c.Augment(); !a.Flip || a.Pad != 4 {
		t.Errorf("augment %+v", a)
	}
}

// TestHostileFilesAreCheap repeats what parsers of YAML stumble over up to the
// size limit: none may be accepted, nor take memory out of proportion.
func TestHostileFilesAreCheap(t *testing.T) {
	const most = 32 << 20
	for _, unit := range []string{"[", "{", "- ", "? ", "a: ", "&a ", "*a ", "!!x ", "\"", "a: {", "- [", "a:\n", "a: b\n", ": ", "!a [", "%A\n", "{a: "} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := New().apply("hostile", []byte(strings.Repeat(unit, largestFile/len(unit))))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%q repeated was accepted", unit)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > most {
			t.Errorf("%q repeated took %d bytes, want at most %d", unit, taken, most)
		}
	}
}

// FuzzConfig holds that no text makes reading panic, and that whatever is read
// is written so that reading it again gives the same.
func FuzzConfig(f *testing.F) {
	f.Add(string(Marshal(Default())))
	f.Add("train: {rate: 1e-3, schedule: 'cosine 0.1'}\nmodel:\n  encoder: |\n    conv 3 k3\n")
	f.Add("data: {source: \"a\\\\b \\\"c\\\" é\"}\n? x\n: y\n")
	f.Add("a: &a [*a, <<, !!str x]\n--- \n...\n%YAML 1.2\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := New()
		if s.apply("fuzz", []byte(text)) != nil {
			return
		}
		again := New()
		for _, written := range [][]byte{Marshal(s.Config), s.Marshal()} {
			if err := again.apply("again", written); err != nil {
				t.Fatalf("%v\nin\n%s", err, written)
			}
			if again.Config != s.Config && s.Config.Validate() == nil { // NaN is unequal to itself, and invalid
				t.Fatalf("read back %+v\nwant %+v", again.Config, s.Config)
			}
		}
	})
}

// TestEveryKindIsAStack wants all kinds to be made of layers that can be trained
// one by one, but for those whose layers see more than the layer before them.
func TestEveryKindIsAStack(t *testing.T) {
	for _, k := range kinds {
		c := Default()
		c.Model.Kind, c.Model.Loss, c.Model.Encoder, c.Model.Classes, c.Model.Components = k.name, string(models.Bernoulli), "flatten | dense 8 tanh | dense 6 tanh", 3, 4
		m, err := c.Build(data.Shape{C: 1, H: 4, W: 4})
		if err != nil {
			t.Fatal(err)
		}
		stages, err := m.Stages()
		if refused := k.name == Conditional || k.name == Hierarchical; (err != nil) != refused || !refused && len(stages) != 3 {
			t.Errorf("%s: %d stages, %v", k.name, len(stages), err)
		}
	}
}
