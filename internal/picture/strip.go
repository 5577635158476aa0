package picture

import (
	"fmt"
	"image/color"
	"strings"

	"hourglass/internal/terminal"
)

const (
	// fewestColumns is what an image is not shrunk below; rather, fewer images
	// of a row are shown.
	fewestColumns = 14
	ramp          = " .:-=+*#%@" // dark to bright, for light text on dark
	reset         = "\x1b[0m"
)

// Strip returns rows of images as lines of text at most width columns wide,
// without line ends: half blocks of two colours each, or, without colours,
// characters that differ in how much they cover. Images are shrunk to fit, and
// images beyond the width are left out, the same in each row.
func Strip(rows []Row, width int, colours terminal.Colours) ([]string, error) {
	imageHeight, imageWidth, longest, err := checkRows(rows)
	if err != nil {
		return nil, err
	}
	if width < 1 {
		return nil, fmt.Errorf("picture: a strip of %d columns, want at least 1", width)
	}
	columns := min(imageWidth, width, max((width+1)/longest-1, fewestColumns))
	count := (width + 1) / (columns + 1)
	lines := max(1, (imageHeight*columns+imageWidth)/(2*imageWidth)) // a character is twice as high as wide
	var strip []string
	for _, row := range rows {
		if row.Caption != "" {
			strip = append(strip, fit(row.Caption, width))
		}
		shown := row.Images[:min(count, len(row.Images))]
		if colours == terminal.NoColours {
			strip = append(strip, characters(shown, lines, columns)...)
		} else {
			strip = append(strip, halfBlocks(shown, lines, columns, colours)...)
		}
	}
	return strip, nil
}

// fit cuts a caption to the width and to what can be printed in one line.
func fit(caption string, width int) string {
	letters := []rune(strings.Join(strings.Fields(caption), " "))
	for i, letter := range letters {
		if letter < ' ' || letter == 0x7f {
			letters[i] = '?'
		}
	}
	return string(letters[:min(len(letters), width)])
}

// halfBlocks draws each image with the upper half block, whose foreground is
// the upper of two pixels and whose background the lower.
func halfBlocks(images []Image, lines, columns int, colours terminal.Colours) []string {
	images, drawn := resizeAll(images, 2*lines, columns), make([]string, lines)
	for y := range drawn {
		var line strings.Builder
		for i, m := range images {
			if i > 0 {
				line.WriteString(reset + " ")
			}
			upper, lower := "", "" // as set in the terminal
			for x := range columns {
				up, low := code(m.colour(2*y, x), 38, colours), code(m.colour(2*y+1, x), 48, colours)
				if up != upper {
					line.WriteString(up)
				}
				if low != lower {
					line.WriteString(low)
				}
				upper, lower = up, low
				line.WriteString("▀")
			}
		}
		drawn[y] = line.String() + reset
	}
	return drawn
}

// code is the escape sequence that sets a colour, the foreground with 38 or the
// background with 48.
func code(c color.RGBA, ground int, colours terminal.Colours) string {
	if colours == terminal.TrueColour {
		return fmt.Sprintf("\x1b[%d;2;%d;%d;%dm", ground, c.R, c.G, c.B)
	}
	return fmt.Sprintf("\x1b[%d;5;%dm", ground, palette(c))
}

// palette is one of xterm's 256 colours: 16 to 231 are a cube of six levels a
// side, 232 to 255 greys. The greys are four times as dense, so that the
// nearest colour by distance would often be one: they must be twice as near,
// or dull photographs lose what colour they have.
func palette(c color.RGBA) int {
	var steps [3]int
	var cube, grey int // squared distances
	mean := (int(c.R) + int(c.G) + int(c.B)) / 3
	shade := min(max((mean-3)/10, 0), 23)
	for i, value := range [3]uint8{c.R, c.G, c.B} {
		steps[i] = side(int(value))
		offCube, offGrey := int(value)-sides[steps[i]], int(value)-(8+10*shade)
		cube += offCube * offCube
		grey += offGrey * offGrey
	}
	if 2*2*grey < cube {
		return 232 + shade
	}
	return 16 + 36*steps[0] + 6*steps[1] + steps[2]
}

// sides are the levels of red, green and blue in the cube.
var sides = [6]int{0, 95, 135, 175, 215, 255}

// side is the index of the nearest of the sides.
func side(value int) int {
	if value < 48 {
		return 0
	}
	return max(1, (value-35)/40)
}

// characters draws each image by how much of its cell a character covers.
func characters(images []Image, lines, columns int) []string {
	images, drawn := resizeAll(images, lines, columns), make([]string, lines)
	for y := range drawn {
		var line strings.Builder
		for i, m := range images {
			if i > 0 {
				line.WriteByte(' ')
			}
			for x := range columns {
				line.WriteByte(character(m.luma(y, x)))
			}
		}
		drawn[y] = strings.TrimRight(line.String(), " ")
	}
	return drawn
}

func character(luma float32) byte {
	if luma != luma {
		return '?'
	}
	return ramp[int(min(max(luma, 0), 1)*float32(len(ramp)-1)+0.5)]
}

func resizeAll(images []Image, h, w int) []Image {
	resized := make([]Image, len(images))
	for i, m := range images {
		resized[i] = m.resize(h, w)
	}
	return resized
}
