package graph

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"hourglass/internal/repository"
)

// passRow is a row of the table of passes in docs/plan.md.
var passRow = regexp.MustCompile(`(?m)^\| ([a-z ]+) \| (GPU only: )?`)

// TestThePageListsThePasses wants docs/plan.md to name the passes in the order in
// which they run, and those that run on GPUs alone.
func TestThePageListsThePasses(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository.Root(t), "docs", "plan.md"))
	if err != nil {
		t.Fatal(err)
	}
	var page, want []string
	for _, row := range passRow.FindAllStringSubmatch(string(text), -1)[1:] { // behind the table's head
		page = append(page, row[2]+row[1])
	}
	for _, p := range passes {
		name := p.name
		if p.onGPU {
			name = "GPU only: " + name
		}
		want = append(want, name)
	}
	if !slices.Equal(page, want) {
		t.Errorf("docs/plan.md has the passes\n%q, want\n%q", page, want)
	}
}
