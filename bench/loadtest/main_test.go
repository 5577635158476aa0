package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hourglass/internal/repository"
)

// What `make loadtest` prints has a row for each endpoint, batch size and number
// of clients, and a server of batches of one never joins requests.
func TestTable(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and trains")
	}
	folder := t.TempDir()
	p := plan{program: filepath.Join(folder, "hourglass"), preset: "glyphs:1x12x12,n=160,test=16/mlp", endpoints: []string{"encode", "decode", "reconstruct", "score"},
		batches: []int{1, 4}, clients: []int{1, 3}, period: 30 * time.Millisecond}
	build := exec.Command("go", "build", "-o", p.program, "./cmd/hourglass")
	build.Dir = repository.Root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := p.train(folder); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := p.table(&text); err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\w+) \| (\d) \| (\d) \| \d+ \| ([0-9.]+) \| [0-9.]+ \| ([0-9.]+) \|$`).FindAllStringSubmatch(text.String(), -1)
	if len(rows) != 4*2*2 {
		t.Fatalf("%d rows, want 16, of\n%s", len(rows), text.String())
	}
	for _, row := range rows {
		if row[4] == "0.00" || row[2] == "1" && row[5] != "1.0" {
			t.Errorf("the row %q", row[0])
		}
	}
	p.endpoints = []string{"draw"}
	if err := p.table(&text); err == nil {
		t.Error("an endpoint that is not there is measured")
	}
}
