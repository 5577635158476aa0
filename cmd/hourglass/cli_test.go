package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/config"
	"hourglass/train"
)

// small are the flags of a run that takes a second.
var small = []string{"--source", "glyphs:1x12x12,n=256,test=64", "--encoder", "conv 4 k3 s2 relu | conv 8 k3 s2 relu", "--latent", "8",
	"--epochs", "2", "--batch", "32", "--validation", "32", "--images", "4", "--threads", "2"}

// call runs the program in a folder of its own and returns what it printed.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// must is call of what has to work.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := call(t, args...)
	if code != exitDone || stderr != "" {
		t.Fatalf("hourglass %s: exit %d, stderr %q", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// wants fails unless each text occurs.
func wants(t *testing.T, in string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(in, text) {
			t.Errorf("%q is missing in:\n%s", text, in)
		}
	}
}

// trainSmall makes a run called name in the present folder.
func trainSmall(t *testing.T, name string, more ...string) string {
	t.Helper()
	return must(t, append(append([]string{"train", "conv", "--name", name}, small...), more...)...)
}

// object decodes a JSON result.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("no JSON object: %v in %q", err, text)
	}
	return value
}

func TestTrainedRun(t *testing.T) {
	t.Chdir(t.TempDir())
	out := trainSmall(t, "a")
	wants(t, out, "device: CPU", "epoch 1/2", "epoch 2/2", "mse/px", "PCA, 8 components", "mean image", "PCA", "runs/a/reconstructions.png")
	for _, file := range []string{"config.yaml", "model.py", "env.json", "metrics.jsonl", "eval.json", "reconstructions.png", "report.html", "projector_config.pbtxt", "samples/epoch-0001.png", "samples/epoch-0002.png", "checkpoints/latest", "checkpoints/best"} {
		if _, err := os.Stat(filepath.Join("runs", "a", file)); err != nil {
			t.Error(err)
		}
	}
	t.Run("eval agrees with train", func(t *testing.T) {
		said := object(t, must(t, "eval", "a", "--json", "-q"))["result"]
		written, err := os.ReadFile("runs/a/eval.json")
		if err != nil {
			t.Fatal(err)
		}
		if then := object(t, string(written))["result"]; !equalJSON(then, said) {
			t.Errorf("eval says %v, train said %v", said, then)
		}
	})
	t.Run("gate", func(t *testing.T) {
		must(t, "eval", "last", "--gate", "mse<1")
		code, stdout, stderr := call(t, "eval", "last", "--gate", "psnr>=99", "--json")
		if code != exitGate || strings.Count(stderr, "hourglass: ") != 1 {
			t.Errorf("exit %d, %q", code, stderr)
		}
		if met := object(t, stdout)["gate_met"]; met != false {
			t.Errorf("gate_met is %v", met)
		}
	})
	t.Run("recon", func(t *testing.T) {
		wants(t, must(t, "recon", "a", "-n", "5", "-o", "out.png"), "5 images", "out.png")
		file, err := os.Open("out.png")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := png.Decode(file); err != nil {
			t.Error(err)
		}
		wants(t, must(t, "recon", "a", "out.png", "-o", "again.png"), "1 image,") // its own sheet, scaled to the model's shape
	})
	t.Run("report", func(t *testing.T) {
		written, err := os.ReadFile("runs/a/report.html")
		if err != nil {
			t.Fatal(err)
		}
		wants(t, must(t, "report", "a", "-o", "again.html"), "report: again.html")
		again, err := os.ReadFile("again.html")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written, again) {
			t.Error("report makes another page than train")
		}
		wants(t, string(again), "hourglass train conv --name a --source glyphs:1x12x12,n=256,test=64", "hourglass train -c runs/a/config.yaml --name a-again",
			"<td>train.batch</td><td class=\"value\">32</td><td>flag</td>", "The model ")
	})
	t.Run("event files", func(t *testing.T) {
		files, err := filepath.Glob("runs/a/events.out.tfevents.*")
		if err != nil || len(files) != 1 {
			t.Errorf("event files %v, %v; want one", files, err)
		}
	})
	t.Run("info", func(t *testing.T) {
		wants(t, must(t, "info", "a"), "conv 4 k3 s2 relu", "dense 8", "parameters", "MFLOP a training step", "kB of activations")
		checkpoint, err := train.LatestCheckpoint("runs/a/checkpoints")
		if err != nil {
			t.Fatal(err)
		}
		o := object(t, must(t, "info", checkpoint, "--json"))
		if o["code"] != 8.0 || o["input"] != "1x12x12" {
			t.Errorf("info of the checkpoint: %v", o)
		}
	})
	t.Run("graph", func(t *testing.T) {
		wants(t, must(t, "graph", "a"), "<svg", "conv 4 k3 s2 relu")
		must(t, "graph", "a", "-o", "a.dot")
		text, _ := os.ReadFile("a.dot")
		wants(t, string(text), "digraph")
	})
	t.Run("runs", func(t *testing.T) {
		wants(t, must(t, "runs"), "a", "done")
	})
	t.Run("resume goes on", func(t *testing.T) {
		wants(t, must(t, append([]string{"train", "--resume", "a", "--epochs", "3"}, small[len(small)-2:]...)...), "resuming from", "step 14 of 21", "epoch 3/3")
		text, err := os.ReadFile("runs/a/config.yaml")
		if err != nil {
			t.Fatal(err)
		}
		wants(t, string(text), "epochs: 3")
		page, err := os.ReadFile("runs/a/report.html")
		if err != nil {
			t.Fatal(err)
		}
		wants(t, string(page), "hourglass train --resume a --epochs 3", "hourglass train conv --name a",
			"<td>train.batch</td><td class=\"value\">32</td><td>flag</td>") // as the first command set it
	})
}

// TestCompare sets runs side by side, one of them on images of another shape.
func TestCompare(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "ae", "--no-tensorboard")
	trainSmall(t, "vae", "--kind", "vae", "--loss", "bernoulli", "--no-tensorboard")
	trainSmall(t, "other", "--shape", "1x16x16", "--no-tensorboard")
	if files, _ := filepath.Glob("runs/*/events.out.tfevents.*"); len(files) > 0 {
		t.Errorf("--no-tensorboard wrote %v", files)
	}
	wants(t, must(t, "compare", "ae", "vae"), "squared error, mse/px", "nats/img", "64 test", "model.kind", "bernoulli", "14")
	if out := must(t, "compare", "ae", "vae"); strings.Contains(out, "train.rate") || strings.Contains(out, "out.name") {
		t.Errorf("what does not differ, or only in the place of the run, is shown:\n%s", out)
	}
	wants(t, must(t, "compare", "ae", "ae"), "differ in nothing")
	o := object(t, must(t, "compare", "ae", "vae", "--json"))
	all := o["runs"].([]any)
	if first := all[0].(map[string]any); len(all) != 2 || first["name"] != "ae" || first["steps"] != 14.0 || !(first["mse"].(float64) > 0) {
		t.Errorf("runs %v", all)
	}
	if kinds := o["differences"].(map[string]any)["model.kind"]; !equalJSON(kinds, []string{"ae", "vae"}) {
		t.Errorf("model.kind differs as %v", kinds)
	}
	trainSmall(t, "told", "--kind", "cvae", "--loss", "bernoulli") // event files and report tell it the classes
	if env := object(t, string(read(t, filepath.Join("runs", "told", "env.json")))); env["origins"].(map[string]any)["model.classes"] != "images" {
		t.Errorf("the number of classes comes from %v", env["origins"])
	}
	wants(t, must(t, "compare", "ae", "vae", "told", "other", "-o", "c.html"), "page: c.html")
	page, err := os.ReadFile("c.html")
	if err != nil {
		t.Fatal(err)
	}
	wants(t, string(page), "4 runs compared", "other takes images of 1x16x16 and is left out.", "Some test images of ae", "<h2>Traversals")
	if n := strings.Count(string(page), `<svg class="codes"`); n != 3 {
		t.Errorf("the page has maps of the codes of %d runs, want 3", n)
	}
	code, _, stderr := call(t, "compare", "ae")
	if code != exitUsage {
		t.Errorf("one run: exit %d, %q", code, stderr)
	}
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// TestRepeated trains a second time from the configuration that the first run
// left, and wants the same weights.
func TestRepeated(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "first", "--loss", "bernoulli")
	out := must(t, "train", "-c", "runs/first/config.yaml", "--name", "second", "--threads", "1")
	wants(t, out, "nats/img", "perfect reconstruction")
	for _, name := range []string{"latest", "best"} {
		if a, b := weights(t, "runs/first", name), weights(t, "runs/second", name); !bytes.Equal(a, b) {
			t.Errorf("the %s weights of the repeated run differ", name)
		}
	}
}

// weights returns the bytes of all tensors of a run's checkpoint.
func weights(t *testing.T, path, which string) []byte {
	t.Helper()
	name, err := os.ReadFile(filepath.Join(path, "checkpoints", which))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(path, "checkpoints", strings.TrimSpace(string(name))))
	if err != nil {
		t.Fatal(err)
	}
	header := int(text[0]) | int(text[1])<<8 | int(text[2])<<16 // safetensors: the length of the header comes first
	return text[8+header:]
}

func TestTour(t *testing.T) {
	t.Chdir(t.TempDir())
	for range 2 { // the second replaces the first
		out := must(t, "--images", "192", "--epochs", "1", "--threads", "2")
		wants(t, out, "A tour", "device: CPU", "PCA, 32 components", "runs/tour/reconstructions.png", "Next:")
	}
}

func TestInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	stop := stopAfter{&out, "validation 0.", cancel} // once an epoch has ended
	code := run(ctx, append([]string{"train", "--name", "x"}, append(small, "--epochs", "500")...), stop, &errs)
	if code != exitInterrupted {
		t.Fatalf("exit %d, %q", code, errs.String())
	}
	wants(t, errs.String(), "interrupted after step", "hourglass train --resume runs/x")
	wants(t, must(t, "runs"), "--resume goes on")
	wants(t, must(t, "train", "--resume", "x", "--epochs", "3"), "resuming from", "epoch 3/3")
}

// stopAfter cancels once a text has been written.
type stopAfter struct {
	*bytes.Buffer
	text   string
	cancel func()
}

func (s stopAfter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.text) {
		s.cancel()
	}
	return s.Buffer.Write(p)
}

// TestJSON holds that every command prints one object on standard output, and
// nothing else there.
func TestJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	for _, args := range [][]string{
		append([]string{"train", "--name", "b"}, small...), {"tour", "--images", "192", "--epochs", "1"},
		{"eval", "a"}, {"recon", "a"}, {"info", "a"}, {"graph", "a"}, {"graph", "a", "-o", "x.svg"},
		{"data", "list"}, {"data", "inspect", "glyphs:n=64"}, {"data", "preview", "glyphs:n=64", "-n", "4"},
		{"config", "print"}, {"config", "validate", "runs/a/config.yaml"}, {"config", "explain"}, {"config", "explain", "rate"},
		{"runs"}, {"version"}, {"completion", "fish"}, {"doctor"},
	} {
		code, stdout, _ := call(t, append(args, "--json")...)
		if code != exitDone {
			t.Errorf("%v --json: exit %d", args, code)
			continue
		}
		object(t, stdout)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"train", "--help"}, {"help", "eval"}, {"data", "-h"}} {
		wants(t, must(t, args...), "Usage: hourglass")
	}
	help := must(t, "train", "--help")
	wants(t, help, "Examples:", "--rate=0.001", "--loss=mse", "mse, l1, huber, ssim, bernoulli")
}

// TestKindsAreExplained wants a line on each kind of model.
func TestKindsAreExplained(t *testing.T) {
	out := must(t, "config", "explain", "model.kind")
	wants(t, out, "ae ", "a code is a function of the image", "vamp ", "a vae whose prior is learned")
	choices := object(t, must(t, "config", "explain", "kind", "--json"))["choices"].(map[string]any)
	k, err := config.Explain("model.kind")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range k.Choices {
		if about, ok := choices[name].(string); !ok || about == "" || len(about) > 140 || strings.Contains(about, "\n") {
			t.Errorf("kind %s: %q", name, about)
		}
	}
}

func TestConfigPrint(t *testing.T) {
	t.Chdir(t.TempDir())
	text := must(t, "config", "print", "mnist/mlp", "--rate", "0.5", "--set", "model.latent=7")
	wants(t, text, "source: mnist", "# preset", "rate: 0.5", "# flag", "latent: 7", "# default")
	if err := os.WriteFile("c.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	wants(t, must(t, "config", "validate", "c.yaml"), "c.yaml is valid")
	wants(t, must(t, "config", "print", "-c", "c.yaml"), "latent: 7", "# file")
}

// complete are programs of each shell that print what its completion, a file $1,
// makes of a line, $2, whose words are those behind it.
var complete = map[string][]string{
	"bash": {"bash", "-c", `source "$1"; line=$2; shift 2
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hourglass; printf '%s\n' "${COMPREPLY[@]}"`, "bash"},
	"zsh": {"zsh", "-f", "-c", `
		matching() { for w in "$@"; do if [[ $w == ${words[CURRENT]}* ]]; then print -r -- $w; fi; done }
		compdef() {}; _files() {}
		compadd() { shift; matching "$@" }
		_describe() { matching ${${(P)2}%%:*} }
		source $1; words=("${@:3}"); CURRENT=$#words; _hourglass`, "zsh"},
	"fish": {"fish", "-N", "-c", `source $argv[1]; complete -C $argv[2] | cut -f 1`},
}

// TestCompletion lets the shells that are here complete lines.
func TestCompletion(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for _, run := range []string{"noise", "normal", "other"} {
		if err := os.MkdirAll(filepath.Join("runs", run), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for shell, program := range complete {
		script, path := must(t, "completion", shell), filepath.Join(folder, shell)
		if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"train", "epochs", "preview", "last", "mlp"} {
			wants(t, script, word)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("there is no %s in which to try its completion", shell)
			continue
		}
		for line, want := range map[string]string{
			"hourglass trai":                   "train",
			"hourglass data pre":               "preview",
			"hourglass train --epo":            "--epochs",
			"hourglass --quiet eval la":        "last",
			"hourglass eval no":                "noise normal",
			"hourglass compare other no":       "noise normal",
			"hourglass train --kind vae":       "vae vaegan",
			"hourglass train --resume o":       "other",
			"hourglass export x --format p":    "pytorch",
			"hourglass config explain model.k": "model.kind",
			"hourglass recon noise -o qq":      "", // of files, there being none
		} {
			args := append(slices.Clone(program[1:]), path, line)
			if shell != "fish" {
				args = append(args, strings.Fields(line)...)
			}
			out, err := exec.Command(program[0], args...).CombinedOutput()
			if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != want {
				t.Errorf("%s: completing %q gives %q (%v), want %q", shell, line, got, err, want)
			}
		}
	}
}

// TestFaultIsOneSentence lets the writer of results panic.
func TestFaultIsOneSentence(t *testing.T) {
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"version"}, panicking{}, &errs); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	if text := errs.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "a fault in the program") {
		t.Errorf("%q", text)
	}
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("of the test\ngoroutine 1 ...") }

// TestVariational trains a variational autoencoder, rebuilds it from its
// checkpoint alone, and draws images from it.
func TestVariational(t *testing.T) {
	t.Chdir(t.TempDir())
	out := trainSmall(t, "v", "--kind", "vae", "--loss", "bernoulli", "--beta", "2")
	wants(t, out, "nats/img (recon ", " + 2 × kl ", "perfect reconstruction")
	wants(t, must(t, "info", "v"), "dense 8")
	wants(t, must(t, "graph", "v"), "dense 8")
	if text, err := os.ReadFile("runs/v/metrics.jsonl"); err != nil || strings.Count(string(text), `"kl":`) != strings.Count(string(text), "\n") {
		t.Errorf("not every line of metrics.jsonl has the divergence (%v):\n%s", err, text)
	}
	terms := object(t, must(t, "eval", "v", "--json", "-q"))["result"].(map[string]any)["terms"].([]any)
	if kl := terms[1].(map[string]any); len(terms) != 2 || kl["name"] != "kl" || kl["weight"] != 2.0 {
		t.Errorf("the terms are %v", terms)
	}
	sheet := func(name string, more ...string) []byte {
		wants(t, must(t, append([]string{"sample", "v", "-o", name, "--threads", "1"}, more...)...), name)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return text
	}
	first := sheet("a.png", "-n", "5", "--seed", "3")
	if !bytes.Equal(first, sheet("b.png", "-n", "5", "--seed", "3", "--threads", "2")) {
		t.Error("the same seed drew other images")
	}
	if bytes.Equal(first, sheet("c.png", "-n", "5", "--seed", "4")) {
		t.Error("another seed drew the same images")
	}
	object(t, must(t, "sample", "v", "--json", "-q"))

	wants(t, trainSmall(t, "g", "--kind", "vae", "--loss", "gaussian"), "nats/img (recon ", "-199.25") // 144 values of variance 0.01
	trainSmall(t, "a")
	for args, says := range map[string]string{
		"sample a":         "run a is of kind ae",
		"sample v -n 0":    "--count is 0",
		"sample nowhere":   `there is no run "nowhere"`,
		"train --kind vae": "set model.loss to one of bernoulli, gaussian",
		"train --kind vae --loss bernoulli --latent 0":               "model.latent is 0",
		"train --resume a --kind vae --loss bernoulli --epochs 3 -q": "belongs to another model",
	} {
		code, _, stderr := call(t, strings.Fields(args)...)
		if code == exitDone || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, says) {
			t.Errorf("hourglass %s: exit %d, want one line with %q:\n%s", args, code, says, stderr)
		}
	}
}
