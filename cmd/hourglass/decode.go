package main

import (
	"io"
	"path/filepath"
	"strings"

	"hourglass/data"
)

type decodeCommand struct {
	chosenRun
	Codes  string `arg:"" help:"Codes as .npy, .npz (array codes) or .csv (columns z0, z1, ... or numbers alone), a row each."`
	Output string `short:"o" default:"decoded.png" help:"PNG to write, a folder (ending in /) for one PNG an image, or .npy for the pixels, N,H,W,C."`
	conditioned
	machine
}

func (decodeCommand) Help() string {
	return `Examples:

    hourglass encode last -o codes.csv
    hourglass decode last codes.csv -o sheet.png
    hourglass decode last codes.npy -o images/`
}

// pixels reports whether the pixels themselves are wanted.
func (c decodeCommand) pixels() bool { return strings.EqualFold(filepath.Ext(c.Output), ".npy") }

func (c decodeCommand) Run(s *session) error {
	if !c.pixels() {
		if err := checkImagesFile(c.Output); err != nil {
			return err
		}
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	codes, err := readCodes(c.Codes, t.model.CodeSize())
	if err != nil {
		return err
	}
	r, err := t.on(s, c.machine)
	if err != nil {
		return err
	}
	defer r.Close()
	count := len(codes) / t.model.CodeSize()
	labels, err := c.labels(t, count)
	if err != nil {
		return err
	}
	made, err := r.Decode(codes, count, labels...)
	if err != nil {
		return err
	}
	if c.pixels() {
		array := data.Array{Shape: []int{count, t.shape.H, t.shape.W, t.shape.C}, Values: made}
		err = writeFile(c.Output, func(w io.Writer) error { return data.WriteNPY(w, array) })
	} else {
		err = writeImages(c.Output, made, t.shape)
	}
	if err != nil {
		return err
	}
	s.print("%s, written to %s", plural(count, "image"), c.Output)
	return s.give(map[string]any{"output": c.Output, "count": count, "checkpoint": t.path})
}
