package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hourglass/internal/emulator"
	"hourglass/internal/repository"
	"hourglass/kernels/cuda"
)

// TestRehearsal packs, and runs all checks on the emulated driver from the
// packed folder alone.
func TestRehearsal(t *testing.T) {
	if !cuda.Built {
		t.Skip("this build has no CUDA support; test with the tag gpu")
	}
	if os.Getenv("REQUIRE_GPU") == "1" {
		t.Skip("a rehearsal is for machines without a GPU; run bench/gpu-check.sh here")
	}
	library, folder, out := emulator.Build(t), t.TempDir(), t.TempDir()
	pack := exec.Command(filepath.Join(repository.Root(t), "bench", "gpu-check.sh"), "pack", folder)
	if output, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	rehearse := exec.Command(filepath.Join(folder, "gpu-check.sh"), "run", "--dry-run", library)
	rehearse.Env = append(os.Environ(), "OUT="+out)
	output, err := rehearse.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	t.Logf("%s", output)
	paths, err := filepath.Glob(filepath.Join(out, "emulated-device", "*.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("the reports are %v, want one (%v)", paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, c := range got.Checks {
		states[c.State]++
	}
	if !got.Passed || !got.Dry || states["passed"] != 8 || states["skipped"] != 8 || states["absent"] != 2 {
		t.Errorf("the checks ended as %v, want 8 passed, 8 skipped and 2 absent\n%s", states, text)
	}
}

// TestFailuresAreTold: what is not there is no failure, and a failure is the
// run's.
func TestFailuresAreTold(t *testing.T) {
	r := run{out: t.TempDir(), only: "a,b,c,d"}
	r.report.Passed = true
	answer := func(err error) func() (any, error) { return func() (any, error) { return nil, err } }
	r.check("a", answer(nil))
	r.check("b", answer(fmt.Errorf("%w: no tool", errAbsent)))
	r.check("c", answer(fmt.Errorf("%w: no GPU", errSilicon)))
	r.check("other", answer(errors.New("not asked for")))
	if err := r.write(); err != nil {
		t.Errorf("nothing failed, and the run ends with %v", err)
	}
	r.check("d", answer(errors.New("two numbers differ")))
	if err := r.write(); err == nil {
		t.Error("a check failed, and the run ends well")
	}
	var states []string
	for _, c := range r.report.Checks {
		states = append(states, c.State)
	}
	if got := fmt.Sprint(states); got != "[passed absent skipped failed]" {
		t.Errorf("the states are %s", got)
	}
}

// TestLossesAreRead takes the steps of a file of metrics, and nothing else.
func TestLossesAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	text := `{"kind":"step","step":1,"loss":0.5}` + "\n" + `{"kind":"epoch","loss":9}` + "\n" + `{"kind":"step","step":2,"loss":0.25}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := readLosses(path); err != nil || fmt.Sprint(got) != "[0.5 0.25]" {
		t.Errorf("the losses are %v, %v", got, err)
	}
}

// TestPeersAreAsked lets a shell speak as PyTorch does: one that answers, one
// that is never ready, and one that ends.
func TestPeersAreAsked(t *testing.T) {
	folder := t.TempDir()
	script := "#!/bin/sh\ncase $2 in\n" +
		`W1) echo '{"parameters": 7, "modes": {"fp32": ["eager, fp32"]}}'; while read line; do echo '{"host_ms": [2, 3], "queued_ms": 1}'; done ;;` + "\n" +
		"W2) read line ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(folder, "python3"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	r := run{folder: folder, out: folder} // which began long ago: nobody is waited for
	r.startPeers()
	if r.absent != nil || len(r.peers) != 3 {
		t.Fatalf("those started are %v (%v), want W1, W2 and W3", r.peers, r.absent)
	}
	for len(r.peers["W1"].lines) == 0 { // until it has answered, however slow the machine is
		time.Sleep(time.Millisecond)
	}
	r.awaitPeers()
	defer r.stopPeers()
	if len(r.peers) != 1 || r.peers["W1"] == nil {
		t.Fatalf("those ready are %v, want W1 alone", r.peers)
	}
	for range 2 {
		if a, err := r.peers["W1"].ask("eager, fp32", 1); err != nil || fmt.Sprint(a.Host, a.Queued) != "[2 3] 1" {
			t.Errorf("the answer is %v, %v", a, err)
		}
	}
}
