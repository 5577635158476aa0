package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"hourglass/internal/config"
	"hourglass/internal/runs"
)

// What the tour trains on, and for how long.
const (
	tourSource = "glyphs:n=25000,test=2000"
	tourEpochs = 12
)

type tourCommand struct {
	machine
	Seed   uint64 `default:"1" help:"Seed of the first weights and of the order of the images."`
	Dir    string `default:"runs" help:"Folder that holds the runs; the tour writes into its folder tour."`
	Images int    `hidden:"" default:"0" help:"Train on so many images instead."`
	Epochs int    `hidden:"" default:"0" help:"Train for so many epochs instead."`
}

func (tourCommand) Help() string {
	return "Examples:\n\n    hourglass              the tour\n    hourglass --seed 7     with other first weights"
}

func (c tourCommand) Run(s *session) error {
	settings := config.New()
	settings.Config.Data.Source, settings.Config.Data.Validation = tourSource, 0.04
	settings.Config.Train.Seed = c.Seed
	settings.Config.Out.Dir, settings.Config.Out.Name = c.Dir, "tour"
	if c.Images > 0 {
		settings.Config.Data.Source = fmt.Sprintf("glyphs:n=%d,test=%d", c.Images, max(1, c.Images/6))
	}
	epochs := tourEpochs
	if c.Epochs > 0 {
		epochs = c.Epochs
	}
	if err := settings.Set("train.epochs", strconv.Itoa(epochs)); err != nil {
		return err
	}
	if err := settings.Config.Validate(); err != nil {
		return usage{err}
	}
	job := training{session: s, machine: c.machine, config: settings.Config, settings: settings, folder: runs.Run{Path: filepath.Join(c.Dir, "tour")}, strips: true}
	if err := clearTour(job.folder); err != nil {
		return err
	}
	s.say("A tour: an autoencoder learns to press drawn digits of 784 pixels into 32 numbers, and to draw them again.")
	if _, err := job.run(); err != nil {
		return err
	}
	s.print("")
	s.print("Next:   hourglass info last                        the layers of this model")
	s.print("        hourglass graph last -o model.svg          its picture")
	s.print("        hourglass explore last                     its code space, in the browser")
	s.print("        hourglass train ./pictures/conv            on a folder of your own pictures")
	s.print("        hourglass train conv --loss bernoulli      another objective")
	s.print("        hourglass data fetch mnist && hourglass train mnist/conv")
	return nil
}

// clearTour removes the last tour, and nothing that it has not written.
func clearTour(run runs.Run) error {
	if _, err := os.Stat(run.Config()); err != nil {
		return nil
	}
	samples := filepath.Dir(run.Sample(1))
	events, err := filepath.Glob(filepath.Join(run.Path, "events.out.tfevents.*"))
	if err != nil {
		return fmt.Errorf("removing the last tour: %w", err)
	}
	for _, path := range append(events, run.Checkpoints(), samples, run.Metrics(), run.Evaluation(), run.Threshold()) {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing the last tour: %w", err)
		}
	}
	return nil
}
