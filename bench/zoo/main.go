package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/bench"
	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/internal/peer"
	"hourglass/train"
)

// Paths from the root of the repository, where make runs this.
const (
	resultsPath  = "bench/results/models.json"
	documentPath = "docs/models.md"
	pictures     = "docs/models"
)

func main() {
	var o options
	only := flag.String("only", "", "entries to run again, with commas between; without it those that were never run")
	flag.BoolVar(&o.document, "document", false, "run nothing, write the document alone")
	flag.StringVar(&o.python, "python", "python3", "Python that has torch and numpy")
	flag.IntVar(&o.threads, "threads", 1, "CPU threads of each side; on a busy machine more are slower")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of training; figures of another than 1 are printed, not kept")
	flag.BoolVar(&o.trial, "trial", false, "one short epoch on a part of the images; figures are printed, not kept")
	flag.Parse()
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "zoo:", err)
		os.Exit(1)
	}
}

type options struct {
	only     []string
	document bool
	python   string
	threads  int
	seed     uint64
	trial    bool
}

// kept says whether figures are those of the document.
func (o options) kept() bool { return o.seed == 1 && !o.trial }

// Images of a trial.
const trialTraining, trialTest = 1280, 200

func run(ctx context.Context, out io.Writer, o options) error {
	byName, err := readResults(resultsPath)
	if err != nil {
		return err
	}
	chosen, err := o.chosen(byName)
	if err != nil {
		return err
	}
	built := bench.Here() // before others commit
	for _, e := range chosen {
		r, failed := o.once(ctx, out, e)
		r.Origin = built
		switch {
		case r.Ours == nil:
		case !o.kept():
			err = json.NewEncoder(out).Encode(r)
		default: // even if PyTorch's side failed
			byName, err = keep(r)
		}
		if err = errors.Join(failed, err); err != nil {
			return fmt.Errorf("entry %s: %w", e.name, err)
		}
	}
	text, err := document(byName)
	if err != nil {
		return err
	}
	return os.WriteFile(documentPath, text, 0o666)
}

// keep adds a result to those on disk, which another process may have added to.
func keep(r result) (map[string]result, error) {
	byName, err := readResults(resultsPath)
	if err != nil {
		return nil, err
	}
	byName[r.Name] = r
	return byName, writeResults(resultsPath, byName)
}

// chosen are the entries to be run.
func (o options) chosen(known map[string]result) ([]entry, error) {
	if o.document {
		return nil, nil
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(entries, func(e entry) bool { return e.name == name }) {
			return nil, fmt.Errorf("there is no entry %q; bench/zoo/entries.go lists them", name)
		}
	}
	var chosen []entry
	for _, e := range entries {
		_, run := known[e.name]
		if len(o.only) == 0 && !run || slices.Contains(o.only, e.name) {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

// once trains one entry on both sides, one after the other.
func (o options) once(ctx context.Context, log io.Writer, e entry) (r result, err error) {
	c, err := e.settings()
	if err != nil {
		return r, err
	}
	c.Train.Seed = o.seed
	if o.trial {
		c.Train.Epochs = 1
	}
	training, test, err := o.images(c)
	if err != nil {
		return r, err
	}
	t, err := open(e, c, training, test, o.threads)
	if err != nil {
		return r, err
	}
	defer t.close()
	folder, err := os.MkdirTemp("", "zoo")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(folder)
	ours, err := fit(ctx, log, t, func() error { return t.start(o.threads).Write(folder) })
	if err != nil {
		return r, err
	}
	r = result{Name: e.name, Unit: t.model.Unit(), Epochs: c.Train.Epochs, Ours: &ours}
	if r.Command, err = e.command(); err != nil {
		return r, err
	}
	if o.kept() {
		if err := t.draw(filepath.Join(pictures, e.name+".png")); err != nil {
			return r, err
		}
	}
	theirs, err := theirs(ctx, log, t, o.python, folder)
	var missing peer.Missing
	switch {
	case errors.As(err, &missing):
		fmt.Fprintf(log, "%s was not compared with PyTorch: %v\n", e.name, err)
	case err != nil:
		return r, err
	default:
		r.Theirs = &theirs
	}
	return r, nil
}

// images are those of the entry's run, or of a trial.
func (o options) images(c config.Config) (training, test data.Dataset, err error) {
	images, err := c.DataOptions()
	if err != nil {
		return nil, nil, err
	}
	if training, test, err = data.Open(c.Data.Source, images); err != nil || !o.trial {
		return training, test, err
	}
	if training, err = first(training, trialTraining); err != nil {
		return nil, nil, err
	}
	test, err = first(test, trialTest)
	return training, test, err
}

// open makes the entry's model on the CPU.
func open(e entry, c config.Config, training, test data.Dataset, threads int) (*trained, error) {
	t := &trained{entry: e, config: c, training: training, test: test}
	var err error
	if t.model, err = c.Build(training.Shape()); err != nil {
		return nil, err
	}
	if t.device, err = graph.OpenDevice(graph.CPU, threads); err != nil {
		return nil, err
	}
	if t.runner, err = train.NewRunner(t.device, t.model, c.Train.Batch); err != nil {
		t.device.Close()
		return nil, err
	}
	return t, nil
}

func (t *trained) close() {
	t.runner.Close()
	t.device.Close()
}
