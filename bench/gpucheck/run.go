package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"hourglass/bench"
	"hourglass/kernels/cuda"
	"hourglass/kernels/ptx"
)

// run is one visit to a machine.
type run struct {
	folder, out, only string
	dry               bool
	patience          time.Duration // for what PyTorch compiles
	report            report
	peers             map[string]*torch // by workload
	absent            error             // why there is no PyTorch
	ceilings          *bench.Ceilings
	steps             []step // for the table
}

// report is what the visit leaves: enough to repeat it.
type report struct {
	Packed   json.RawMessage `json:"packed"` // commit, and whether the tree had changed
	Began    time.Time       `json:"began"`
	Dry      bool            `json:"dry_run"`
	Go       string          `json:"go"`
	CUDA     string          `json:"cuda"` // the newest that the driver knows
	NVIDIA   string          `json:"nvidia_smi,omitempty"`
	GPU      cuda.GPU        `json:"gpu"`
	Missing  []string        `json:"driver_lacks,omitempty"`
	Cores    int             `json:"cores"`
	Compiler string          `json:"ptx_compiler"`
	Checks   []check         `json:"checks"`
	Passed   bool            `json:"passed"`
}

// check is one question and its answer.
type check struct {
	Name    string  `json:"name"`
	State   string  `json:"state"` // passed, failed, absent: a tool is not there, skipped: needs silicon
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
	Figures any     `json:"figures,omitempty"`
}

// errAbsent and errSilicon are wrapped by errors that are no failure.
var (
	errAbsent  = errors.New("absent")
	errSilicon = errors.New("needs silicon")
)

// all runs the checks and writes the report. The error says that one failed.
func (r *run) all() error {
	if err := r.describe(); err != nil {
		return err
	}
	r.startPeers() // they compile while the tests run
	defer r.stopPeers()
	r.check("doctor", r.program("hourglass", "--json", "doctor", "--device", "cuda", "--dir", r.out))
	r.check("tests of kernels/cuda", r.tests("cuda.test", "-test.skip=TestBothBuildsExportTheSame"))
	r.check("tests of graph", r.tests("graph.test", r.pick("-test.run=TestNotFiniteOnCUDA|TestTrainingFollowsTheCPU/conv", "-test.run=CUDA|FollowsTheCPU|Ahead|IsNotFinite|RunUpdates")))
	r.check("cases of the table", r.program("gpucheck", "cases", r.pick("-every=100", "-every=1")))
	r.check("cases at real sizes", r.program("gpucheck", "cases", r.pick("-sizes=tiny", "-sizes=real")))
	r.sanitizeAll()
	for _, name := range slices.Sorted(maps.Keys(trainings)) {
		r.check("training "+name, func() (any, error) { return r.compareTraining(name, trainings[name]) })
	}
	for _, preset := range []string{"conv", "vae-400-20"} {
		r.check("MNIST "+preset, func() (any, error) { return r.compareMNIST(preset) })
	}
	r.check("ceilings", r.measureCeilings)
	r.check("tiles", r.program("gpucheck", "tiles", r.pick("-dry", "-dry=false")))
	for _, w := range bench.Workloads() {
		r.check(stepOf(w), func() (any, error) { return r.compareSteps(w) })
	}
	r.printSteps()
	return r.write()
}

func (r *run) pick(dry, real string) string {
	if r.dry {
		return dry
	}
	return real
}

// describe notes what there is.
func (r *run) describe() error {
	packed, err := os.ReadFile(filepath.Join(r.folder, "packed.json"))
	if err != nil {
		return fmt.Errorf("the folder %s was not filled by gpu-check.sh pack: %w", r.folder, err)
	}
	status := cuda.Probe()
	if !status.Available {
		return fmt.Errorf("there is no GPU to check: %s", status.Reason)
	}
	manifest, err := ptx.Committed()
	if err != nil {
		return err
	}
	r.report = report{
		Packed: packed, Began: time.Now().UTC(), Dry: r.dry, Go: runtime.Version(), CUDA: status.DriverVersion, GPU: status.GPUs[0],
		Missing: status.Missing, Cores: runtime.NumCPU(), Compiler: manifest.Compiler + " " + manifest.Flags, Passed: true,
	}
	r.report.GPU.UUID = "" // of no use to a reader
	smi, err := exec.Command("nvidia-smi", "--query-gpu=name,driver_version,pstate,clocks.sm,clocks.mem,power.limit", "--format=csv").Output()
	if r.report.NVIDIA = strings.TrimSpace(string(smi)); err != nil {
		r.report.NVIDIA = "absent"
	}
	return os.MkdirAll(r.out, 0o777)
}

// check asks one question, unless others alone were asked for.
func (r *run) check(name string, ask func() (figures any, err error)) {
	if !r.wants(name) {
		return
	}
	began := time.Now()
	figures, err := ask()
	r.note(name, time.Since(began), figures, err)
}

// note keeps the answer to a question.
func (r *run) note(name string, took time.Duration, figures any, err error) {
	c := check{Name: name, State: "passed", Seconds: took.Seconds(), Figures: figures}
	switch {
	case errors.Is(err, errAbsent):
		c.State = "absent"
	case errors.Is(err, errSilicon):
		c.State = "skipped"
	case err != nil:
		c.State, r.report.Passed = "failed", false
	}
	if err != nil {
		c.Detail = err.Error()
	}
	fmt.Printf("%-8s %s (%.1f s) %s\n", c.State, name, c.Seconds, c.Detail)
	r.report.Checks = append(r.report.Checks, c)
}

func (r *run) wants(name string) bool {
	wanted := r.only == ""
	for prefix := range strings.SplitSeq(r.only, ",") {
		wanted = wanted || strings.HasPrefix(name, prefix)
	}
	return wanted
}

// program runs one of the carried programs; the last line it prints is its
// figure.
func (r *run) program(name string, args ...string) func() (any, error) {
	return func() (any, error) {
		line, err := r.execute(filepath.Join(r.folder, name), args...)
		if json.Valid([]byte(line)) {
			return json.RawMessage(line), err
		}
		return line, err
	}
}

// limit of one program: on a GPU that is paid for, one that hangs must leave time to
// the others. A rehearsal may be on a machine as slow as it likes.
func (r *run) limit() time.Duration {
	if r.dry {
		return 24 * time.Hour
	}
	return 9 * time.Minute
}

func (r *run) execute(path string, args ...string) (lastLine string, err error) {
	return r.executeWith(nil, path, args...)
}

// executeWith adds to the environment.
func (r *run) executeWith(environment []string, path string, args ...string) (lastLine string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.limit())
	defer cancel()
	command := exec.CommandContext(ctx, path, args...)
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	text := strings.TrimSpace(string(output))
	if ctx.Err() != nil {
		err = fmt.Errorf("it did not end within %v", r.limit())
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(path), strings.Join(args, " "), err, text[max(0, len(text)-2000):])
	}
	return text[strings.LastIndexByte(text, '\n')+1:], nil
}

// tests runs a test binary where its testdata lie.
func (r *run) tests(name string, args ...string) func() (any, error) {
	return func() (any, error) {
		path, err := filepath.Abs(filepath.Join(r.folder, name))
		if err != nil {
			return nil, err
		}
		command := exec.Command(path, append(args, "-test.v", "-test.timeout="+r.limit().String())...)
		command.Dir = r.folder
		output, err := command.CombinedOutput()
		counts := map[string]int{}
		var failures []string
		for line := range strings.Lines(string(output)) {
			for _, state := range []string{"PASS", "FAIL", "SKIP"} {
				if strings.HasPrefix(line, "--- "+state) {
					counts[state]++
				}
			}
			if strings.HasPrefix(strings.TrimSpace(line), "--- FAIL") {
				failures = append(failures, strings.TrimSpace(line))
			}
		}
		if err == nil && counts["PASS"] == 0 {
			err = errors.New("no test ran")
		}
		if err != nil {
			text := string(output)
			return counts, fmt.Errorf("%s: %w: %s: %s", name, err, strings.Join(failures, "; "), text[max(0, len(text)-2000):])
		}
		return counts, nil
	}
}

// sanitizeAll walks the case table under NVIDIA's tools, all at a time: each slows
// the GPU down too much for one of them to fill it.
func (r *run) sanitizeAll() {
	tools := []string{"memcheck", "racecheck", "initcheck", "synccheck"}
	var running sync.WaitGroup
	notes := make([]func(), len(tools))
	for i, tool := range tools {
		name := "sanitizer " + tool
		if !r.wants(name) {
			continue
		}
		running.Go(func() {
			began := time.Now()
			figures, err := r.sanitize(tool)
			notes[i] = func() { r.note(name, time.Since(began), figures, err) }
		})
	}
	running.Wait()
	for _, note := range notes {
		if note != nil {
			note()
		}
	}
}

// sanitize takes every sixth case, with all its tiles.
func (r *run) sanitize(tool string) (any, error) {
	if r.dry {
		return nil, fmt.Errorf("%w: the emulated driver does its own checks", errSilicon)
	}
	path, err := exec.LookPath("compute-sanitizer")
	if err != nil {
		return nil, fmt.Errorf("%w: compute-sanitizer is not on the PATH", errAbsent)
	}
	return r.execute(path, "--tool", tool, "--error-exitcode", "9", filepath.Join(r.folder, "gpucheck"), "cases", "-every", "6")
}

func (r *run) write() error {
	text, err := json.Marshal(r.report) // some hundred launches, each with its figures
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	gpu := strings.ReplaceAll(strings.ToLower(r.report.GPU.Name), " ", "-")
	path := filepath.Join(r.out, gpu, r.report.Began.Format("2006-01-02T150405")+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o666); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Println("the report is", path)
	if !r.report.Passed {
		return errors.New("a check failed")
	}
	return nil
}
