package picture

import (
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
)

// Image is H·W pixels of C values each, 1 (grey) or 3 (red, green, blue).
type Image struct {
	H, W, C int
	Pixels  []float32 // [H][W][C]
}

// Row is some images side by side under one caption, which may be empty.
type Row struct {
	Caption string
	Images  []Image
}

// check says what is wrong with the image, or nil.
func (m Image) check() error {
	switch {
	case m.H < 1 || m.W < 1 || m.C != 1 && m.C != 3:
		return fmt.Errorf("picture: an image of %dx%dx%d, want at least one pixel and 1 or 3 channels", m.H, m.W, m.C)
	case len(m.Pixels)/m.C/m.W != m.H || len(m.Pixels)%(m.C*m.W) != 0: // by division: nothing overflows
		return fmt.Errorf("picture: an image of %dx%dx%d has %d values", m.H, m.W, m.C, len(m.Pixels))
	}
	return nil
}

// checkRows proves that there are images and that they are of one height and
// width, which it returns with the number of images in the longest row.
func checkRows(rows []Row) (height, width, longest int, err error) {
	for _, row := range rows {
		longest = max(longest, len(row.Images))
		for i, m := range row.Images {
			if err := m.check(); err != nil {
				return 0, 0, 0, fmt.Errorf("%w (row %q, image %d)", err, row.Caption, i)
			}
			if height == 0 {
				height, width = m.H, m.W
			}
			if m.H != height || m.W != width {
				return 0, 0, 0, fmt.Errorf("picture: row %q, image %d is %dx%d, want %dx%d like the first", row.Caption, i, m.H, m.W, height, width)
			}
		}
	}
	if longest == 0 {
		return 0, 0, 0, fmt.Errorf("picture: %d rows without images, want at least one image", len(rows))
	}
	return height, width, longest, nil
}

// Difference is the grey image of |a − b|, averaged over channels and
// multiplied by gain, since good reconstructions differ by little.
func Difference(a, b Image, gain float32) (Image, error) {
	if err := alike(a, b); err != nil {
		return Image{}, err
	}
	d := Image{H: a.H, W: a.W, C: 1, Pixels: make([]float32, a.H*a.W)}
	for i := range a.Pixels {
		d.Pixels[i/a.C] += gain * float32(math.Abs(float64(a.Pixels[i]-b.Pixels[i]))) / float32(a.C)
	}
	return d, nil
}

// PNG writes the image alone, at its own size, grey if it has one channel.
func (m Image) PNG(w io.Writer) error {
	canvas, err := m.Raster()
	if err != nil {
		return err
	}
	if err := png.Encode(w, canvas); err != nil {
		return fmt.Errorf("picture: writing the PNG: %w", err)
	}
	return nil
}

// alike proves that two images can be compared.
func alike(a, b Image) error {
	for _, m := range []Image{a, b} {
		if err := m.check(); err != nil {
			return err
		}
	}
	if a.H != b.H || a.W != b.W || a.C != b.C {
		return fmt.Errorf("picture: the difference of %dx%dx%d and %dx%dx%d, want equal sizes", a.H, a.W, a.C, b.H, b.W, b.C)
	}
	return nil
}

// colour is the pixel at row y and column x.
func (m Image) colour(y, x int) color.RGBA {
	at := (y*m.W + x) * m.C
	if m.C == 1 {
		return shade(m.Pixels[at], m.Pixels[at], m.Pixels[at])
	}
	return shade(m.Pixels[at], m.Pixels[at+1], m.Pixels[at+2])
}

// luma is the brightness of the pixel at row y and column x by Rec. 709: what
// the eye makes of red, green and blue.
func (m Image) luma(y, x int) float32 {
	at := (y*m.W + x) * m.C
	if m.C == 1 {
		return m.Pixels[at]
	}
	return 0.2126*m.Pixels[at] + 0.7152*m.Pixels[at+1] + 0.0722*m.Pixels[at+2]
}

func shade(r, g, b float32) color.RGBA {
	if r != r || g != g || b != b {
		return color.RGBA{R: 255, B: 255, A: 255}
	}
	return color.RGBA{level(r), level(g), level(b), 255}
}

func level(value float32) uint8 { return uint8(min(max(value, 0), 1)*255 + 0.5) }

// resize returns the image at h·w pixels, each the mean of the area it covers.
func (m Image) resize(h, w int) Image {
	if h == m.H && w == m.W {
		return m
	}
	small := Image{H: h, W: w, C: m.C, Pixels: make([]float32, h*w*m.C)}
	down, across := cover(m.H, h), cover(m.W, w)
	for y := range h {
		for x := range w {
			pixel := small.Pixels[(y*w+x)*m.C:][:m.C]
			for _, v := range down[y] {
				for _, u := range across[x] {
					for c := range pixel {
						pixel[c] += v.share * u.share * m.Pixels[(v.at*m.W+u.at)*m.C+c]
					}
				}
			}
		}
	}
	return small
}

// part is the share that one old pixel has in a new one.
type part struct {
	at    int
	share float32
}

// cover says for each of n new pixels in a line which of the old ones it covers.
func cover(old, n int) [][]part {
	parts := make([][]part, n)
	for i := range parts {
		begin, end := float64(i*old)/float64(n), float64((i+1)*old)/float64(n)
		for at := int(begin); at < old && float64(at) < end; at++ {
			share := min(end, float64(at+1)) - max(begin, float64(at))
			parts[i] = append(parts[i], part{at, float32(share / (end - begin))})
		}
	}
	return parts
}
