package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// errSlow is why the context of a check ends that takes longer than it may; errBudget,
// why that of the visit ends, and errShare, why that of its first part does.
var (
	errSlow   = errors.New("it did not end in the time that it may take")
	errBudget = errors.New("the time of the visit is used up")
	errShare  = errors.New("what the visit has left is for taking times")
)

// cut is why a context has ended, if it has; err otherwise. Whose end it was, [run.ask]
// decides.
func cut(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// command is a program that is ended with all that it has started when the context
// ends.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, path, args...)
	endTogether(c)
	c.WaitDelay = 5 * time.Second
	return c
}

// program runs one of the carried programs; the last line it prints is its figure.
func (r *run) program(name string, args ...string) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		output, err := r.execute(ctx, filepath.Join(r.folder, name), args...)
		return figure(output), err
	}
}

// itself runs a command of this program in a process of its own, which may lose the
// device, or hang.
func (r *run) itself(args ...string) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		output, err := r.execute(ctx, r.self, args...)
		return figure(output), err
	}
}

func (r *run) execute(ctx context.Context, path string, args ...string) (output string, err error) {
	return r.executeWith(ctx, nil, path, args...)
}

// executeWith adds to the environment. What a program that fails has said goes to the
// log.
func (r *run) executeWith(ctx context.Context, environment []string, path string, args ...string) (output string, err error) {
	c := command(ctx, path, args...)
	c.Dir = r.folder // where testdata lie
	c.Env = append(os.Environ(), environment...)
	text, err := c.CombinedOutput()
	output = strings.TrimSpace(string(text))
	if err != nil {
		title := filepath.Base(path) + " " + strings.Join(args, " ")
		err = cut(ctx, err)
		r.log.section(fmt.Sprintf("%s: %v", title, err), output)
		return output, fmt.Errorf("%s: %w: %s", title, err, output[max(0, len(output)-2000):])
	}
	return output, nil
}

// figure is the last line of what a program said, as JSON where it is.
func figure(output string) any {
	line := output[strings.LastIndexByte(output, '\n')+1:]
	if json.Valid([]byte(line)) {
		return json.RawMessage(line)
	}
	return line
}
