package main

import (
	"os"
	"strings"
	"testing"
)

// TestFixed plants each failure that is known and wants the run to be begun once
// again, to end without it, and to explain what it should of the images.
func TestFixed(t *testing.T) {
	t.Chdir(t.TempDir())
	digits := []string{"--source", "glyphs:1x12x12,n=2048,test=256"}
	for _, c := range []struct {
		name      string
		flags     []string
		says      []string
		explained float64
	}{
		{"collapsed", append(digits, "--kind", "vae", "--loss", "bernoulli", "--encoder", "flatten | dense 128 relu", "--latent", "16", "--beta", "50", "--rate", "5e-3", "--epochs", "16"),
			[]string{"the posterior has collapsed", "with model.beta 1 instead of 50, model.warm_up 0.3 instead of 0, model.free_bits 0.05 instead of 0"}, 0.5},
		{"average", append(digits, "--encoder", "flatten | dense 64 relu", "--latent", "8", "--rate", "0.1", "--epochs", "6"),
			[]string{"nearly the same image", "with train.rate 0.01 instead of 0.1, model.encoder flatten | dense 64 leakyrelu instead of flatten | dense 64 relu"}, 0.3},
		{"dead", append(digits, "--kind", "vq", "--encoder", "conv 8 k4 s2 relu | conv 4 k4 s2", "--latent", "0", "--revive", "0", "--entries", "256", "--epochs", "6"),
			[]string{"most of the codebook is dead", "with model.revive 0.03 instead of 0"}, 0.3},
		{"copying", []string{"--source", "glyphs:1x8x8,n=4096,test=256,set=all", "--encoder", "flatten", "--latent", "128", "--rate", "5e-3", "--epochs", "4"},
			[]string{"the model copies its input", "with model.corrupt gaussian 0.25 instead of nothing"}, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"train", "--name", c.name, "--batch", "16", "--threads", "2", "--images", "0", "--no-tensorboard", "--on-collapse", "fix"}, c.flags...)
			out := must(t, args...)
			wants(t, out, append(c.says, "the run begins once again", "what failed is kept in runs/"+c.name+"-failed")...)
			if n := strings.Count(out, "begins once again"); n != 1 {
				t.Errorf("the run begins %d times again, want once", n)
			}
			d := object(t, must(t, "eval", c.name, "--json", "-q"))["closely"].(map[string]any)["diagnosis"].(map[string]any)
			if got := d["explained_variance"].(float64); got < c.explained {
				t.Errorf("%.3f of the variance is explained, want %g", got, c.explained)
			}
			findings, _ := d["findings"].([]any)
			for _, f := range findings {
				if message := f.(map[string]any)["message"].(string); strings.Contains(message, c.says[0]) {
					t.Errorf("the failure is still there: %s", message)
				}
			}
			for _, file := range []string{c.name + "/config.yaml", c.name + "-failed/config.yaml"} {
				text, err := os.ReadFile("runs/" + file)
				if err != nil {
					t.Fatal(err)
				}
				want := "on_collapse: fix"
				if !strings.Contains(file, "-failed") {
					want = "on_collapse: warn" // there is one restart
				}
				wants(t, string(text), want)
			}
		})
	}
	wants(t, must(t, "report", "collapsed"), "report")
	page, err := os.ReadFile("runs/collapsed/report.html")
	if err != nil {
		t.Fatal(err)
	}
	wants(t, string(page), `<td>model.beta</td><td class="value">1</td><td>remedy</td>`)
}

// TestFixedModelTellsAnomalies wants a linear code of twice the image's size, which
// copies whatever it sees, to be worth more as a detector of other characters once
// it has been fixed.
func TestFixedModelTellsAnomalies(t *testing.T) {
	t.Chdir(t.TempDir())
	area := make(map[string]float64)
	for _, how := range []string{"warn", "fix"} {
		out := must(t, "train", "--name", how, "--on-collapse", how, "--source", "glyphs:1x8x8,n=8000,test=1000", "--only", "3,5,8", "--encoder", "flatten", "--latent", "128",
			"--rate", "5e-3", "--epochs", "16", "--batch", "16", "--threads", "2", "--images", "0", "--no-tensorboard")
		wants(t, out, "the model copies its input")
		judged := object(t, must(t, "score", how, "--json", "-q"))["judgements"].([]any)
		area[how] = judged[0].(map[string]any)["roc_auc"].(float64)
	}
	t.Logf("ROC-AUC %v", area)
	if area["fix"] < area["warn"]+0.1 {
		t.Errorf("the area under the curve goes from %.3f to %.3f, want a tenth more at least", area["warn"], area["fix"])
	}
}
