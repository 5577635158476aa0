package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/internal/runs"
	"hourglass/models"
	"hourglass/train"
)

// Names of a checkpoint's metadata from which its model can be built.
const (
	configMetadata = "config" // the complete configuration, YAML
	shapeMetadata  = "shape"  // of the images, CxHxW
)

// chosenRun are the arguments of commands on a run.
type chosenRun struct {
	Which      string `arg:"" name:"run" help:"Run: its path, the beginning of its name, or last."`
	Dir        string `default:"runs" help:"Folder that holds the runs."`
	Checkpoint string `default:"best" placeholder:"WHICH" help:"Checkpoint: best, latest, or the path of one."`
}

// trained is a model as a checkpoint describes it.
type trained struct {
	config config.Config
	model  config.Network
	shape  data.Shape
	path   string // of the checkpoint
	state  train.State
}

// load finds the run and rebuilds its model.
func (c chosenRun) load() (runs.Run, *trained, error) {
	run, err := runs.Find(c.Dir, c.Which)
	if err != nil {
		return runs.Run{}, nil, err
	}
	path, err := c.path(run)
	if err != nil {
		return run, nil, err
	}
	t, err := loadTrained(path)
	return run, t, err
}

// path is that of the checkpoint that is meant, as the run stands now.
func (c chosenRun) path(run runs.Run) (path string, err error) {
	switch path = c.Checkpoint; path {
	case "best":
		path, err = bestOf(run)
	case "latest":
		path, err = train.LatestCheckpoint(run.Checkpoints())
	}
	if err != nil {
		return "", fmt.Errorf("run %s has no checkpoint yet: %w", run.Name(), err)
	}
	return path, nil
}

// moves reports whether it may be another checkpoint later, as of a run that trains.
func (c chosenRun) moves() bool { return c.Checkpoint == "best" || c.Checkpoint == "latest" }

// bestOf is the best checkpoint of a run, or the latest if no epoch has ended.
func bestOf(run runs.Run) (string, error) {
	path, err := train.BestCheckpoint(run.Checkpoints())
	if errors.Is(err, os.ErrNotExist) {
		return train.LatestCheckpoint(run.Checkpoints())
	}
	return path, err
}

// loadTrained rebuilds a model from a checkpoint alone.
func loadTrained(path string) (*trained, error) {
	checkpoint, err := train.LoadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	t := &trained{path: path, state: checkpoint.State}
	if t.config, err = config.Read(path, []byte(checkpoint.Metadata[configMetadata])); err != nil {
		return nil, err
	}
	if t.shape, err = data.ParseShape(checkpoint.Metadata[shapeMetadata]); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if t.model, err = newModel(t.config, t.shape); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if err := checkpoint.Restore(t.model.Store()); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return t, nil
}

// openSets opens the images of the run, in the shape that the model takes.
func (t *trained) openSets() (sets, error) {
	t.config.Data.Shape = t.shape.String()
	return openSets(t.config)
}

// variational reports whether the model draws its codes and holds them to a
// standard normal distribution.
func (t *trained) variational() bool { return variational(t.model) }

func variational(model models.Model) bool {
	v, ok := model.(models.Variational)
	return ok && v.StandardPrior()
}

// evidence says why the likelihood of images under the model is not known, or nil.
func (t *trained) evidence(run runs.Run) error {
	if models.HasEvidence(t.model) {
		return nil
	}
	return fmt.Errorf("run %s is of kind %s, whose codes have no distribution and so no likelihood", run.Name(), t.config.Model.Kind)
}

// newModel makes the model that a configuration describes.
func newModel(c config.Config, shape data.Shape) (config.Network, error) {
	model, err := c.Build(shape)
	if err != nil {
		return nil, usage{err}
	}
	return model, nil
}

// metadata is what loadTrained reads.
func metadata(c config.Config, shape data.Shape) map[string]string {
	return map[string]string{configMetadata: string(config.Marshal(c)), shapeMetadata: shape.String()}
}

// sets are the images of a run: those of its labels.
type sets struct {
	training, validation, test data.Dataset
	// mixed are the test images of all labels; nil if there are none.
	mixed data.Dataset
}

// openSets opens the images and puts those for validation apart.
func openSets(c config.Config) (sets, error) {
	options, err := c.DataOptions()
	if err != nil {
		return sets{}, usage{err}
	}
	var all sets
	if all.training, all.test, err = data.Open(c.Data.Source, options); err != nil {
		return sets{}, err
	}
	all.mixed = all.test
	if labels := c.Only(); labels != nil {
		if err := all.keep(labels); err != nil {
			return sets{}, usage{fmt.Errorf("data.only: %w", err)}
		}
	}
	if c.Data.Validation > 0 {
		if all.training, all.validation, _, err = data.Split(all.training, options.Seed, c.Data.Validation, 0); err != nil {
			return sets{}, usage{fmt.Errorf("data.validation: %w", err)}
		}
	}
	return all, nil
}

// keep leaves the images of some labels in training and test.
func (s *sets) keep(labels []string) (err error) {
	if s.training, err = data.Only(s.training, labels); err != nil || s.test == nil {
		return err
	}
	s.test, err = data.Only(s.test, labels)
	return err
}

// held are the images that a model is judged on, and what they are called:
// those for test or, without any, those for validation.
func (s sets) held() (data.Dataset, string) {
	switch {
	case s.test != nil:
		return s.test, "test"
	case s.validation != nil:
		return s.validation, "validation"
	}
	return s.training, "training"
}

func (s sets) String() string {
	parts := []string{fmt.Sprintf("%d for training", s.training.Len())}
	if s.validation != nil {
		parts = append(parts, fmt.Sprintf("%d for validation", s.validation.Len()))
	}
	if s.test != nil {
		parts = append(parts, fmt.Sprintf("%d for test", s.test.Len()))
	}
	return fmt.Sprintf("images of %v, %s", s.training.Shape(), strings.Join(parts, ", "))
}
