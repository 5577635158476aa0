package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hourglass/internal/gputest"
	"hourglass/internal/repository"
)

// TestGPUBuildCompressesAlike trains on a GPU and wants the build with CUDA
// support, which has one before it, to make the same file of the same images as a
// build without, and each to make the same pictures of it.
func TestGPUBuildCompressesAlike(t *testing.T) {
	gputest.Use(t)
	root, plain := repository.Root(t), filepath.Join(t.TempDir(), "hourglass")
	build := exec.Command("go", "build", "-o", plain, "./cmd/hourglass")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building without CUDA support: %v\n%s", err, out)
	}
	t.Chdir(t.TempDir())
	without := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(plain, args...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	trainSmall(t, "a", "--device", "cuda:0") // refused where there is none
	trainSmall(t, "q", "--kind", "vq", "--latent", "0", "--entries", "16", "--encoder", "conv 8 k4 s2 relu | conv 4 k4 s2", "--device", "cuda:0")
	for _, run := range []string{"a", "q"} {
		must(t, "compress", run, "-n", "40", "-o", run+"-gpu.hgz")
		without("compress", run, "-n", "40", "--threads", "3", "-o", run+"-cpu.hgz")
		sameFiles(t, run+"-gpu.hgz", run+"-cpu.hgz")
		must(t, "decompress", run, run+"-cpu.hgz", "-o", run+"-gpu.png")
		without("decompress", run, run+"-gpu.hgz", "-o", run+"-cpu.png")
		sameFiles(t, run+"-gpu.png", run+"-cpu.png")
	}
}

// sameFiles wants two files to hold the same bytes.
func sameFiles(t *testing.T, a, b string) {
	t.Helper()
	first, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) == 0 || !bytes.Equal(first, second) {
		t.Errorf("%s of %d bytes and %s of %d differ", a, len(first), b, len(second))
	}
}
