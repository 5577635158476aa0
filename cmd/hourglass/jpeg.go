package main

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"sort"

	"hourglass/internal/picture"
)

// jpegFiles is what JPEG makes of images.
type jpegFiles struct {
	Quality int     `json:"quality"` // 1 to 100
	Bytes   int     `json:"bytes"`   // of all files
	MSE     float64 `json:"mse"`     // in eight bits, 1 being white
}

// canvas is a picture that becomes one JPEG file, and where images lie in it.
type canvas struct {
	picture *image.RGBA
	grey    bool
	places  []image.Rectangle
}

// separate puts each image on a canvas of its own.
func separate(images []image.Image) []canvas {
	var all []canvas
	for i := range images {
		all = append(all, mosaic(images[i:i+1], 1))
	}
	return all
}

// together puts all images on one canvas, so that what a file costs whatever it
// holds is paid once: edge to edge, or each on squares of its own of those that
// JPEG codes by themselves, whichever makes the smaller file.
func together(images []image.Image) ([]canvas, error) {
	block := 16 // chroma has half the resolution
	if _, grey := images[0].(*image.Gray); grey {
		block = 8
	}
	tight, apart := []canvas{mosaic(images, 1)}, []canvas{mosaic(images, block)}
	const usual = 50
	a, err := jpegAt(tight, usual)
	if err != nil {
		return nil, err
	}
	b, err := jpegAt(apart, usual)
	if b.Bytes < a.Bytes {
		return apart, err
	}
	return tight, err
}

// mosaic puts images in rows, about as wide together as high, each at multiples
// of a block; its last row and column go on to the end of the block.
func mosaic(images []image.Image, block int) canvas {
	size := images[0].Bounds().Size()
	_, grey := images[0].(*image.Gray)
	tile := image.Pt((size.X+block-1)/block*block, (size.Y+block-1)/block*block)
	across := max(1, int(math.Round(math.Sqrt(float64(len(images)*tile.Y)/float64(tile.X)))))
	down := (len(images) + across - 1) / across
	c := canvas{image.NewRGBA(image.Rect(0, 0, min(across, len(images))*tile.X, down*tile.Y)), grey, nil}
	for i, m := range images {
		corner := image.Pt(i%across*tile.X, i/across*tile.Y)
		for y := range tile.Y {
			for x := range tile.X {
				c.picture.Set(corner.X+x, corner.Y+y, m.At(min(x, size.X-1), min(y, size.Y-1)))
			}
		}
		c.places = append(c.places, image.Rectangle{corner, corner.Add(size)})
	}
	return c
}

// jpegAt compresses canvases at a quality.
func jpegAt(all []canvas, quality int) (jpegFiles, error) {
	made := jpegFiles{Quality: quality}
	squares, values := 0.0, 0
	for _, c := range all {
		var file bytes.Buffer
		if err := jpeg.Encode(&file, c.source(), &jpeg.Options{Quality: quality}); err != nil {
			return made, fmt.Errorf("comparing with JPEG: %w", err)
		}
		made.Bytes += file.Len()
		decoded, err := jpeg.Decode(&file)
		if err != nil {
			return made, fmt.Errorf("comparing with JPEG: %w", err)
		}
		back := image.NewRGBA(c.picture.Rect)
		draw.Draw(back, back.Rect, decoded, image.Point{}, draw.Src)
		for _, place := range c.places {
			squares += squaresIn(place, c.picture, back)
			values += 3 * place.Dx() * place.Dy()
		}
	}
	made.MSE = squares / float64(values) / 255 / 255
	return made, nil
}

// squaresIn adds up the squared differences of red, green and blue, which for
// grey are three times the same.
func squaresIn(place image.Rectangle, a, b *image.RGBA) float64 {
	sum := 0.0
	for y := place.Min.Y; y < place.Max.Y; y++ {
		for x := place.Min.X; x < place.Max.X; x++ {
			at := a.PixOffset(x, y)
			for i := at; i < at+3; i++ {
				d := float64(a.Pix[i]) - float64(b.Pix[i])
				sum += d * d
			}
		}
	}
	return sum
}

// source is what is encoded: grey pictures have no chroma to pay for.
func (c canvas) source() image.Image {
	if !c.grey {
		return c.picture
	}
	grey := image.NewGray(c.picture.Rect)
	draw.Draw(grey, grey.Rect, c.picture, image.Point{}, draw.Src)
	return grey
}

// jpegOfSize compresses canvases at the lowest quality that takes at least a
// number of bytes: the smallest files that are no smaller, or the largest there
// are.
func jpegOfSize(all []canvas, size int) (best jpegFiles, err error) {
	const qualities = 100
	lowest := sort.Search(qualities-1, func(i int) bool {
		made, failed := jpegAt(all, i+1)
		if failed != nil {
			err = failed
		}
		return made.Bytes >= size
	})
	if err != nil {
		return best, err
	}
	return jpegAt(all, lowest+1)
}

// smallestPNG is how many bytes images take as PNG, whichever is less: all in one
// picture, edge to edge, or a file for each.
func smallestPNG(images []image.Image) (int, error) {
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	size := func(all []canvas) (int, error) {
		bytes := 0
		for _, c := range all {
			var file countingWriter
			if err := encoder.Encode(&file, c.source()); err != nil {
				return 0, fmt.Errorf("comparing with PNG: %w", err)
			}
			bytes += int(file)
		}
		return bytes, nil
	}
	each, err := size(separate(images))
	if err != nil {
		return 0, err
	}
	sheet, err := size([]canvas{mosaic(images, 1)})
	return min(each, sheet), err
}

// countingWriter counts what it is given.
type countingWriter int

func (w *countingWriter) Write(p []byte) (int, error) {
	*w += countingWriter(len(p))
	return len(p), nil
}

// rasters are images as programs for pictures take them.
func rasters(images []picture.Image) ([]image.Image, error) {
	var all []image.Image
	for _, m := range images {
		r, err := m.Raster()
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
