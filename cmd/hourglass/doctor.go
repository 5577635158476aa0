package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"hourglass/graph"
	"hourglass/internal/cases"
	"hourglass/internal/terminal"
	"hourglass/kernels"
	"hourglass/kernels/cpu"
	"hourglass/kernels/reference"
)

type doctorCommand struct {
	machine
	Dir string `default:"runs" help:"Folder of the runs, on whose disk space is looked for."`
}

// finding is one line of the doctor's report.
type finding struct {
	Subject string `json:"subject"`
	Finding string `json:"finding"`
	OK      bool   `json:"ok"`
}

func (c doctorCommand) Run(s *session) error {
	b := version()
	findings := []finding{
		{"program", fmt.Sprintf("hourglass %s, %s, %s/%s", b.Version, b.Go, b.OS, b.Arch), true},
		{"processor", fmt.Sprintf("%d threads of %d; %s", runtime.GOMAXPROCS(0), runtime.NumCPU(), strings.Join(append(cpu.Features(), "kernels in "+cpu.Path()), ", ")), true},
	}
	findings = append(findings, c.device(), cudaFinding(), c.disk(), selfTest(c.Threads))
	table := terminal.Table{}
	sick := 0
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark = "!!"
			sick++
		}
		table.Rows = append(table.Rows, []string{mark, f.Subject, f.Finding})
	}
	s.table(table)
	if err := s.give(map[string]any{"findings": findings, "healthy": sick == 0}); err != nil {
		return err
	}
	if sick > 0 {
		return fmt.Errorf("%d of %d findings are bad; the lines marked !! say which", sick, len(findings))
	}
	return nil
}

// device opens what training would run on.
func (c doctorCommand) device() finding {
	backend, err := graph.ParseBackend(c.Device)
	if err != nil {
		return finding{"device", err.Error(), false}
	}
	device, err := graph.OpenDevice(backend, c.Threads)
	if err != nil {
		return finding{"device", strings.TrimPrefix(err.Error(), "device "), false}
	}
	defer device.Close()
	return finding{"device", device.String(), true}
}

// cudaFinding says what stands between this program and a GPU. To have none
// is no illness.
func cudaFinding() finding {
	device, err := graph.OpenDevice(graph.CUDA, 0)
	if err != nil {
		return finding{"cuda", strings.TrimPrefix(err.Error(), "device cuda: "), true}
	}
	defer device.Close()
	var precisions []string
	for _, p := range device.Precisions() {
		precisions = append(precisions, p.String())
	}
	return finding{"cuda", fmt.Sprintf("%v; trains in %s, unless told otherwise in %v", device, strings.Join(precisions, ", "), device.DefaultPrecision()), true}
}

// leastSpace is what a run should find free: some hundred checkpoints of a
// small model.
const leastSpace = 1 << 30

// disk looks at the disk on which runs would be written, and whether one can.
func (c doctorCommand) disk() finding {
	folder, err := filepath.Abs(c.Dir)
	if err != nil {
		return finding{"disk", err.Error(), false}
	}
	for { // the folder may not exist yet
		_, err := os.Stat(folder)
		if !errors.Is(err, fs.ErrNotExist) || folder == filepath.Dir(folder) {
			break
		}
		folder = filepath.Dir(folder)
	}
	probe, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return finding{"disk", fmt.Sprintf("nothing can be written in %s: %v", folder, err), false}
	}
	probe.Close()
	os.Remove(probe.Name())
	free, err := freeSpace(folder)
	if err != nil {
		return finding{"disk", fmt.Sprintf("%s can be written; how much is free is unknown", folder), true}
	}
	return finding{"disk", fmt.Sprintf("%s free in %s", terminal.Bytes(float64(free)), folder), free >= leastSpace}
}

// selfTest compares every kernel of the CPU with its definition in plain loops.
func selfTest(threads int) finding {
	if threads < 1 {
		threads = runtime.GOMAXPROCS(0)
	}
	workers := cpu.NewWorkers(threads)
	defer workers.Close()
	all := cases.All()
	for _, c := range all {
		if err := compare(c, workers); err != nil {
			return finding{"self-test", err.Error(), false}
		}
	}
	return finding{"self-test", fmt.Sprintf("all kernels agree with their definitions in %d cases", len(all)), true}
}

// compare runs one case on the CPU and by its definition.
func compare(c cases.Case, workers *cpu.Workers) error {
	const seed = 1
	clock := c.Clock(seed)
	kernel, err := cpu.Prepare(&cpu.Context{Workers: workers, Clock: &clock}, c.Op)
	if err != nil {
		return err
	}
	inputs := c.Inputs(seed)
	narrow := make([][]float32, len(inputs))
	for i, values := range inputs {
		narrow[i] = make([]float32, len(values))
		for j, v := range values {
			narrow[i][j] = float32(v)
		}
	}
	want := make([]float64, c.Op.Result().Size())
	got := make([]float32, len(want))
	if kernels.InPlace(c.Op) {
		got = narrow[0]
	}
	if err := reference.Run(c.Op, clock, want, inputs); err != nil {
		return err
	}
	kernel(got, narrow)
	return cases.Compare(c.Op, cases.Results(c.Op, got, narrow), cases.Results(c.Op, want, inputs))
}
