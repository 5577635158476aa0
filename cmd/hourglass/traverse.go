package main

import (
	"fmt"
	"os"
	"strconv"

	"hourglass/data"
	"hourglass/internal/picture"
	"hourglass/internal/terminal"
	"hourglass/models/latent"
)

type traverseCommand struct {
	chosenRun
	Output string `short:"o" default:"traversal.png" help:"PNG to write: a row for each dimension of the code, moved from -3 to +3 standard deviations."`
	Dims   int    `default:"10" help:"How many dimensions, those that matter most first."`
	Steps  int    `default:"13" help:"Images in a row; of an odd number the middle one is the centre."`
	Image  string `placeholder:"FILE|INDEX" help:"Centre: a picture file, or the number of an image that the run held back, from 0; by default the mean code."`
	conditioned
	machine
}

func (traverseCommand) Help() string {
	return `Dimensions of a vae are ordered by their divergence from the prior (KL, in nats;
one near 0 is not used), those of an ae by the variance of their codes.

Examples:

    hourglass traverse last
    hourglass traverse last --dims 20 --image 7
    hourglass traverse last --image face.png -o face-traversal.png`
}

// reach is how far each dimension is moved, in deviations.
const reach = 3.0

func (c traverseCommand) Run(s *session) error {
	switch {
	case c.Dims < 1 || c.Dims > mostInSheet:
		return usage{fmt.Errorf("--dims is %d; give a number of dimensions from 1 to %d", c.Dims, mostInSheet)}
	case c.Steps < 2 || c.Steps > mostSteps:
		return usage{fmt.Errorf("--steps is %d; give a number of images from 2 to %d", c.Steps, mostSteps)}
	}
	if err := checkPicture("--output", c.Output); err != nil {
		return err
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	labels, err := c.labels(t, c.Dims*c.Steps)
	if err != nil {
		return err
	}
	all, err := t.openSets()
	if err != nil {
		return err
	}
	held, judged := all.held()
	centre, err := c.centre(t, held)
	if err != nil {
		return err
	}
	r, err := t.on(s, c.machine)
	if err != nil {
		return err
	}
	defer r.Close()
	s.say("measuring the dimensions on %d %s images ...", held.Len(), judged)
	d, err := measureDimensions(s, r, held)
	if err != nil {
		return err
	}
	if centre != nil {
		if d.centre, err = r.Encode(centre, 1, labels[:min(1, len(labels))]...); err != nil {
			return err
		}
	}
	sheet, err := c.sheet(r, d, labels)
	if err != nil {
		return err
	}
	if err := writeFile(c.Output, sheet.PNG); err != nil {
		return err
	}
	return c.report(s, d, t)
}

// centre reads the image asked for; nil if none was.
func (c traverseCommand) centre(t *trained, held data.Dataset) ([]float32, error) {
	if c.Image == "" {
		return nil, nil
	}
	index, err := strconv.Atoi(c.Image)
	if err != nil {
		return readPicture(c.Image, t.shape)
	}
	if _, err := os.Stat(c.Image); err == nil {
		return readPicture(c.Image, t.shape) // a file whose name is a number
	}
	if index < 0 || index >= held.Len() {
		return nil, usage{fmt.Errorf("--image is %d; the run held back the images 0 to %d", index, held.Len()-1)}
	}
	image := make([]float32, t.shape.Size())
	return image, held.Image(index, image)
}

// dimensions is what is known of each dimension of a code.
type dimensions struct {
	measure   string    // of worth: "KL" or "variance"
	worth     []float64 // by which they are ordered
	order     []int
	centre    []float32
	deviation []float64
}

// text is the worth of a dimension; thousandths of a nat are nothing.
func (d *dimensions) text(j int) string {
	if d.measure == "KL" {
		return fmt.Sprintf("%.3f", d.worth[j])
	}
	return digits(d.worth[j])
}

// measureDimensions orders the dimensions. Codes of a variational model are standard
// normal by its prior; those of others have mean and deviation of their own.
func measureDimensions(s *session, r *running, ds data.Dataset) (*dimensions, error) {
	size := r.model.CodeSize()
	d := &dimensions{centre: make([]float32, size), deviation: make([]float64, size)}
	if r.variational() {
		means, logVariances, err := r.posteriors(s.ctx, ds)
		if err != nil {
			return nil, err
		}
		d.measure = "KL"
		if d.worth, err = latent.KL(means, logVariances, size); err != nil {
			return nil, err
		}
		for j := range d.deviation {
			d.deviation[j] = 1
		}
	} else {
		codes, err := r.codes(s.ctx, ds)
		if err != nil {
			return nil, err
		}
		statistics, err := latent.Describe(codes, size)
		if err != nil {
			return nil, err
		}
		d.measure, d.deviation = "variance", statistics.Deviation
		for j, deviation := range statistics.Deviation {
			d.centre[j] = float32(statistics.Mean[j])
			d.worth = append(d.worth, deviation*deviation)
		}
	}
	d.order = latent.Descending(d.worth)
	return d, nil
}

// sheet decodes the centre with each dimension moved in turn.
func (c traverseCommand) sheet(r *running, d *dimensions, labels []int) (picture.Sheet, error) {
	var sheet picture.Sheet
	var codes []float32
	dims := d.order[:min(c.Dims, len(d.order))]
	for _, j := range dims {
		for step := range c.Steps {
			code := append([]float32(nil), d.centre...)
			code[j] += float32(c.offset(step) * d.deviation[j])
			codes = append(codes, code...)
		}
	}
	made, err := r.Decode(codes, len(dims)*c.Steps, labels[:min(len(dims)*c.Steps, len(labels))]...)
	if err != nil {
		return sheet, err
	}
	images := pictures(made, r.shape)
	for i, j := range dims {
		caption := fmt.Sprintf("dimension %*d  %s %s", len(fmt.Sprint(len(d.worth)-1)), j, d.measure, d.text(j))
		sheet.Rows = append(sheet.Rows, picture.Row{Caption: caption, Images: images[i*c.Steps:][:c.Steps]})
	}
	for step := range c.Steps {
		above := "centre"
		if offset := c.offset(step); offset != 0 {
			above = fmt.Sprintf("%+.2g sd", offset)
		}
		sheet.Columns = append(sheet.Columns, above)
	}
	return sheet, nil
}

// offset is how far a dimension is moved in a column, in deviations.
func (c traverseCommand) offset(step int) float64 {
	return reach * (2*float64(step)/float64(c.Steps-1) - 1)
}

// report lists the dimensions shown.
func (c traverseCommand) report(s *session, d *dimensions, t *trained) error {
	type one struct {
		Dimension int      `json:"dimension"`
		KL        *float64 `json:"kl,omitempty"`
		Variance  *float64 `json:"variance,omitempty"`
	}
	table := terminal.Table{Head: []string{"dimension", d.measure}}
	var all []one
	for i, j := range d.order {
		if i < c.Dims {
			table.Rows = append(table.Rows, []string{fmt.Sprint(j), d.text(j)})
		}
		o := one{Dimension: j, KL: &d.worth[j]}
		if !t.variational() {
			o.KL, o.Variance = nil, o.KL
		}
		all = append(all, o)
	}
	s.table(table)
	s.print("%d of %d dimensions, written to %s", len(table.Rows), len(all), c.Output)
	return s.give(map[string]any{"output": c.Output, "dimensions": all, "checkpoint": t.path})
}
