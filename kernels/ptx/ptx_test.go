package ptx

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestCommittedPTXBelongsToTheSources fails when a source was changed and
// build-ptx.sh was not run.
func TestCommittedPTXBelongsToTheSources(t *testing.T) {
	committed, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	actual, err := Describe(committed.Compiler, committed.Flags, os.DirFS(".."), files)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(actual.Sources, committed.Sources) {
		t.Errorf("the PTX was made from other sources; run kernels/build-ptx.sh")
	}
	if !reflect.DeepEqual(actual.Modules, committed.Modules) {
		t.Errorf("manifest.json describes other PTX; run kernels/build-ptx.sh")
	}
	for source := range committed.Sources {
		stem, isSource := strings.CutSuffix(source, ".cu")
		targets := []string{".sm_75.ptx", ".sm_80.ptx"}
		switch {
		case strings.HasSuffix(stem, "_matrix"):
			targets = targets[1:]
		case strings.HasSuffix(stem, "_warpgroup"):
			targets = []string{".sm_90a.ptx"}
		}
		for _, target := range targets {
			if _, ok := committed.Modules[stem+target]; isSource && !ok {
				t.Errorf("%s has no %s%s; run kernels/build-ptx.sh", source, stem, target)
			}
		}
	}
}

// TestKernelsFit holds every kernel to what each GPU since 7.5 has.
func TestKernelsFit(t *testing.T) {
	committed, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	for file, module := range committed.Modules {
		for name, kernel := range module.Kernels {
			if kernel.Local != 0 {
				t.Errorf("%s: a thread of %s has %d bytes that do not fit its registers; unroll the loop that indexes them", file, name, kernel.Local)
			}
			if kernel.Shared > 48<<10 {
				t.Errorf("%s: a block of %s has %d bytes of shared memory, want at most 48 KiB", file, name, kernel.Shared)
			}
			if kernel.Threads != 256 {
				t.Errorf("%s: a block of %s has at most %d threads, want 256", file, name, kernel.Threads)
			}
		}
	}
}

// TestMatrixUnits: the kernels that are meant for the matrix units use them, with
// factors of the type in their name, and no other does. One in bf16 multiplies twice
// as deep at a time as its twin in tf32, and so half as often.
func TestMatrixUnits(t *testing.T) {
	committed, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	bf16 := 0
	for file, module := range committed.Modules {
		for name, kernel := range module.Kernels {
			want := map[string]int(nil)
			switch {
			case strings.Contains(name, "_tf32_") || strings.Contains(name, "_warpgroup_"):
				want = map[string]int{"tf32": max(1, kernel.Matrix["tf32"])}
			case strings.Contains(name, "_bf16_"):
				twin := committed.Modules[strings.Replace(file, "_bf16", "", 1)].Kernels[strings.Replace(name, "_bf16_", "_tf32_", 1)]
				want = map[string]int{"bf16": max(1, twin.Matrix["tf32"]/2)}
				bf16++
			}
			if !reflect.DeepEqual(kernel.Matrix, want) {
				t.Errorf("%s: %s has instructions %v for the matrix units, want %v", file, name, kernel.Matrix, want)
			}
		}
	}
	if bf16 == 0 {
		t.Error("no kernel is in bf16")
	}
}

// spilledElsewhere is how many bytes of a thread spill on GPUs newer than 9.0, in two
// kernels and outside their loops (bench/lab/matrix.md).
var spilledElsewhere = map[string]map[string]int{"sm_120": {"multiply_nn_64x64": 12, "norm_statistics_by_1": 8}}

// TestCompiled: NVIDIA's compiler was asked about these very modules, and no kernel
// spills registers on any GPU, but for those two.
func TestCompiled(t *testing.T) {
	committed, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := CommittedCompilation()
	if err != nil {
		t.Fatal(err)
	}
	for file, module := range committed.Modules {
		report := compiled.Modules[file]
		if report.SHA256 != module.SHA256 {
			t.Errorf("compiled.json tells of another %s; run make kernels", file)
			continue
		}
		for name := range module.Kernels {
			k, known := report.Kernels[name]
			if !known || k.Registers == 0 || k.Spills() {
				t.Errorf("%s for %s: %s is compiled to %+v", file, report.Target, name, k)
			}
		}
		_, others := CompileTargets(file)
		for _, other := range others {
			spilling, told := report.Spilling[other]
			if !told {
				t.Errorf("compiled.json does not tell of %s on %s; run make kernels", file, other)
			}
			for name, k := range spilling {
				if spilled := max(k.SpillStores, k.SpillLoads); spilled > spilledElsewhere[other][name] {
					t.Errorf("%s for %s: %s spills %d bytes, want at most %d", file, other, name, spilled, spilledElsewhere[other][name])
				}
			}
		}
	}
}

func TestCompilersReportIsRead(t *testing.T) {
	got, err := ReadCompiler("ptxas info    : 0 bytes gmem\nptxas info    : Compiling entry function 'a' for 'sm_90'\n" +
		"ptxas info    : Function properties for a\n    16 bytes stack frame, 20 bytes spill stores, 8 bytes spill loads\n" +
		"ptxas info    : Used 128 registers, used 1 barriers, 16 bytes cumulative stack size, 49152 bytes smem\n" +
		"ptxas info    : Compiling entry function 'b' for 'sm_90'\nptxas info    : Used 7 registers\n")
	want := map[string]CompiledKernel{"a": {Registers: 128, SpillStores: 20, SpillLoads: 8, Stack: 16, Shared: 49152}, "b": {Registers: 7}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := ReadCompiler("nothing"); err == nil {
		t.Error("a report without kernels is taken")
	}
}

// TestArithmeticIsExact: every sum and product is rounded to nearest by itself
// (without .rn the driver's compiler may contract them), nothing is flushed to
// zero, and nothing approximate. So a GPU computes what the emulator does.
func TestArithmeticIsExact(t *testing.T) {
	inexact := regexp.MustCompile(`\b(add|sub|mul|div|fma|sqrt)\.(approx|ftz|full|f32|f64|rz|rm|rp)[.\w]*|\bmad\.f\w+|\w+\.approx[.\w]*`)
	old, err := Modules(75)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := Modules(90)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(old, modules...) {
		if found := inexact.FindString(m.Text); found != "" {
			t.Errorf("%s has the instruction %s", m.Name, found)
		}
	}
	if inexact.FindString("	mul.f32 %f1, %f2;") == "" || inexact.FindString("	ex2.approx.f32 %f1;") == "" || inexact.FindString("	mul.rn.f32 %f1;") != "" {
		t.Error("the pattern finds the wrong instructions")
	}
}

// TestRegeneration runs the compiler, where there is one, and wants the same
// bytes.
func TestRegeneration(t *testing.T) {
	version, err := exec.Command("clang-19", "--version").Output()
	if err != nil {
		t.Skip("no clang-19: the PTX is not made anew")
	}
	manifest, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	if pinned := strings.TrimPrefix(manifest.Compiler, "clang "); !strings.Contains(string(version), " "+pinned+" ") {
		t.Skipf("clang-19 is not of version %s: the PTX is not made anew", pinned)
	}
	if testing.Short() {
		t.Skip("compiles all kernels")
	}
	folder := t.TempDir()
	if output, err := exec.Command("../build-ptx.sh", folder).CombinedOutput(); err != nil {
		t.Fatalf("build-ptx.sh: %v\n%s", err, output)
	}
	made, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := files.ReadDir(".")
	if err != nil || len(entries) != len(made)+1 { // and compiled.json
		t.Errorf("%d files are made, %d committed (%v)", len(made), len(entries), err)
	}
	for _, path := range made {
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if then, err := files.ReadFile(filepath.Base(path)); err != nil || !bytes.Equal(now, then) {
			t.Errorf("%s is made otherwise than it was committed (%v)", filepath.Base(path), err)
		}
	}
}

func TestModules(t *testing.T) {
	for _, c := range []struct{ capability, want int }{{75, 75}, {79, 75}, {80, 80}, {90, 80}, {121, 80}} {
		modules, err := Modules(c.capability)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range modules {
			want := c.want
			if strings.HasSuffix(m.Name, "_warpgroup") {
				want = 90 // and on no other
			}
			if m.Capability != want || seen[m.Name] || !strings.Contains(m.Text, ".entry") {
				t.Errorf("capability %d gets %s for %d", c.capability, m.Name, m.Capability)
			}
			seen[m.Name] = true
		}
		if seen["convolve_warpgroup"] != (c.capability == 90) || !seen["convolve"] || !seen["optimise"] {
			t.Errorf("capability %d gets %v", c.capability, seen)
		}
	}
	if _, err := Modules(70); err == nil || !strings.Contains(err.Error(), "7.0") {
		t.Errorf("capability 7.0: error %v, want one that says so", err)
	}
}

// TestModulesSayWhatTheyNeed: a module is found by its kernels, and says which CUDA the
// driver must know.
func TestModulesSayWhatTheyNeed(t *testing.T) {
	modules, err := Modules(90)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		file, want := fmt.Sprintf("%s.sm_%d.ptx", m.Name, m.Capability), "11.0"
		switch {
		case strings.HasSuffix(m.Name, "_warpgroup"):
			file, want = m.Name+".sm_90a.ptx", "12.0"
		case strings.HasSuffix(m.Name, "_matrix"):
			want = "11.5"
		}
		if major, minor := m.CUDA(); fmt.Sprintf("%d.%d", major, minor) != want {
			t.Errorf("%s needs CUDA %d.%d, want %s", m.Name, major, minor, want)
		}
		for name, described := range manifest.Modules {
			for kernel := range described.Kernels {
				if name == file && !m.Has(kernel) || m.Has(kernel[:len(kernel)-1]) {
					t.Errorf("%s: has %s: %v, and cut short: %v", m.Name, kernel, m.Has(kernel), m.Has(kernel[:len(kernel)-1]))
				}
			}
		}
	}
}

const planted = `
.version 7.0
.target sm_75
.address_size 64
.shared .align 16 .b8 _tile[64];
.shared .align 16 .b8 _tiles[32];
.visible .entry one(
	.param .u64 one_param_0,
	.param .f32 one_param_1
)
.maxntid 256, 1, 1
{
	.local .align 4 .b8 	__local_depot0[20];
	.reg .pred 	%p<2>;
	.reg .f32 	%f<8>;
	ld.shared.f32 %f1, [_tile+4];
}
.visible .entry two()
{
	ret;
}
`

func TestDescribe(t *testing.T) {
	sources := fstest.MapFS{"a.cu": {Data: []byte("a")}, "b.cuh": {Data: []byte("b")}}
	m, err := Describe("c", "f", sources, fstest.MapFS{"a.sm_75.ptx": {Data: []byte(planted)}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Kernel{
		"one": {[]string{"u64", "f32"}, 256, map[string]int{"pred": 1, "f32": 7}, 64, 20, nil},
		"two": {nil, 0, map[string]int{}, 0, 0, nil},
	}
	if got := m.Modules["a.sm_75.ptx"].Kernels; !reflect.DeepEqual(got, want) {
		t.Errorf("kernels %+v, want %+v", got, want)
	}
	if len(m.Sources) != 2 || m.Sources["a.cu"] == m.Sources["b.cuh"] {
		t.Errorf("sources %v", m.Sources)
	}
	for name, text := range map[string]string{
		"foreign code": planted + "\n.extern .func f;",
		"no kernel":    ".version 7.0",
		"no end":       strings.TrimSuffix(planted, "}\n"),
	} {
		if _, err := Describe("c", "f", sources, fstest.MapFS{"a.sm_75.ptx": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Describe("c", "f", fstest.MapFS{}, fstest.MapFS{}); err == nil {
		t.Error("no sources: no error")
	}
}
