package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/config"
)

// Groups of runs that some commands refuse.
var (
	withoutPrior    = []string{"ae", "ae-tied", "sparse", "contractive", "rae-l2", "rae-gp"}
	withoutEvidence = append([]string{"wae", "aae", "vq", "vq-grid"}, withoutPrior...)
	conditional     = []string{"cvae"}
	entries         = []string{"vq", "vq-grid"} // codes are made of these
)

// variants are runs of kinds whose codes or decoders can be of several forms.
var variants = []struct {
	name, kind string
	flags      []string
}{
	{"ae-tied", "ae", []string{"--tied"}},
	{"vae-image", "vae", []string{"--spatial", "--encoder", "conv 4 k3 s2 tanh", "--latent", "2"}},
	{"vq-grid", "vq", []string{"--encoder", "conv 4 k4 s2 tanh", "--latent", "0"}},
}

// refusal is what a command says to some runs.
type refusal struct {
	runs []string
	says string
}

// matrix are commands for every run, and who is refused. RUN stands for
// the run. Commands that ask a conditional model's user for --label are tried
// again with one.
var matrix = []struct {
	command string
	refuses []refusal
}{
	{"recon RUN", nil},
	{"recon RUN picture.png", []refusal{{conditional, "add --label"}}},
	{"sample RUN -n 4", []refusal{{withoutPrior, "--from mixture"}}},
	{"sample RUN -n 4 --from normal", nil},
	{"sample RUN -n 4 --from prior", []refusal{{withoutPrior, "no distribution of their own"}}},
	{"sample RUN -n 4 --from gaussian", nil},
	{"sample RUN -n 4 --from mixture --components 2", nil},
	{"interpolate RUN --pairs 1", []refusal{{conditional, "add --label"}}},
	{"interpolate RUN picture.png picture.png", []refusal{{conditional, "add --label"}}},
	{"traverse RUN --steps 3", []refusal{{conditional, "add --label"}}},
	{"encode RUN -o RUN.csv", nil},
	{"encode RUN picture.png", []refusal{{conditional, "add --label"}}},
	{"decode RUN RUN.csv", []refusal{{conditional, "add --label"}}},
	{"score RUN", nil},
	{"score RUN picture.png", []refusal{{conditional, "add --label"}}},
	{"score RUN --by elbo", []refusal{{withoutEvidence, "no distribution"}}},
	{"score RUN --by both --sheet scores.png", nil},
	{"probe RUN", nil},
	{"denoise RUN --noise gaussian:0.3 -n 4", nil},
	{"denoise RUN picture.png -o out", []refusal{{conditional, "add --label"}}},
	{"eval RUN", nil},
	{"eval RUN --importance 2", []refusal{{withoutEvidence, "no distribution"}}},
	{"compress RUN -o RUN.hgz", nil},
	{"compress RUN picture.png -o one.hgz", []refusal{{conditional, "add --label"}}},
	{"compress RUN --step 1 -o one.hgz", []refusal{{entries, "leave out --step"}}},
	{"decompress RUN RUN.hgz -o out", nil},
	{"export RUN --format onnx -o model.onnx", nil},
	{"export RUN --format safetensors -o RUN.safetensors", nil},
	{"import RUN.safetensors --like RUN -o runs/RUN-again", nil},
	{"export RUN --format pytorch -o out", nil},
	{"report RUN -o report.html", nil},
	{"compare RUN ae", nil},
	{"info RUN", nil},
	{"graph RUN -o RUN.svg", nil},
}

// says is what a command must answer to a run; empty if it must work.
func says(refuses []refusal, run string) string {
	for _, r := range refuses {
		if slices.Contains(r.runs, run) {
			return r.says
		}
	}
	return ""
}

// TestEveryKindWithEveryCommand trains a run of each kind for a moment and lets
// every command loose on it: each works, or refuses in the one sentence that the
// matrix tells.
func TestEveryKindWithEveryCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	kind, err := config.Explain("model.kind")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kind.Choices {
		tryAll(t, name, name)
	}
	for _, v := range variants {
		tryAll(t, v.name, v.kind, v.flags...)
	}
}

// tryAll trains a run for a moment and tries every command on it.
func tryAll(t *testing.T, name, kind string, flags ...string) {
	args := []string{"train", "--name", name, "--kind", kind, "--source", "glyphs:1x8x8,n=96,test=24", "--encoder", "flatten | dense 8 tanh", "--latent", "4",
		"--loss", "bernoulli", "--entries", "8", "--components", "4", "--levels", "3,2",
		"--epochs", "1", "--batch", "32", "--validation", "16", "--images", "2", "--threads", "1", "-q"}
	must(t, append(args, flags...)...)
	if _, err := os.Stat("picture.png"); err != nil {
		must(t, "recon", name, "-n", "1", "-o", "picture.png", "-q")
	}
	t.Run(name, func(t *testing.T) {
		for _, c := range matrix {
			try(t, strings.ReplaceAll(c.command, "RUN", name), says(c.refuses, name))
		}
		explored(t, name)
	})
}

// try runs a command that must work, or be refused with the words given.
func try(t *testing.T, command, refused string) {
	t.Helper()
	if err := os.RemoveAll("out"); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, append(strings.Fields(command), "-q", "--threads", "1")...)
	if strings.Contains(stderr, "unknown flag --threads") {
		code, _, stderr = call(t, append(strings.Fields(command), "-q")...)
	}
	switch {
	case refused == "" && (code != exitDone || stderr != ""):
		t.Errorf("hourglass %s: exit %d, %s", command, code, stderr)
	case refused != "" && (code != exitUsage && code != exitFailed || !strings.Contains(stderr, refused) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "a fault in the program")):
		t.Errorf("hourglass %s: exit %d, %q; want a sentence with %q", command, code, stderr, refused)
	case refused == "add --label":
		try(t, command+" --label 3", "")
	}
}

// explored opens the explorer of a run, which draws samples of whatever prior
// there is, and serves what it decodes.
func explored(t *testing.T, kind string) {
	url, end := started(t, "explore", kind, "-n", "12", "--threads", "1", "-q")
	if status, text := fetch(t, url+"/api/sample", "application/json", `{"count": 2, "seed": 1, "label": 3}`); status != 200 {
		t.Errorf("exploring %s: %d %s", kind, status, text)
	}
	if code, stderr := end(); code != exitDone {
		t.Errorf("exploring %s: exit %d, %s", kind, code, stderr)
	}
	url, end = started(t, "serve", kind, "--batch", "2", "--threads", "1", "-q")
	_, text := fetch(t, url+"/v1/model", "", "")
	zeros := strings.TrimSuffix(strings.Repeat("0,", int(object(t, text)["code_size"].(float64))), ",")
	label := ""
	if classes, told := object(t, text)["classes"]; told != slices.Contains(conditional, kind) {
		t.Errorf("serving %s: %v classes", kind, classes)
	} else if told {
		label = `, "label": 3`
	}
	if status, text := fetch(t, url+"/v1/decode", "application/json", fmt.Sprintf(`{"codes": [[%s]]%s}`, zeros, label)); status != 200 {
		t.Errorf("serving %s: %d %s", kind, status, text)
	}
	if code, stderr := end(); code != exitDone {
		t.Errorf("serving %s: exit %d, %s", kind, code, stderr)
	}
}
