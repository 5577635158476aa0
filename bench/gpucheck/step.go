package main

import (
	"errors"
	"fmt"
	"time"

	"hourglass/bench"
	"hourglass/graph"
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
	budget = 6 * time.Second
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

func stepOf(w bench.Workload) string { return "step of " + w.Name }

// compareSteps times a training step of a workload in each precision, rounds of
// ours and of PyTorch's modes in turn.
func (r *run) compareSteps(w bench.Workload) (any, error) {
	if r.dry {
		w = tiny(w)
	}
	if _, err := r.measureCeilings(); err != nil && r.absent == nil {
		fmt.Println("no ceilings:", err)
	}
	r.awaitPeers()
	figures := map[string]any{"batch": w.GPUBatch}
	peer := r.peers[w.Name]
	switch {
	case peer != nil:
		figures["torch"] = peer.about
		delete(r.peers, w.Name)
		defer peer.stop() // and its memory is free for the next
	case r.absent != nil:
		figures["torch"] = r.absent.Error()
	default:
		figures["torch"] = "absent: it did not get ready"
	}
	var failed error
	var steps []step
	for _, precision := range precisions {
		s, err := r.race(w, precision, peer)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s in %v: %w", w.Name, precision, err))
			continue
		}
		steps = append(steps, s)
	}
	figures["steps"] = steps
	r.steps = append(r.steps, steps...)
	if failed == nil && r.dry {
		return figures, fmt.Errorf("%w: times on the emulated driver mean nothing", errSilicon)
	}
	return figures, failed
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

// race times one workload in one precision.
func (r *run) race(w bench.Workload, precision kernels.Precision, peer *torch) (s step, err error) {
	trainer, err := bench.OpenGPU(w, precision)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, trainer.Close()) }()
	s = step{Workload: w.Name, Precision: precision.String(), Batch: w.GPUBatch, Work: trainer.Work(), Torch: map[string]timing{}, Absent: map[string]string{}}
	var modes []string
	if peer != nil {
		modes = peer.about.Modes[precision.String()]
		if n := trainer.Model.Store().Count(); n != peer.about.Parameters {
			return s, fmt.Errorf("PyTorch's model has %d parameters, ours %d; the two are not the same", peer.about.Parameters, n)
		}
	}
	ours, theirs := contender{Trainer: trainer, batch: append([]float32{}, trainer.Input()...)}, map[string]*measured{}
	if err := ours.warmUp(); err != nil {
		return s, err
	}
	for began := time.Now(); s.Rounds < rounds && (s.Rounds < 2 || time.Since(began) < budget) && !(r.dry && s.Rounds > 0); s.Rounds++ {
		if s.Nodes, err = ours.round(); err != nil {
			return s, err
		}
		for _, mode := range modes {
			if s.Absent[mode] != "" {
				continue
			}
			a, err := peer.ask(mode, turn.Seconds())
			if err != nil {
				return s, err
			}
			if s.Absent[mode] = a.Absent; a.Absent != "" {
				continue
			}
			if theirs[mode] == nil {
				theirs[mode] = &measured{}
			}
			theirs[mode].add(a)
		}
	}
	for mode, m := range theirs {
		if s.Absent[mode] == "" {
			delete(s.Absent, mode)
			s.Torch[mode] = m.timing()
		}
	}
	s.Ours = ours.timing()
	repeats := 50
	if r.dry {
		repeats = 1
	}
	launches, err := trainer.Program.Profile(repeats)
	for _, l := range launches {
		s.Launches = append(s.Launches, r.beside(l, precision))
	}
	return s, err
}

func (m *measured) add(a answer) {
	m.host, m.queued, m.device = append(m.host, a.Host...), append(m.queued, a.Queued), append(m.device, a.Device)
	m.peak, m.reserved = max(m.peak, a.Peak), max(m.reserved, a.Reserved)
}

// beside adds a launch's floor, where the ceilings are known.
func (r *run) beside(l graph.LaunchTime, precision kernels.Precision) bench.LaunchFloor {
	var c bench.Ceilings
	if r.ceilings != nil {
		c = *r.ceilings
	}
	return c.Launch(l.Launch, precision).Measured(l.Time)
}

// contender is ours.
type contender struct {
	*bench.Trainer
	measured
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
func (c *contender) round() (nodes int, err error) {
	n := 0
	for began := time.Now(); n < 3 || time.Since(began) < turn; n++ {
		start := time.Now()
		if err := c.step(); err != nil {
			return 0, err
		}
		c.host = append(c.host, milliseconds(time.Since(start)))
	}
	began := time.Now()
	if err := c.queue(n); err != nil {
		return 0, err
	}
	c.queued = append(c.queued, milliseconds(time.Since(began))/float64(n))
	step, nodes, err := c.Program.StepTime(n)
	c.device = append(c.device, milliseconds(step))
	c.peak = c.Usage().PeakBytes
	return nodes, err
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
