package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Colours is how many colours may be shown.
type Colours int

const (
	NoColours  Colours = iota // plain text only
	Palette256                // xterm's 256
	TrueColour                // 24 bits
)

// ordinaryWidth is assumed where no width can be had.
const ordinaryWidth = 80

// Terminal is where text goes, and what may be done there. The zero values of
// all fields but Out stand for a pipe.
type Terminal struct {
	Out     io.Writer
	Live    bool       // lines can be redrawn
	Colours Colours    // NoColours unless Live
	Columns func() int // nil or less than 1: unknown
	Now     func() time.Time
}

// Detect finds out what file is. lookup is os.LookupEnv; it is asked for
// NO_COLOR (https://no-color.org), TERM and COLORTERM.
func Detect(file *os.File, lookup func(string) (string, bool)) *Terminal {
	descriptor := int(file.Fd())
	t := &Terminal{Out: file, Now: time.Now}
	kind, _ := lookup("TERM")
	if !term.IsTerminal(descriptor) || kind == "dumb" {
		return t
	}
	t.Live = true
	t.Colours = colours(kind, lookup)
	t.Columns = func() int { // asked anew each time: windows change
		width, _, err := term.GetSize(descriptor)
		if err != nil {
			return 0
		}
		return width
	}
	return t
}

// colours is what a live terminal of the given kind can show.
func colours(kind string, lookup func(string) (string, bool)) Colours {
	refused, _ := lookup("NO_COLOR")
	depth, _ := lookup("COLORTERM")
	switch {
	case refused != "" || kind == "":
		return NoColours
	case depth == "truecolor" || depth == "24bit" || strings.HasSuffix(kind, "-direct"):
		return TrueColour
	default:
		return Palette256
	}
}

// Width is the number of columns.
func (t *Terminal) Width() int {
	if t.Columns != nil {
		if width := t.Columns(); width > 0 {
			return width
		}
	}
	return ordinaryWidth
}

// Println writes lines as they are.
func (t *Terminal) Println(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(t.Out, line)
	}
}

// bold sets text off where colours, and so escape sequences, are welcome.
func (t *Terminal) bold(text string) string {
	if t.Colours == NoColours || text == "" {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

func (t *Terminal) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}
