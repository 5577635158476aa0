package main

import (
	"fmt"
	"path/filepath"

	"hourglass/internal/runs"
	"hourglass/models/exchange"
)

// Formats of export.
const (
	formatONNX        = "onnx"
	formatSafetensors = "safetensors"
	formatPyTorch     = "pytorch"
)

type exportCommand struct {
	chosenRun
	Format string `required:"" enum:"onnx,safetensors,pytorch" placeholder:"FORMAT" help:"onnx, safetensors (weights), or pytorch (a folder with model.py and model.safetensors)."`
	Part   string `default:"whole" enum:"whole,encoder,decoder" placeholder:"PART" help:"What to write as onnx: whole, encoder or decoder."`
	Output string `short:"o" placeholder:"PATH" help:"File to write, or folder for pytorch; by default in the run's folder."`
}

func (exportCommand) Help() string {
	return `Examples:

    hourglass export last --format onnx
    hourglass export last --format onnx --part encoder -o encoder.onnx
    hourglass export last --format pytorch -o mymodel

In ONNX the whole model takes image, (N,C,H,W) with pixels from 0 to 1, and gives
reconstruction and code. The encoder gives code and, of a vae, log_variance, of a
vq, indices; the decoder takes code. Those of a cvae take condition too, 1 at the
class of each image.`
}

func (c exportCommand) Run(s *session) error {
	if c.Part != string(exchange.Whole) && c.Format != formatONNX {
		return usage{fmt.Errorf("--part is for the format onnx; in PyTorch, encoder and decoder are modules of the model")}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	var written []string
	switch c.Format {
	case formatONNX:
		written, err = c.onnx(run, t)
	case formatSafetensors:
		path := c.path(filepath.Join(run.Path, "model.safetensors"))
		written, err = []string{path}, exchange.WriteWeights(path, t.model, metadata(t.config, t.shape))
	case formatPyTorch:
		written, err = c.pytorch(run, t)
	}
	if err != nil {
		return err
	}
	for _, path := range written {
		s.print("written to %s", path)
	}
	return s.give(map[string]any{"run": run.Path, "checkpoint": t.path, "format": c.Format, "part": c.Part, "written": written})
}

// path is the one asked for, or another.
func (c exportCommand) path(otherwise string) string {
	if c.Output != "" {
		return c.Output
	}
	return otherwise
}

// origin says in one sentence what is exported.
func origin(run runs.Run, t *trained) string {
	return fmt.Sprintf("The model of the Hourglass run %s after step %d.", run.Name(), t.state.Step)
}

func (c exportCommand) onnx(run runs.Run, t *trained) ([]string, error) {
	name := "model.onnx"
	if c.Part != string(exchange.Whole) {
		name = c.Part + ".onnx"
	}
	path := c.path(filepath.Join(run.Path, name))
	content, err := exchange.ONNX(t.model, exchange.Part(c.Part), exchange.About{
		Version: version().Version, Doc: origin(run, t), Metadata: metadata(t.config, t.shape),
	})
	if err != nil {
		return nil, err
	}
	return []string{path}, runs.Write(path, content)
}

// pytorch writes the script and the weights that it loads.
func (c exportCommand) pytorch(run runs.Run, t *trained) ([]string, error) {
	folder := c.path(run.Path)
	script, weights := (runs.Run{Path: folder}).Script(), filepath.Join(folder, "model.safetensors")
	text, err := exchange.Script(t.model, origin(run, t))
	if err != nil {
		return nil, err
	}
	if err := runs.Write(script, text); err != nil {
		return nil, err
	}
	return []string{script, weights}, exchange.WriteWeights(weights, t.model, metadata(t.config, t.shape))
}

// writeScript writes the run's own model.py, which loads its checkpoints.
func writeScript(run runs.Run, model exchange.Model) error {
	text, err := exchange.RunScript(model, fmt.Sprintf("The model of the Hourglass run %s.", run.Name()))
	if err != nil {
		return err
	}
	return runs.Write(run.Script(), text)
}
