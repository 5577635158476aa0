package cases

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// TestEveryOperationHasCases parses package kernels for the types with a
// method Kind, so that a new operation without a case fails.
func TestEveryOperationHasCases(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range All() {
		tried[reflect.TypeOf(c.Op).Name()] = true
	}
	types := operationTypes(t)
	for _, name := range types {
		if !tried[name] {
			t.Errorf("kernels.%s has no case; add rows to internal/cases", name)
		}
	}
	if len(types) < len(tried) {
		t.Errorf("found %d operation types in the source of kernels but %d in the table", len(types), len(tried))
	}
}

func operationTypes(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../kernels/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no source of package kernels found: %v", err)
	}
	var types []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if ok && method.Recv != nil && method.Name.Name == "Kind" {
				types = append(types, method.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return types
}

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		seen[c.Name] = true
	}
}

// TestCasesAreValid runs the definition on every case: sizes that pass Check,
// operands of the right length, exact in float32, the same for the same seed,
// and a finite result.
func TestCasesAreValid(t *testing.T) {
	for _, c := range All() {
		if err := c.Op.Check(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if len(c.Fills) > len(c.Op.Operands()) {
			t.Errorf("%s: %d fills for %d operands", c.Name, len(c.Fills), len(c.Op.Operands()))
		}
		in := c.Inputs(1)
		for i, operand := range in {
			for j, v := range operand {
				if float64(float32(v)) != v || math.IsInf(v, 0) {
					t.Fatalf("%s: element %d of operand %d is %v, no finite float32", c.Name, j, i, v)
				}
			}
		}
		if again := c.Inputs(1); !reflect.DeepEqual(in, again) {
			t.Errorf("%s: two draws from one seed differ", c.Name)
		}
		for i, v := range define64(t, c, in) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s: element %d of the result is %v", c.Name, i, v)
			}
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	c := Case{Op: kernels.Multiply{M: 3, N: 4, K: 5}}
	if reflect.DeepEqual(c.Inputs(1), c.Inputs(2)) {
		t.Error("two seeds drew the same operands")
	}
}

// TestOperandsBelongTogether checks the operands that must fit one another.
func TestOperandsBelongTogether(t *testing.T) {
	for _, c := range All() {
		if len(c.Fills) > 0 {
			continue
		}
		switch o := c.Op.(type) {
		case kernels.NormBackwardScale:
			in := c.Inputs(1)
			statistics := make([]float64, 2*o.Statistics())
			op := kernels.NormStatistics(o)
			if err := reference.Run(op, kernels.Clock{}, statistics, in[1:2]); err != nil {
				t.Fatal(err)
			}
			for i, v := range statistics {
				if in[2][i] != float64(float32(v)) {
					t.Errorf("%s: statistic %d is %v, that of x is %v", c.Name, i, in[2][i], v)
				}
			}
		case kernels.ActivateBackward:
			outputs := c.Inputs(1)[0]
			low, high := slices.Min(outputs), slices.Max(outputs)
			if o.Function == kernels.Sigmoid && (low < 0 || high > 1) || o.Function == kernels.Tanh && (low < -1 || high > 1) {
				t.Errorf("%s: y reaches from %v to %v", c.Name, low, high)
			}
		}
	}
}

// define64 is the case's result by its definition.
func define64(t *testing.T, c Case, in [][]float64) []float64 {
	t.Helper()
	out := make([]float64, c.Op.Result().Size())
	if err := reference.Run(c.Op, c.Clock(1), out, in); err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return Results(c.Op, out, in)
}

func ExampleCase_Inputs() {
	c := Case{Op: kernels.NormForward{Normalisation: kernels.Normalisation{
		Norm: kernels.LayerNorm, N: 1, Pixels: 1, C: 2, Groups: 1, Epsilon: 1e-5,
	}}, Fills: []Fill{Among{3, 5}}}
	in := c.Inputs(1)
	fmt.Println("x", in[0], "mean and variance", in[1])
	// Output: x [3 5] mean and variance [4 1]
}
