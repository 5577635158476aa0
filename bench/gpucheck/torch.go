package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"hourglass/bench"
	"hourglass/kernels"
)

// way is what one process of PyTorch does: eager modes, or those that are compiled, in
// some precisions.
type way struct {
	name       string
	precisions []kernels.Precision
}

func (w way) String() string { return w.name + " " + names(w.precisions) }

// ways are those of a workload, one started when the one before is ready. Each compiled
// mode has a process of its own: one takes minutes, may fail in the middle and cannot
// always be interrupted, and takes nothing else along.
var ways = []way{
	{"eager", precisions},
	{"compiled", []kernels.Precision{kernels.BF16}},
	{"compiled", []kernels.Precision{kernels.TF32}},
	{"compiled", []kernels.Precision{kernels.FP32}},
}

// grace is for a peer that is late, beyond what it was told.
const grace = 20 * time.Second

// wantsSteps tells whether any steps are to be timed.
func (r *run) wantsSteps() bool { return slices.ContainsFunc(bench.Workloads(), r.wantsStepsOf) }

func (r *run) wantsStepsOf(w bench.Workload) bool {
	return slices.ContainsFunc(precisions, func(p kernels.Precision) bool { return r.wants(stepOf(w, p)) })
}

// startPeers starts PyTorch for every workload that is to be timed.
func (r *run) startPeers(ctx context.Context) {
	if r.absent = r.findTorch(ctx); r.absent != nil {
		return
	}
	for _, w := range bench.Workloads() {
		if r.wantsStepsOf(w) {
			r.torch = append(r.torch, r.startTorch(ctx, w))
		}
	}
}

// findTorch says why PyTorch cannot be timed. Any version will do; which one it was the
// report tells.
func (r *run) findTorch(ctx context.Context) error {
	if r.dry {
		return fmt.Errorf("%w: PyTorch is not timed in a rehearsal", errSilicon)
	}
	if output, err := command(ctx, "python3", "-c", "import torch; assert torch.cuda.is_available()").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: there is no python3 whose torch sees the GPU: %v %s", errAbsent, err, shortened(strings.TrimSpace(string(output)), 500))
	}
	return nil
}

// torch is what PyTorch does of a workload.
type torch struct {
	workload string
	ready    chan struct{} // closed when nothing more is to be waited for
	peers    []*peer       // by way; read them when ready is closed
	failures []error
}

// startTorch starts the processes of a workload, one after the other.
func (r *run) startTorch(ctx context.Context, w bench.Workload) *torch {
	t := &torch{workload: w.Name, ready: make(chan struct{})}
	go func() {
		defer close(t.ready)
		until := r.report.Began.Add(r.patience)
		for _, way := range ways {
			p, err := r.startWay(ctx, w, way, until)
			if err == nil {
				t.peers = append(t.peers, p)
				patient, cancel := context.WithDeadlineCause(ctx, until.Add(grace), errLate)
				err = p.read(patient, &p.about)
				cancel()
			}
			if err != nil {
				t.failures = append(t.failures, fmt.Errorf("%v of %s: %w", way, w.Name, err))
				if p != nil {
					p.command.Cancel()
				}
			}
		}
	}()
	return t
}

// errLate is why PyTorch is given up.
var errLate = errors.New("it was not ready in time")

func (r *run) startWay(ctx context.Context, w bench.Workload, way way, until time.Time) (*peer, error) {
	seconds := time.Until(until).Seconds()
	if seconds < 1 {
		return nil, errLate
	}
	threads := fmt.Sprintf("TORCHINDUCTOR_COMPILE_THREADS=%d", max(1, runtime.NumCPU()/len(bench.Workloads())))
	return startPeer(ctx, r.torchLog, []string{threads}, "PyTorch",
		"python3", filepath.Join(r.folder, "gpu_torch.py"), w.Name, fmt.Sprint(w.GPUBatch), fmt.Sprint(seconds), names(way.precisions), way.name)
}

// peersAreReady tells whether nothing is left to wait for.
func (r *run) peersAreReady() bool {
	return !slices.ContainsFunc(r.torch, func(t *torch) bool { return !t.isReady() })
}

func (t *torch) isReady() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

// awaitPeers waits until all are ready: nothing else runs while steps are timed. What is
// not ready in time is absent.
func (r *run) awaitPeers(ctx context.Context) (any, error) {
	if r.absent != nil {
		return nil, r.absent
	}
	figures := map[string][]about{}
	var late []error
	for _, t := range r.torch {
		select {
		case <-t.ready:
		case <-ctx.Done():
			return figures, context.Cause(ctx)
		}
		late = append(late, t.failures...)
		for _, p := range t.peers {
			figures[t.workload] = append(figures[t.workload], p.about)
		}
	}
	if len(late) > 0 {
		return figures, fmt.Errorf("%w: %w", errAbsent, errors.Join(late...))
	}
	return figures, nil
}

// torchOf are the processes of a workload that have become ready.
func (r *run) torchOf(w bench.Workload) (ready []*peer) {
	for _, t := range r.torch {
		if t.workload == w.Name && t.isReady() {
			ready = append(ready, t.peers...)
		}
	}
	return slices.DeleteFunc(ready, func(p *peer) bool { return p.about.Parameters == 0 })
}

// stopPeers ends all.
func (r *run) stopPeers() {
	for _, t := range r.torch {
		<-t.ready
		for _, p := range t.peers {
			p.stop()
		}
	}
	r.torch = nil
}

// measureCeilings has PyTorch do it.
func (r *run) measureCeilings(ctx context.Context) (any, error) {
	if r.absent != nil {
		return nil, r.absent
	}
	var err error
	r.ceilings, err = bench.MeasureCeilings(ctx, "python3")
	return r.ceilings, cut(ctx, err)
}

// names are the precisions by PyTorch's names, which are ours, between commas.
func names(all []kernels.Precision) string {
	text := make([]string, len(all))
	for i, p := range all {
		text[i] = p.String()
	}
	return strings.Join(text, ",")
}
