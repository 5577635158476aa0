package main

import (
	"bytes"
	"testing"

	"hourglass/internal/gputest"
)

// TestRunsOnCUDAAreJudgedByTheirBest trains until the best weights are not the last,
// and wants the verdict at the end to be of the best, as that of eval is.
func TestRunsOnCUDAAreJudgedByTheirBest(t *testing.T) {
	gputest.Use(t)
	t.Chdir(t.TempDir())
	modelError := func(args ...string) float64 { // the first row of the verdict
		code, out, said := call(t, args...)
		if code != exitDone {
			t.Fatalf("%q: exit %d, %s", args, code, said)
		}
		rows := object(t, out)["result"].(map[string]any)["rows"].([]any)
		return rows[0].(map[string]any)["mse"].(float64)
	}
	got := modelError("train", "--device", "cuda", "--name", "a", "--json", "--source", "glyphs:1x8x8,n=64,test=16", "--encoder", "flatten | dense 8 relu",
		"--latent", "3", "--epochs", "5", "--batch", "8", "--rate", "0.1", "--tensorboard=false", "--images", "0")
	if bytes.Equal(weights(t, "runs/a", "best"), weights(t, "runs/a", "latest")) {
		t.Fatal("the best weights are the last; train on until they are not")
	}
	if want := modelError("eval", "a", "--device", "cuda", "--json"); got != want {
		t.Errorf("the run ends with an error of %g, and its best weights have %g", got, want)
	}
}
