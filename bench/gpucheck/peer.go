package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"hourglass/bench"
	"hourglass/graph"
)

// peer is a process that takes training steps: it says what it is, and answers each
// line. Ours is one too, which may lose the device, or hang, without taking the run
// along.
type peer struct {
	name    string
	command *exec.Cmd
	in      io.WriteCloser
	lines   chan []byte // closed at the end of its output
	about   about
}

// about is a peer's first line.
type about struct {
	Versions   map[string]string   `json:"versions,omitempty"`
	Parameters int                 `json:"parameters"`
	Modes      map[string][]string `json:"modes,omitempty"`  // by precision
	Absent     map[string]string   `json:"absent,omitempty"` // modes that do not work here, and why
	Work       bench.Work          `json:"work,omitzero"`    // of our plan
	Batch      int                 `json:"batch,omitempty"`  // of ours
}

// question asks a peer to time a mode, or ours to time each launch.
type question struct {
	Mode    string  `json:"mode,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // for each way of timing
	Profile int     `json:"profile,omitempty"` // repeats
}

// answer is what it says to that.
type answer struct {
	Host     []float64          `json:"host_ms"`
	Queued   float64            `json:"queued_ms"`
	Device   float64            `json:"device_ms"`
	Peak     int                `json:"peak_bytes"`
	Reserved int                `json:"reserved_bytes"`
	Absent   string             `json:"absent,omitempty"` // why the mode could not be timed
	Nodes    int                `json:"nodes,omitempty"`
	Launches []graph.LaunchTime `json:"launches,omitempty"`
}

// startPeer starts a program. What it says besides its answers goes to a log.
func startPeer(ctx context.Context, said io.Writer, environment []string, name, path string, args ...string) (*peer, error) {
	p := &peer{name: name, command: command(ctx, path, args...)}
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stderr = said
	var err error
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.lines = make(chan []byte, 1)
	go func() {
		defer close(p.lines)
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			p.lines <- line
		}
	}()
	return p, nil
}

// stop ends a peer, by force if it is busy.
func (p *peer) stop() {
	p.in.Close() // ends its loop
	force := time.AfterFunc(10*time.Second, func() { p.command.Cancel() })
	defer force.Stop()
	for range p.lines { // until its output ends
	}
	p.command.Wait() // what it could say has been said, or is in its log
}

func (p *peer) ask(ctx context.Context, q question) (a answer, err error) {
	line, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return a, fmt.Errorf("asking %s for a round: %w", p.name, err)
	}
	return a, p.read(ctx, &a)
}

// read takes the next line, which may have come before the context ended.
func (p *peer) read(ctx context.Context, into any) error {
	line, ok := []byte(nil), true
	select {
	case line, ok = <-p.lines:
	case <-ctx.Done():
		select {
		case line, ok = <-p.lines:
		default:
			return fmt.Errorf("%s has not answered: %w", p.name, context.Cause(ctx))
		}
	}
	if !ok {
		return cut(ctx, errors.New(p.name+" has ended; its log is beside the report"))
	}
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("reading what %s says: %w", p.name, err)
	}
	return nil
}
