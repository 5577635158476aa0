package main

import (
	"fmt"

	"hourglass/internal/terminal"
	"hourglass/models"
	"hourglass/models/codec"
)

// curveSteps are those of a curve: from where nearly all of the error is the model's
// to where little is left of a code.
var curveSteps = []float64{1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2, 1, 2, 4, 8}

// curve shows how bits and error depend on the step, each next to JPEG of that size.
func (c compressCommand) curve(s *session, t *trained, k *codec.Codec, from *compressible) error {
	if _, quantised := t.model.(models.Quantised); quantised {
		return usage{fmt.Errorf("the run is of kind %s, whose codes are whole numbers: there is one file, and no curve; leave out --curve", t.config.Model.Kind)}
	}
	table := terminal.Table{Head: []string{"step", "bytes", "bits/pixel", "PSNR dB", "JPEG quality", "bytes", "PSNR dB"}}
	var points []*compression
	for _, step := range curveSteps {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		_, p, err := compress(k, t, from, step)
		if err != nil {
			return err
		}
		points = append(points, p)
		rival := p.rival()
		table.Rows = append(table.Rows, []string{fmt.Sprint(step), fmt.Sprint(p.Bytes), digits(p.PerPixel), decibels(p.MSE), fmt.Sprint(rival.Quality), fmt.Sprint(rival.Bytes), decibels(rival.MSE)})
	}
	s.print("%s of %v at steps from 1/16 to 8, next to JPEG of at least that size", plural(points[0].Images, "image"), t.shape)
	s.print("")
	s.table(table)
	s.print("")
	s.print("PNG, which loses nothing: %d bytes; the model, codes not rounded: %s dB", points[0].Lossless, decibels(points[0].Model))
	return s.give(map[string]any{"curve": points})
}
