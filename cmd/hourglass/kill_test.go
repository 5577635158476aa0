package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestKilledRunEndsTheSame kills runs at ten moments, resumes them after each,
// and wants in the end the weights and optimiser state of a run that nothing
// befell, bit for bit. It is one run that is killed, or several where it ends before
// all moments have come, as it may on a machine that was slower before.
func TestKilledRunEndsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for many seconds; run without -short")
	}
	const kills = 10
	dir := t.TempDir()
	binary := filepath.Join(dir, "hourglass")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	flags := append(append([]string{}, small...), "--source", "glyphs:1x16x16,n=640,test=32", "--epochs", "20", "--every", "3",
		"--optimiser", "adamw", "--schedule", "warmup 10, cosine 0.1", "--shift", "1", "--encoder", "conv 8 k3 s2 batchnorm relu | dropout 0.1 | conv 16 k3 s2 relu")
	start := func(ctx context.Context, args ...string) ([]byte, error) {
		command := exec.CommandContext(ctx, binary, args...) // ends it by SIGKILL
		command.Dir = dir
		return command.CombinedOutput()
	}
	begun := time.Now()
	if out, err := start(t.Context(), append([]string{"train", "--name", "whole"}, flags...)...); err != nil {
		t.Fatalf("the undisturbed run: %v\n%s", err, out)
	}
	whole := time.Since(begun)

	random := rand.New(rand.NewPCG(1, 2))
	killed, ended := 0, 0
	for attempt := 0; ; attempt++ {
		name := fmt.Sprintf("killed-%d", ended)
		args := append([]string{"train", "--name", name}, flags...)
		if _, err := os.Stat(filepath.Join(dir, "runs", name, "config.yaml")); err == nil {
			args = []string{"train", "--resume", name, "--threads", []string{"1", "2", "3"}[attempt%3]}
		}
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if killed < kills {
			// At first before anything is written, later within and between steps.
			ctx, cancel = context.WithTimeout(ctx, time.Duration(random.Float64()*float64(whole)/6))
		}
		out, err := start(ctx, args...)
		wasKilled := ctx.Err() != nil
		cancel()
		if wasKilled {
			killed++
			continue
		}
		if err != nil {
			t.Fatalf("after %d kills: %v\n%s", killed, err, out)
		}
		for _, which := range []string{"latest", "best"} {
			if a, b := weights(t, filepath.Join(dir, "runs", "whole"), which), weights(t, filepath.Join(dir, "runs", name), which); !bytes.Equal(a, b) {
				t.Errorf("after %d kills the %s weights of %s differ", killed, which, name)
			}
		}
		if ended++; killed == kills {
			break
		}
		whole /= 2
	}
	t.Logf("%d runs were killed %d times", ended, killed)
}
