package runs

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hourglass/internal/atomicfile"
	"hourglass/internal/nearest"
)

// configName is the file that makes a folder a run.
const configName = "config.yaml"

// Run is the folder of one run.
type Run struct {
	Path  string
	Begun time.Time // when it was begun, or last gone on with: when its configuration was written
}

// Name is the last part of the path.
func (r Run) Name() string { return filepath.Base(r.Path) }

// Config is the path of the run's configuration, as those below are of what else its
// folder holds.
func (r Run) Config() string      { return filepath.Join(r.Path, configName) }
func (r Run) Script() string      { return filepath.Join(r.Path, "model.py") }
func (r Run) Environment() string { return filepath.Join(r.Path, "env.json") }
func (r Run) Tiles() string       { return filepath.Join(r.Path, "tiles.json") }
func (r Run) Metrics() string     { return filepath.Join(r.Path, "metrics.jsonl") }
func (r Run) Checkpoints() string { return filepath.Join(r.Path, "checkpoints") }
func (r Run) Evaluation() string  { return filepath.Join(r.Path, "eval.json") }
func (r Run) Threshold() string   { return filepath.Join(r.Path, "threshold.json") }

// Report is the page about the run.
func (r Run) Report() string { return filepath.Join(r.Path, "report.html") }

// Reconstructions is the sheet at the end of a run.
func (r Run) Reconstructions() string { return filepath.Join(r.Path, "reconstructions.png") }

// Sample is the sheet of an epoch, counted from 1.
func (r Run) Sample(epoch int) string {
	return filepath.Join(r.Path, "samples", fmt.Sprintf("epoch-%04d.png", epoch))
}

// CheckWritable finds out, before anything is trained, whether the run's folder can
// be made and written to. It leaves nothing behind.
func (r Run) CheckWritable() (err error) {
	var made []string
	for path := filepath.Clean(r.Path); ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			break
		}
		made = append(made, path)
	}
	if err = os.MkdirAll(r.Path, 0o777); err == nil {
		var file *os.File
		if file, err = os.CreateTemp(r.Path, ".writable-*"); err == nil {
			file.Close()
			err = os.Remove(file.Name())
		}
	}
	for _, path := range made { // the deepest first
		os.Remove(path) // which keeps what another has put there
	}
	if err != nil {
		return fmt.Errorf("the run's folder %s cannot be written to: %w; choose another --dir", r.Path, err)
	}
	return nil
}

// Write replaces a file of the run as a whole, making its folder if need be.
func Write(path string, content []byte) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; name a file", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("making the folder of %s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// NewName makes the name of a folder from the day, what is trained on what, and
// four random letters.
func NewName(day time.Time, source, preset string) string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32 that nobody mistakes for another
	random := make([]byte, 4)
	rand.Read(random)
	for i, b := range random {
		random[i] = letters[int(b)%len(letters)]
	}
	return fmt.Sprintf("%s_%s-%s_%s", day.Format(time.DateOnly), sourceName(source), preset, random)
}

// sourceName is a short name of a source, fit for a folder: glyphs of
// "glyphs:1x16x16,n=256", cats of "folder:./pictures/cats".
func sourceName(source string) string {
	kind, argument, given := strings.Cut(source, ":")
	name := kind
	if !given || kind == "folder" || kind == "npy" || kind == "npz" || kind == "idx" {
		path := kind
		if given {
			path = argument
		}
		name = filepath.Base(filepath.Clean(path))
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	name = strings.Map(func(r rune) rune {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return r
		}
		return -1
	}, name)
	if name == "" {
		return "data"
	}
	return name[:min(len(name), 32)]
}

// List returns the runs in a folder, the latest first. A folder that is not
// there holds none.
func List(dir string) ([]Run, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the runs: %w", err)
	}
	var all []Run
	for _, entry := range entries {
		if run, err := open(filepath.Join(dir, entry.Name())); err == nil {
			all = append(all, run)
		}
	}
	slices.SortStableFunc(all, func(a, b Run) int { return b.Begun.Compare(a.Begun) })
	return all, nil
}

// open opens a folder that holds a configuration.
func open(path string) (Run, error) {
	info, err := os.Stat(filepath.Join(path, configName))
	if err != nil {
		return Run{}, err
	}
	return Run{Path: path, Begun: info.ModTime()}, nil
}

// Find returns the run that is meant: "last" for the one begun last, a path, or
// a name in dir or the beginning of just one.
func Find(dir, meant string) (Run, error) {
	if meant == "" {
		return Run{}, fmt.Errorf("no run is named; give a path, the beginning of a name in %s, or last", dir)
	}
	all, err := List(dir)
	if err != nil {
		return Run{}, err
	}
	if meant == "last" {
		if len(all) == 0 {
			return Run{}, fmt.Errorf("there is no run in %s yet; start one with `hourglass train`", dir)
		}
		return all[0], nil
	}
	var names []string
	var begun []Run
	for _, run := range all {
		if run.Name() == meant {
			return run, nil
		}
		names = append(names, run.Name())
		if strings.HasPrefix(run.Name(), meant) {
			begun = append(begun, run)
		}
	}
	if run, err := open(meant); err == nil {
		return run, nil
	}
	switch {
	case len(begun) == 1:
		return begun[0], nil
	case len(begun) > 1:
		return Run{}, fmt.Errorf("%q begins the names of %d runs in %s, such as %s and %s; give more of the name", meant, len(begun), dir, begun[0].Name(), begun[1].Name())
	}
	if info, err := os.Stat(meant); err == nil && info.IsDir() {
		return Run{}, fmt.Errorf("%s is no run: it holds no %s", meant, configName)
	}
	if near, ok := nearest.Of(meant, names); ok {
		return Run{}, fmt.Errorf("there is no run %q; did you mean %s?", meant, near)
	}
	return Run{}, fmt.Errorf("there is no run %q, neither as a path nor in %s; `hourglass runs` lists all", meant, dir)
}
