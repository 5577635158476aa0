package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/internal/figure"
	"hourglass/internal/runs"
)

type graphCommand struct {
	described
	Format string `placeholder:"svg|dot" enum:",svg,dot" default:"" help:"svg or dot; by default what the name of the output says, else svg."`
	Output string `short:"o" placeholder:"FILE" help:"File to write; without one, standard output."`
	Plan   bool   `help:"Print instead what one training step computes, of what, where in memory, and what that takes at least; with -o, write a map of its memory as SVG."`
	Batch  int    `default:"128" help:"Images of the step that --plan describes."`
}

func (graphCommand) Help() string {
	return "Examples:\n\n    hourglass graph conv -o conv.svg\n    hourglass graph last --format dot | dot -Tpdf > model.pdf\n    hourglass graph mnist/conv --plan"
}

func (c graphCommand) Run(s *session) error {
	if kind := strings.ToLower(filepath.Ext(c.Output)); c.Output != "" && !c.Plan && kind != ".svg" && kind != ".dot" {
		return usage{fmt.Errorf("%s is neither an SVG nor a DOT; end the name in .svg or .dot", c.Output)}
	}
	model, _, err := c.load()
	if err != nil {
		return err
	}
	draw := figure.SVG
	if c.Format == "dot" || c.Format == "" && strings.EqualFold(filepath.Ext(c.Output), ".dot") {
		draw = figure.DOT
	}
	if c.Plan {
		return c.printPlan(s, model)
	}
	title := fmt.Sprintf("%s: %v to %s and back", c.Model, model.Input(), code(model))
	var text bytes.Buffer
	if err := draw(&text, title, model.Input(), model.Layers()); err != nil {
		return err
	}
	if c.Output == "" {
		if s.json {
			return s.give(map[string]string{"graph": text.String()})
		}
		_, err := s.out.Write(text.Bytes())
		return err
	}
	return c.write(s, text.Bytes())
}

func (c graphCommand) write(s *session, file []byte) error {
	if err := runs.Write(c.Output, file); err != nil {
		return err
	}
	s.print("written to %s", c.Output)
	return s.give(map[string]string{"output": c.Output})
}

// printPlan prints the plan of a training step on a GPU, for which none is needed.
func (c graphCommand) printPlan(s *session, model config.Network) error {
	b, err := trainingGraph(model, c.Batch)
	if err != nil {
		return err
	}
	outline, err := graph.OutlineOf(b, nil)
	if err != nil {
		return err
	}
	plan := outline.Plan()
	if c.Output != "" {
		var picture bytes.Buffer
		if err := figure.Arena(&picture, fmt.Sprintf("%s: memory of a training step of %d images", c.Model, c.Batch), plan); err != nil {
			return err
		}
		return c.write(s, picture.Bytes())
	}
	text := plan.String()
	if s.json {
		return s.give(map[string]string{"plan": text})
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}
