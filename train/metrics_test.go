package train

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hourglass/models"
)

func observe(t *testing.T, o Observer, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := o.Observe(e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMetricsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	step := func(epoch, n int) *StepDone {
		return &StepDone{Epoch: epoch, Step: n, Loss: 0.25, Rate: 1e-3, GradientNorm: 2, ImagesPerSecond: 512}
	}
	epoch := &EpochDone{Epoch: 1, Step: 2, TrainLoss: 0.5, Validated: true, Validation: Metrics{N: 9, Loss: 0.1, MSE: 0.01}, Best: true, Duration: 1500 * time.Millisecond}
	const line1 = `{"kind":"step","epoch":1,"step":1,"loss":0.25,"rate":0.001,"gradient_norm":2,"images_per_second":512}` + "\n"
	const line2 = `{"kind":"step","epoch":1,"step":2,"loss":0.25,"rate":0.001,"gradient_norm":2,"images_per_second":512}` + "\n"
	const lineE = `{"kind":"epoch","epoch":1,"step":2,"train_loss":0.5,"loss":0.1,"mse":0.01,"psnr":20,"n":9,"best":true,"seconds":1.5}` + "\n"
	const line3 = `{"kind":"step","epoch":2,"step":3,"loss":0.25,"rate":0.001,"gradient_norm":2,"images_per_second":512}` + "\n"
	const perfect = `{"kind":"epoch","epoch":2,"step":3,"train_loss":0,"loss":0,"mse":0,"n":1,"best":false,"seconds":0}` + "\n"
	split := []Term{{models.Term{Name: "kl"}, 0.125}}
	stepOfTerms := step(1, 1)
	stepOfTerms.Terms = split
	const lineTerms = `{"kind":"step","epoch":1,"step":1,"loss":0.25,"kl":0.125,"rate":0.001,"gradient_norm":2,"images_per_second":512}` + "\n"
	const epochTerms = `{"kind":"epoch","epoch":1,"step":1,"train_loss":0,"loss":0,"kl":0.125,"mse":0.01,"psnr":20,"n":1,"best":false,"seconds":0}` + "\n"
	const unvalidated = `{"kind":"epoch","epoch":3,"step":3,"train_loss":0,"best":false,"seconds":0}` + "\n"
	for _, c := range []struct {
		name, before string
		events       []Event
		want         string
	}{
		{"a new run", "", []Event{&Started{}, step(1, 1), step(1, 2), epoch, step(2, 3)}, line1 + line2 + lineE + line3},
		{"a new run over an old file", line1 + lineE, []Event{&Started{}, step(1, 1)}, line1},
		{"resumed after step 1", line1 + line2 + lineE + line3, []Event{&Started{Step: 1}}, line1},
		{"resumed before the validation", line1 + line2 + lineE + line3, []Event{&Started{Step: 2}}, line1 + line2},
		{"resumed after the validation", line1 + line2 + lineE + line3, []Event{&Started{Step: 2, EpochsDone: 1}, step(2, 3)}, line1 + line2 + lineE + line3},
		{"half a line", line1 + line2[:40], []Event{&Started{Step: 1}, step(1, 2)}, line1 + line2},
		{"zeros of a lost page", line1 + "\x00\x00\x00\n" + line2, []Event{&Started{Step: 2}}, line1},
		{"no number that JSON lacks", "", []Event{&Started{}, &EpochDone{Epoch: 2, Step: 3, Validated: true, Validation: Metrics{N: 1}}, &EpochDone{Epoch: 3, Step: 3}}, perfect + unvalidated},
		{"a loss of terms", "", []Event{&Started{}, stepOfTerms, &EpochDone{Epoch: 1, Step: 1, Validated: true, Validation: Metrics{N: 1, MSE: 0.01, Terms: split}}}, lineTerms + epochTerms},
		{"other events", "", []Event{&Started{}, &Warned{}, &CheckpointSaved{}, &Stopped{}, &Finished{}}, ""},
	} {
		if err := os.WriteFile(path, []byte(c.before), 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := OpenMetrics(path)
		if err != nil {
			t.Fatal(err)
		}
		observe(t, m, c.events...)
		got, err := os.ReadFile(path) // before Close: each line is out at once
		if err != nil || string(got) != c.want {
			t.Errorf("%s: the file holds\n%swant\n%s", c.name, got, c.want)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Observe(step(1, 1)); err == nil {
			t.Errorf("%s: writing after Close gave no error", c.name)
		}
	}
	if !math.IsInf(Metrics{N: 1}.PSNR(), 1) {
		t.Error("the PSNR of no error is finite")
	}
}
