package exchange_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/repository"
	"hourglass/internal/safetensors"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/exchange"
	"hourglass/train"
)

var (
	python = flag.String("python", "", "Python with the packages of bench/peers/requirements.txt, to run what is written")
	peers  = flag.String("peers", "onnx", "what to run it in: onnx, or onnx,torch with requirements-torch.txt")
	accept = flag.Bool("accept", false, "make what the peers have run the golden files")
)

// parts are those of which files are written.
var parts = []exchange.Part{exchange.Whole, exchange.Encoder, exchange.Decoder}

// large are models of the size that people train, of which only the peers see
// the outputs; their weights are our first ones. Presets learn before: codes of first
// weights hardly differ, and the norms of a deep decoder magnify what its encoder
// rounds until they do.
var large = []architecture{
	{name: "conv-28", input: "1x28x28", encoder: "conv 32 k3 s2 relu | conv 64 k3 s2 relu", latent: 32},
	{name: "vae-28", input: "1x28x28", encoder: "flatten | dense 400 relu", latent: 20, likelihood: models.Bernoulli, variational: true},
	{name: "vamp-28", input: "1x28x28", encoder: "flatten | dense 64 relu", latent: 8, variational: true,
		family: func(s models.VAESpec) (exchange.Model, error) { return models.NewVamp(models.VampSpec{VAESpec: s}, 1) }},
	{name: "iwae-28", input: "1x28x28", encoder: "flatten | dense 64 relu", latent: 8, variational: true,
		family: func(s models.VAESpec) (exchange.Model, error) { return models.NewIWAE(models.IWAESpec{VAESpec: s}, 1) }},
	{name: "vaegan-28", input: "1x28x28", encoder: "conv 8 k3 s2 batchnorm relu | flatten | dense 64 layernorm relu", latent: 8, variational: true,
		family: func(s models.VAESpec) (exchange.Model, error) {
			return models.NewVAEGAN(models.VAEGANSpec{VAESpec: s}, 1)
		}},
	{name: "aae-28", input: "1x28x28", encoder: "flatten | dense 64 relu", latent: 8,
		family: func(s models.VAESpec) (exchange.Model, error) { return models.NewAAE(models.AAESpec{Spec: s.Spec}, 1) }},
	{name: "residual-16", input: "3x16x12", encoder: "conv 6 k3 s2 | res 6 g3 | res 8 | attention | groupnorm:4 | silu", latent: 5},
	{name: "spatial-16", input: "3x16x16", encoder: "conv 8 k3 s2 | res 8 | attention g2 | conv 4 k3", latent: 2, spatial: true, variational: true,
		decoder: "conv 2 k1 | conv 8 k3 | res 12 | upsample 2 | conv 3 k3", likelihood: models.LearnedGaussian},
	{name: "vq-spatial-16", input: "3x16x12", encoder: "conv 8 k3 s2 relu | conv 8 k3 s2", latent: 6, spatial: true, family: quantised(32, 3)},
	{name: "levels-linear-12", input: "1x12x12", encoder: "flatten", likelihood: models.Bernoulli, family: levels(6, 3)},
	{name: "conv-64", input: "3x64x64", latent: 128,
		encoder: "conv 32 k4 s2 batchnorm leakyrelu | conv 64 k4 s2 batchnorm leakyrelu | conv 128 k4 s2 batchnorm leakyrelu | conv 256 k4 s2 batchnorm leakyrelu"},
}

// about is what the test's ONNX files say of themselves.
func (a architecture) about() exchange.About {
	return exchange.About{Version: "1", Doc: "the model " + a.name, Metadata: map[string]string{"encoder": a.encoder, "decoder": a.decoder}}
}

// export writes all that can be written of a model into a folder, with what it
// should compute.
func (a architecture) export(t *testing.T, folder string) {
	t.Helper()
	m, theirs := a.build(t), outputs{}
	if a.golden() {
		m, theirs = a.trained(t), a.outputs(t)
	} else {
		if a.learns {
			learn(t, m)
		}
		theirs["images"] = make([]float32, batch*m.Input().Size())
		for i := range theirs["images"] {
			theirs["images"][i] = kernels.Uniform(kernels.Clock{Seed: 5}.Draw(0, uint32(i))[0])
		}
		if conditional, ok := m.(models.Conditional); ok {
			classes := conditional.Classes()
			theirs["conditions"] = make([]float32, batch*classes)
			for i := range batch {
				theirs["conditions"][i*classes+i%classes] = 1
			}
		}
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), content, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	script, err := exchange.Script(m, a.title())
	write("model.py", script, err)
	for _, part := range parts {
		content, err := exchange.ONNX(m, part, a.about())
		write(string(part)+".onnx", content, err)
	}
	if err := exchange.WriteWeights(filepath.Join(folder, "model.safetensors"), m, nil); err != nil {
		t.Fatal(err)
	}
	inRun, err := exchange.RunScript(m, a.title())
	if err := os.MkdirAll(filepath.Join(folder, "run"), 0o777); err != nil {
		t.Fatal(err)
	}
	write("run/model.py", inRun, err)
	if _, err := train.SavePretrained(filepath.Join(folder, "run", "checkpoints"), m.Store(), nil); err != nil {
		t.Fatal(err)
	}
	m.Store().AddMoments(train.DefaultOptions().Optimiser)
	if err := train.Snapshot(m.Store(), train.State{}, nil).Write(filepath.Join(folder, "checkpoint.safetensors")); err != nil {
		t.Fatal(err)
	}
	ours := run(t, m, theirs)
	for _, name := range []string{"conditions", "log_variances", "divergences"} { // which a Runner does not give
		ours[name] = theirs[name]
	}
	write("expected.safetensors", expected(t, m, ours), nil)
}

// learn takes a few steps of training.
func learn(t *testing.T, m exchange.Model) {
	t.Helper()
	images, _, err := data.Open("glyphs:n=160,test=0", data.Options{Seed: 1, Shape: data.Shape{C: m.Input().C, H: m.Input().H, W: m.Input().W}})
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	options := train.DefaultOptions()
	options.Epochs, options.Batch, options.Rate = 1, 8, 5e-4
	if _, err := train.Fit(t.Context(), device, m.(models.Model), images, nil, options); err != nil {
		t.Fatal(err)
	}
}

// golden says that testdata has PyTorch's weights and outputs.
func (a architecture) golden() bool {
	_, err := os.Stat(a.file(".golden.safetensors"))
	return err == nil
}

// title is the first line of model.py.
func (a architecture) title() string { return fmt.Sprintf("The model %q of the tests.", a.name) }

// expected encodes outputs with their shapes.
func expected(t *testing.T, m exchange.Model, values outputs) []byte {
	t.Helper()
	in := m.Input()
	var described []safetensors.Tensor
	for _, name := range []string{"images", "reconstructions"} {
		described = append(described, safetensors.Describe[float32](name, batch, in.C, in.H, in.W))
	}
	for _, name := range []string{"codes", "conditions", "log_variances", "divergences", "indices"} {
		if values[name] != nil {
			described = append(described, safetensors.Describe[float32](name, batch, len(values[name])/batch))
		}
	}
	var content bytes.Buffer
	w, err := safetensors.NewWriter(&content, nil, described)
	for _, d := range described {
		if err == nil {
			err = safetensors.Write(w, d.Name, values[d.Name])
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

// TestPeers has the real other sides run what is written.
func TestPeers(t *testing.T) {
	if *python == "" {
		t.Skip("onnxruntime is not installed: not compared; make interop does it, and make peers PyTorch too")
	}
	folder := t.TempDir()
	for _, a := range slices.Concat(architectures, large, configured(t)) {
		a.export(t, filepath.Join(folder, a.name))
	}
	script := filepath.Join(repository.Root(t), "bench", "peers", "interop.py")
	for peer := range strings.SplitSeq(*peers, ",") {
		out, err := exec.CommandContext(t.Context(), *python, script, peer, folder).CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatalf("%s: %v", peer, err)
		}
		if *accept {
			acceptGolden(t, peer)
		}
	}
}

// acceptGolden rewrites the golden files that a peer has run.
func acceptGolden(t *testing.T, peer string) {
	t.Helper()
	if peer == "onnx" {
		if err := os.WriteFile(accepted, []byte(sums(t)), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, a := range architectures {
		script, err := exchange.Script(a.trained(t), a.title())
		if err == nil {
			err = os.WriteFile(a.file(".py"), script, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// accepted lists the ONNX files that onnx.checker has passed and onnxruntime
// has run.
var accepted = filepath.Join("testdata", "accepted.txt")

// sums are the checksums of all ONNX files.
func sums(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	for _, a := range architectures {
		m := a.trained(t)
		for _, part := range parts {
			content, err := exchange.ONNX(m, part, a.about())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&lines, "%x  %s %s\n", sha256.Sum256(content), a.name, part)
		}
	}
	return lines.String()
}

// Where no onnxruntime is, the bytes are those that one has run.
func TestONNXIsAsAccepted(t *testing.T) {
	want, err := os.ReadFile(accepted)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(sums(t), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("an ONNX file is no longer the one that onnxruntime has run, %q; if it should not be, run make interop ACCEPT=1", line)
		}
	}
}

// Where no PyTorch is, model.py is what PyTorch has run.
func TestScriptIsAsAccepted(t *testing.T) {
	for _, a := range architectures {
		want, err := os.ReadFile(a.file(".py"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := exchange.Script(a.trained(t), a.title())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("model.py of %s is\n%s\nwant\n%s\nif it should be so, run make peers", a.name, got, want)
		}
	}
}

// Weights written and read again are the same, bit for bit.
func TestWeightsReturn(t *testing.T) {
	for _, a := range architectures {
		m, path := a.trained(t), filepath.Join(t.TempDir(), "model.safetensors")
		if err := exchange.WriteWeights(path, m, map[string]string{"note": "kept"}); err != nil {
			t.Fatal(err)
		}
		again := a.build(t)
		if scheme, err := exchange.ReadWeights(path, again, nil); err != nil || scheme != "" {
			t.Fatalf("%s: scheme %q, %v", a.name, scheme, err)
		}
		theirs := models.StateDict(again.Store())
		for i, v := range models.StateDict(m.Store()) {
			if worst(v.Data, theirs[i].Data) != 0 {
				t.Errorf("%s: %s has changed", a.name, v.Name)
			}
		}
	}
}
