package emulator

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDriver runs source/check.cc: what a driver grants and refuses.
func TestDriver(t *testing.T) {
	compiler, sources := tools(t)
	library, err := build(compiler, sources, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(filepath.Join(filepath.Dir(library), "check")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
