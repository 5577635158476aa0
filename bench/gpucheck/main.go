package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := obey(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gpucheck:", err)
		os.Exit(1)
	}
}

// obey does what the arguments ask for. All but run, which asks for the rest, and list
// open the GPU.
func obey(args []string) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("gpucheck "+name, flag.ContinueOnError)
	dry := flags.Bool("dry", false, "rehearse on the emulated driver: tiny sizes, no speed")
	switch name {
	case "list":
		if err := flags.Parse(args); err != nil {
			return err
		}
		return printed(listTests(flags.Args()))
	case "modules":
		if err := flags.Parse(args); err != nil {
			return err
		}
		return printed(loadModule(flags.Arg(0)))
	case "cases":
		sel := selection{}
		flags.IntVar(&sel.every, "every", 1, "take every nth case")
		flags.StringVar(&sel.sizes, "sizes", "table", "table: the case table; kernels: of it what launches every kernel; real: the operations of training steps; tiny: of a small one")
		shard := flags.String("shard", "0/1", "take these of the cases only: the first of two parts is 0/2")
		from := flags.String("from", "0.0", "begin with this program of this case")
		without := flags.String("without", "", "kernels that are not launched, between commas")
		if err := flags.Parse(args); err != nil {
			return err
		}
		if n, err := fmt.Sscanf(*shard, "%d/%d", &sel.shard, &sel.shards); n < 2 || sel.shard < 0 || sel.shard >= sel.shards {
			return fmt.Errorf("the shard is %q, want one such as 0/2 (%v)", *shard, err)
		}
		if n, err := fmt.Sscanf(*from, "%d.%d", &sel.from.Case, &sel.from.Program); n < 2 {
			return fmt.Errorf("the first program is %q, want one such as 17.0: %w", *from, err)
		}
		sel.without = strings.Split(*without, ",")
		return sel.cases(os.Stdout)
	case "tiles":
		only := flags.String("only", "", "operations whose name holds this, to look at them with a profiler")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return tiles(*dry, *only)
	case "soak":
		if err := flags.Parse(args); err != nil {
			return err
		}
		return soak(*dry)
	case "steps":
		workload := flags.String("workload", "", "W1, W2 or W3")
		precision := flags.String("precision", "fp32", "fp32, tf32 or bf16")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return serve(os.Stdin, os.Stdout, *workload, *precision, *dry)
	case "run":
		r := run{}
		flags.StringVar(&r.folder, "folder", ".", "folder that gpu-check.sh pack has filled")
		flags.StringVar(&r.out, "out", "", "folder for the result")
		flags.StringVar(&r.only, "only", "", "checks to run, by the beginning of their names, between commas; empty for all")
		flags.DurationVar(&r.budget, "budget", 0, "time for all checks; what does not fit is not run. 0: as long as they take")
		flags.DurationVar(&r.patience, "patience", 4*time.Minute, "how long PyTorch may compile, from the beginning of the run, and half the budget at most")
		if err := flags.Parse(args); err != nil {
			return err
		}
		r.dry = *dry
		return r.all()
	}
	return fmt.Errorf("the command is %q; choose run, cases, modules, tiles, soak, steps or list", name)
}

// printed prints an answer as a line.
func printed(answer any, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
