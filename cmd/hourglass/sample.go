package main

import (
	"fmt"
	"math"

	"hourglass/internal/config"
	"hourglass/internal/picture"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/train"
)

type sampleCommand struct {
	chosenRun
	Output string `short:"o" default:"samples.png" help:"PNG to write."`
	Count  int    `short:"n" default:"64" help:"How many images."`
	Seed   uint64 `default:"1" help:"Seed of the codes; the same seed gives the same codes on every device."`
	machine
}

func (sampleCommand) Help() string {
	return `Examples:

    hourglass sample last
    hourglass sample last -o sheet.png --count 64 --seed 7`
}

func (c sampleCommand) Run(s *session) error {
	if c.Count < 1 || c.Count > 1000 {
		return usage{fmt.Errorf("--count is %d; give a number of images from 1 to 1000", c.Count)}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	if _, variational := t.model.(*models.VAE); !variational {
		return fmt.Errorf("run %s is of kind %s, whose codes have no distribution to draw from; sample from one of kind %s, as `hourglass train vae-400-20` makes", run.Name(), t.config.Model.Kind, config.Variational)
	}
	device, err := c.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	runner, err := train.NewRunner(device, t.model, min(c.Count, t.config.Train.Batch))
	if err != nil {
		return err
	}
	defer runner.Close()
	made, err := runner.Decode(standardNormal(c.Seed, c.Count*t.model.CodeSize()), c.Count)
	if err != nil {
		return err
	}
	if err := writeSheet(c.Output, grid(pictures(made, t.shape))); err != nil {
		return err
	}
	s.print("%d images drawn with seed %d, written to %s", c.Count, c.Seed, c.Output)
	return s.give(map[string]any{"output": c.Output, "count": c.Count, "seed": c.Seed, "checkpoint": t.path})
}

// sampleStream is far from the streams of variables and graphs, so that codes
// share no number with the first weights of a model of the same seed.
const sampleStream = math.MaxUint32

// standardNormal draws n numbers. More of them begin with the same ones.
func standardNormal(seed uint64, n int) []float32 {
	clock := kernels.Clock{Seed: seed}
	numbers := make([]float32, 0, n+3)
	for block := uint32(0); len(numbers) < n; block++ {
		four := kernels.Normals(clock.Draw(sampleStream, block))
		numbers = append(numbers, four[:]...)
	}
	return numbers[:n]
}

// grid lays images out in rows, as many in a row as there are rows or one more.
func grid(images []picture.Image) []picture.Row {
	across := 1
	for across*across < len(images) {
		across++
	}
	var rows []picture.Row
	for len(images) > 0 {
		n := min(across, len(images))
		rows = append(rows, picture.Row{Images: images[:n]})
		images = images[n:]
	}
	return rows
}
