package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"hourglass/data"
	"hourglass/internal/picture"
	"hourglass/models/latent"
)

type interpolateCommand struct {
	chosenRun
	Images []string `arg:"" optional:"" help:"Two picture files; without them, pairs of images that the run held back."`
	Output string   `short:"o" default:"interpolation.png" help:"PNG to write, a row for each pair; or a GIF that goes there and back."`
	Path   string   `enum:",linear,spherical" default:"" placeholder:"spherical" help:"linear or spherical; by default spherical for a vae, whose codes lie near a sphere, and linear for an ae."`
	Steps  int      `default:"0" placeholder:"10" help:"Images of one walk, ends included; 10, or 24 in a GIF."`
	Pairs  int      `short:"n" default:"8" help:"How many pairs, if no pictures are named."`
	conditioned
	machine
}

func (interpolateCommand) Help() string {
	return `Examples:

    hourglass interpolate last
    hourglass interpolate last cat.jpg dog.png --steps 12 -o pets.png
    hourglass interpolate last --path linear --pairs 16 -o walk.gif`
}

const (
	stepsInSheet     = 10
	stepsInAnimation = 24
	mostSteps        = 200
	frameDelay       = 6  // hundredths of a second
	restAtEnds       = 10 // frames that an animation stays at either end
)

var paths = map[string]latent.Path{"linear": latent.Linear, "spherical": latent.Spherical}

func (c interpolateCommand) animated() bool { return strings.EqualFold(filepath.Ext(c.Output), ".gif") }

func (c interpolateCommand) check() error {
	switch {
	case len(c.Images) != 0 && len(c.Images) != 2:
		return usage{fmt.Errorf("a walk from %s; name its two ends, or none", plural(len(c.Images), "picture"))}
	case c.Steps != 0 && (c.Steps < 2 || c.Steps > mostSteps):
		return usage{fmt.Errorf("--steps is %d; give a number from 2 to %d", c.Steps, mostSteps)}
	case c.Pairs < 1 || c.Pairs > mostInSheet/2:
		return usage{fmt.Errorf("--pairs is %d; give a number from 1 to %d", c.Pairs, mostInSheet/2)}
	case !c.animated() && !strings.EqualFold(filepath.Ext(c.Output), ".png"):
		return usage{fmt.Errorf("%s is neither a PNG nor a GIF; end the name in .png or .gif", c.Output)}
	}
	return nil
}

func (c interpolateCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	if _, err := c.labels(t, 0); err != nil {
		return err
	}
	ends, names, err := c.ends(t)
	if err != nil {
		return err
	}
	c.complete(t)
	r, err := t.on(s, c.machine)
	if err != nil {
		return err
	}
	defer r.Close()
	made, err := c.walk(r, ends, len(names))
	if err != nil {
		return err
	}
	if c.animated() {
		err = writeFile(c.Output, c.animation(made, t.shape).GIF)
	} else {
		err = writeFile(c.Output, c.sheet(ends, made, t.shape).PNG)
	}
	if err != nil {
		return err
	}
	s.print("%d walks of %d images on the %s path, written to %s", len(names)/2, c.Steps, c.Path, c.Output)
	pairs := make([][]string, 0, len(names)/2)
	for ; len(names) > 0; names = names[2:] {
		pairs = append(pairs, names[:2])
	}
	return s.give(map[string]any{"output": c.Output, "path": c.Path, "steps": c.Steps, "pairs": pairs, "checkpoint": t.path})
}

// complete replaces what was left open.
func (c *interpolateCommand) complete(t *trained) {
	if c.Path == "" {
		c.Path = "linear"
		if t.variational() {
			c.Path = "spherical"
		}
	}
	if c.Steps == 0 {
		c.Steps = stepsInSheet
		if c.animated() {
			c.Steps = stepsInAnimation
		}
	}
}

// ends returns the first and last image of each walk, one after the other, and
// their names.
func (c interpolateCommand) ends(t *trained) ([]float32, []string, error) {
	if len(c.Images) > 0 {
		var images []float32
		for _, path := range c.Images {
			image, err := readPicture(path, t.shape)
			if err != nil {
				return nil, nil, err
			}
			images = append(images, image...)
		}
		return images, c.Images, nil
	}
	all, err := t.openSets()
	if err != nil {
		return nil, nil, err
	}
	held, what := all.held()
	pairs := min(c.Pairs, held.Len()/2)
	if pairs == 0 {
		return nil, nil, fmt.Errorf("the run has %d %s image and a walk needs two; name two pictures", held.Len(), what)
	}
	// From all over the set, for sets are often in the order of their classes.
	spread, chosen := data.Spread(held.Len(), 2*pairs), make([]int, 0, 2*pairs)
	for i := range pairs {
		chosen = append(chosen, spread[i], spread[pairs+i])
	}
	names := make([]string, len(chosen))
	for i, number := range chosen {
		names[i] = data.Name(held, number)
	}
	if held, err = data.Subset(held, chosen); err != nil {
		return nil, nil, err
	}
	images, err := firstImages(held, held.Len())
	return images, names, err
}

// walk decodes all codes between the ends, walk after walk.
func (c interpolateCommand) walk(r *running, ends []float32, n int) ([]float32, error) {
	labels, err := c.labels(r.trained, n/2*c.Steps)
	if err != nil {
		return nil, err
	}
	codes, err := r.Encode(ends, n, labels[:min(n, len(labels))]...)
	if err != nil {
		return nil, err
	}
	size, path := r.model.CodeSize(), paths[c.Path]
	var between []float32
	for ; len(codes) > 0; codes = codes[2*size:] {
		for step := range c.Steps {
			between = append(between, path(codes[:size], codes[size:2*size], float64(step)/float64(c.Steps-1))...)
		}
	}
	return r.Decode(between, n/2*c.Steps, labels...)
}

// sheet shows each walk in a row between the two originals.
func (c interpolateCommand) sheet(ends, made []float32, shape data.Shape) picture.Sheet {
	originals, images := pictures(ends, shape), pictures(made, shape)
	sheet := picture.Sheet{Columns: []string{"original"}}
	for step := range c.Steps {
		sheet.Columns = append(sheet.Columns, fmt.Sprintf("%.0f%%", 100*float64(step)/float64(c.Steps-1)))
	}
	sheet.Columns = append(sheet.Columns, "original")
	for ; len(images) > 0; images, originals = images[c.Steps:], originals[2:] {
		row := append([]picture.Image{originals[0]}, images[:c.Steps]...)
		sheet.Rows = append(sheet.Rows, picture.Row{Images: append(row, originals[1])})
	}
	return sheet
}

// animation shows all walks at once, there and back.
func (c interpolateCommand) animation(made []float32, shape data.Shape) picture.Animation {
	images := pictures(made, shape)
	a := picture.Animation{Delay: frameDelay, Order: picture.ThereAndBack(c.Steps, restAtEnds)}
	for step := range c.Steps {
		var frame []picture.Image
		for at := step; at < len(images); at += c.Steps {
			frame = append(frame, images[at])
		}
		a.Frames = append(a.Frames, grid(frame))
	}
	return a
}
