package main

import (
	"hourglass/graph/tune"
	"hourglass/internal/runs"
	"hourglass/kernels"
)

// arithmetic are the flags of commands that train, for a GPU's products.
type arithmetic struct {
	Precision string `enum:"auto,fp32,tf32,bf16" default:"auto" help:"Arithmetic of a GPU's products: fp32; tf32 or bf16, which multiply 10 or 7 bits of mantissa on the matrix units of compute capability 8.0 and later; auto takes tf32 where the GPU has it, and never bf16."`
	Tune      string `enum:"off,cached,measure" default:"cached" help:"Tiles of a GPU's products on the matrix units: off takes those of a model of their cost; cached those that were once timed on this GPU, where there are any; measure times them all now and keeps the fastest for later. Tiles differ in the last bits of results; a run that is resumed goes on with those it began with."`
}

// setArithmetic lets the device multiply as the flags say; empty ones, of commands
// that have none, are as if not given.
func (j *training) setArithmetic() error {
	precision := j.device.DefaultPrecision()
	if j.Precision != "auto" && j.Precision != "" {
		var err error
		if precision, err = kernels.ParsePrecision(j.Precision); err != nil {
			return usage{err}
		}
	}
	if err := j.device.SetPrecision(precision); err != nil {
		return err
	}
	o := tune.Options{Mode: tune.Cached, Warn: func(line string) { j.say("warning: %s", line) }}
	var err error
	if j.Tune != "" {
		if o.Mode, err = tune.ParseMode(j.Tune); err != nil {
			return usage{err}
		}
	}
	if j.resumed {
		if o.Recorded, err = tune.ReadRecord(j.folder.Tiles()); err != nil {
			return err
		}
	}
	j.device.Tune(o)
	return nil
}

// recordTiles writes which tiles the run takes into its folder, if there was a
// choice.
func (j *training) recordTiles() error {
	record, words := j.device.Tiles()
	if words == "" {
		return nil
	}
	text, err := record.Marshal()
	if err != nil {
		return err
	}
	return runs.Write(j.folder.Tiles(), text)
}
