package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"hourglass/bench/peers/gorgonia"
)

// A contender trains one workload in a process of its own, so that memory and
// threads are its own. Its first line of output is a greeting; each line of
// input it answers by a line with the times of some steps: a round.

// greeting is what a contender says of itself.
type greeting struct {
	Versions   map[string]string `json:"versions,omitempty"`
	Parameters int               `json:"parameters"`
	Absent     string            `json:"absent,omitempty"` // why it does not run here
}

// round is its answer to a line of input.
type round struct {
	Milliseconds []float64 `json:"ms"` // of each step
	PeakBytes    int       `json:"peak_bytes,omitempty"`
	Allocations  *float64  `json:"allocations,omitempty"` // a step
}

// Names of the contenders that this program can be itself.
const (
	Hourglass = "hourglass"
	Gorgonia  = "Gorgonia"
)

// stepper trains on its batch once more.
type stepper interface {
	Step() (loss float64, err error)
	Close() error
}

// Serve is the contender of a name: it greets on out, and answers the lines of
// in with rounds until in ends.
func Serve(in io.Reader, out io.Writer, name string, w Workload, threads, steps int) (err error) {
	var s stepper
	var parameters int
	switch name {
	case Hourglass:
		t, err := Open(w, threads)
		if err != nil {
			return err
		}
		s, parameters = t, t.Model.Store().Count()
	case Gorgonia:
		runtime.GOMAXPROCS(threads)
		t, err := gorgonia.Open(w.Batch)
		if err != nil {
			return err
		}
		s, parameters = t, t.Parameters()
	default:
		return fmt.Errorf("there is no contender %q; choose %s or %s", name, Hourglass, Gorgonia)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := s.Step(); err != nil { // warms up
		return err
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(greeting{Versions: map[string]string{"go": runtime.Version()}, Parameters: parameters}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		answer, err := timeSteps(s, steps)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func timeSteps(s stepper, steps int) (round, error) {
	r := round{Milliseconds: make([]float64, 0, steps)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range steps {
		began := time.Now()
		if _, err := s.Step(); err != nil {
			return r, err
		}
		r.Milliseconds = append(r.Milliseconds, 1e3*time.Since(began).Seconds())
	}
	runtime.ReadMemStats(&after)
	allocations := float64(after.Mallocs-before.Mallocs) / float64(steps)
	r.Allocations, r.PeakBytes = &allocations, peakBytes()
	return r, nil
}

// peakBytes is the most memory that this process has had, where the system
// tells it; else 0.
func peakBytes() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	kibibytes, err := strconv.Atoi(fields[0])
	if err != nil {
		return 0
	}
	return kibibytes << 10
}

// contender is one that has been started.
type contender struct {
	name    string
	about   greeting
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// start begins a contender and waits until it is ready.
func start(name string, command *exec.Cmd) (*contender, error) {
	c := &contender{name: name, command: command}
	command.Stderr = os.Stderr
	var err error
	if c.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if err := c.read(&c.about); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// round asks for one and waits for it.
func (c *contender) round() (r round, err error) { return c.roundOf("") }

// roundOf asks for what a line says.
func (c *contender) roundOf(what string) (r round, err error) {
	if _, err := io.WriteString(c.in, what+"\n"); err != nil {
		return r, fmt.Errorf("asking %s for a round: %w", c.name, err)
	}
	if err := c.read(&r); err != nil {
		return r, err
	}
	if len(r.Milliseconds) == 0 {
		return r, fmt.Errorf("%s answered a round without times", c.name)
	}
	return r, nil
}

func (c *contender) read(into any) error {
	line, err := c.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		return fmt.Errorf("reading what %s says: %w", c.name, err)
	}
	return nil
}

// close ends its input, and with that the contender.
func (c *contender) close() error {
	c.in.Close()
	if err := c.command.Wait(); err != nil {
		return fmt.Errorf("%s ended badly: %w", c.name, err)
	}
	return nil
}
