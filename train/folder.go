package train

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/graph"
	"hourglass/internal/atomicfile"
	"hourglass/models"
)

// Names of the small files of a checkpoint folder, each of which holds the name
// of a checkpoint in it.
const (
	latestName = "latest"
	bestName   = "best"
)

// LatestCheckpoint returns the path of the checkpoint that a folder names as
// its latest.
func LatestCheckpoint(folder string) (string, error) {
	return checkpoints{path: folder}.named(latestName)
}

// BestCheckpoint returns the path of the checkpoint that a folder names as its
// best: that of the epoch with the lowest loss.
func BestCheckpoint(folder string) (string, error) {
	return checkpoints{path: folder}.named(bestName)
}

// SavePretrained makes weights that were fitted elsewhere the first checkpoint
// of an empty folder, and returns its path. A [Fit] that resumes from it begins
// a run of any terms with these weights.
func SavePretrained(folder string, store *graph.Store, metadata map[string]string) (string, error) {
	d := checkpoints{path: folder}
	steps, err := d.steps()
	if err != nil {
		return "", err
	}
	if len(steps) > 0 {
		return "", fmt.Errorf("the folder %s already has checkpoints, up to step %d; choose another", folder, steps[0])
	}
	c := &Checkpoint{Metadata: metadata, tensors: models.StateDict(store)}
	if name := c.notFinite(); name != "" {
		return "", fmt.Errorf("the weights cannot be used: %s holds a value that is %w", name, graph.ErrNotFinite)
	}
	return d.save(c)
}

// checkpoints is a folder of checkpoints: step-00001234.safetensors, and latest
// and best.
type checkpoints struct {
	path string
	keep int // this many of the newest; 0 keeps all
}

func fileName(step int) string { return fmt.Sprintf("step-%08d.safetensors", step) }

// stepOf returns the step in the name of a checkpoint file.
func stepOf(name string) (step int, ok bool) {
	digits, _ := strings.CutPrefix(strings.TrimSuffix(name, ".safetensors"), "step-")
	ok = read(digits, &step) && step >= 0 && fileName(step) == name
	return step, ok
}

func (d checkpoints) file(step int) string { return filepath.Join(d.path, fileName(step)) }

// clean removes what a killed process left half written.
func (d checkpoints) clean() error {
	err := atomicfile.Clean(d.path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// steps lists the checkpoints that are there, the newest first.
func (d checkpoints) steps() ([]int, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for checkpoints: %w", err)
	}
	var steps []int
	for _, entry := range entries {
		if step, ok := stepOf(entry.Name()); ok {
			steps = append(steps, step)
		}
	}
	slices.SortFunc(steps, func(a, b int) int { return cmp.Compare(b, a) })
	return steps, nil
}

// named returns the path that latest or best names.
func (d checkpoints) named(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(d.path, name))
	if err != nil {
		return "", fmt.Errorf("the folder %s names no %s checkpoint: %w", d.path, name, err)
	}
	step, ok := stepOf(strings.TrimSpace(string(text)))
	if !ok {
		return "", fmt.Errorf("%s names no checkpoint of its folder, want a name such as %s", filepath.Join(d.path, name), fileName(100))
	}
	return d.file(step), nil
}

// point makes latest or best name a checkpoint.
func (d checkpoints) point(name string, step int) error {
	err := atomicfile.Write(filepath.Join(d.path, name), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, fileName(step))
		return err
	})
	if err != nil {
		return fmt.Errorf("naming the %s checkpoint: %w", name, err)
	}
	return nil
}

// save writes a checkpoint, then the names that refer to it, then removes what
// is no longer needed: killed at any moment, the folder is usable.
func (d checkpoints) save(c *Checkpoint) (path string, err error) {
	if err := os.MkdirAll(d.path, 0o777); err != nil {
		return "", fmt.Errorf("making the folder of checkpoints: %w", err)
	}
	path = d.file(c.State.Step)
	if err := c.Write(path); err != nil {
		return "", err
	}
	if err := d.pointAt(c.State); err != nil {
		return "", err
	}
	return path, d.prune()
}

// pointAt names the checkpoint of a state as the latest, and as the best if it
// is.
func (d checkpoints) pointAt(s State) error {
	if err := d.point(latestName, s.Step); err != nil {
		return err
	}
	if s.BestStep == s.Step {
		return d.point(bestName, s.Step)
	}
	return nil
}

// prune removes all but the newest checkpoints and those that have a name.
func (d checkpoints) prune() error {
	steps, err := d.steps()
	if err != nil || d.keep == 0 || len(steps) <= d.keep {
		return err
	}
	latest, _ := d.named(latestName) // "" matches no file
	best, _ := d.named(bestName)
	for _, step := range steps[d.keep:] {
		path := d.file(step)
		if path == latest || path == best {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an old checkpoint: %w", err)
		}
	}
	return nil
}

// newest loads the newest checkpoint that is whole, nil if there is none at
// all, and says what was wrong with newer ones.
func (d checkpoints) newest() (c *Checkpoint, path string, damaged []error, err error) {
	steps, err := d.steps()
	if err != nil {
		return nil, "", nil, err
	}
	for _, step := range steps {
		path := d.file(step)
		c, err := LoadCheckpoint(path)
		if err == nil && c.State.Step != step {
			err = fmt.Errorf("checkpoint %s: it is of step %d; somebody renamed it", path, c.State.Step)
		}
		if err == nil {
			return c, path, damaged, nil
		}
		damaged = append(damaged, err)
	}
	if len(damaged) > 0 {
		return nil, "", nil, fmt.Errorf("no checkpoint of %s can be used, the newest because of: %w; start a new run in another folder", d.path, damaged[0])
	}
	return nil, "", nil, nil
}
