package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
)

// Sheet is a contact sheet: rows of images of one height and width, which may
// differ in channels.
type Sheet struct {
	Rows []Row
	// Columns are captions above the images of a row, if any; none may be wider
	// than an image.
	Columns []string
	// Scale is the whole factor by which images are enlarged. 0 chooses the
	// least that makes them visible, at least 84 pixels high and wide.
	Scale int
}

const (
	visible = 84      // pixels that an image should have, at least
	gap     = 4       // pixels between images
	head    = 20      // pixels of the captions of columns
	margin  = 12      // pixels around everything, and beside the captions
	largest = 1 << 26 // pixels of a sheet: 256 MiB in memory
)

var (
	paper = color.RGBA{250, 250, 248, 255}
	ink   = color.RGBA{60, 60, 60, 255}
)

// PNG writes the sheet.
func (s Sheet) PNG(w io.Writer) error {
	canvas, err := s.Draw()
	if err != nil {
		return err
	}
	if err := png.Encode(w, canvas); err != nil {
		return fmt.Errorf("picture: writing the PNG: %w", err)
	}
	return nil
}

// Draw returns the sheet as an image: captions in a column on the left, the
// rows beside them.
func (s Sheet) Draw() (*image.RGBA, error) {
	height, width, longest, err := checkRows(s.Rows)
	if err != nil {
		return nil, err
	}
	if s.Scale < 0 {
		return nil, fmt.Errorf("picture: the scale is %d, want a whole factor, or 0 to choose one", s.Scale)
	}
	scale := s.Scale
	if scale == 0 {
		scale = (visible-1)/min(height, width, visible) + 1
	}
	if scale > largest || height > largest/scale || width > largest/scale {
		return nil, tooLarge(scale)
	}
	height, width = height*scale, width*scale
	left := s.captionWidth() // with its margin
	across := 2*margin + left + longest*(width+gap) - gap
	above := margin
	if len(s.Columns) > 0 {
		above += head
	}
	down := above + len(s.Rows)*(height+gap) - gap + margin
	if across > largest/down {
		return nil, tooLarge(scale)
	}
	canvas := image.NewRGBA(image.Rect(0, 0, across, down))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	for j, caption := range s.Columns[:min(longest, len(s.Columns))] {
		x := margin + left + j*(width+gap) + (width-textWidth(caption))/2
		write(canvas, caption, x, margin+head/2-gap/2)
	}
	for i, row := range s.Rows {
		top := above + i*(height+gap)
		write(canvas, row.Caption, margin, top+height/2)
		for j, m := range row.Images {
			paint(canvas, m, margin+left+j*(width+gap), top, scale)
		}
	}
	return canvas, nil
}

func tooLarge(scale int) error {
	return fmt.Errorf("picture: at scale %d the sheet has more than %d million pixels; take fewer images or a smaller scale", scale, largest>>20)
}

// captionWidth is the column that the longest caption needs, 0 if there are
// none.
func (s Sheet) captionWidth() int {
	widest := 0
	for _, row := range s.Rows {
		widest = max(widest, textWidth(row.Caption))
	}
	if widest == 0 {
		return 0
	}
	return widest + margin
}

func textWidth(text string) int {
	return font.MeasureString(inconsolata.Regular8x16, text).Ceil()
}

// write puts text to the right of x, its small letters centred on y.
func write(canvas draw.Image, text string, x, y int) {
	writeIn(inconsolata.Regular8x16, canvas, ink, text, x, y)
}

func writeIn(face font.Face, canvas draw.Image, c color.Color, text string, x, y int) {
	const smallLetter = 8 // pixels high in this face
	drawer := font.Drawer{Dst: canvas, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y+smallLetter/2)}
	drawer.DrawString(text)
}

// paint puts the image at x, y, each pixel scale·scale large.
func paint(canvas *image.RGBA, m Image, x, y, scale int) {
	for row := range m.H {
		for column := range m.W {
			square := image.Rect(0, 0, scale, scale).Add(image.Pt(x+column*scale, y+row*scale))
			draw.Draw(canvas, square, image.NewUniform(m.colour(row, column)), image.Point{}, draw.Src)
		}
	}
}
