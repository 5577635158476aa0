package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hourglass/bench"
	"hourglass/kernels"
	"hourglass/models"
)

// precisions in which steps are timed.
var precisions = []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16}

// Limits of one workload in one precision: rounds, of which two are done in any
// case; the time after which no further one begins; and how long one way of
// stepping is timed in a round.
const (
	rounds = 10
	turns  = 6 * time.Second
	turn   = 250 * time.Millisecond
)

// timing is what steps take, in milliseconds, over all rounds.
type timing struct {
	Host     bench.Summary `json:"host_ms"`   // each from the batch in pinned memory to its loss on the host
	Queued   bench.Summary `json:"queued_ms"` // with a step queued ahead
	Device   bench.Summary `json:"device_ms"` // without the batch's copy, by the device's events
	Peak     int           `json:"peak_bytes"`
	Reserved int           `json:"reserved_bytes,omitempty"` // by PyTorch's allocator
}

// step is a workload's training step in one precision, ours and PyTorch's.
type step struct {
	Workload  string              `json:"workload"`
	Precision string              `json:"precision"`
	Batch     int                 `json:"batch"`
	Rounds    int                 `json:"rounds"`
	Ours      timing              `json:"hourglass"`
	Nodes     int                 `json:"nodes"` // launches, and copies to the host
	Work      bench.Work          `json:"work"`  // of the plan
	Torch     map[string]timing   `json:"torch,omitempty"`
	Absent    map[string]string   `json:"absent,omitempty"`
	Launches  []bench.LaunchFloor `json:"launches"`
}

func stepOf(w bench.Workload, p kernels.Precision) string {
	return fmt.Sprintf("step of %s in %v", w.Name, p)
}

// compareSteps times a training step of a workload in a precision, rounds of ours and of
// PyTorch's modes in turn.
func (r *run) compareSteps(ctx context.Context, w bench.Workload, precision kernels.Precision) (any, error) {
	s, err := r.race(ctx, w, precision, r.torchOf(w))
	if s.Rounds > 0 {
		r.mutex.Lock()
		r.steps = append(r.steps, s)
		r.mutex.Unlock()
	}
	if err == nil && r.dry {
		err = fmt.Errorf("%w: times on the emulated driver mean nothing", errSilicon)
	}
	return s, err
}

// tiny is a workload's kind of model, for the emulated driver.
func tiny(w bench.Workload) bench.Workload {
	small := models.Shape{C: 3, H: 8, W: 8}
	switch w.Name {
	case "W1":
		w.Spec = models.Convolutional(models.Shape{C: 1, H: 8, W: 8}, []int{4, 8}, 3, 8, models.ReLU)
	case "W2":
		w.Spec = models.Convolutional(small, []int{4, 8}, 4, 8, models.BatchNorm, models.LeakyReLUWith(0.2))
	case "W3":
		w.Spec = models.Residual(small, []int{8, 16}, 1, 4)
	}
	w.GPUBatch = 2
	return w
}

// measured collects the times of one contender, in milliseconds.
type measured struct {
	host, queued, device []float64
	peak, reserved       int
}

func (m *measured) timing() timing {
	return timing{bench.Summarise(m.host), bench.Summarise(m.queued), bench.Summarise(m.device), m.peak, m.reserved}
}

// race times one workload in one precision. Whoever of PyTorch ends meanwhile is absent
// from then on.
func (r *run) race(ctx context.Context, w bench.Workload, precision kernels.Precision, torch []*peer) (s step, err error) {
	s = step{Workload: w.Name, Precision: precision.String(), Torch: map[string]timing{}, Absent: map[string]string{}}
	said := &tail{}
	ours, err := startPeer(ctx, said, nil, "Hourglass", r.self, "steps", fmt.Sprintf("-dry=%t", r.dry), "-workload", w.Name, "-precision", s.Precision)
	if err != nil {
		return s, err
	}
	defer func() {
		ours.stop()
		if err != nil {
			r.log.section(fmt.Sprintf("%s: %v", stepOf(w, precision), err), said.String())
			err = fmt.Errorf("%w: %s", err, shortened(said.String(), 1000))
		}
	}()
	if err := ours.read(ctx, &ours.about); err != nil {
		return s, err
	}
	s.Batch, s.Work = ours.about.Batch, ours.about.Work
	for _, p := range torch {
		if p.about.Parameters != ours.about.Parameters {
			return s, fmt.Errorf("PyTorch's model has %d parameters, ours %d; the two are not the same", p.about.Parameters, ours.about.Parameters)
		}
	}
	own, theirs := measured{}, map[string]*measured{}
	for began := time.Now(); s.Rounds < rounds && (s.Rounds < 2 || time.Since(began) < turns) && !(r.dry && s.Rounds > 0); s.Rounds++ {
		a, err := ours.ask(ctx, question{Seconds: turn.Seconds()})
		if err != nil {
			return s, err
		}
		own.add(a)
		s.Ours, s.Nodes = own.timing(), a.Nodes
		for _, p := range torch {
			for _, mode := range p.about.Modes[s.Precision] {
				if s.Absent[mode] != "" {
					continue
				}
				a, err := r.askTorch(ctx, p, mode)
				if ctx.Err() != nil {
					return s, context.Cause(ctx)
				}
				if err != nil {
					a.Absent = err.Error()
				}
				if a.Absent != "" {
					s.Absent[mode] = a.Absent
					delete(s.Torch, mode)
					continue
				}
				if theirs[mode] == nil {
					theirs[mode] = &measured{}
				}
				theirs[mode].add(a)
				s.Torch[mode] = theirs[mode].timing()
			}
		}
	}
	a, err := ours.ask(ctx, question{Profile: r.pick(50, 1)})
	for _, l := range a.Launches {
		s.Launches = append(s.Launches, r.ceilings.Launch(l.Launch, precision).Measured(l.Time))
	}
	return s, err
}

// reply is how long PyTorch may take to time a mode.
const reply = 40 * time.Second

// askTorch has a mode timed. A process that does not answer in time, or answers what it
// should not, is ended: its next answer would be to this question.
func (r *run) askTorch(ctx context.Context, p *peer, mode string) (answer, error) {
	if !r.dry {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, reply, fmt.Errorf("nothing for %v", reply))
		defer cancel()
	}
	a, err := p.ask(ctx, question{Mode: mode, Seconds: turn.Seconds()})
	if err != nil {
		p.command.Cancel()
	}
	return a, err
}

func (m *measured) add(a answer) {
	m.host, m.queued, m.device = append(m.host, a.Host...), append(m.queued, a.Queued), append(m.device, a.Device)
	m.peak, m.reserved = max(m.peak, a.Peak), max(m.reserved, a.Reserved)
}

// serve is our side of a race: it says what it is on out, and answers the lines of in
// until in ends.
func serve(in io.Reader, out io.Writer, workload, precision string, dry bool) (err error) {
	all := bench.Workloads()
	i := slices.IndexFunc(all, func(w bench.Workload) bool { return w.Name == workload })
	if i < 0 {
		return fmt.Errorf("there is no workload %q; choose W1, W2 or W3", workload)
	}
	p, err := kernels.ParsePrecision(precision)
	if err != nil {
		return err
	}
	w := all[i]
	if dry {
		w = tiny(w)
	}
	trainer, err := bench.OpenGPU(w, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trainer.Close()) }()
	ours := contender{Trainer: trainer, batch: slices.Clone(trainer.Input())}
	if err := ours.warmUp(); err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(about{Parameters: trainer.Model.Store().Count(), Work: trainer.Work(), Batch: w.GPUBatch}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var q question
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("reading a question: %w", err)
		}
		if q.Profile > 0 {
			a.Launches, err = trainer.Program.Profile(q.Profile)
		} else {
			a, err = ours.round(time.Duration(q.Seconds * float64(time.Second)))
		}
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// contender is ours.
type contender struct {
	*bench.Trainer
	batch []float32
	taken int // steps
}

func (c *contender) warmUp() error {
	for range 3 {
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *contender) step() error {
	c.taken++
	_, err := c.Program.Step(c.Rate, c.taken)
	return err
}

// round times steps in all three ways.
func (c *contender) round(turn time.Duration) (a answer, err error) {
	for began := time.Now(); len(a.Host) < 3 || time.Since(began) < turn; {
		start := time.Now()
		if err := c.step(); err != nil {
			return a, err
		}
		a.Host = append(a.Host, milliseconds(time.Since(start)))
	}
	n := len(a.Host)
	began := time.Now()
	if err := c.queue(n); err != nil {
		return a, err
	}
	a.Queued = milliseconds(time.Since(began)) / float64(n)
	step, nodes, err := c.Program.StepTime(n)
	a.Device, a.Nodes, a.Peak = milliseconds(step), nodes, c.Usage().PeakBytes
	return a, err
}

func milliseconds(t time.Duration) float64 { return 1e3 * t.Seconds() }

// queue takes n steps as training does, each queued while the one before
// computes, its batch copied in meanwhile.
func (c *contender) queue(n int) error {
	for begun, under := 0, 0; begun < n || under > 0; {
		if begun < n {
			copy(c.Input(), c.batch)
			c.taken++
			if err := c.Program.Begin(c.Rate, c.taken); err != nil {
				return err
			}
			begun, under = begun+1, under+1
		}
		if under == c.Program.Depth() || begun == n {
			if _, err := c.Program.Finish(); err != nil {
				return err
			}
			under--
		}
	}
	return nil
}
