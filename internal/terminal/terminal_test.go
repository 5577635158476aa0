package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, found := values[name]
		return value, found
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := Detect(file, environment(map[string]string{"TERM": "xterm", "COLORTERM": "truecolor"}))
	if got.Live || got.Colours != NoColours || got.Width() != 80 {
		t.Errorf("a file is live %t with colours %d and %d columns, want a plain one of 80", got.Live, got.Colours, got.Width())
	}
}

func TestColours(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		want   Colours
	}{
		"true colour":    {map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, TrueColour},
		"24 bits":        {map[string]string{"TERM": "xterm", "COLORTERM": "24bit"}, TrueColour},
		"direct":         {map[string]string{"TERM": "xterm-direct"}, TrueColour},
		"palette":        {map[string]string{"TERM": "xterm-256color"}, Palette256},
		"refused":        {map[string]string{"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, NoColours},
		"empty NO_COLOR": {map[string]string{"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": ""}, TrueColour},
		"unknown":        {map[string]string{}, NoColours},
	} {
		if got := colours(c.values["TERM"], environment(c.values)); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestWidth(t *testing.T) {
	for columns, want := range map[int]int{0: 80, -1: 80, 40: 40, 200: 200} {
		terminal := &Terminal{Out: &bytes.Buffer{}, Columns: func() int { return columns }}
		if got := terminal.Width(); got != want {
			t.Errorf("%d columns gave %d, want %d", columns, got, want)
		}
	}
}
