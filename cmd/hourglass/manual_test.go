package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManual writes a page for each command, with its flags in it.
func TestManual(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man")
	wants(t, must(t, "manual", "-o", folder), "manual pages, written to "+folder)
	for page, texts := range map[string][]string{
		"hourglass.1":             {`.B train`, `.B data`, ".B hourglass\n<command>"},
		"hourglass-data-export.1": {".B hourglass\ndata export", `\-\-count`},
		"hourglass-serve.1":       {".PP\n.nf\n    hourglass serve last\n", ".fi\n.PP\nPOST /v1/encode"},
		"hourglass-sample.1":      {".B hourglass\nsample <run>", `\-\-count`, "hourglass sample last"},
	} {
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range texts {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not hold %q", page, want)
			}
		}
	}
}
