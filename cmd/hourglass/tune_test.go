package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/graph/tune"
	"hourglass/internal/gputest"
)

// TestRunsOnCUDAKeepTheirTiles times tiles for a run, changes the cache, and wants the
// resumed run to end with the weights of one that went through, whether batches
// are made on the GPU or not.
func TestRunsOnCUDAKeepTheirTiles(t *testing.T) {
	gputest.Use(t)
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	flags := append([]string{"--device", "cuda", "--shift", "1", "--tensorboard=false", "--images", "0"}, small[:len(small)-4]...)
	train := func(args ...string) string { return must(t, append([]string{"train"}, args...)...) }

	out := train(append(flags, "--name", "whole", "--epochs", "2", "--tune", "measure")...)
	wants(t, out, "tiles:  of ", " timed", "batches: made on the GPU, where the 224 training images are")
	whole, err := tune.ReadRecord(filepath.Join("runs", "whole", "tiles.json"))
	if err != nil || len(whole) < 4 {
		t.Fatalf("the run records %v, %v", whole, err)
	}

	out = train(append(flags, "--name", "half", "--epochs", "1", "--resident", "off")...)
	wants(t, out, " from the cache")
	if strings.Contains(out, "batches:") {
		t.Errorf("a run with its batches on the host speaks of them: %s", out)
	}
	caches, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "hourglass", "tiles-*.json"))
	if err != nil || len(caches) != 1 {
		t.Fatalf("the caches are %v, %v", caches, err)
	}
	if err := os.WriteFile(caches[0], []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	out = train("--resume", "half", "--device", "cuda", "--epochs", "2", "--resident", "auto")
	// The record has nothing of the sheet at a run's end, so that the cache is read.
	wants(t, out, " as the run began", "batches: made on the GPU", "warning: the cache of tiles "+caches[0]+" is not used and written anew")
	if strings.Count(out, "warning: the cache") != 1 {
		t.Errorf("more than one line is about the cache: %s", out)
	}
	if a, b := weights(t, filepath.Join("runs", "whole"), "latest"), weights(t, filepath.Join("runs", "half"), "latest"); !bytes.Equal(a, b) {
		t.Error("the weights of the resumed run differ")
	}

	out = train(append(flags, "--name", "third", "--epochs", "1")...)
	if wants(t, out, " by the cost model"); strings.Contains(out, "warning: the cache") {
		t.Errorf("the cache is damaged still: %s", out)
	}

	if err := os.WriteFile(filepath.Join("runs", "half", "tiles.json"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "train", "--resume", "half", "--device", "cuda", "--epochs", "3"); code == exitDone || !strings.Contains(stderr, "tiles.json") {
		t.Errorf("with a damaged record the run ends with %d, %q", code, stderr)
	}
}
