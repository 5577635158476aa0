package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestManual writes a page for each command, with its flags in it.
func TestManual(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man")
	wants(t, must(t, "manual", "-o", folder), "manual pages, written to "+folder)
	for page, texts := range map[string][]string{
		"hourglass.1":             {`.B train`, `.B data`, ".B hourglass\n<command>"},
		"hourglass-data-export.1": {".B hourglass\ndata export", `\-\-count`},
		"hourglass-serve.1":       {".PP\n.nf\n    hourglass serve last\n", ".fi\n.PP\nPOST /v1/encode", `[[0, 0, \[u2026]]]`},
		"hourglass-completion.1":  {".PP\nExamples:\n.PP\n.nf\n    source <(hourglass completion bash)"},
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
	pages, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	for _, page := range pages {
		if foreign := bytes.IndexFunc(read(t, page), func(r rune) bool { return r >= utf8.RuneSelf }); foreign >= 0 {
			t.Errorf("%s has other characters than ASCII's, the first at byte %d", page, foreign)
		}
	}
}
