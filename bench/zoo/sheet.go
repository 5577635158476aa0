package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"slices"

	"hourglass/data"
	"hourglass/internal/picture"
	"hourglass/models"
	"hourglass/models/latent"
)

// sampler draws n codes as those of the model's images are distributed.
type sampler func(t *trained, n int) ([]float32, error)

const (
	across       = 10   // images in a row
	sampleSeed   = 1    // of the codes
	fittedCodes  = 5000 // to which a distribution is fitted
	mixtureParts = 10
	pixelsAPixel = 2
	classesOfSet = 10
	greyLevels   = 16
)

// draw writes the entry's picture: an image of each class, what the model makes
// of it, and images of drawn codes.
func (t *trained) draw(path string) error {
	shown, err := data.Subset(t.test, firstOfEach(t.test))
	if err != nil {
		return err
	}
	images, labels, err := t.images(shown)
	if err != nil {
		return err
	}
	sheet := picture.Sheet{Scale: pixelsAPixel, Rows: []picture.Row{t.row("image", images)}}
	seen := images
	if t.config.Model.Corrupt != "" {
		if seen, err = damage(t.config.Model.Corrupt, images, t.test.Shape()); err != nil {
			return err
		}
		sheet.Rows = append(sheet.Rows, t.row("damaged", seen))
	}
	made, err := t.runner.Reconstruct(seen, shown.Len(), labels...)
	if err != nil {
		return err
	}
	sheet.Rows = append(sheet.Rows, t.row("decoded", made))
	if t.sampler != nil {
		rows, err := t.samples(labels)
		if err != nil {
			return err
		}
		sheet.Rows = append(sheet.Rows, rows...)
	}
	return write(path, sheet, t.test.Shape().C == 1)
}

// samples are two rows, of one class a column where the model is conditional.
func (t *trained) samples(labels []int) ([]picture.Row, error) {
	codes, err := t.sampler(t, 2*across)
	if err != nil {
		return nil, err
	}
	made, err := t.runner.Decode(codes, 2*across, slices.Concat(labels, labels)...)
	if err != nil {
		return nil, err
	}
	half := len(made) / 2
	return []picture.Row{t.row("drawn", made[:half]), t.row("", made[half:])}, nil
}

func (t *trained) row(caption string, pixels []float32) picture.Row {
	s := t.test.Shape()
	row := picture.Row{Caption: caption}
	for one := range slices.Chunk(pixels, s.Size()) {
		row.Images = append(row.Images, picture.Image{H: s.H, W: s.W, C: s.C, Pixels: one})
	}
	return row
}

// firstOfEach are the numbers of the first image of each class.
func firstOfEach(ds data.Dataset) []int {
	found := make([]int, classesOfSet)
	for i := ds.Len() - 1; i >= 0; i-- {
		found[ds.Label(i)] = i
	}
	return found
}

// first are the first n images of a set, or all where there are fewer.
func first(ds data.Dataset, n int) (data.Dataset, error) {
	indices := make([]int, min(n, ds.Len()))
	for i := range indices {
		indices[i] = i
	}
	return data.Subset(ds, indices)
}

// write draws a sheet; one of digits in sixteen greys, which no digit needs more
// of, so that it takes few bytes.
func write(path string, sheet picture.Sheet, grey bool) error {
	canvas, err := sheet.Draw()
	if err != nil {
		return err
	}
	var drawn image.Image = canvas
	if grey {
		drawn = inGreys(canvas)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(file, drawn); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return file.Close()
}

func inGreys(canvas *image.RGBA) image.Image {
	var greys color.Palette
	for level := range greyLevels {
		greys = append(greys, color.Gray{Y: uint8(level * 255 / (greyLevels - 1))})
	}
	grey := image.NewPaletted(canvas.Rect, greys)
	draw.Draw(grey, grey.Rect, canvas, image.Point{}, draw.Src)
	return grey
}

// fromNormal is the prior of most.
func fromNormal(t *trained, n int) ([]float32, error) {
	return latent.Normal(t.model.CodeSize()).Sample(sampleSeed, n), nil
}

// fittedImages are those of training to whose codes distributions are fitted.
func (t *trained) fittedImages() (images []float32, count int, err error) {
	some, err := first(t.training, fittedCodes)
	if err != nil {
		return nil, 0, err
	}
	images, _, err = t.images(some)
	return images, some.Len(), err
}

// fromMixture is fitted to the codes of training images.
func fromMixture(t *trained, n int) ([]float32, error) {
	images, count, err := t.fittedImages()
	if err != nil {
		return nil, err
	}
	codes, err := t.runner.Encode(images, count)
	if err != nil {
		return nil, err
	}
	mixture, err := latent.FitMixture(codes, t.model.CodeSize(), latent.MixtureOptions{Components: mixtureParts, Seed: sampleSeed})
	if err != nil {
		return nil, err
	}
	return mixture.Sample(sampleSeed, n), nil
}

// fromPrior is the model's own distribution, which it has learned.
func fromPrior(t *trained, n int) ([]float32, error) { return t.runner.Draw(n, sampleSeed) }

// fromIndices draws the entries of a code one after the other, as training images
// have them at their positions and beside each other.
func fromIndices(t *trained, n int) ([]float32, error) {
	images, count, err := t.fittedImages()
	if err != nil {
		return nil, err
	}
	indices, err := t.runner.Indices(images, count)
	if err != nil {
		return nil, err
	}
	quantised := t.model.(models.Quantised) // as Indices has found
	prior, err := models.NewIndexPrior(indices, quantised.Lattice(), quantised.Entries())
	if err != nil {
		return nil, err
	}
	return quantised.Lookup(prior.Sample(sampleSeed, n))
}
