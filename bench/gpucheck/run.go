package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"hourglass/bench"
	"hourglass/kernels/cuda"
	"hourglass/kernels/ptx"
)

// run is one visit to a machine.
type run struct {
	folder, out, only string
	self              string // the path of this program
	dry               bool
	budget            time.Duration // for all checks; 0 for as long as they take
	patience          time.Duration // for what PyTorch compiles
	path              string        // of the report and its logs, without what tells them apart
	log, torchLog     *log
	mutex             sync.Mutex // of the report
	report            report
	torch             []*torch // of the workloads that are to be timed
	absent            error    // why there is no PyTorch
	ceilings          bench.Ceilings
	steps             []step // for the table
}

// planned is a check that is to be made.
type planned struct {
	name  string
	least time.Duration // with less of the visit left it is not begun
	limit time.Duration // it is ended after that, so that one that hangs leaves time to others
	ask   func(context.Context) (figures any, err error)
	need  bool // it is made whatever was asked for
}

// plan is what there is to check, what is worth most first; those of a stage run side by
// side. Limits are three times what a check is expected to take on an H200, or more.
// Nothing runs beside stages that take times.
func (r *run) plan() (correct [][]planned, meanwhile []planned, timed, last [][]planned) {
	s := time.Second
	correct = [][]planned{
		{{"modules", 5 * s, 90 * s, r.loadModules, false}},
		{{"doctor", 5 * s, 60 * s, r.program("hourglass", "--json", "doctor", "--device", "cuda", "--dir", r.folder), false},
			{"cases of the table", 10 * s, 90 * s, r.walk(walk{sizes: "table", every: r.pick(1, 100), shards: r.pick(8, 2)}), false}},
		{{"tests of kernels/cuda", 10 * s, 60 * s, r.tests("cuda.test", ""), false},
			{"tests of graph", 10 * s, 90 * s, r.tests("graph.test", "conv"), false},
			{"tests of train", 10 * s, 90 * s, r.tests("train.test", ""), false}},
		{{"cases at real sizes", 15 * s, 120 * s, r.walk(walk{sizes: r.realSizes(), every: 1, shards: r.pick(4, 2)}), false}},
	}
	var trained []planned
	for _, t := range trainings() {
		trained = append(trained, planned{"training " + t.name, 15 * s, 90 * s, func(ctx context.Context) (any, error) { return r.compareTraining(ctx, t) }, false})
	}
	correct = append(correct, trained)
	for _, preset := range []string{"conv", "vae-400-20"} {
		meanwhile = append(meanwhile, planned{"MNIST " + preset, 20 * s, 90 * s, func(ctx context.Context) (any, error) { return r.compareMNIST(ctx, preset) }, false})
	}
	timed = [][]planned{
		{{"PyTorch", 0, r.patience + grace, r.awaitPeers, r.wantsSteps()}},
		{{"ceilings", 10 * s, 60 * s, r.measureCeilings, r.wantsSteps()}},
	}
	for _, w := range bench.Workloads() {
		for _, precision := range precisions {
			timed = append(timed, []planned{{stepOf(w, precision), 10 * s, 90 * s, func(ctx context.Context) (any, error) { return r.compareSteps(ctx, w, precision) }, false}})
		}
	}
	timed = append(timed, []planned{{"tiles", 15 * s, 90 * s, r.itself("tiles", fmt.Sprintf("-dry=%t", r.dry)), false}})
	var sanitized []planned
	for _, tool := range []string{"memcheck", "racecheck", "initcheck", "synccheck"} {
		sanitized = append(sanitized, planned{"sanitizer " + tool, 20 * s, 120 * s, func(ctx context.Context) (any, error) { return r.sanitize(ctx, tool) }, false})
	}
	return correct, meanwhile, timed, [][]planned{sanitized,
		{{"soak", 15 * s, 60 * s, r.itself("soak", fmt.Sprintf("-dry=%t", r.dry)), false}}}
}

// all makes the checks and leaves the report. The error says that one failed.
func (r *run) all() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	early := ctx // for what is done before times are taken
	if r.budget > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.budget, errBudget)
		defer cancel()
		if r.patience = min(r.patience, r.budget/2); r.wantsSteps() {
			early, cancel = context.WithTimeoutCause(ctx, r.budget*3/5, errShare)
			defer cancel()
		}
	}
	if err := r.describe(); err != nil {
		return err
	}
	correct, meanwhile, timed, last := r.plan()
	var starting sync.WaitGroup // takes as long as to import PyTorch
	starting.Go(func() { r.startPeers(ctx) })
	defer r.stopPeers() // they compile while correctness is checked
	for _, stage := range correct {
		r.askAll(early, stage)
		starting.Wait()
	}
	for len(meanwhile) > 0 && early.Err() == nil && !r.peersAreReady() {
		r.ask(early, meanwhile[0])
		meanwhile = meanwhile[1:]
	}
	for _, stage := range timed {
		r.askAll(ctx, stage)
	}
	r.stopPeers()
	for _, stage := range last {
		r.askAll(ctx, stage)
	}
	for _, p := range meanwhile {
		r.ask(ctx, p)
	}
	r.printSteps()
	return r.summarise()
}

func (r *run) pick(real, dry int) int {
	if r.dry {
		return dry
	}
	return real
}

func (r *run) realSizes() string {
	if r.dry {
		return "tiny"
	}
	return "real"
}

// describe notes what there is. Where there is no GPU, that is all there will be.
func (r *run) describe() error {
	packed, err := os.ReadFile(filepath.Join(r.folder, "packed.json"))
	if err != nil {
		return fmt.Errorf("the folder %s was not filled by gpu-check.sh pack: %w", r.folder, err)
	}
	manifest, err := ptx.Committed()
	if err != nil {
		return err
	}
	if r.self, err = os.Executable(); err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	status := cuda.Probe()
	r.report = report{
		Packed: packed, Began: time.Now().UTC(), Budget: r.budget.Seconds(), Dry: r.dry, Go: runtime.Version(), CUDA: status.DriverVersion, Missing: status.Missing,
		Cores: runtime.NumCPU(), Compiler: manifest.Compiler + " " + manifest.Flags, Passed: true, GPU: cuda.GPU{Name: "no GPU"},
	}
	if len(status.GPUs) > 0 {
		r.report.GPU, r.report.Driver = status.GPUs[0], cuda.DriverVersion()
		r.report.GPU.UUID = "" // of no use to a reader
	}
	smi, err := exec.Command("nvidia-smi", "--query-gpu=name,driver_version,pstate,clocks.sm,clocks.mem,power.limit", "--format=csv").CombinedOutput()
	if r.report.NVIDIA = strings.TrimSpace(string(smi)); err != nil {
		r.report.NVIDIA = fmt.Sprintf("%v %s", err, r.report.NVIDIA)
	}
	if err := r.open(); err != nil {
		return err
	}
	if !status.Available {
		r.note("GPU", 0, nil, errors.New(status.Reason))
		return r.summarise()
	}
	return nil
}

// askAll makes the checks of a stage side by side.
func (r *run) askAll(ctx context.Context, stage []planned) {
	var asked sync.WaitGroup
	for _, p := range stage {
		asked.Go(func() { r.ask(ctx, p) })
	}
	asked.Wait()
}

// ask makes a check, unless others alone were asked for, within its own time and that of
// the visit. A check that did not end in its own time has failed, one that the end of
// the visit cut off has not.
func (r *run) ask(ctx context.Context, p planned) {
	if !r.wants(p.name) && !p.need {
		return
	}
	if ctx.Err() != nil {
		r.note(p.name, 0, nil, fmt.Errorf("%w: %v", errTime, context.Cause(ctx)))
		return
	}
	if end, limited := ctx.Deadline(); limited && time.Until(end) < p.least {
		r.note(p.name, 0, nil, fmt.Errorf("%w: %.0f s are left, and it needs %.0f", errTime, time.Until(end).Seconds(), p.least.Seconds()))
		return
	}
	own := ctx
	if !r.dry { // a rehearsal may be on a machine as slow as it likes
		var cancel context.CancelFunc
		own, cancel = context.WithTimeoutCause(ctx, p.limit, errSlow)
		defer cancel()
	}
	r.begin(p.name)
	began := time.Now()
	figures, err := p.ask(own)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		err = fmt.Errorf("%w: cut off: %w", errTime, err)
	}
	r.note(p.name, time.Since(began), figures, err)
}

func (r *run) wants(name string) bool {
	wanted := r.only == ""
	for prefix := range strings.SplitSeq(r.only, ",") {
		wanted = wanted || strings.HasPrefix(name, prefix)
	}
	return wanted
}

// sanitize launches every kernel once under one of NVIDIA's tools.
func (r *run) sanitize(ctx context.Context, tool string) (any, error) {
	if r.dry {
		return nil, fmt.Errorf("%w: the emulated driver does its own checks", errSilicon)
	}
	path, err := exec.LookPath("compute-sanitizer")
	if err != nil {
		return nil, fmt.Errorf("%w: compute-sanitizer is not on the PATH", errAbsent)
	}
	return r.walk(walk{sizes: "kernels", every: 1, shards: 4, under: []string{path, "--tool", tool, "--error-exitcode", "9"}})(ctx)
}
