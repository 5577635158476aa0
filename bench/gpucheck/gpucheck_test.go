package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hourglass/internal/emulator"
	"hourglass/internal/repository"
	"hourglass/kernels/cuda"
	"hourglass/kernels/cuda/emulated"
)

// TestMain lets this program be gpucheck, so that runs can start their processes. Each
// of them may be asked for a failure of the emulated driver: GPUCHECK_PLANT is its kind,
// and at which call, and GPUCHECK_ONCE a file that the first to fail removes.
func TestMain(m *testing.M) {
	if os.Getenv("GPUCHECK_CHILD") != "1" {
		os.Exit(m.Run())
	}
	if kind, nth, planted := strings.Cut(os.Getenv("GPUCHECK_PLANT"), ":"); planted && os.Remove(os.Getenv("GPUCHECK_ONCE")) == nil {
		driver, _ := emulated.Find()
		n, _ := strconv.Atoi(nth)
		driver.Fail(kind, n)
	}
	main()
	os.Exit(0)
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// TestRehearsal packs, and runs all checks on the emulated driver from the
// packed folder alone.
func TestRehearsal(t *testing.T) {
	library := emulatedDriver(t)
	if !onPath("xz") && !onPath("python3") {
		t.Skip("there is neither xz nor python3 to pack with")
	}
	folder, out := t.TempDir(), t.TempDir()
	pack := exec.Command(filepath.Join(repository.Root(t), "bench", "gpu-check.sh"), "pack", folder)
	if output, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	rehearse := exec.Command(filepath.Join(folder, "gpu-check.sh"), "run", "--dry-run", library)
	rehearse.Env = append(os.Environ(), "OUT="+out)
	output, err := rehearse.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	t.Logf("%s", output)
	got, files := left(t, out)
	states := map[string]int{}
	for _, c := range got.Checks {
		states[c.State]++
	}
	if want := "map[absent:2 passed:11 skipped:15]"; !got.Passed || !got.Dry || len(got.Running) > 0 || fmt.Sprint(states) != want {
		t.Errorf("the checks ended as %v, want %s", states, want)
	}
	if len(files) > 3 {
		t.Errorf("%v are left, want the report and two logs: no more than a few files may be carried away", files)
	}
}

// emulatedDriver is its library; the test is skipped where there is none.
func emulatedDriver(t *testing.T) string {
	t.Helper()
	if !cuda.Built {
		t.Skip("this build has no CUDA support; test with the tag gpu")
	}
	if os.Getenv("REQUIRE_GPU") == "1" {
		t.Skip("a rehearsal is for machines without a GPU; run bench/gpu-check.sh here")
	}
	return emulator.Build(t)
}

// left is the report in a folder, and all files.
func left(t *testing.T, out string) (got report, files []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "emulated-device", "*"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(files, func(path string) bool { return filepath.Ext(path) == ".json" })
	if i < 0 {
		t.Fatalf("there is no report among %v", files)
	}
	text, err := os.ReadFile(files[i])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return got, files
}

// rehearsal is a run whose processes are this program, on the emulated driver.
func rehearsal(t *testing.T) *run {
	t.Helper()
	t.Setenv("CUDA_DRIVER_LIBRARY", emulatedDriver(t))
	t.Setenv("GPUCHECK_CHILD", "1")
	r := &run{folder: t.TempDir(), out: t.TempDir(), dry: true}
	if err := os.WriteFile(filepath.Join(r.folder, "packed.json"), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := r.describe(); err != nil {
		t.Fatal(err)
	}
	return r
}

// plant lets one process fail, the first that begins.
func plant(t *testing.T, failure string) {
	t.Helper()
	once := filepath.Join(t.TempDir(), "once")
	if err := os.WriteFile(once, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GPUCHECK_PLANT", failure)
	t.Setenv("GPUCHECK_ONCE", once)
}

// TestKernelThatFaults wants all cases tried although the device is lost in the middle,
// and enough told of the program that lost it.
func TestKernelThatFaults(t *testing.T) {
	r := rehearsal(t)
	w := walk{sizes: "tiny", every: 4, shards: 1}
	whole, err := r.walk(w)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plant(t, "kernel:3")
	figures, err := r.walk(w)(t.Context())
	got, want := figures.(found), whole.(found)
	if err == nil || got.Failed != 1 || len(got.Failures) != 1 {
		t.Fatalf("%+v: %v, want one failure", got, err)
	}
	if got.Cases != want.Cases || got.Programs != want.Programs || got.Processes != 2 || len(got.NotTried) > 0 {
		t.Errorf("%d cases and %d programs were tried in %d processes, want %d and %d in 2; %v", got.Cases, got.Programs, got.Processes, want.Cases, want.Programs, got.NotTried)
	}
	f := got.Failures[0]
	if !f.Lost || f.Name == "" || f.Kernel == "" || !strings.Contains(f.Launches, f.Kernel) || !strings.Contains(f.Error, "CUDA_ERROR_ILLEGAL_ADDRESS") {
		t.Errorf("the failure tells %+v, want case, kernel, launches and the driver's error", f)
	}
}

// TestModuleThatDoesNotLoad wants the others loaded, and the one named.
func TestModuleThatDoesNotLoad(t *testing.T) {
	r := rehearsal(t)
	whole, err := r.loadModules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plant(t, "module:1")
	figures, err := r.loadModules(t.Context())
	if err == nil || strings.Count(err.Error(), "CUDA_ERROR_INVALID_PTX") != 1 {
		t.Errorf("the error is %v, want one module that does not compile", err)
	}
	got, want := figures.(firstContact), whole.(firstContact)
	if len(got.Seconds) != len(want.Seconds)-1 {
		t.Errorf("%d modules are loaded, want all but one of %d", len(got.Seconds), len(want.Seconds))
	}
}

// TestCasesWithoutAModule wants one failure for the module, and the programs that need
// it left out.
func TestCasesWithoutAModule(t *testing.T) {
	r := rehearsal(t)
	plant(t, "module:1")
	figures, err := r.walk(walk{sizes: "tiny", every: 1, shards: 1})(t.Context())
	got := figures.(found)
	if err == nil || got.Failed != 1 || got.LeftOut == 0 || got.Processes != 1 || got.Programs < 2 {
		t.Errorf("%+v: %v, want one failure and others left out", got, err)
	}
}

// TestWhatTheSanitizerFinds is a failure, although every program did what it should.
func TestWhatTheSanitizerFinds(t *testing.T) {
	r := rehearsal(t)
	tool := filepath.Join(t.TempDir(), "sanitizer")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\nshift 2\n\"$@\"\necho ========= Invalid read of size 4\nexit 9\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	figures, err := r.walk(walk{sizes: "tiny", every: 8, shards: 1, under: []string{tool, "--tool", "memcheck"}})(t.Context())
	if got := figures.(found); err == nil || got.Failed != 1 || got.Processes != 1 || len(got.NotTried) > 0 || !strings.Contains(err.Error(), "Invalid read of size 4") {
		t.Errorf("%+v: %v, want what the tool has said", got, err)
	}
}

// told is a run without a GPU that keeps its report.
func told(t *testing.T) *run {
	t.Helper()
	r := &run{out: t.TempDir()}
	r.report = report{Began: time.Now(), Passed: true}
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *run) states() (states []string) {
	for _, c := range r.report.Checks {
		states = append(states, c.State)
	}
	return states
}

// TestFailuresAreTold: what is not there is no failure, and a failure is the
// run's.
func TestFailuresAreTold(t *testing.T) {
	r := told(t)
	r.only = "a,b,c,d"
	ask := func(name string, err error) {
		r.ask(t.Context(), planned{name: name, limit: time.Hour, ask: func(context.Context) (any, error) { return nil, err }})
	}
	ask("a", nil)
	ask("b", fmt.Errorf("%w: no tool", errAbsent))
	ask("c", fmt.Errorf("%w: no GPU", errSilicon))
	ask("other", errors.New("not asked for"))
	if err := r.summarise(); err != nil {
		t.Errorf("nothing failed, and the run ends with %v", err)
	}
	ask("d", errors.New("two numbers differ"))
	if err := r.summarise(); err == nil {
		t.Error("a check failed, and the run ends well")
	}
	if got := fmt.Sprint(r.states()); got != "[passed absent skipped failed]" {
		t.Errorf("the states are %s", got)
	}
}

// TestTimeIsKept: a check that takes too long fails, one that the end of the visit cuts
// off is not run, nor is one that cannot be done in what is left; and after each the
// report says so.
func TestTimeIsKept(t *testing.T) {
	r := told(t)
	endless := func(ctx context.Context) (any, error) { <-ctx.Done(); return "half", cut(ctx, nil) }
	r.ask(t.Context(), planned{name: "slow", limit: time.Millisecond, ask: endless})
	visit, release := context.WithTimeout(t.Context(), time.Hour)
	defer release()
	r.ask(visit, planned{name: "long", least: 2 * time.Hour, limit: time.Hour, ask: endless})
	visit, end := context.WithCancelCause(visit)
	r.ask(visit, planned{name: "cut off", limit: time.Hour, ask: func(ctx context.Context) (any, error) {
		end(errBudget)
		return endless(ctx)
	}})
	r.ask(visit, planned{name: "late", limit: time.Hour, ask: endless})
	if got := strings.Join(r.states(), ", "); got != "failed, not run, not run, not run" {
		t.Errorf("the states are %s", got)
	}
	text, err := os.ReadFile(r.path + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var kept report
	if err := json.Unmarshal(text, &kept); err != nil || len(kept.Checks) != 4 || kept.Checks[2].Figures != "half" {
		t.Errorf("the report keeps %+v (%v)", kept.Checks, err)
	}
}

// TestReportIsThereAtAnyMoment reads it while a check is being made.
func TestReportIsThereAtAnyMoment(t *testing.T) {
	r := told(t)
	r.ask(t.Context(), planned{name: "first", limit: time.Hour, ask: func(context.Context) (any, error) { return 1, nil }})
	r.ask(t.Context(), planned{name: "second", limit: time.Hour, ask: func(context.Context) (any, error) {
		text, err := os.ReadFile(r.path + ".json")
		var kept report
		if err := errors.Join(err, json.Unmarshal(text, &kept)); err != nil || len(kept.Checks) != 1 || fmt.Sprint(kept.Running) != "[second]" {
			t.Errorf("the report is %s (%v), want one check made and one under way", text, err)
		}
		return nil, nil
	}})
}

// TestLogsAreBounded, for they are carried away.
func TestLogsAreBounded(t *testing.T) {
	l, err := newLog(filepath.Join(t.TempDir(), "log.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.Write(make([]byte, logSize/2))
	}
	if info, err := l.file.Stat(); err != nil || info.Size() != logSize {
		t.Errorf("the log has %d bytes (%v), want %d", info.Size(), err, logSize)
	}
}

// TestLeaksAreTold by what is free behind runs that need more and less.
func TestLeaksAreTold(t *testing.T) {
	for _, c := range []struct {
		free []int64
		leak bool
	}{
		{[]int64{100, 90, 100, 90, 100, 90}, false},
		{[]int64{100, 90, 90, 90, 90, 90}, false},
		{[]int64{100, 95, 90, 85, 80, 75}, true},
	} {
		if err := leak(c.free); (err != nil) != c.leak {
			t.Errorf("of %v it is said: %v", c.free, err)
		}
	}
}

// TestLossesAreRead takes the steps of a file of metrics, and nothing else.
func TestLossesAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	text := `{"kind":"step","step":1,"loss":0.5}` + "\n" + `{"kind":"epoch","loss":9}` + "\n" + `{"kind":"step","step":2,"loss":0.25}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := readLosses(path); err != nil || fmt.Sprint(got) != "[0.5 0.25]" {
		t.Errorf("the losses are %v, %v", got, err)
	}
}

// TestTestsAreListed that want a driver, by a function of their package too.
func TestTestsAreListed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "some")
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{
		"a_test.go": "package some\nfunc TestSelf(t *testing.T) { gputest.Use(t) }\nfunc TestNever(t *testing.T) { other(t) }\nfunc other(t *testing.T) { other(t) }",
		"b_test.go": "package some\nfunc TestThrough(t *testing.T) { t.Run(\"a\", func(t *testing.T) { open(t) }) }\nfunc open(t *testing.T) { gputest.Use(t) }",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(source), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := listTests([]string{folder}); err != nil || fmt.Sprint(got) != "map[some:[TestSelf TestThrough]]" {
		t.Errorf("%v are listed (%v), want TestSelf and TestThrough", got, err)
	}
}
