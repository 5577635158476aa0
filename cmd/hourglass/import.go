package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/internal/runs"
	"hourglass/models/exchange"
	"hourglass/train"
)

type importCommand struct {
	File string `arg:"" help:"Weights trained elsewhere: a safetensors file of a PyTorch state_dict."`
	source
	Like string   `placeholder:"RUN" help:"Take the configuration of this run."`
	Map  []string `sep:"none" placeholder:"OLD=NEW" help:"A tensor or module of the file is called otherwise here; OLD= takes the name of a module off those in it; may be repeated."`
	Into string   `short:"o" placeholder:"RUN" help:"Folder of the run to make; by default one in runs."`
}

func (importCommand) Help() string {
	return `Examples:

    hourglass import vae.safetensors mnist/vae-400-20 -o runs/mine
    hourglass import weights.safetensors --like last
    hourglass import ae.safetensors -c my.yaml --shape 3x32x32 --map features=encoder --map fc=bottleneck

Names need not be ours: a known scheme, or the order of the layers, is enough.
Afterwards: hourglass eval runs/mine, or hourglass train --resume runs/mine`
}

func (c importCommand) Run(s *session) error {
	cfg, shape, err := c.describe(s)
	if err != nil {
		return err
	}
	run, err := c.folder(&cfg)
	if err != nil {
		return err
	}
	renames, err := parseRenames(c.Map)
	if err != nil {
		return usage{err}
	}
	model, err := newModel(cfg, shape)
	if err != nil {
		return err
	}
	scheme, err := exchange.ReadWeights(c.File, model, renames)
	if errors.Is(err, exchange.ErrOtherModel) {
		return fmt.Errorf("%w by --map OLD=NEW", err)
	}
	if err != nil {
		return err
	}
	if err := runs.Write(run.Config(), config.Marshal(cfg)); err != nil {
		return err
	}
	if err := writeScript(run, model); err != nil {
		return err
	}
	path, err := train.SavePretrained(run.Checkpoints(), model.Store(), metadata(cfg, shape))
	if err != nil {
		return err
	}
	named := "named as here"
	if scheme != "" {
		named = fmt.Sprintf("named by the scheme %q", scheme)
	}
	s.print("%d parameters for images of %v, %s", model.Store().Count(), shape, named)
	s.print("run:    %s", run.Path)
	return s.give(map[string]any{"run": run.Path, "checkpoint": path, "shape": shape.String(), "parameters": model.Store().Count(), "scheme": scheme})
}

// describe is the configuration of the run to make, and the shape of its
// images.
func (c importCommand) describe(s *session) (config.Config, data.Shape, error) {
	if c.Like == "" {
		settings, err := c.resolve(s)
		if err != nil {
			return config.Config{}, data.Shape{}, err
		}
		shape, err := imageShape(settings.Config, nil)
		return settings.Config, shape, err
	}
	if c.Preset != "" || c.Config != "" {
		return config.Config{}, data.Shape{}, usage{fmt.Errorf("--like takes the configuration of a run; leave out the preset and --config")}
	}
	dir := c.Keys.Out.Dir
	if dir == "" {
		dir = config.Default().Out.Dir
	}
	_, like, err := chosenRun{Which: c.Like, Dir: dir, Checkpoint: "best"}.load()
	if err != nil {
		return config.Config{}, data.Shape{}, err
	}
	settings := config.New()
	settings.Config = like.config
	settings.Config.Out.Name = ""
	if err := c.apply(s, settings); err != nil {
		return config.Config{}, data.Shape{}, err
	}
	if err := settings.Config.Validate(); err != nil {
		return config.Config{}, data.Shape{}, usage{err}
	}
	shape, err := imageShape(settings.Config, like)
	return settings.Config, shape, err
}

// imageShape is the shape configured, that of the run to be like, or that of the
// source's images.
func imageShape(c config.Config, like *trained) (data.Shape, error) {
	if c.Data.Shape != "" {
		shape, err := data.ParseShape(c.Data.Shape)
		if err != nil {
			return shape, usage{err}
		}
		return shape, nil
	}
	if like != nil {
		return like.shape, nil
	}
	all, err := openSets(c)
	if err != nil {
		return data.Shape{}, fmt.Errorf("the shape of the images is not known: %w; give it by --shape, as in --shape 1x28x28", err)
	}
	return all.training.Shape(), nil
}

// folder is the run to make, whose place the configuration is told.
func (c importCommand) folder(cfg *config.Config) (runs.Run, error) {
	if c.Into != "" {
		cfg.Out.Dir, cfg.Out.Name = filepath.Dir(c.Into), filepath.Base(c.Into)
	}
	if cfg.Out.Name == "" {
		cfg.Out.Name = runs.NewName(time.Now(), c.File, "imported")
	}
	if err := cfg.Validate(); err != nil {
		return runs.Run{}, usage{err}
	}
	run := runs.Run{Path: filepath.Join(cfg.Out.Dir, cfg.Out.Name)}
	if _, err := os.Stat(run.Config()); err == nil {
		return run, usage{fmt.Errorf("the run %s exists; choose another place by -o", run.Path)}
	}
	return run, nil
}

// parseRenames reads OLD=NEW.
func parseRenames(texts []string) ([]exchange.Rename, error) {
	var all []exchange.Rename
	for _, text := range texts {
		before, after, ok := strings.Cut(text, "=")
		if !ok || before == "" {
			return nil, fmt.Errorf("--map %s is no pair of names; write --map OLD=NEW, as in --map features=encoder, or --map OLD= to take a module's name off", text)
		}
		all = append(all, exchange.Rename{Old: before, New: after})
	}
	return all, nil
}
