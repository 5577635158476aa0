package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/bench"
	"hourglass/internal/repository"
)

// known reads the document and PyTorch's side.
func known(t *testing.T) (document string, theirs torch) {
	t.Helper()
	root := repository.Root(t)
	text, err := os.ReadFile(filepath.Join(root, documentPath))
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = read(filepath.Join(root, resultsPath)); err != nil {
		t.Fatal(err)
	}
	return string(text), theirs
}

// TestSectionIsCurrent compares the section with today's plans.
func TestSectionIsCurrent(t *testing.T) {
	document, theirs := known(t)
	var ours []counts
	for _, w := range bench.Workloads() {
		c, err := count(w)
		if err != nil {
			t.Fatal(err)
		}
		ours = append(ours, c)
	}
	want, err := section(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	_, got, _, err := parts(document)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s says\n%s\nand the plans\n%s\nrun go run ./bench/launches", documentPath, got, want)
	}
}

// TestTorchAddsUp wants PyTorch's sums to be those of its operations.
func TestTorchAddsUp(t *testing.T) {
	_, theirs := known(t)
	if len(theirs.Workloads) != len(bench.Workloads()) {
		t.Errorf("PyTorch's side has %d workloads", len(theirs.Workloads))
	}
	for name, w := range theirs.Workloads {
		var sum counts
		for _, one := range w.ByName {
			sum.Operations, sum.Launches = sum.Operations+one.Operations, sum.Launches+one.Launches
			sum.Bytes, sum.LaunchBytes = sum.Bytes+one.Bytes, sum.LaunchBytes+one.LaunchBytes
		}
		if sum.Operations != w.Operations || sum.Launches != w.Launches || sum.Bytes != w.Bytes || sum.LaunchBytes != w.LaunchBytes {
			t.Errorf("%s: the operations add up to %+v, and the sums are %+v", name, sum, w)
		}
	}
	// By hand, of W1 at 128: relu reads and writes what the layers 32, 64, 3136 wide and 32 leave.
	images, relu := 128, theirs.Workloads["W1"].ByName["relu"]
	if want := 2 * 4 * images * (32*14*14 + 64*7*7 + 3136 + 32*14*14); relu.Operations != 4 || relu.Bytes != want {
		t.Errorf("relu is %+v, want 4 operations of %d bytes", relu, want)
	}
	// Its four convolutions: cuDNN's and the bias each way, but no gradient by the images.
	if n := theirs.Workloads["W1"].ByName["convolution_backward"].Launches; n != 4*3-1 {
		t.Errorf("the gradients of the convolutions take %d launches, want 11", n)
	}
}

// TestMissesAreSaid: one missed target is named with its ratio, none with a
// sentence, and another model is refused.
func TestMissesAreSaid(t *testing.T) {
	ours := []counts{{name: "W1", Batch: 2, Parameters: 3, Operations: 1, Bytes: 50, Launches: 3, LaunchBytes: 60}}
	theirs := torch{Workloads: map[string]counts{"W1": {Batch: 2, Parameters: 3, Operations: 9, Bytes: 100, Launches: 9, LaunchBytes: 100}}}
	check := func(want string) {
		t.Helper()
		if text, err := section(ours, theirs); err != nil || !strings.Contains(text, want) {
			t.Errorf("the section is\n%s (%v), want %q", text, err, want)
		}
	}
	check("Every target is reached.")
	ours[0].Launches = 4
	check("**Missed**: W1 launches (0.44).")
	ours[0].Parameters = 4
	if _, err := section(ours, theirs); err == nil || !strings.Contains(err.Error(), "4 parameters here") {
		t.Errorf("another model: %v", err)
	}
}

// TestDocumentNamesEverything wants every script, command and peer in the document.
func TestDocumentNamesEverything(t *testing.T) {
	document, _ := known(t)
	root := repository.Root(t)
	for _, pattern := range []string{"bench/*.sh", "bench/peers/*.py", "bench/*/main.go"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			name := filepath.Base(path)
			if name == "main.go" {
				name = filepath.Base(filepath.Dir(path))
			}
			if !strings.Contains(document, name) {
				t.Errorf("%s does not say what %s is for", documentPath, name)
			}
		}
	}
}
