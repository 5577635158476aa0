package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAssemblyIsGenerated compares the files of package cpu with what this generator
// writes.
func TestAssemblyIsGenerated(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what this generator writes: run go generate ./kernels/cpu/winograd/generate", name)
		}
	}
}
