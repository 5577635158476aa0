package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Missing says that a Python lacks what the scripts import.
type Missing struct{ Python, Reason string }

func (e Missing) Error() string {
	return fmt.Sprintf("%s has no torch and numpy (%s); name a Python that has them", e.Python, e.Reason)
}

// Run runs a script on a folder that [Start.Write] has filled, and lets read
// take the lines of JSON that it prints. It returns a [Missing] where that
// Python cannot run it.
func Run(ctx context.Context, python, script, folder string, read func(lines *json.Decoder) error) error {
	if text, err := exec.CommandContext(ctx, python, "-c", "import torch, numpy").CombinedOutput(); err != nil {
		reason := err.Error()
		if lines := bytes.Split(bytes.TrimSpace(text), []byte("\n")); len(text) > 0 {
			reason = string(lines[len(lines)-1])
		}
		return Missing{python, reason}
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
