package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"hourglass/internal/figure"
	"hourglass/internal/runs"
)

type graphCommand struct {
	described
	Format string `placeholder:"svg|dot" enum:",svg,dot" default:"" help:"svg or dot; by default what the name of the output says, else svg."`
	Output string `short:"o" placeholder:"FILE" help:"File to write; without one, standard output."`
}

func (graphCommand) Help() string {
	return "Examples:\n\n    hourglass graph conv -o conv.svg\n    hourglass graph last --format dot | dot -Tpdf > model.pdf"
}

func (c graphCommand) Run(s *session) error {
	model, _, err := c.load()
	if err != nil {
		return err
	}
	draw := figure.SVG
	if c.Format == "dot" || c.Format == "" && strings.EqualFold(filepath.Ext(c.Output), ".dot") {
		draw = figure.DOT
	}
	title := fmt.Sprintf("%s: %v to %d numbers and back", c.Model, model.Input(), model.CodeSize())
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
	if err := runs.Write(c.Output, text.Bytes()); err != nil {
		return err
	}
	s.print("written to %s", c.Output)
	return s.give(map[string]string{"output": c.Output})
}
