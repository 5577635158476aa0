package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gpucheck:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("gpucheck "+name, flag.ContinueOnError)
	switch name {
	case "cases":
		every := flags.Int("every", 1, "take every nth case")
		sizes := flags.String("sizes", "table", "table: the case table; real: the operations of training steps; tiny: of a small one")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return walk(*sizes, *every)
	case "tiles":
		dry := flags.Bool("dry", false, "tiny sizes, for the emulated driver")
		only := flags.String("only", "", "operations whose name holds this, to look at them with a profiler")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return tiles(*dry, *only)
	case "run":
		r := run{}
		flags.StringVar(&r.folder, "folder", ".", "folder that gpu-check.sh pack has filled")
		flags.StringVar(&r.out, "out", "", "folder for the result")
		flags.StringVar(&r.only, "only", "", "checks to run, by the beginning of their names, between commas; empty for all")
		flags.BoolVar(&r.dry, "dry", false, "rehearse on the emulated driver: tiny sizes, no speed")
		flags.DurationVar(&r.patience, "patience", 4*time.Minute, "how long PyTorch may compile, from the beginning of the run")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return r.all()
	}
	return fmt.Errorf("the command is %q; choose run, cases or tiles", name)
}
