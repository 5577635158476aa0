package main

import (
	"fmt"
	"slices"

	"hourglass/data"
	"hourglass/internal/picture"
	"hourglass/train"
)

type reconCommand struct {
	chosenRun
	Images []string `arg:"" optional:"" help:"Picture files, or folders of them; without any, images that the run held back."`
	Output string   `short:"o" default:"reconstructions.png" help:"PNG to write: originals, reconstructions, and four times their difference."`
	Count  int      `short:"n" default:"12" help:"How many images of the run, or of a folder."`
	conditioned
	machine
}

func (reconCommand) Help() string {
	return `Examples:

    hourglass recon last
    hourglass recon last cat.jpg dog.png -o pets.png
    hourglass recon last ./pets -n 20`
}

// magnified is how many times larger than they are differences are drawn.
const magnified = 4

func (c reconCommand) Run(s *session) error {
	if c.Count < 1 || c.Count > 1000 {
		return usage{fmt.Errorf("--count is %d; give a number of images from 1 to 1000", c.Count)}
	}
	if err := checkPicture("--output", c.Output); err != nil {
		return err
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	images, names, labels, err := c.read(s, t)
	if err != nil {
		return err
	}
	device, err := c.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	count := len(names)
	runner, err := train.NewRunner(device, t.model, min(count, t.config.Train.Batch))
	if err != nil {
		return err
	}
	defer runner.Close()
	made, err := runner.Reconstruct(images, count, labels...)
	if err != nil {
		return err
	}
	rows, err := compareRows(images, made, t.shape)
	if err != nil {
		return err
	}
	if err := writeSheet(c.Output, rows); err != nil {
		return err
	}
	return c.report(s, images, made, names)
}

// read returns the images to reconstruct, their names, and their labels where the
// model is told them: those of the run's own images are known.
func (c reconCommand) read(s *session, t *trained) (images []float32, names []string, labels []int, err error) {
	if len(c.Images) > 0 {
		return c.named(s, t)
	}
	all, err := t.openSets()
	if err != nil {
		return nil, nil, nil, err
	}
	held, _ := all.held()
	if held, err = data.InTurns(held, c.Count); err != nil {
		return nil, nil, nil, err
	}
	names = make([]string, held.Len())
	for i := range names {
		names[i] = data.Name(held, i)
	}
	labels = labelsFor(t.model, held, len(names))
	if c.Label != "" {
		if labels, err = c.labels(t, len(names)); err != nil {
			return nil, nil, nil, err
		}
	}
	images, err = firstImages(held, len(names))
	return images, names, labels, err
}

// named returns the pictures that were named and, of those in folders, as many as
// are asked for.
func (c reconCommand) named(s *session, t *trained) (images []float32, names []string, labels []int, err error) {
	files, err := listPictures(c.Images)
	if err != nil {
		return nil, nil, nil, err
	}
	if slices.ContainsFunc(files, func(f pictureFile) bool { return f.found }) {
		var some []pictureFile
		for _, i := range data.Spread(len(files), c.Count) {
			some = append(some, files[i])
		}
		files = some
	}
	set, err := s.readPictures(files, t.shape)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range set.Len() {
		names = append(names, set.Name(i))
	}
	labels, err = c.labels(t, set.Len())
	return set.images, names, labels, err
}

// compareRows are originals, reconstructions and what is between them.
func compareRows(images, made []float32, shape data.Shape) ([]picture.Row, error) {
	originals, reconstructions := pictures(images, shape), pictures(made, shape)
	rows := []picture.Row{
		{Caption: "original", Images: originals},
		{Caption: "reconstruction", Images: reconstructions},
		{Caption: fmt.Sprintf("difference x%d", magnified)},
	}
	for i := range originals {
		d, err := picture.Difference(originals[i], reconstructions[i], magnified)
		if err != nil {
			return nil, err
		}
		rows[2].Images = append(rows[2].Images, d)
	}
	return rows, nil
}

// report gives the error of each image.
func (c reconCommand) report(s *session, images, made []float32, names []string) error {
	type one struct {
		Name string  `json:"name"`
		MSE  float64 `json:"mse"`
	}
	var all []one
	size := len(images) / len(names)
	mean := 0.0
	for i, name := range names {
		sum := 0.0
		for j := i * size; j < (i+1)*size; j++ {
			d := float64(images[j]) - float64(made[j])
			sum += d * d
		}
		all = append(all, one{name, sum / float64(size)})
		mean += sum / float64(size) / float64(len(names))
	}
	s.print("%s, squared error %s a pixel value, written to %s", plural(len(names), "image"), digits(mean), c.Output)
	return s.give(map[string]any{"output": c.Output, "mse": mean, "images": all})
}
