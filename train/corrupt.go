package train

import (
	"fmt"

	"hourglass/graph"
	"hourglass/models"
)

// corrupted is how many images are damaged at a time; the noise depends on it.
const corrupted = 64

// Corrupt returns n images, (n,H,W,C), damaged as a denoising model's are in
// training, by noise that depends on the seed alone.
func Corrupt(device *graph.Device, c models.Corruptions, images []float32, shape models.Shape, n int, seed uint64) ([]float32, error) {
	size := shape.Size()
	if len(images) != n*size {
		return nil, fmt.Errorf("%d images of %v have %d values, want %d of each", n, shape, len(images), size)
	}
	store, err := graph.NewStore(nil, nil)
	if err != nil {
		return nil, err
	}
	b := graph.NewBuilder(store, false)
	y, err := c.Apply(b, b.Input(models.Image, corrupted, shape.H, shape.W, shape.C))
	if err != nil {
		return nil, err
	}
	b.Output(models.Reconstruction, y)
	program, err := graph.Compile(device, b, nil)
	if err != nil {
		return nil, fmt.Errorf("compiling the corruption %v: %w", c, err)
	}
	defer device.Release(store) // once the program is closed; a GPU that fails here has failed before
	defer program.Close()
	program.Clock().Seed = seed
	made := make([]float32, 0, len(images))
	for done := 0; done < n; done += corrupted {
		count := min(corrupted, n-done)
		copy(program.Input(models.Image), images[done*size:(done+count)*size])
		program.Clock().Step = uint64(done / corrupted)
		if err := program.Run(); err != nil {
			return nil, err
		}
		made = append(made, program.Output(models.Reconstruction)[:count*size]...)
	}
	return made, nil
}
