package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExchange takes a trained model out and back, judges what came back, and
// trains it on.
func TestExchange(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	wants(t, string(read(t, "runs/a/model.py")), "the Hourglass run a.", "best checkpoint") // written by training
	wants(t, must(t, "export", "a", "--format", "pytorch"), "runs/a/model.py", "runs/a/model.safetensors")
	wants(t, string(read(t, "runs/a/model.py")), "run a after step 14", "class Autoencoder(nn.Module)", "nn.Conv2d(1, 4, 3, stride=2, padding=1)")
	wants(t, must(t, "export", "a", "--format", "onnx"), "runs/a/model.onnx")
	wants(t, must(t, "export", "a", "--format", "onnx", "--part", "decoder", "-o", "x/d.onnx"), "x/d.onnx")
	for _, path := range []string{"runs/a/model.onnx", "x/d.onnx"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, string(text), "conv 8 k3 s2 relu", "1x12x12") // the configuration
	}
	must(t, "export", "a", "--format", "safetensors", "-o", "w.safetensors")
	if a, b := read(t, "w.safetensors"), read(t, "runs/a/model.safetensors"); !bytes.Equal(a, b) {
		t.Error("the formats pytorch and safetensors write other weights")
	}

	wants(t, must(t, "import", "w.safetensors", "--like", "a", "-o", "runs/b"), "named as here", "runs/b")
	a, b := object(t, must(t, "eval", "a", "--json", "-q"))["result"], object(t, must(t, "eval", "b", "--json", "-q"))["result"]
	if !equalJSON(a, b) {
		t.Errorf("the imported model is judged %v, the exported one %v", b, a)
	}
	wants(t, string(read(t, "runs/b/model.py")), "the Hourglass run b.", "best checkpoint")
	must(t, "recon", "b")
	wants(t, must(t, "runs"), "imported; --resume trains on")
	wants(t, must(t, "train", "--resume", "b", "--epochs", "1"), "resuming from runs/b/checkpoints/step-00000000.safetensors", "epoch 1/1")
	if weightsBefore, after := weights(t, "runs/a", "best"), weights(t, "runs/b", "latest"); bytes.Equal(weightsBefore, after) {
		t.Error("training on has changed nothing")
	}

	config := append([]string{"import", "runs/a/checkpoints/step-00000014.safetensors", "conv", "--into", "runs/c"}, small[:6]...)
	o := object(t, must(t, append(config, "--json")...)) // our own checkpoint, by its tensors; the shape is that of the images
	if o["shape"] != "1x12x12" || o["run"] != filepath.Join("runs", "c") {
		t.Errorf("the import gives %v", o)
	}
	object(t, must(t, "export", "c", "--format", "onnx", "--json"))

	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"export a", exitUsage, "--format"},
		{"export a --format tflite", exitUsage, "onnx"},
		{"export a --format pytorch --part encoder", exitUsage, "--part is for the format onnx"},
		{"export aa --format onnx", exitFailed, "did you mean a?"},
		{"import w.safetensors --like a -o runs/b", exitUsage, "the run runs/b exists"},
		{"import w.safetensors conv --like a", exitUsage, "leave out the preset"},
		{"import w.safetensors --like a --latent 9 -o runs/d", exitFailed, "bottleneck.weight as 8x72 and the model as 9x72"},
		{"import w.safetensors conv --shape 1x12x12 -o runs/d", exitFailed, "rename the tensors by --map OLD=NEW"},
		{"import w.safetensors --like a --map encodr=encoder -o runs/d", exitFailed, "did you mean encoder?"},
		{"import w.safetensors --like a --map encoder -o runs/d", exitUsage, "write --map OLD=NEW"},
		{"import w.safetensors conv --source folder:nowhere -o runs/d", exitFailed, "give it by --shape"},
		{"import nowhere.safetensors --like a -o runs/d", exitFailed, "nowhere.safetensors"},
		{"import runs/a/model.py --like a -o runs/d", exitFailed, "no safetensors file"},
	} {
		code, _, stderr := call(t, strings.Fields(test.args)...)
		if code != test.code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.says) {
			t.Errorf("hourglass %s: exit %d, want %d, and one line with %q:\n%s", test.args, code, test.code, test.says, stderr)
		}
	}
	if _, err := os.Stat("runs/d"); err == nil {
		t.Error("an import that failed left a run behind")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
