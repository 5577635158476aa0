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
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hourglass/bench"
	"hourglass/kernels"
)

// torch is peers/gpu_torch.py: it says what it is, and answers each line.
type torch struct {
	command *exec.Cmd
	in      io.WriteCloser
	lines   chan []byte // closed at the end of its output
	about   about
}

// about is a peer's first line.
type about struct {
	Versions   map[string]string   `json:"versions"`
	Parameters int                 `json:"parameters"`
	Modes      map[string][]string `json:"modes"`  // by precision
	Absent     map[string]string   `json:"absent"` // modes that do not work here, and why
}

// question asks a peer to time a mode.
type question struct {
	Mode    string  `json:"mode"`
	Seconds float64 `json:"seconds"`
}

// answer is what it says to that.
type answer struct {
	Host     []float64 `json:"host_ms"`
	Queued   float64   `json:"queued_ms"`
	Device   float64   `json:"device_ms"`
	Peak     int       `json:"peak_bytes"`
	Reserved int       `json:"reserved_bytes"`
	Absent   string    `json:"absent"` // why the mode could not be timed
}

const (
	grace = time.Minute     // for a peer that is late, beyond what it was told
	reply = 2 * time.Minute // is how long an answer may take
)

// startPeers starts PyTorch for every workload that is to be timed.
func (r *run) startPeers() {
	r.peers = make(map[string]*torch)
	var wanted []bench.Workload
	for _, w := range bench.Workloads() {
		if r.wants(stepOf(w)) {
			wanted = append(wanted, w)
		}
	}
	if r.absent = r.findTorch(); r.absent != nil {
		return
	}
	for _, w := range wanted {
		p, err := r.startPeer(w, max(1, runtime.NumCPU()/len(wanted)))
		if err != nil {
			fmt.Printf("PyTorch does not start for %s: %v\n", w.Name, err)
			continue
		}
		r.peers[w.Name] = p
	}
}

// findTorch says why PyTorch cannot be timed.
func (r *run) findTorch() error {
	if r.dry {
		return fmt.Errorf("%w: PyTorch is not timed in a rehearsal", errSilicon)
	}
	if err := exec.Command("python3", "-c", "import torch; assert torch.cuda.is_available()").Run(); err != nil {
		return fmt.Errorf("%w: there is no python3 whose torch sees the GPU", errAbsent)
	}
	return nil
}

func (r *run) startPeer(w bench.Workload, threads int) (*torch, error) {
	seconds := fmt.Sprint(r.patience.Seconds())
	p := &torch{command: exec.Command("python3", filepath.Join(r.folder, "gpu_torch.py"), w.Name, fmt.Sprint(w.GPUBatch), seconds, names(precisions))}
	p.command.Env = append(os.Environ(), fmt.Sprintf("TORCHINDUCTOR_COMPILE_THREADS=%d", threads))
	said, err := os.Create(filepath.Join(r.out, "torch-"+w.Name+".txt"))
	if err != nil {
		return nil, err
	}
	defer said.Close() // the process has its own
	p.command.Stderr = said
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

// awaitPeers waits until all are ready: nothing else runs while steps are timed.
// Those that are not ready in time are ended.
func (r *run) awaitPeers() {
	for name, p := range r.peers {
		if p.about.Parameters > 0 {
			continue
		}
		left := r.patience + grace - time.Since(r.report.Began)
		if err := p.read(&p.about, max(0, left)); err != nil {
			fmt.Printf("PyTorch is not ready for %s: %v\n", name, err)
			p.stop()
			delete(r.peers, name)
		}
	}
}

// stopPeers ends those that are left.
func (r *run) stopPeers() {
	for _, p := range r.peers {
		p.stop()
	}
}

// stop ends a peer, by force if it is busy.
func (p *torch) stop() {
	p.in.Close() // ends its loop
	force := time.AfterFunc(10*time.Second, func() { p.command.Process.Kill() })
	defer force.Stop()
	for range p.lines { // until its output ends
	}
	p.command.Wait() // what it could say has been said, or is in its log
}

func (p *torch) ask(mode string, seconds float64) (a answer, err error) {
	line, err := json.Marshal(question{mode, seconds})
	if err != nil {
		return a, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return a, fmt.Errorf("asking PyTorch for a round: %w", err)
	}
	return a, p.read(&a, reply)
}

// read takes the next line, which may have come before its time was up.
func (p *torch) read(into any, limit time.Duration) error {
	line, ok := []byte(nil), true
	select {
	case line, ok = <-p.lines:
	case <-time.After(limit):
		select {
		case line, ok = <-p.lines:
		default:
			return fmt.Errorf("PyTorch has said nothing for %v", limit.Round(time.Second))
		}
	}
	if !ok {
		return errors.New("PyTorch has ended; its log is beside the report")
	}
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("reading what PyTorch says: %w", err)
	}
	return nil
}

// measureCeilings measures once.
func (r *run) measureCeilings() (any, error) {
	if r.absent != nil {
		return nil, r.absent
	}
	if r.ceilings != nil {
		return r.ceilings, nil
	}
	r.awaitPeers()
	ctx, cancel := context.WithTimeout(context.Background(), reply)
	defer cancel()
	c, err := bench.MeasureCeilings(ctx, "python3")
	if err != nil {
		return nil, err
	}
	r.ceilings = &c
	return r.ceilings, nil
}

// names are the precisions by PyTorch's names, which are ours, between commas.
func names(all []kernels.Precision) string {
	text := make([]string, len(all))
	for i, p := range all {
		text[i] = p.String()
	}
	return strings.Join(text, ",")
}
