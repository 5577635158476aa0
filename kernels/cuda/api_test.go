package cuda

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"
)

func TestPart(t *testing.T) {
	m := Memory{Address: 1 << 40, Bytes: 100}
	part, err := m.Part(40, 60)
	if want := (Memory{1<<40 + 40, 60}); err != nil || part != want {
		t.Errorf("part %v, %v, want %v", part, err, want)
	}
	for _, c := range [][2]int{{-1, 10}, {0, -1}, {41, 60}, {101, 0}, {1, int(^uint(0) >> 1)}} {
		if part, err := m.Part(c[0], c[1]); err == nil {
			t.Errorf("Part(%d, %d) = %v, want an error", c[0], c[1], part)
		}
	}
}

func TestViewsShareMemory(t *testing.T) {
	x := []float32{1, 2, 3}
	b := Bytes(x)
	if len(b) != 12 {
		t.Fatalf("%d bytes, want 12", len(b))
	}
	View[float32](b)[2] = 7
	if x[2] != 7 {
		t.Error("the view is a copy")
	}
	if n := len(View[uint64](b)); n != 1 {
		t.Errorf("12 bytes make %d numbers of 8, want 1", n)
	}
	if len(Bytes([]float32(nil))) != 0 || len(View[float32](nil)) != 0 {
		t.Error("nothing is not viewed as nothing")
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	err := fmt.Errorf("step 3: %w", &Error{Op: "cuMemAlloc of 8 bytes", Code: OutOfMemory, Name: OutOfMemory.Error(), Text: "out of memory"})
	const want = "step 3: cuda: cuMemAlloc of 8 bytes failed with CUDA_ERROR_OUT_OF_MEMORY (2): out of memory; take a smaller batch, or end other programs on this GPU"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if !errors.Is(err, OutOfMemory) || errors.Is(err, NoDevice) {
		t.Error("errors.Is does not see the code")
	}
	if text := (&Error{Op: "cuX", Code: 12345, Name: Code(12345).Error()}).Error(); text != "cuda: cuX failed with an unknown code (12345)" {
		t.Errorf("an unknown code reads %q", text)
	}
	if (&Error{Code: OutOfMemory}).Lost() || !(&Error{Code: IllegalAddress}).Lost() {
		t.Error("Lost mistakes which errors end the context")
	}
}

func TestUsageAndCapabilityRead(t *testing.T) {
	if text := (Usage{PeakBytes: 9}).String(); text != "nothing" {
		t.Errorf("no usage reads %q", text)
	}
	u := Usage{Allocations: 2, Bytes: 80, Streams: 1}
	if text := u.String(); text != "2 allocations (80 bytes), 1 stream" {
		t.Errorf("usage reads %q", text)
	}
	if text := Capability(121).String(); text != "12.1" {
		t.Errorf("capability reads %q", text)
	}
}

// The two builds must offer the same.
func TestBothBuildsExportTheSame(t *testing.T) {
	with, without := exported(t, "gpu"), exported(t, "")
	for _, missing := range difference(with, without) {
		t.Errorf("only with the tag gpu: %s", missing)
	}
	for _, missing := range difference(without, with) {
		t.Errorf("only without the tag gpu: %s", missing)
	}
	if len(with) < 50 {
		t.Errorf("found %d exported declarations, want all", len(with))
	}
}

func difference(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// exported lists the exported types, and the exported functions and methods with
// the types of their parameters and results, of the build with the given tag.
func exported(t *testing.T, tag string) (list []string) {
	t.Helper()
	context := build.Default
	context.BuildTags, context.CgoEnabled = []string{tag}, true
	folder, err := context.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(folder.GoFiles, folder.CgoFiles) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(file)
		for _, declaration := range file.Decls {
			list = append(list, signatures(declaration)...)
		}
	}
	return list
}

func signatures(declaration ast.Decl) (list []string) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		list = append(list, fmt.Sprint("func ", typesOf(d.Recv), d.Name.Name, typesOf(d.Type.Params), typesOf(d.Type.Results)))
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok {
				list = append(list, "type "+spec.Name.Name)
			}
		}
	}
	return list
}

// typesOf drops the names, in which the builds may differ.
func typesOf(fields *ast.FieldList) (list []string) {
	if fields == nil {
		return nil
	}
	for _, f := range fields.List {
		for range max(1, len(f.Names)) {
			list = append(list, types.ExprString(f.Type))
		}
	}
	return list
}
