package picture

import (
	"fmt"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"hourglass/internal/terminal"
)

func strip(t *testing.T, rows []Row, width int, colours terminal.Colours) []string {
	t.Helper()
	lines, err := Strip(rows, width, colours)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestTrueColourStrip(t *testing.T) {
	m := Image{H: 4, W: 2, C: 3, Pixels: []float32{
		1, 0, 0, 1, 0, 0,
		0, 1, 0, 0, 0, 1,
		0, 0, 0, 1, 1, 1,
		0, 0, 0, 0, 0, 0,
	}}
	got := strip(t, []Row{{"in", []Image{m, m}}}, 80, terminal.TrueColour)
	upper := "\x1b[38;2;255;0;0m\x1b[48;2;0;255;0m▀\x1b[48;2;0;0;255m▀" // equal colours are not set twice
	lower := "\x1b[38;2;0;0;0m\x1b[48;2;0;0;0m▀\x1b[38;2;255;255;255m▀"
	want := []string{"in", upper + "\x1b[0m " + upper + "\x1b[0m", lower + "\x1b[0m " + lower + "\x1b[0m"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestPaletteStrip(t *testing.T) {
	got := strip(t, []Row{{"", []Image{{H: 2, W: 1, C: 1, Pixels: []float32{1, 0.5}}}}}, 80, terminal.Palette256)
	if want := []string{"\x1b[38;5;231m\x1b[48;5;244m▀\x1b[0m"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPalette(t *testing.T) {
	for c, want := range map[color.RGBA]int{
		{0, 0, 0, 255}:       16,
		{255, 255, 255, 255}: 231,
		{255, 0, 0, 255}:     196,
		{0, 0, 255, 255}:     21,
		{128, 128, 128, 255}: 244,
		{8, 8, 8, 255}:       232,
		{95, 135, 175, 255}:  67,
		{40, 40, 40, 255}:    235,
		{200, 215, 230, 255}: 188, // a pale sky is no grey
		{238, 238, 238, 255}: 255,
	} {
		if got := palette(c); got != want {
			t.Errorf("%v is colour %d, want %d", c, got, want)
		}
	}
	for value := range 256 {
		for _, level := range sides {
			if near := sides[side(value)]; abs(value-level) < abs(value-near) {
				t.Errorf("level %d becomes %d, but %d is nearer", value, near, level)
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestPlainStrip(t *testing.T) {
	m := Image{H: 4, W: 4, C: 1, Pixels: []float32{
		0, 1, 0.5, 0,
		0, 1, 0.5, 0,
		0, 0, float32(math.NaN()), 0,
		0, 1, 0, 0,
	}}
	got := strip(t, []Row{{"evil\x1b[2J\n caption", []Image{m, m}}}, 80, terminal.NoColours)
	want := []string{"evil?[2J caption", " @+   @+", " +?   +?"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestStripFitsTheTerminal(t *testing.T) {
	eight := slices.Repeat([]Image{plain(28, 28, 1, 1)}, 8)
	rows := []Row{{strings.Repeat("caption", 10), eight}, {"", eight[:3]}}
	for colours := terminal.NoColours; colours <= terminal.TrueColour; colours++ {
		for width := 1; width < 300; width++ {
			for _, line := range strip(t, rows, width, colours) {
				if got := utf8.RuneCountInString(escapes.ReplaceAllString(line, "")); got > width {
					t.Fatalf("colours %d: a line takes %d of %d columns", colours, got, width)
				}
			}
		}
	}
}

func TestStripChoosesSizeAndNumber(t *testing.T) {
	for _, c := range []struct{ side, images, width, columns, shown, lines int }{
		{28, 8, 80, 14, 5, 7},   // rather fewer than smaller
		{28, 4, 80, 19, 4, 10},  // as large as fits; 28·19/28/2 = 9.5
		{28, 2, 80, 28, 2, 14},  // no larger than they are
		{16, 8, 200, 16, 8, 8},  // all
		{28, 8, 10, 10, 1, 5},   // narrower than an image should be
		{300, 1, 80, 80, 1, 40}, // large images fill the width
		{1, 1, 80, 1, 1, 1},     // half a line is a line
		{100, 8, 120, 14, 8, 7}, // (120+1)/8 - 1 = 14
	} {
		images := slices.Repeat([]Image{plain(c.side, c.side, 1, 1)}, c.images)
		got := strip(t, []Row{{"", images}}, c.width, terminal.NoColours)
		want := strings.TrimSpace(strings.Repeat(strings.Repeat("@", c.columns)+" ", c.shown))
		if len(got) != c.lines || got[0] != want {
			t.Errorf("%+v: got %d lines of\n%s", c, len(got), got[0])
		}
	}
	if _, err := Strip([]Row{{"", []Image{plain(1, 1, 1, 1)}}}, 0, terminal.NoColours); err == nil {
		t.Error("a strip of no columns passed")
	}
}

func ExampleStrip() {
	ring := Image{H: 8, W: 8, C: 1, Pixels: make([]float32, 64)}
	for i := range ring.Pixels {
		distance := math.Hypot(float64(i/8)-3.5, float64(i%8)-3.5)
		ring.Pixels[i] = float32(1 - math.Abs(distance-2.5)/1.5)
	}
	lines, err := Strip([]Row{{"a ring, twice", []Image{ring, ring}}}, 40, terminal.NoColours)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(lines, "\n"))
	// Output:
	// a ring, twice
	//   =**=     =**=
	// :%+..+%: :%+..+%:
	// :%+..+%: :%+..+%:
	//   =**=     =**=
}
