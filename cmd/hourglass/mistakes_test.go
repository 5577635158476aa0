package main

import (
	"os"
	"strings"
	"testing"

	"hourglass/train"
)

// TestMistakes checks exit code and sentence of what people get wrong.
func TestMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "good")
	trainSmall(t, "bad")
	newest, err := train.LatestCheckpoint("runs/bad/checkpoints")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-100] ^= 1
	for name, content := range map[string]string{
		newest: string(text), "typo.yaml": "train:\n  ratee: 1\n", "type.yaml": "train:\n  epochs: many\n", "not.png": "no picture",
	} {
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"trian", exitUsage, `there is no command "trian"; did you mean train?`},
		{"zebra", exitUsage, "`hourglass --help` lists the commands"},
		{"train --epocs 3", exitUsage, `unknown flag --epocs; did you mean "--epochs"`},
		{"train --epochs many", exitUsage, `--epochs is "many"; want a whole number`},
		{"train --epochs -3", exitUsage, "train.epochs is -3; want from 1"},
		{"train --rate fast", exitUsage, `--rate is "fast"; want a number`},
		{"train --seed -1", exitUsage, `--seed is "-1"; want a whole number from 0`},
		{"train --precision fp8", exitUsage, `--precision is "fp8"; choose among auto, fp32, tf32, bf16`},
		{"train --source", exitUsage, "--source lacks its value; see `hourglass train --help`"},
		{"train --epochs 0", exitUsage, "train.epochs is 0; want from 1"},
		{"train konv", exitUsage, "did you mean conv?"},
		{"train mnist/konv", exitUsage, "did you mean mnist/conv?"},
		{"train --set train.ratee=1", exitUsage, "did you mean train.rate?"},
		{"train --set rate", exitUsage, "write --set KEY=VALUE"},
		{"train -c typo.yaml", exitUsage, `typo.yaml, line 2, column 3: train has no key "ratee"; did you mean rate?`},
		{"train -c type.yaml", exitUsage, "line 2, column 11: train.epochs is"},
		{"train -c nowhere.yaml", exitUsage, "nowhere.yaml does not exist"},
		{"config validate typo.yaml", exitUsage, "typo.yaml, line 2"},
		{"config explain learning", exitUsage, "no key"},
		{"train --shape 28x28", exitUsage, "is not CxHxW"},
		{"train --encoder convv_3", exitUsage, `model.encoder: layer 1, "convv 3": layer "convv" does not exist; did you mean "conv"?`},
		{"train --decoder dense", exitUsage, "model.decoder: layer 1"},
		{"train --source glyphs:n=64,test=8 --decoder dense_3", exitUsage, "the decoder makes 3 and the images are 1x28x28"},
		{"train --source glyphs:n=64,test=8,1x12x12 --encoder maxpool_13", exitUsage, "encoder[0] maxpool 13"},
		{"train --source glyphs:n=64,test=8,1x12x12 --encoder assert_2x2x2", exitUsage, "the shape here is 1x12x12"},
		{"train --source glyphs:n=64,test=8 --loss bernoulli --output sigmoid", exitUsage, "takes logits"},
		{"train --source folder:nowhere", exitFailed, "nowhere"},
		{"train --source glyphs:n=64,test=8 --batch 128", exitFailed, "choose a batch of at most"},
		{"train --name good", exitUsage, "the run runs/good exists"},
		{"train --resume good --batch 16", exitFailed, "batch size"},
		{"train --resume good --epochs 1 -q", exitFailed, "give it more epochs"},
		{"train --dir not.png --source glyphs:n=64,test=8 --batch 8 -q", exitFailed, "not.png"},
		{"train --resume nowhere", exitFailed, `there is no run "nowhere"`},
		{"train conv --resume good", exitUsage, "leave out the preset"},
		{"train --device cuda --source glyphs:n=64,test=8", exitFailed, "device cuda: "},
		{"graph conv --plan --batch 0", exitUsage, "--batch is 0"},
		{"train --device tpu", exitUsage, "choose auto, cpu, cuda"},
		{"train --threads -1", exitUsage, "threads"},
		{"eval", exitUsage, "lacks <run>; see `hourglass eval --help`"},
		{"eval goood", exitFailed, "did you mean good?"},
		{"eval bad", exitFailed, "it is damaged"},
		{"eval good --gate mse<small", exitUsage, "has no number behind <"},
		{"eval good --gate msee<1", exitUsage, "did you mean mse?"},
		{"eval good --source glyphs:3x12x12,n=64,test=8 --gate mse=1", exitUsage, "compares nothing"},
		{"eval good --checkpoint nowhere", exitFailed, "checkpoint nowhere does not exist"},
		{"recon good nowhere.png", exitFailed, "nowhere.png does not exist"},
		{"recon good -n -3", exitUsage, "--count is -3"},
		{"recon good -o out.jpg", exitUsage, "out.jpg is no PNG; end the name of --output in .png"},
		{"traverse good -o out.jpg", exitUsage, "out.jpg is no PNG"},
		{"score good --sheet out.jpg", exitUsage, "out.jpg is no PNG; end the name of --sheet in .png"},
		{"denoise good --noise gaussian:0.4 --sheet out.jpg", exitUsage, "out.jpg is no PNG"},
		{"encode good --map out.jpg", exitUsage, "out.jpg is no PNG"},
		{"encode good --split most", exitUsage, `--split is "most"; choose among test, training, validation, all`},
		{"export good", exitUsage, "the command lacks --format=FORMAT"},
		{"export good --format onnx -o runs", exitFailed, "runs is a folder; name a file"},
		{"recon good not.png", exitFailed, "not.png"},
		{"interpolate good . .", exitFailed, "is a folder"},
		{"info konv", exitUsage, "did you mean conv?"},
		{"info good --shape 1x16x16", exitUsage, "good was trained on images of 1x12x12"},
		{"info conv --batch=-1", exitUsage, "--batch is -1"},
		{"info not.safetensors", exitFailed, "not.safetensors"},
		{"graph last --format pdf", exitUsage, "--format"},
		{"data inspect folder:nowhere", exitFailed, "nowhere"},
		{"data preview glyphs:n=8,test=8 -o out.jpg", exitUsage, "out.jpg is no PNG"},
		{"serve good --timeout soon", exitUsage, `--timeout is "soon"; want a time, as in 30s or 2m`},
		{"data fetch zebra", exitFailed, "zebra"},
		{"completion powershell", exitUsage, `<shell> is "powershell"; choose among bash, zsh, fish`},
		{"runs extra", exitUsage, "unexpected argument extra"},
	} {
		args := strings.Fields(test.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ") // a space within an argument
		}
		code, _, stderr := call(t, args...)
		if code != test.code || !strings.HasPrefix(stderr, "hourglass: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.says) {
			t.Errorf("hourglass %s: exit %d, want %d, and one line with %q:\n%s", test.args, code, test.code, test.says, stderr)
		}
	}
	if all, err := os.ReadDir("runs"); err != nil || len(all) != 2 {
		t.Errorf("mistakes left folders behind: %v, %v", all, err)
	}
}

// TestOtherModel refuses a checkpoint of another model by name.
func TestOtherModel(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	code, _, stderr := call(t, "train", "--resume", "a", "--latent", "9")
	if code != exitFailed || !strings.Contains(stderr, "belongs to another model") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	text, err := os.ReadFile("runs/a/config.yaml")
	if err != nil || !strings.Contains(string(text), "latent: 8") {
		t.Errorf("the failed resumption changed the configuration: %v\n%s", err, text)
	}
}

// TestAnErrorIsToldOnce makes a run fail whose progress is shown.
func TestAnErrorIsToldOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("runs/a/metrics.jsonl", 0o777); err != nil { // where a file belongs
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, append([]string{"train", "--name", "a"}, small...)...)
	if n := strings.Count(stdout+stderr, "training stopped"); code != exitFailed || n != 1 {
		t.Errorf("exit %d, and the error is told %d times, want once:\n%s%s", code, n, stdout, stderr)
	}
}

func TestNegativeNumbersAreNoFlags(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{"train --epochs -3 --rate -.5", "train --epochs=-3 --rate=-.5"},
		{"recon last -n -3", "recon last -n-3"},
		{"recon last --count=4 -3", "recon last --count=4 -3"}, // it has its value
		{"recon last -q -o x.png", "recon last -q -o x.png"},
		{"recon -- -3", "recon -- -3"},
		{"-3", "-3"},
	} {
		if got := strings.Join(joinNumbers(strings.Fields(c.typed)), " "); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.typed, got, c.want)
		}
	}
}
