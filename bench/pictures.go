package bench

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"

	"hourglass/data"
)

// WritePictures fills a folder with n JPEG pictures of side x side pixels,
// smooth shapes on a gradient, of about the size in bytes that photographs have
// at the same quality.
func WritePictures(folder string, n, side int) error {
	for i := range n {
		if err := writePicture(filepath.Join(folder, fmt.Sprintf("%04d.jpg", i)), i, side); err != nil {
			return fmt.Errorf("writing the pictures of the benchmark: %w", err)
		}
	}
	return nil
}

func writePicture(path string, number, side int) error {
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	phase := float64(number)
	for y := range side {
		for x := range side {
			u, v := float64(x)/float64(side), float64(y)/float64(side)
			texture := 30 * math.Sin(40*u+phase) * math.Cos(55*v-phase*u)
			picture.SetRGBA(x, y, color.RGBA{
				R: uint8(128 + 90*math.Sin(3*u+phase) + texture),
				G: uint8(128 + 90*math.Cos(4*v-phase) + texture),
				B: uint8(128 + 90*math.Sin(5*u*v+2*phase) + texture),
				A: 255,
			})
		}
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := jpeg.Encode(file, picture, &jpeg.Options{Quality: 90}); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// FromDisk deals out batches of a folder of pictures as training gets them:
// decoded, mirrored and moved at random, in a new order each epoch.
type FromDisk struct {
	batches *data.Batches
	epoch   uint64
}

// OpenFolder opens the pictures of a folder.
func OpenFolder(folder string, batch int) (*FromDisk, error) {
	set, _, err := data.Open(folder, data.Options{})
	if err != nil {
		return nil, err
	}
	return &FromDisk{batches: data.NewBatches(set, data.BatchOptions{Size: batch, Seed: 1, Epoch: 1, Shuffle: true, DropLast: true, Augment: data.Augment{Flip: true, Shift: 4}}), epoch: 1}, nil
}

// Next copies the next batch.
func (f *FromDisk) Next(to []float32) error {
	batch, err := f.batches.Next()
	if err != nil {
		f.epoch++
		f.batches.Reset(f.epoch, 0)
		if batch, err = f.batches.Next(); err != nil {
			return err
		}
	}
	copy(to, batch.Images)
	f.batches.Release(batch)
	return nil
}

// Close ends the workers.
func (f *FromDisk) Close() { f.batches.Close() }
