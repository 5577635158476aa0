package main

import (
	"fmt"
	"os"
	"strings"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/models"
)

// described is a model that exists on paper, or with weights.
type described struct {
	Model string `arg:"" name:"model" placeholder:"RUN|CHECKPOINT|CONFIG|PRESET" help:"Run, checkpoint, configuration file, or preset."`
	Dir   string `default:"runs" help:"Folder that holds the runs."`
	Shape string `placeholder:"CxHxW" help:"Shape of the images; by default that of the model's own, or 1x28x28."`
}

// standardShape is assumed of images nobody has described: that of MNIST and
// of the drawn digits.
var standardShape = data.Shape{C: 1, H: 28, W: 28}

// load finds out what is meant, and returns the model and what it was made of.
func (d described) load() (config.Network, config.Config, error) {
	var c config.Config
	shape := standardShape
	switch {
	case strings.HasSuffix(d.Model, ".safetensors"):
		return d.trained(d.Model)
	case strings.HasSuffix(d.Model, ".yaml"), strings.HasSuffix(d.Model, ".yml"):
		var err error
		if c, err = config.Load(d.Model); err != nil {
			return nil, c, usage{err}
		}
	default:
		run, found := runs.Find(d.Dir, d.Model)
		if found == nil {
			if path, err := bestOf(run); err == nil {
				return d.trained(path)
			}
			var err error
			if c, err = config.Load(run.Config()); err != nil {
				return nil, c, err
			}
			break
		}
		settings := config.New()
		if err := settings.ApplyPreset(d.Model); err != nil {
			if _, statErr := os.Stat(d.Model); statErr == nil || d.Model == "last" {
				return nil, c, found
			}
			return nil, c, usage{fmt.Errorf("%q is no run, checkpoint (.safetensors), configuration (.yaml) or preset%s", d.Model, suggestion(d.Model, config.PresetNames(), ""))}
		}
		c = settings.Config
	}
	model, err := d.build(c, shape)
	return model, c, err
}

// trained is the model of a checkpoint, whose images have their shape.
func (d described) trained(checkpoint string) (config.Network, config.Config, error) {
	t, err := loadTrained(checkpoint)
	if err != nil {
		return nil, config.Config{}, err
	}
	if d.Shape != "" && d.Shape != t.shape.String() {
		return nil, config.Config{}, usage{fmt.Errorf("--shape is %s, and %s was trained on images of %v; leave --shape out, or name a preset or a configuration", d.Shape, d.Model, t.shape)}
	}
	return t.model, t.config, nil
}

// build makes the model that a configuration describes, for the shape asked
// for, or its own, or the standard one.
func (d described) build(c config.Config, shape data.Shape) (config.Network, error) {
	text := d.Shape
	if text == "" {
		text = c.Data.Shape
	}
	if text != "" {
		var err error
		if shape, err = data.ParseShape(text); err != nil {
			return nil, usage{err}
		}
	}
	return newModel(c, shape)
}

type infoCommand struct {
	described
	Batch int `default:"0" help:"Batch for which the memory is counted; 0 takes that of the configuration."`
}

func (infoCommand) Help() string {
	return "Examples:\n\n    hourglass info last\n    hourglass info conv --shape 3x64x64\n    hourglass info runs/x/checkpoints/step-00000100.safetensors"
}

// layerInfo is a layer in JSON.
type layerInfo struct {
	Part       string `json:"part"`
	Name       string `json:"name"`
	Text       string `json:"layer"`
	In         string `json:"in"`
	Out        string `json:"out"`
	Parameters int    `json:"parameters"`
	FLOPs      int    `json:"flops_per_image"`
}

func (c infoCommand) Run(s *session) error {
	model, cfg, err := c.load()
	if err != nil {
		return err
	}
	batch := cfg.Train.Batch
	if c.Batch != 0 {
		batch = c.Batch
	}
	cost, err := trainingCost(model, batch)
	if err != nil {
		return err
	}
	table := terminal.Table{Head: []string{"part", "layer", "output", "parameters", "MFLOP/image"}}
	var layers []layerInfo
	forward := 0
	for _, l := range model.Layers() {
		layers = append(layers, layerInfo{l.Part, l.Name, l.Text, l.In.String(), l.Out.String(), l.Parameters, l.FLOPs})
		table.Rows = append(table.Rows, []string{l.Part, l.Text, l.Out.String(), terminal.Count(float64(l.Parameters)), fmt.Sprintf("%.3f", float64(l.FLOPs)/1e6)})
		forward += l.FLOPs
	}
	in, code, parameters := model.Input(), codeLength(model), model.Store().Count()
	moments := cfg.Optimiser().Moments()
	state := 4 * parameters * (2 + moments)
	s.print("input %v, code %d: one number for %.1f pixel values; loss in %s", in, code, float64(in.Size())/float64(code), model.Unit())
	s.print("")
	s.table(table)
	s.print("")
	s.print("parameters  %s", terminal.Count(float64(parameters)))
	s.print("work        %s an image forward, %s a training step of %d images", flops(forward), flops(cost.FLOPs), batch)
	s.print("memory      %s of parameters, gradients and moments, %s of activations in training", terminal.Bytes(float64(state)), terminal.Bytes(float64(cost.Bytes)))
	if code >= in.Size() {
		s.print("warning     the code is no smaller than the image: the model can copy its input without learning anything")
	}
	return s.give(map[string]any{
		"input": in.String(), "code": code, "unit": model.Unit(), "layers": layers, "parameters": parameters,
		"flops_per_image": forward, "flops_per_step": cost.FLOPs, "batch": batch, "state_bytes": state, "activation_bytes": cost.Bytes,
	})
}

// flops writes a number of operations: 1.62 GFLOP.
func flops(n int) string {
	text := terminal.Count(float64(n))
	figures := strings.TrimRight(text, "kMGT")
	return figures + " " + strings.TrimPrefix(text, figures) + "FLOP"
}

// trainingGraph builds a training step of a model.
func trainingGraph(model models.Model, batch int) (*graph.Builder, error) {
	if batch < 1 {
		return nil, usage{fmt.Errorf("--batch is %d; give a number of images from 1", batch)}
	}
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, batch)
	return b, nil
}

// trainingCost is what a training step of a model takes on the CPU.
func trainingCost(model models.Model, batch int) (cost graph.Cost, err error) {
	b, err := trainingGraph(model, batch)
	if err != nil {
		return cost, err
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		return cost, err
	}
	defer device.Close()
	program, err := graph.Compile(device, b, nil)
	if err != nil {
		return cost, err
	}
	defer program.Close()
	return program.Cost(), nil
}
