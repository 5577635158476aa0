package emulator

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"hourglass/kernels/launch"
)

// entries is PTX, as far as the emulator reads it, of kernels with the
// parameters of testdata/faults.cu.
func entries(names ...string) string {
	text := ".version 7.0\n.target sm_75\n.address_size 64\n"
	for _, name := range names {
		text += ".visible .entry " + name + "(\n\t.param .u64 " + name + "_param_0,\n\t.param .u32 " + name + "_param_1\n)\n.maxntid 256, 1, 1\n{\n\tret;\n}\n"
	}
	return text
}

// faulty is a machine with the kernels of testdata/faults.cu.
func faulty(t *testing.T) *Machine {
	t.Helper()
	compiler, sources := tools(t)
	library, err := build(compiler, sources, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	return start(t, library)
}

// fault launches a kernel of testdata/faults.cu on 64 numbers.
func fault(m *Machine, kernel string, x launch.Arg) ([]float32, error) {
	threads, shared := 64, 0
	if strings.Contains(kernel, "products") {
		threads, shared = 128, 4*32*(64+32)
	}
	p := launch.Program{Launches: []launch.Launch{{
		Kernel: kernel, Grid: [3]int{2, 1, 1}, Block: [3]int{threads, 1, 1}, Shared: shared,
		Args: []launch.Arg{x, {Place: launch.Int32, Bits: 64}},
	}}}
	_, after, err := m.Run(p, Buffers{Operands: [][]float32{make([]float32, 64)}}, 0)
	if err != nil {
		return nil, err
	}
	return after[0], nil
}

// failed wants the driver's result and a word of the report.
func failed(t *testing.T, what string, err error, result int, report string) {
	t.Helper()
	var failure *Failure
	if !errors.As(err, &failure) || failure.Result != result || !strings.Contains(failure.Report, report) {
		t.Errorf("%s: %v, want the driver's result %d and %q", what, err, result, report)
	}
}

func TestFaultsAreFound(t *testing.T) {
	m := faulty(t)
	faults := []struct {
		kernel, report string
		result         int
	}{
		{"race_of_stores", "store shared element 0; no barrier", 719},
		{"race_of_store_and_read", "which another thread reads; no barrier", 719},
		{"missing_barrier", "reads shared element", 719},
		{"never_stored", "which no thread of its block has stored", 719},
		{"beyond_shared", "shared element 63 of 63", 719},
		{"misaligned_four", "multiple of 4", 719},
		{"divergent_barrier", "32 of 64 threads wait", 719},
		{"barriers_of_one_warp", "others of its warp at that in", 719},
		{"misaligned_copy", "must be multiples of 16 bytes", 719},
		{"partial_shuffle", "threads wait", 719},
		{"past_the_end", "past its end", 700},
		{"before_the_beginning", "before its beginning", 700},
		{"not_the_last", "its block is not the last to arrive", 719},
		{"counted_without_fence", "counts its block with no fence", 719},
		{"read_without_fence", "with no fence of the thread that counted its block", 719},
		{"too_few_arrive", "2 of 3 blocks have come to a counter", 719},
		{"too_many_arrive", "more blocks come to a counter than the 1", 719},
		{"different_counts", "others as one of", 719},
		{"counter_in_use", "a counter is 1 before the first block arrives", 719},
		{"products_not_shown", "has stored and not shown to the matrix units", 719},
		{"products_not_begun", "without begin_products", 719},
		{"products_not_committed", "that it has not committed", 719},
		{"products_not_waited_for", "under way reads", 719},
		{"products_at_any_address", "must begin at multiples of 1024 bytes", 719},
		{"products_that_disagree", "others of its warpgroup", 719},
	}
	names := []string{"clean", "clean_products", "reads_past_the_end"}
	for _, f := range faults {
		names = append(names, f.kernel)
	}
	if err := m.Load(entries(names...)); err != nil {
		t.Fatal(err)
	}
	x := launch.Arg{Place: launch.Operand}
	for _, backwards := range []bool{false, true} {
		if err := m.Backwards(backwards); err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			_, err := fault(m, f.kernel, x)
			failed(t, f.kernel, err, f.result, f.report)
			if got, err := fault(m, "clean", x); err != nil || got[0] != 4 || got[63] != 0 {
				t.Errorf("a kernel without fault, after %s: %v, sum %v, want 4, and a counter of %v, want 0", f.kernel, err, got[0], got[63])
			}
		}
	}
	if got, err := fault(m, "clean_products", x); err != nil || got[0] != 8 || got[63] != 8 {
		t.Errorf("products of eight ones: %v, %v and %v, want 8", err, got[0], got[63])
	}
	if got, err := fault(m, "reads_past_the_end", x); err != nil || !math.IsNaN(float64(got[0])) {
		t.Errorf("what lies past the end reads as %v (%v), want NaN", got, err)
	}
	_, err := fault(m, "clean", launch.Arg{Place: launch.Int32, Bits: 4096})
	failed(t, "an address of nothing", err, 700, "points to no memory")
	_, err = fault(m, "absent", x)
	failed(t, "a kernel that no module has", err, 500, "no module has kernel absent")
}

// complaints keeps what a test is told at its end.
type complaints struct {
	testing.TB
	text string
	ends []func()
}

func (c *complaints) Cleanup(f func())                  { c.ends = append(c.ends, f) }
func (c *complaints) Errorf(format string, args ...any) { c.text += fmt.Sprintf(format, args...) }

// TestFarAway: an access far outside ends the machine, which says where.
func TestFarAway(t *testing.T) {
	compiler, sources := tools(t)
	library, err := build(compiler, sources, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	told := &complaints{TB: t}
	m := start(told, library)
	if err := m.Load(entries("far_away")); err != nil {
		t.Fatal(err)
	}
	if _, err := fault(m, "far_away", launch.Arg{Place: launch.Operand}); err == nil {
		t.Error("no error")
	}
	for _, end := range told.ends {
		end()
	}
	if !strings.Contains(told.text, "far_away, block (0,0,0), thread 0 reads or writes far outside its memory") {
		t.Errorf("the machine says %q", told.text)
	}
}

func TestModulesAreChecked(t *testing.T) {
	m := faulty(t)
	good := entries("clean")
	for _, c := range []struct{ what, ptx, report string }{
		{"an entry without twin", entries("stranger"), "stranger is in the PTX but was not compiled"},
		{"another type of parameter", strings.Replace(good, ".u32", ".f64", 1), "parameter 1 of kernel clean is .f64"},
		{"a parameter less", strings.Replace(good, ",\n\t.param .u32 clean_param_1", "", 1), "fewer parameters"},
		{"a parameter more", strings.Replace(good, "clean_param_1", "clean_param_1,\n\t.param .u32 clean_param_2", 1), "parameter 2 of kernel clean"},
		{"local memory", strings.Replace(good, "ret;", ".local .b8 depot[4];", 1), ".local"},
		{"foreign code", good + ".extern .func f;", ".extern"},
		{"a newer GPU", strings.Replace(good, "sm_75", "sm_100", 1), "PTX is for sm_100"},
		{"no PTX", "hello", "no .target"},
	} {
		failed(t, c.what, m.Load(c.ptx), 218, c.report)
	}
	if err := m.Load(good); err != nil {
		t.Error(err)
	}
}

func TestPlannedFailures(t *testing.T) {
	m := faulty(t)
	if err := m.Load(entries("clean")); err != nil {
		t.Fatal(err)
	}
	x := launch.Arg{Place: launch.Operand}
	for _, c := range []struct {
		kind   string
		nth    uint64
		result int
		report string
	}{
		{"alloc", 1, 2, ""},
		{"alloc", 4, 2, ""},
		{"copy", 2, 999, ""},
		{"launch", 1, 701, ""},
		{"kernel", 1, 700, "clean fails, as was asked for"},
		{"sync", 1, 719, "a wait fails"},
		{"lost", 3, 719, "the device is lost"},
		{"lost", 9, 719, "the device is lost"},
	} {
		if err := m.Fail(c.kind, c.nth); err != nil {
			t.Fatal(err)
		}
		_, err := fault(m, "clean", x)
		failed(t, c.kind, err, c.result, c.report)
		if _, err := fault(m, "clean", x); err != nil {
			t.Errorf("after a failure of %s: %v", c.kind, err)
		}
	}
	if err := m.Fail("module", 1); err != nil {
		t.Fatal(err)
	}
	failed(t, "module", m.Load(entries("clean")), 218, "as was asked for")
}
