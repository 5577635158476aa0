package terminal

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	terminal := &Terminal{Out: &bytes.Buffer{}}
	got := terminal.Lines(Table{
		Title: "verdict",
		Head:  []string{"", "nats/img", "note"},
		Rows: [][]string{
			{"model", "31.2", "learning"},
			{"größe 漢字", "–"},
			{"PCA-8", "144.9", "evil\x1b[2J\nname"},
		},
	})
	want := []string{
		"verdict",
		"            nats/img  note",
		"───────────────────────────────────",
		"model           31.2  learning",
		"größe 漢字         –",
		"PCA-8          144.9  evil?[2J?name",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTableOfNothing(t *testing.T) {
	terminal := &Terminal{Out: &bytes.Buffer{}}
	if got := terminal.Lines(Table{}); len(got) != 0 {
		t.Errorf("an empty table has lines %q, want none", got)
	}
	if got := terminal.Lines(Table{Title: "x"}); !slices.Equal(got, []string{"x", "─"}) {
		t.Errorf("a title alone gave %q", got)
	}
}

func TestBoldOnlyWithColours(t *testing.T) {
	table := Table{Title: "verdict", Rows: [][]string{{"a"}}}
	for colours, want := range map[Colours]string{NoColours: "verdict", Palette256: "\x1b[1mverdict\x1b[0m"} {
		terminal := &Terminal{Out: &bytes.Buffer{}, Live: true, Colours: colours}
		if got := terminal.Lines(table)[0]; got != want {
			t.Errorf("with colours %d the title is %q, want %q", colours, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"}, {"longer", 5, "long…"}, {"漢字漢", 6, "漢字漢"}, {"漢字漢", 5, "漢字…"},
		{"漢字漢", 4, "漢…"}, {"ab", 1, "…"}, {"ab", 0, ""}, {"ab", -3, ""}, {"", 0, ""},
	} {
		if got := cut(c.text, c.limit); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func ExampleTerminal_Lines() {
	terminal := &Terminal{Out: os.Stdout}
	for _, line := range terminal.Lines(Table{
		Head: []string{"on the test images", "nats/img"},
		Rows: [][]string{{"model", "31.2"}, {"PCA-8", "44.9"}, {"mean image", "96.0"}},
	}) {
		fmt.Println(line)
	}
	// Output:
	// on the test images  nats/img
	// ────────────────────────────
	// model                   31.2
	// PCA-8                   44.9
	// mean image              96.0
}
