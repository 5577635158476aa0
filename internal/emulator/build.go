package emulator

import (
	"crypto/sha256"
	"fmt"
	"hourglass/internal/repository"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Build compiles the emulator, unless that was done before, and returns the
// path of its libcuda.so.1. It skips the test where there is no g++.
func Build(tb testing.TB) (library string) {
	tb.Helper()
	compiler, sources := tools(tb)
	library, err := build(compiler, sources, filepath.Join(sources, "..", "..", "..", "kernels"))
	if err != nil {
		tb.Fatal(err)
	}
	return library
}

// tools returns the compiler and the folder source/.
func tools(tb testing.TB) (compiler, sources string) {
	tb.Helper()
	compiler, err := exec.LookPath("g++")
	if err != nil {
		tb.Skip("no g++: the emulated driver cannot be built")
	}
	if runtime.GOOS != "linux" {
		tb.Skip("the emulated driver is for Linux")
	}
	return compiler, filepath.Join(repository.Root(tb), "internal", "emulator", "source")
}

// The kernels are compiled without contraction of products and sums, as the PTX
// is, for this very machine, whose fused multiply-add the kernels name.
var (
	common = []string{"-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall"}
	twins  = []string{"-march=native", "-ffp-contract=off", "-Wno-unknown-pragmas", "-DEMULATED", "-x", "c++"}
)

var building sync.Mutex // of this process; others are met by renaming

// build returns the library of the driver with the kernels in a folder; the
// programs stand beside it. The name of their folder is a hash of all that
// goes in, so that a change anywhere builds anew.
func build(compiler, sources, kernels string) (string, error) {
	building.Lock()
	defer building.Unlock()
	headers := filepath.Join(sources, "..", "..", "..", "kernels")
	var files []string
	for _, pattern := range []string{sources + "/*.h", sources + "/*.cc", headers + "/*.cuh", kernels + "/*.cu"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			return "", fmt.Errorf("emulator: no %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	name, err := fingerprint(compiler, files)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	parent := filepath.Join(cache, "hourglass-emulator")
	folder := filepath.Join(parent, name)
	library := filepath.Join(folder, "libcuda.so.1")
	if _, err := os.Stat(folder); err == nil {
		return library, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("emulator: %w", err)
	}
	temporary, err := os.MkdirTemp(parent, "building-")
	if err != nil {
		return "", fmt.Errorf("emulator: %w", err)
	}
	defer os.RemoveAll(temporary)
	if err := compile(compiler, sources, headers, files, temporary); err != nil {
		return "", err
	}
	if err := os.Rename(temporary, folder); err != nil {
		if _, exists := os.Stat(folder); exists != nil { // else another process was faster
			return "", fmt.Errorf("emulator: %w", err)
		}
	}
	return library, nil
}

// fingerprint hashes the sources, the flags, the compiler and the machine that
// the code is for.
func fingerprint(compiler string, files []string) (string, error) {
	sum := sha256.New()
	target, err := exec.Command(compiler, "-march=native", "-Q", "--help=target", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("emulator: %s does not say what it compiles for: %w", compiler, err)
	}
	fmt.Fprintf(sum, "%s\n%v %v\n", target, common, twins)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("emulator: %w", err)
		}
		fmt.Fprintf(sum, "%s %d\n", filepath.Base(file), len(content))
		sum.Write(content)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:12]), nil
}

// compile makes libcuda.so.1 and the programs in folder, two files at a time.
func compile(compiler, sources, headers string, files []string, folder string) error {
	var objects []string
	var commands [][]string
	for _, file := range files {
		flags := common
		switch filepath.Ext(file) {
		case ".cu":
			flags = slices.Concat(common, []string{"-I", sources, "-I", headers}, twins)
		case ".cc":
			if isProgram(file) {
				continue
			}
		default:
			continue
		}
		object := filepath.Join(folder, filepath.Base(file)+".o")
		objects = append(objects, object)
		commands = append(commands, slices.Concat(flags, []string{"-c", file, "-o", object}))
	}
	slots := make(chan struct{}, 2)
	errs := make([]error, len(commands))
	var all sync.WaitGroup
	for i, command := range commands {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = run(compiler, command...)
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	library := filepath.Join(folder, "libcuda.so.1")
	link := slices.Concat([]string{"-shared", "-Wl,-soname,libcuda.so.1", "-o", library}, objects)
	if err := run(compiler, link...); err != nil {
		return err
	}
	for _, object := range objects {
		os.Remove(object) // best effort: it only takes room
	}
	for _, file := range files {
		if !isProgram(file) {
			continue
		}
		program := filepath.Join(folder, strings.TrimSuffix(filepath.Base(file), ".cc"))
		if err := run(compiler, "-std=c++17", "-O1", "-Wall", "-o", program, file, library, "-Wl,-rpath,$ORIGIN"); err != nil {
			return err
		}
	}
	return nil
}

// isProgram tells the files that use the driver from those it is made of.
func isProgram(file string) bool {
	base := filepath.Base(file)
	return base == "run.cc" || base == "check.cc"
}

func run(compiler string, arguments ...string) error {
	command := exec.Command(compiler, arguments...)
	var said strings.Builder
	command.Stdout, command.Stderr = io.Discard, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("emulator: %s %s: %w\n%s", compiler, strings.Join(arguments, " "), err, said.String())
	}
	return nil
}
