package main

import (
	"fmt"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/internal/terminal"
	"hourglass/train"
	"hourglass/train/measure"
)

// apart is how far a set of images is from others in distribution.
type apart struct {
	Name     string  `json:"name"`
	Distance float64 `json:"distance"`
}

// distances compares the images that were drawn with as many that were held
// back; the mean image of the training images, and these themselves, show what
// is far and what is near.
func (c sampleCommand) distances(s *session, t *trained, drawn []float32) ([]apart, error) {
	all, err := t.openSets()
	if err != nil {
		return nil, err
	}
	held, judgedOn := all.held()
	n, size := min(c.Distance, held.Len()), t.shape.Size()
	if n < 2 {
		return nil, fmt.Errorf("there is %d %s image; --distance takes two at least", held.Len(), judgedOn)
	}
	others, _, err := train.Spread(held, n)
	if err != nil {
		return nil, err
	}
	some, err := data.AtMost(all.training, n)
	if err != nil {
		return nil, err
	}
	seen, _, err := train.Spread(some, some.Len())
	if err != nil {
		return nil, err
	}
	average, err := repeated(all.training, 2)
	if err != nil {
		return nil, err
	}
	results := []apart{{Name: "images drawn"}, {Name: "mean image"}, {Name: "training images"}}
	table := terminal.Table{
		Title: fmt.Sprintf("distance of %d images drawn from %d %s images", n, n, judgedOn),
		Head:  []string{"", "energy distance"},
	}
	for i, images := range [][]float32{drawn[:n*size], average, seen} {
		if results[i].Distance, err = measure.MMD(images, others, size, measure.Energy); err != nil {
			return nil, err
		}
		table.Rows = append(table.Rows, []string{results[i].Name, digits(results[i].Distance)})
	}
	s.print("")
	s.table(table)
	return results, nil
}

// repeated is the mean image of a set, n times.
func repeated(ds data.Dataset, n int) ([]float32, error) {
	mean, err := baseline.MeanImage(probeRows{ds})
	if err != nil {
		return nil, err
	}
	var images []float32
	for range n {
		images = append(images, mean.Pixels()...)
	}
	return images, nil
}
