package house

import (
	"fmt"
	"hourglass/internal/repository"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// rooms are all packages of the repository with those of ours that each may
// import besides itself and the leaves. Several are separated by spaces, "/..."
// stands for all beneath, and * for everything but cmd.
var rooms = []room{
	{"kernels", ""},
	{"kernels/reference", "kernels"},
	{"kernels/cpu", "kernels kernels/cpu/winograd"},
	{"kernels/cpu/neon", ""},
	{"kernels/cpu/winograd", ""},
	{"kernels/cpu/winograd/generate", "kernels/cpu/winograd"},
	{"kernels/launch", "kernels"},
	{"kernels/ptx/...", ""},
	{"kernels/cuda/...", "kernels"},
	{"graph", "graph/tune kernels kernels/cpu kernels/reference kernels/cuda kernels/launch kernels/ptx"},
	{"graph/tune", "kernels kernels/cuda kernels/launch"},
	{"graph/ops", "graph kernels"},
	{"conv", "graph graph/ops kernels"},
	{"models/objective", "conv graph graph/ops kernels"},
	{"models", "models/objective conv graph graph/ops kernels"},
	{"models/latent", "kernels"},
	{"models/exchange", "models conv graph kernels internal/onnx"},
	{"data", "kernels"},
	{"train", "models graph data kernels train/diagnose"},
	{"models/codec", "models train graph kernels"},
	{"train/tensorboard", "train models graph data"},
	{"train/measure", "kernels"},
	{"train/diagnose", "kernels"},
	{"train/anomaly", "train train/measure data"},
	{"bench/...", "*"},
	{"cmd/...", "*"},

	{leaves, "kernels"},
	{"internal/house", "internal/repository"},
	{"internal/repository", ""},
	{"internal/cases", "kernels kernels/reference"},
	{"internal/gradcheck", "internal/cases graph/ops kernels kernels/reference"},
	{"internal/config", "models data train train/diagnose kernels"},
	{"internal/verdict", "data models train train/measure train/diagnose"},
	{"internal/embedding", ""},
	{"internal/figure", "graph models"},
	{"internal/serving", "graph models models/latent data train"},
	{"internal/explorer", "internal/embedding internal/serving graph models models/latent data train"},
	{"internal/onnx", ""},
	{"internal/chart", ""},
	{"internal/report", "models models/latent data train internal/chart internal/verdict"},
	{"internal/gputest", "kernels/cuda kernels/cuda/emulated internal/emulator"},
	{"internal/peer", "models graph data"},
	{"internal/emulator", "kernels kernels/launch kernels/ptx kernels/reference internal/cases internal/repository"},
}

const (
	module = "hourglass"
	// leaves may be imported by every package outside kernels, and by each
	// other.
	leaves = "internal/atomicfile internal/baseline internal/nearest internal/picture internal/rangecoder internal/runs internal/safetensors internal/terminal"
	// support is for tests; kernels/reference is the definition they check
	// against. Tests within a package may import besides whatever it reaches,
	// tests from outside everything but cmd.
	support = "internal/cases internal/repository internal/emulator internal/gputest internal/gradcheck kernels/reference"
	// gorgonians see gorgonia.org/gorgonia, as tests and their support do.
	gorgonians = "graph graph/ops conv models models/objective bench/... internal/gradcheck"
	// cudas see gorgonia.org/cu and the build tag gpu.
	cudas = "kernels/cuda/..."
)

type room struct{ pattern, imports string }

// matches reports whether the package in folder is one of the space-separated
// patterns.
func matches(patterns, folder string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		prefix, open := strings.CutSuffix(pattern, "/...")
		if folder == prefix || open && strings.HasPrefix(folder, prefix+"/") || pattern == "*" && !matches("cmd/...", folder) {
			return true
		}
	}
	return false
}

// allowed returns the patterns that the package in folder may import, and
// whether the table has it at all.
func allowed(folder string) (string, bool) {
	for _, r := range rooms {
		if !matches(r.pattern, folder) {
			continue
		}
		patterns := r.imports
		if !matches("kernels/...", folder) {
			patterns += " " + leaves
		}
		return patterns + " " + r.pattern, true
	}
	return "", false
}

// reachable is what a test in folder may import: what its package does,
// directly or by way of others, and the support.
func reachable(folder string) string {
	patterns, _ := allowed(folder)
	seen := strings.Fields(patterns)
	for i := 0; i < len(seen); i++ {
		further, _ := allowed(strings.TrimSuffix(seen[i], "/..."))
		for pattern := range strings.FieldsSeq(further) {
			if !slices.Contains(seen, pattern) {
				seen = append(seen, pattern)
			}
		}
	}
	return strings.Join(seen, " ") + " " + support + " " + leaves
}

// complaints lists what is wrong with the files, a sentence each.
func complaints(files []file) []string {
	var list []string
	documented, seen := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		folder := path.Dir(f.path)
		documented[folder] = documented[folder] || path.Base(f.path) == "doc.go"
	}
	for _, f := range files {
		folder := path.Dir(f.path)
		_, found := allowed(folder)
		if !seen[folder] && !found {
			list = append(list, fmt.Sprintf("%s: the package is not in the table", folder))
		}
		if !seen[folder] && !documented[folder] {
			list = append(list, fmt.Sprintf("%s: the folder has no doc.go", folder))
		}
		seen[folder] = true
		if !found {
			continue // nothing is known of what it may do
		}
		list = append(list, f.badImports(folder)...)
		list = append(list, f.badTags(folder)...)
		if f.exits != "" && f.name != "main" && path.Base(f.path) != "example_test.go" { // examples show a user's main
			list = append(list, fmt.Sprintf("%s: calls %s in package %s; return an error, only main ends the process", f.path, f.exits, f.name))
		}
	}
	return list
}

func (f file) badImports(folder string) (list []string) {
	ours, _ := allowed(folder)
	gorgonia := matches(gorgonians, folder)
	if strings.HasSuffix(f.path, "_test.go") {
		ours, gorgonia = reachable(folder), true
		if strings.HasSuffix(f.name, "_test") { // a user's view, from outside
			ours = "*"
		}
	}
	for _, imported := range f.imports {
		name, isOurs := strings.CutPrefix(imported, module+"/")
		switch {
		case imported == "gorgonia.org/gorgonia" && !gorgonia,
			within(imported, "gorgonia.org/cu") && !matches(cudas, folder),
			isOurs && !matches(ours, name):
			list = append(list, fmt.Sprintf("%s: %s must not import %s", f.path, folder, imported))
		}
	}
	return list
}

func (f file) badTags(folder string) (list []string) {
	for _, tag := range f.tags {
		if tag == "cuda" || tag == "gpu" && !matches(cudas, folder) {
			list = append(list, fmt.Sprintf("%s: build tag %s; the only one for CUDA is gpu, in kernels/cuda", f.path, tag))
		}
	}
	return list
}

func within(imported, root string) bool {
	return imported == root || strings.HasPrefix(imported, root+"/")
}

func TestTheHouseHasItsShape(t *testing.T) {
	files, err := survey(os.DirFS(repository.Root(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found %d Go files, want the whole repository", len(files))
	}
	for _, complaint := range complaints(files) {
		t.Error(complaint)
	}
}

// Each planted file must bring just the complaint named, or none.
func TestPlantedFaultsAreFound(t *testing.T) {
	for _, c := range []struct {
		path, source, want string
	}{
		{"kernels/x.go", `package kernels; import "math"`, ""},
		{"kernels/x.go", `package kernels; import "hourglass/internal/nearest"`, "must not import hourglass/internal/nearest"},
		{"kernels/cpu/x.go", `package cpu; import "hourglass/kernels"`, ""},
		{"kernels/cpu/x.go", `package cpu; import "hourglass/kernels/reference"`, "must not import hourglass/kernels/reference"},
		{"kernels/cpu/x_test.go", `package cpu; import "hourglass/kernels/reference"`, ""},
		{"kernels/cpu/x_test.go", `package cpu; import "hourglass/internal/cases"`, ""},
		{"kernels/cpu/x_test.go", `package cpu; import "hourglass/graph/ops"`, "must not import hourglass/graph/ops"},
		{"kernels/cpu/x_test.go", `package cpu; import "hourglass/models"`, "must not import hourglass/models"},
		{"graph/x.go", "//go:build gpu\n\npackage graph", "build tag gpu"},
		{"graph/x.go", "//go:build linux && !gpu\n\npackage graph", "build tag gpu"},
		{"graph/x.go", `package graph; import _ "hourglass/kernels/cuda"`, ""},
		{"graph/ops/x.go", `package ops; import "hourglass/conv"`, "must not import hourglass/conv"},
		{"kernels/cuda/x.go", "//go:build gpu\n\npackage cuda\n\nimport \"gorgonia.org/cu\"", ""},
		{"kernels/cuda/x.go", "//go:build cuda\n\npackage cuda", "build tag cuda"},
		{"train/x.go", "//go:build ignore\n\npackage train\n\nimport \"gorgonia.org/cu/dnn\"", "must not import gorgonia.org/cu/dnn"},
		{"train/x.go", `package train; import "gorgonia.org/gorgonia"`, "must not import gorgonia.org/gorgonia"},
		{"train/x_test.go", `package train; import "gorgonia.org/gorgonia"`, ""},
		{"train/x_test.go", `package train; import "hourglass/conv"`, ""}, // by way of models
		{"data/x.go", `package data; import "hourglass/internal/nearest"`, ""},
		{"data/x.go", `package data; import "hourglass/internal/cases"`, "must not import hourglass/internal/cases"},
		{"bench/lab/x.go", `package lab; import ("hourglass/train"; "gorgonia.org/gorgonia")`, ""},
		{"bench/x.go", `package bench; import "hourglass/cmd/hourglass"`, "must not import hourglass/cmd/hourglass"},
		{"cmd/hourglass/x.go", `package main; import "os"; func main() { os.Exit(1) }`, ""},
		{"train/x.go", `package train; import "os"; func f() { os.Exit(1) }`, "calls os.Exit"},
		{"train/x.go", `package train; import sys "os"; var end = sys.Exit`, "calls os.Exit"},
		{"train/x_test.go", `package train; import "log"; func f() { log.Fatalf("") }`, "calls log.Fatalf"},
		{"train/testdata/x.go", `package x; import "hourglass/cmd"`, ""},
		{"kitchen/x.go", `package kitchen`, "kitchen: the package is not in the table"},
		{"kernels/simd/x.go", `package simd`, "kernels/simd: the package is not in the table"},
		{"x.go", `package hourglass`, ".: the package is not in the table"},
	} {
		house := fstest.MapFS{"go.mod": {}, c.path: {Data: []byte(c.source)}}
		if !strings.Contains(c.path, "testdata") {
			house[path.Join(path.Dir(c.path), "doc.go")] = &fstest.MapFile{Data: []byte(packageClause(c.source))}
		}
		files, err := survey(house)
		if err != nil {
			t.Fatal(err)
		}
		got := complaints(files)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s, %q: complaints %q, want none", c.path, c.source, got)
		case c.want != "" && !strings.Contains(strings.Join(got, "\n"), c.want):
			t.Errorf("%s, %q: complaints %q, want %q", c.path, c.source, got, c.want)
		}
	}
}

// packageClause is the part of a planted source that its doc.go needs.
func packageClause(source string) string {
	_, clause, _ := strings.Cut(source, "package ")
	return "package " + strings.FieldsFunc(clause, func(r rune) bool { return r == ';' || r == '\n' })[0]
}

func TestPackagesNeedDocumentation(t *testing.T) {
	files, err := survey(fstest.MapFS{"data/x.go": {Data: []byte("package data")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := complaints(files); len(got) != 1 || !strings.Contains(got[0], "data: the folder has no doc.go") {
		t.Errorf("complaints %q, want one that doc.go is missing", got)
	}
}

func TestOtherModulesAreNotOurs(t *testing.T) {
	files, err := survey(fstest.MapFS{
		"go.mod":            {},
		"bench/peer/go.mod": {},
		"bench/peer/x.go":   {Data: []byte("package broken broken")},
		".git/x.go":         {Data: []byte("broken")},
	})
	if err != nil || len(files) != 0 {
		t.Errorf("found %v, %v, want nothing", files, err)
	}
}
