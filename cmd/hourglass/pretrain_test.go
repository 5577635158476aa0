package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestPretrain trains layers one by one and then the whole, which is a run like
// any other: it can be repeated from its configuration, gone on with and judged.
func TestPretrain(t *testing.T) {
	t.Chdir(t.TempDir())
	out := must(t, append([]string{"pretrain", "--name", "stack", "--pretrain-mask", "0.1"}, small...)...)
	wants(t, out, "pretraining each layer for 5 epochs", "layer 1/3  conv 4 k3 s2 relu: explains", "layer 3/3  dense 8: explains", "of what 224 images give it",
		"the stack begins with 0.0", "resuming from runs/stack/checkpoints/step-00000000.safetensors, step 0 of 14", "epoch 2/2")
	wants(t, must(t, "train", "-c", "runs/stack/config.yaml", "--name", "again"), "layer 3/3")
	if a, b := weights(t, "runs/stack", "latest"), weights(t, "runs/again", "latest"); !bytes.Equal(a, b) {
		t.Error("the weights of the repeated run differ")
	}
	out = must(t, "train", "--resume", "stack", "--epochs", "3")
	if strings.Contains(out, "pretraining") {
		t.Errorf("a run that is gone on with is pretrained again:\n%s", out)
	}
	wants(t, out, "epoch 3/3")
	must(t, "eval", "stack")
	for _, c := range [][]string{
		{"pretrain", "linear", "--name", "no"}, {"pretrain", "--kind", "cvae", "--loss", "bernoulli", "--name", "no"}, {"pretrain", "resconv", "--name", "no"},
		{"pretrain", "--pretrain-mask", "1", "--name", "no"},
	} {
		code, _, stderr := call(t, append(c, "--source", "glyphs:1x16x16,n=64,test=16", "-q")...)
		if code != exitUsage || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "pretrain") {
			t.Errorf("%q: exit %d, %q", c, code, stderr)
		}
	}
	if _, err := os.Stat("runs/no"); err == nil {
		t.Error("what was refused has left a folder")
	}
}
