package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hourglass/bench"
	"hourglass/kernels"
)

// TestStepsBesidePyTorch lets shells speak as PyTorch: one that answers, and one that
// breaks off when it is asked.
func TestStepsBesidePyTorch(t *testing.T) {
	r := rehearsal(t)
	w := tiny(bench.W1())
	model, err := w.New(w.Spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	var torch []*peer
	for _, script := range []string{`while read line; do echo '{"host_ms": [2, 3, 7], "queued_ms": 1, "device_ms": 0.5, "peak_bytes": 9}'; done`, "read line"} {
		p, err := startPeer(t.Context(), &tail{}, nil, "PyTorch", "sh", "-c", script)
		if err != nil {
			t.Fatal(err)
		}
		defer p.stop()
		mode := fmt.Sprintf("mode %d", len(torch))
		p.about = about{Parameters: model.Store().Count(), Modes: map[string][]string{"tf32": {mode}, "fp32": {"not asked for"}}}
		torch = append(torch, p)
	}
	s, err := r.race(t.Context(), bench.W1(), kernels.TF32, torch)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Torch) != 1 || s.Torch["mode 0"].Host.Median != 3 || s.Torch["mode 0"].Peak != 9 || !strings.Contains(s.Absent["mode 1"], "has ended") {
		t.Errorf("PyTorch took %+v, and is absent for %v", s.Torch, s.Absent)
	}
	if s.Rounds != 1 || s.Batch != w.GPUBatch || s.Ours.Device.Median <= 0 || s.Nodes == 0 || len(s.Launches) == 0 || s.Launches[0].Time <= 0 || s.Work.FLOPs == 0 {
		t.Errorf("ours is %+v", s)
	}
	torch[0].about.Parameters++
	if _, err := r.race(t.Context(), bench.W1(), kernels.TF32, torch[:1]); err == nil || !strings.Contains(err.Error(), "the two are not the same") {
		t.Errorf("beside another model it says %v", err)
	}
}

// TestPeersAreAsked lets a shell speak as PyTorch does: of W1 eager steps that answer and
// compiled ones that break off, of W2 none that is ever ready, and of W3 none at all.
func TestPeersAreAsked(t *testing.T) {
	folder := t.TempDir()
	script := "#!/bin/sh\ncase $2-$6 in\n" +
		`W1-eager) echo '{"parameters": 7, "modes": {"fp32": ["eager, fp32"]}}'; while read line; do echo '{"host_ms": [2, 3], "queued_ms": 1}'; done ;;` + "\n" +
		"W1-compiled) echo out of memory >&2 ;;\nW2-*) read line ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(folder, "python3"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	r := told(t)
	r.folder, r.patience = folder, 24*time.Hour
	r.startPeers(t.Context())
	if r.absent != nil || len(r.torch) != 3 {
		t.Fatalf("those started are %v (%v), want W1, W2 and W3", r.torch, r.absent)
	}
	<-r.torch[0].ready
	<-r.torch[2].ready
	if r.peersAreReady() {
		t.Error("W2 seems to be ready")
	}
	r.torch = append(r.torch[:1], r.torch[2]) // W2 would be waited for until tomorrow
	figures, err := r.awaitPeers(t.Context())
	if err == nil || !strings.Contains(err.Error(), "compiled bf16 of W1") || !strings.Contains(err.Error(), "eager fp32,tf32,bf16 of W3") {
		t.Errorf("of W1 %v are ready, and it is said: %v", figures, err)
	}
	defer r.stopPeers()
	ready := r.torchOf(bench.W1())
	if len(ready) != 1 || len(r.torchOf(bench.W3())) > 0 {
		t.Fatalf("%v are ready of W1, want one, and none of W3", ready)
	}
	for range 2 {
		if a, err := ready[0].ask(t.Context(), question{Mode: "eager, fp32", Seconds: 1}); err != nil || fmt.Sprint(a.Host, a.Queued) != "[2 3] 1" {
			t.Errorf("the answer is %v, %v", a, err)
		}
	}
}
