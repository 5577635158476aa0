package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Missing says that a Python lacks a package that the scripts import, or cannot
// be run at all.
type Missing struct {
	Python, Package string
	Err             error
}

func (e Missing) Error() string {
	return fmt.Sprintf("%s has no package %s (%v); name a Python that has torch and numpy", e.Python, e.Package, e.Err)
}

// Run runs a script on a folder that [Start.Write] has filled, and lets read
// take the lines of JSON that it prints. It returns a [Missing] where that
// Python cannot run it.
func Run(ctx context.Context, python, script, folder string, read func(lines *json.Decoder) error) error {
	for _, name := range []string{"torch", "numpy"} { // found, not imported, which takes seconds
		if err := exec.CommandContext(ctx, python, "-c", "import importlib.util, sys; sys.exit(not importlib.util.find_spec('"+name+"'))").Run(); err != nil {
			return Missing{python, name, err}
		}
	}
	command := exec.CommandContext(ctx, python, script, folder)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("running %s: %w", script, err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("running %s: %w", script, err)
	}
	failed := read(json.NewDecoder(output))
	if failed != nil {
		command.Process.Kill() // it may be waiting for its lines to be read
	}
	ended := command.Wait()
	switch {
	case failed != nil:
		return fmt.Errorf("reading what %s prints: %w", script, failed)
	case ended != nil:
		return fmt.Errorf("%s failed: %w", script, ended)
	}
	return nil
}
