package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hourglass/internal/atomicfile"
	"hourglass/kernels/cuda"
)

// report is what the visit leaves: enough to repeat it. It is written anew after
// every check, so that whoever ends the visit early has what was done until then.
type report struct {
	Packed    json.RawMessage `json:"packed"` // commit, and whether the tree had changed
	Began     time.Time       `json:"began"`
	Budget    float64         `json:"budget_seconds,omitempty"`
	Dry       bool            `json:"dry_run"`
	Go        string          `json:"go"`
	CUDA      string          `json:"cuda"`   // the newest that the driver knows
	Driver    string          `json:"driver"` // its release, where the system tells
	NVIDIA    string          `json:"nvidia_smi,omitempty"`
	GPU       cuda.GPU        `json:"gpu"`
	Missing   []string        `json:"driver_lacks,omitempty"`
	Cores     int             `json:"cores"`
	Compiler  string          `json:"ptx_compiler"`
	Running   []string        `json:"running,omitempty"` // checks without an answer yet
	Checks    []check         `json:"checks"`
	Passed    bool            `json:"passed"`               // no check failed
	KernelLog string          `json:"kernel_log,omitempty"` // what the system's kernel says of the GPU
}

// check is one question and its answer.
type check struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
	Figures any     `json:"figures,omitempty"`
}

// The states of checks.
const (
	passed  = "passed"
	failed  = "failed"
	absent  = "absent"  // a tool is not there
	skipped = "skipped" // needs silicon
	notRun  = "not run" // there was no time, or no more
)

// errAbsent, errSilicon and errTime are wrapped by errors that are no failure.
var (
	errAbsent  = errors.New("absent")
	errSilicon = errors.New("needs silicon")
	errTime    = errors.New("no time")
)

// open makes the folder of the GPU's reports, and the log beside this one.
func (r *run) open() error {
	gpu := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' {
			return c
		}
		return '-'
	}, strings.ToLower(r.report.GPU.Name))
	r.path = filepath.Join(r.out, gpu, r.report.Began.Format("2006-01-02T150405"))
	if err := os.MkdirAll(filepath.Dir(r.path), 0o777); err != nil {
		return fmt.Errorf("making a folder for the report: %w", err)
	}
	var err error
	r.log, err = newLog(r.path + "-log.txt")
	if err != nil {
		return err
	}
	r.torchLog, err = newLog(r.path + "-torch.txt")
	return err
}

// write keeps the report as it is now. r.mutex is held.
func (r *run) write() error {
	text, err := json.Marshal(r.report) // some hundred launches, each with its figures
	if err == nil {
		err = atomicfile.Write(r.path+".json", func(w io.Writer) error {
			_, err := w.Write(append(text, '\n'))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// begin notes that a check has begun.
func (r *run) begin(name string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.report.Running = append(r.report.Running, name)
	r.keep()
}

// note keeps the answer to a check.
func (r *run) note(name string, took time.Duration, figures any, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	c := check{Name: name, State: passed, Seconds: took.Seconds(), Figures: figures}
	switch {
	case errors.Is(err, errAbsent):
		c.State = absent
	case errors.Is(err, errSilicon):
		c.State = skipped
	case errors.Is(err, errTime):
		c.State = notRun
	case err != nil:
		c.State, r.report.Passed = failed, false
		r.report.KernelLog = kernelLog()
	}
	if err != nil {
		c.Detail = err.Error()
	}
	fmt.Printf("%6.1f s  %-8s %s (%.1f s) %s\n", time.Since(r.report.Began).Seconds(), c.State, name, c.Seconds, shortened(c.Detail, 1500))
	r.report.Checks = append(r.report.Checks, c)
	for i, running := range r.report.Running {
		if running == name {
			r.report.Running = append(r.report.Running[:i:i], r.report.Running[i+1:]...)
			break
		}
	}
	r.keep()
}

// keep writes the report; what cannot be written now may be later.
func (r *run) keep() {
	if err := r.write(); err != nil {
		fmt.Println(err)
	}
}

// summarise prints what came of all checks. The error says that one failed.
func (r *run) summarise() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	states, names := map[string]int{}, map[string][]string{}
	for _, c := range r.report.Checks {
		states[c.State]++
		names[c.State] = append(names[c.State], c.Name)
	}
	fmt.Println()
	for _, state := range []string{failed, notRun, absent, skipped} {
		if states[state] > 0 {
			fmt.Printf("%-8s %s\n", state, strings.Join(names[state], ", "))
		}
	}
	fmt.Printf("%d of %d checks passed; the report is %s.json, and what programs said that failed stands beside it\n", states[passed], len(r.report.Checks), r.path)
	if err := r.write(); err != nil {
		return err
	}
	if !r.report.Passed {
		return errors.New("a check failed")
	}
	return nil
}

// kernelLog is what the system's kernel has said of the GPU last, such as an Xid, the
// driver's number for a fault. It is empty where that may not be read.
func kernelLog() string {
	text, _ := exec.Command("dmesg").Output()
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "NVRM") || strings.Contains(line, "Xid") {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-20):], "")
}

// shortened keeps the beginning and the end of what is too long.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n[…]\n" + text[len(text)-most/2:]
}

// log is a file that grows to a size and no further. All may write to it.
type log struct {
	mutex sync.Mutex
	file  *os.File
	left  int // bytes
}

// logSize is what one log may hold: a file of that size can still be carried away.
const logSize = 12 << 20

func newLog(path string) (*log, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	return &log{file: file, left: logSize}, nil
}

func (l *log) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	kept := text[:min(len(text), l.left)]
	l.left -= len(kept)
	if _, err := l.file.Write(kept); err != nil {
		return 0, err
	}
	return len(text), nil // the rest is left out, which is no error of the writer
}

// section adds what a program said.
func (l *log) section(title, text string) {
	fmt.Fprintf(l, "==== %s\n%s\n\n", title, shortened(text, 1<<20))
}
