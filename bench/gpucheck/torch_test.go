package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hourglass/bench"
)

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
	if err == nil || !strings.Contains(err.Error(), "compiled of W1") || !strings.Contains(err.Error(), "eager of W3") {
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
