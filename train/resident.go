package train

import (
	"errors"
	"fmt"
	"io"
	"math"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// residentShare is the part of a GPU's free memory that the training images may
// take: half, for programs that are compiled later need some too.
const residentShare = 0.5

// reside puts the training images on the GPU, if they may be there, and says in
// a sentence where batches are made; nothing where there is no choice.
func (f *fit) reside() (where string, err error) {
	if !f.options.Resident || !f.device.GPU() {
		return "", nil
	}
	room, err := f.device.Room()
	if err != nil {
		return "", err
	}
	n, bytes := f.train.Len(), int64(f.train.Len())*int64(f.train.Shape().Size())
	onHost := func(why string, values ...any) (string, error) {
		return "made on the host: " + fmt.Sprintf(why, values...), nil
	}
	switch {
	case float64(bytes) > residentShare*float64(room):
		return onHost("the training images take %s as bytes, more than half of the %s that are free on the GPU", mebi(bytes), mebi(room))
	case n > math.MaxInt32:
		return onHost("the %d training images are more than can be numbered on the GPU", n)
	case f.total-f.state.Step < f.perEpoch:
		return onHost("the run ends before it has seen every image")
	}
	var unfit error // why the set cannot be had as bytes
	err = f.program.Reside(models.Image, n, func(put func([]byte) error) error {
		return f.eachByte(put, &unfit)
	})
	switch {
	case unfit != nil:
		return onHost("%v", unfit)
	case errors.Is(err, graph.ErrNoRoom):
		return onHost("%v", err)
	case err != nil:
		return "", fmt.Errorf("putting the training images on the GPU: %w", err)
	}
	f.resident = true
	return fmt.Sprintf("made on the GPU, where the %d training images are (%s)", n, mebi(bytes)), nil
}

// residentPiece is how many numbers of images are read at a time, about.
const residentPiece = 1 << 20

// eachByte reads the training images in their order and hands their bytes over.
// unfit says why it ends before it has them all, if the set is to blame.
func (f *fit) eachByte(put func([]byte) error, unfit *error) error {
	size := f.train.Shape().Size()
	batches := data.NewBatches(f.train, data.BatchOptions{Size: max(1, residentPiece/size)})
	defer batches.Close()
	var pixels []byte
	for {
		if *unfit = f.ctx.Err(); *unfit != nil {
			return *unfit
		}
		batch, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			*unfit = err
			return err
		}
		images := batch.Images[:batch.N*size]
		pixels = append(pixels[:0], make([]byte, len(images))...)
		exact, first := data.ToBytes(pixels, images), batch.Indices[0]
		batches.Release(batch)
		if !exact {
			*unfit = fmt.Errorf("the training images from %d on are not all of eight bits", first)
			return *unfit
		}
		if err := put(pixels); err != nil {
			return err
		}
	}
}

func mebi(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
