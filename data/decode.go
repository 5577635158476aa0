package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

const (
	// MaxPixels is the largest picture that is decoded, 64 megapixels; a
	// larger one is refused by its header.
	MaxPixels = 64 << 20
	// fileBytes is the largest file of one picture that is read.
	fileBytes = 256 << 20
)

// pixelsPerByte is the most pixels that one byte of a file can stand for,
// where the format sets a limit. PNG: deflate, 1 bit a pixel. GIF: the longest
// LZW code has 12 bits and stands for 3840 pixels. JPEG: one bit for each
// block of 64. BMP: 1 bit a pixel. A solid WebP or TIFF can be of any size.
var pixelsPerByte = map[string]int{"png": 8 * deflateRatio, "gif": 3840, "jpeg": 8 * 64, "bmp": 8}

// picture is what a header tells of an image file.
type picture struct {
	format string
	w, h   int // as stored
	orientation
	grey bool
}

// parsePicture reads the header of an image file and refuses what is larger
// than most pixels or than the file can hold.
func parsePicture(file []byte, most int) (p picture, err error) {
	defer recovered(&err)
	config, format, err := decodeConfig(file)
	if err != nil {
		return p, unreadable(err)
	}
	p = picture{format: format, w: config.Width, h: config.Height, orientation: 1}
	if p.w < 1 || p.h < 1 {
		return p, fmt.Errorf("the header says %d x %d pixels", p.w, p.h)
	}
	if p.w > most/p.h {
		return p, fmt.Errorf("%d x %d pixels are more than the %d that are decoded; make the picture smaller", p.w, p.h, most)
	}
	if limit, ok := pixelsPerByte[format]; ok && p.w*p.h > limit*len(file) {
		return p, fmt.Errorf("%d x %d pixels cannot be in a file of %d bytes", p.w, p.h, len(file))
	}
	p.grey = config.ColorModel == color.GrayModel || config.ColorModel == color.Gray16Model
	if format == "jpeg" {
		p.orientation = jpegOrientation(file)
	}
	return p, nil
}

// shape is that of the upright picture.
func (p picture) shape() Shape {
	s := Shape{C: 3, H: p.h, W: p.w}
	if p.grey {
		s.C = 1
	}
	if p.turned() {
		s.H, s.W = s.W, s.H
	}
	return s
}

// decodePicture decodes an image file, turns it upright, lays it over a
// background, scales it until it covers the shape, cuts what sticks out at
// both sides and writes its bytes, H,W,C. Of samples of 16 bits the upper 8
// are kept. It allocates at most 64 bytes for each pixel of a header that
// promises no more than most, 32 times the file, and 24 MB, most of which only
// the TIFF decoder takes; that one also reads strip after strip, which a
// hostile file can let overlap, anew.
func decodePicture(dst, file []byte, shape Shape, background uint8, most int) (err error) {
	p, err := parsePicture(file, most)
	if err != nil {
		return err
	}
	defer recovered(&err)
	decoded, err := decode(file)
	if err != nil {
		return unreadable(err)
	}
	stored := image.Pt(shape.W, shape.H)
	if p.turned() {
		stored = image.Pt(shape.H, shape.W)
	}
	fitted := fit(decoded, image.Rect(0, 0, p.w, p.h), stored, background)
	writePixels(dst, p.upright(fitted), shape)
	return nil
}

// DecodePicture decodes a picture that a stranger sent, PNG, JPEG, GIF, WebP or
// BMP, and fits it to a shape: H·W·C values in [0,1]. It refuses pictures of
// more than most pixels by their header. TIFF is for files of one's own: it lets
// a small file take long.
func DecodePicture(file []byte, shape Shape, most int) ([]float32, error) {
	if isTIFF(file) {
		return nil, errors.New("TIFF is not read here; send PNG, JPEG, GIF, WebP or BMP")
	}
	if err := shape.Check(); err != nil {
		return nil, err
	}
	pixels := make([]byte, shape.Size())
	if err := decodePicture(pixels, file, shape, 0, min(most, MaxPixels)); err != nil {
		return nil, err
	}
	image := make([]float32, len(pixels))
	toUnit(image, pixels)
	return image, nil
}

// isTIFF recognises both byte orders. The TIFF decoder reads at any place, but
// behind image.Decode it would not see that it can, and copy 10 MB at a time.
func isTIFF(file []byte) bool {
	return bytes.HasPrefix(file, []byte("II*\x00")) || bytes.HasPrefix(file, []byte("MM\x00*"))
}

func decodeConfig(file []byte) (image.Config, string, error) {
	if isTIFF(file) {
		config, err := tiff.DecodeConfig(bytes.NewReader(file))
		return config, "tiff", err
	}
	return image.DecodeConfig(bytes.NewReader(file))
}

func decode(file []byte) (image.Image, error) {
	if isTIFF(file) {
		return tiff.Decode(bytes.NewReader(file))
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	return picture, err
}

// recovered turns the panic of a decoder into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the picture cannot be decoded: %v", r)
	}
}

func unreadable(err error) error {
	if errors.Is(err, image.ErrFormat) {
		return errors.New("the file is not a PNG, JPEG, GIF, BMP, WebP or TIFF picture")
	}
	return fmt.Errorf("the picture cannot be decoded: %w", err)
}

// fit lays a picture over a grey background the size of its canvas (the frame
// of a GIF can be smaller), and scales its middle, of the aspect ratio of
// size, to size. Catmull and Rom's cubic, widened where it shrinks, keeps
// edges sharp without moiré; a picture of the right size is copied.
func fit(src image.Image, canvas image.Rectangle, size image.Point, background uint8) *image.RGBA {
	middle := middleOf(canvas, size)
	cut := image.NewRGBA(image.Rectangle{Max: middle.Size()})
	draw.Draw(cut, cut.Rect, image.NewUniform(color.Gray{Y: background}), image.Point{}, draw.Src)
	within := src.Bounds().Intersect(middle)
	draw.Draw(cut, within.Sub(middle.Min), src, within.Min, draw.Over)
	if cut.Rect.Max == size {
		return cut
	}
	scaled := image.NewRGBA(image.Rectangle{Max: size})
	xdraw.CatmullRom.Scale(scaled, scaled.Rect, cut, cut.Rect, xdraw.Src, nil)
	return scaled
}

// middleOf is the largest centred part of a canvas that has the aspect ratio
// of size.
func middleOf(canvas image.Rectangle, size image.Point) image.Rectangle {
	w, h := canvas.Dx(), canvas.Dy()
	if w*size.Y > h*size.X {
		w = max((h*size.X+size.Y/2)/size.Y, 1)
	} else {
		h = max((w*size.Y+size.X/2)/size.X, 1)
	}
	corner := canvas.Min.Add(image.Pt((canvas.Dx()-w)/2, (canvas.Dy()-h)/2))
	return image.Rectangle{corner, corner.Add(image.Pt(w, h))}
}

// writePixels writes opaque pixels as bytes, in colour or as luma.
func writePixels(dst []byte, src *image.RGBA, s Shape) {
	for i := range s.H * s.W {
		pixel := src.Pix[4*i : 4*i+3 : 4*i+3]
		if s.C == 3 {
			copy(dst[3*i:], pixel)
			continue
		}
		// ITU-R BT.601 in 16 binary places; the weights add up to 1.
		dst[i] = byte((19595*uint32(pixel[0]) + 38470*uint32(pixel[1]) + 7471*uint32(pixel[2]) + 1<<15) >> 16)
	}
}
