package reference_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// golden is one record of testdata/pytorch_goldens.py.
type golden struct {
	Name, Type string
	Op         map[string]any
	In         [][]float64
	Out        json.RawMessage // flat result, or parameters after each step
	Rate       float64
	Params     []float64
	Grads      [][]float64
}

// TestPyTorch repeats in float64 what PyTorch computed in float64.
func TestPyTorch(t *testing.T) {
	types := map[string]reflect.Type{}
	for _, c := range cases.All() {
		op := reflect.TypeOf(c.Op)
		types[op.Name()] = op
	}
	for _, g := range readGoldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			if g.Type == "Optimiser" {
				checkOptimiser(t, g)
				return
			}
			if types[g.Type] == nil {
				t.Fatalf("%s is no operation of package kernels", g.Type)
			}
			op := decode(t, g.Op, types[g.Type]).(kernels.Operation)
			var want []float64
			if err := json.Unmarshal(g.Out, &want); err != nil {
				t.Fatal(err)
			}
			got := make([]float64, len(want))
			if err := reference.Run(op, kernels.Clock{}, got, g.In); err != nil {
				t.Fatal(err)
			}
			compare(t, got, want, 1e-12)
		})
	}
}

func checkOptimiser(t *testing.T, g golden) {
	o := decode(t, g.Op, reflect.TypeFor[kernels.Optimiser]()).(kernels.Optimiser)
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	var want [][]float64
	if err := json.Unmarshal(g.Out, &want); err != nil {
		t.Fatal(err)
	}
	moments := make([][]float64, o.Moments())
	for i := range moments {
		moments[i] = make([]float64, len(g.Params))
	}
	for i, grads := range g.Grads {
		reference.Update(o, g.Rate, i+1, g.Params, grads, moments)
		compare(t, g.Params, want[i], 1e-12)
	}
}

func readGoldens(t *testing.T) []golden {
	t.Helper()
	packed, err := os.ReadFile("testdata/pytorch_goldens.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Records []golden }
	if err := json.NewDecoder(unpacked).Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.Records) == 0 {
		t.Fatal("pytorch_goldens.json.gz holds no records")
	}
	return file.Records
}

// decode makes a value of the Go type from a record's fields, whose
// enumerations are names.
func decode(t *testing.T, fields map[string]any, of reflect.Type) any {
	t.Helper()
	text, err := json.Marshal(numbered(t, fields))
	if err != nil {
		t.Fatal(err)
	}
	value := reflect.New(of)
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(value.Interface()); err != nil {
		t.Fatalf("%v from %s: %v", of, text, err)
	}
	return value.Elem().Interface()
}

// numbered replaces the names of enumerations by their numbers, which only the
// Go code knows.
func numbered(t *testing.T, fields map[string]any) map[string]any {
	t.Helper()
	numbers := map[string]int{}
	number := func(values ...fmt.Stringer) {
		for i, value := range values {
			numbers[value.String()] = i
		}
	}
	number(kernels.BatchNorm, kernels.GroupNorm, kernels.LayerNorm)
	number(kernels.Add, kernels.Subtract, kernels.Times, kernels.Divide)
	number(kernels.Exp, kernels.Log, kernels.Square, kernels.Sqrt, kernels.Abs)
	number(kernels.MSE, kernels.L1, kernels.Huber, kernels.BCEWithLogits)
	for i, name := range kernels.Functions() {
		numbers[name] = i
	}
	for i, name := range kernels.Rules() {
		numbers[name] = i
	}
	result := map[string]any{}
	for field, value := range fields {
		switch value := value.(type) {
		case string:
			i, ok := numbers[value]
			if !ok {
				t.Fatalf("%s is no name of an enumeration", value)
			}
			result[field] = i
		case map[string]any:
			result[field] = numbered(t, value)
		default:
			result[field] = value
		}
	}
	return result
}

// compare wants got within tolerance of want, relative to the greatest
// magnitude of want.
func compare(t *testing.T, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d elements, want %d", len(got), len(want))
	}
	scale := 0.0
	for _, w := range want {
		scale = math.Max(scale, math.Abs(w))
	}
	for i, w := range want {
		if difference := math.Abs(got[i] - w); !(difference <= tolerance*scale) {
			t.Fatalf("element %d of %d is %.12g, want %.12g: off by %.2g of the greatest magnitude, at most %.2g is allowed",
				i, len(want), got[i], w, difference/scale, tolerance)
		}
	}
}
