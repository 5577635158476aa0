package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"hourglass/graph"
	"hourglass/internal/nearest"
	"hourglass/internal/terminal"
)

// session is one call of the program: where it writes, and what every command
// was told.
type session struct {
	ctx    context.Context
	parsed *kong.Context
	json   bool
	out    io.Writer          // results
	result *terminal.Terminal // results for people; nothing with --json
	log    *terminal.Terminal // progress and remarks; nothing with --quiet
}

func newSession(ctx context.Context, root commands, parsed *kong.Context, stdout, stderr io.Writer) *session {
	s := &session{ctx: ctx, parsed: parsed, json: root.JSON, out: stdout, result: detect(stdout), log: detect(stdout)}
	if root.JSON {
		s.result, s.log = &terminal.Terminal{Out: io.Discard}, detect(stderr)
	}
	if root.Quiet {
		s.log = &terminal.Terminal{Out: io.Discard}
	}
	return s
}

// detect finds out what can be done where w writes to.
func detect(w io.Writer) *terminal.Terminal {
	if file, ok := w.(*os.File); ok {
		return terminal.Detect(file, lookup)
	}
	return &terminal.Terminal{Out: w}
}

// say writes a remark.
func (s *session) say(format string, values ...any) {
	s.log.Println(fmt.Sprintf(format, values...))
}

// print writes lines of a result for people.
func (s *session) print(format string, values ...any) {
	s.result.Println(fmt.Sprintf(format, values...))
}

// table writes a table of a result for people.
func (s *session) table(t terminal.Table) { s.result.Println(s.result.Lines(t)...) }

// give writes the result as JSON, if it was asked for.
func (s *session) give(value any) error {
	if !s.json {
		return nil
	}
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// machine are the flags of commands that compute.
type machine struct {
	Device  string `default:"auto" placeholder:"DEVICE" help:"Where to compute: auto, cpu, cuda, or cuda:1 for the second GPU."`
	Threads int    `default:"0" help:"CPU threads; 0 for all."`
}

// open opens the device and says once which it is and why.
func (m machine) open(s *session) (*graph.Device, error) {
	backend, err := graph.ParseBackend(m.Device)
	if err != nil {
		return nil, usage{err}
	}
	if m.Threads < 0 {
		return nil, usage{fmt.Errorf("--threads is %d; give a number of CPU threads, or 0 for all", m.Threads)}
	}
	device, err := graph.OpenDevice(backend, m.Threads)
	if err != nil {
		return nil, err
	}
	s.say("device: %v", device)
	return device, nil
}

// suggestion ends a sentence about an unknown name: with the name that may
// have been meant, or else with the text given.
func suggestion(name string, names []string, otherwise string) string {
	if near, ok := nearest.Of(name, names); ok {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return otherwise
}
