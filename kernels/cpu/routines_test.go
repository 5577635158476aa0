package cpu

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestRoutines compares every loop over slices that has assembly with its
// plain Go, at all lengths up to two turns of the unrolled loop, special
// values included.
func TestRoutines(t *testing.T) { compareRoutines(t) }

func compareRoutines(t *testing.T) {
	infinite, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, 1, -1, 0.5, -0.25, 1e-8, -1e-30, 3, -7, 20, -30, 87, 89, 100, -88, -104, 1e4, -1e4, infinite, -infinite, nan}
	machine := reflect.TypeFor[routineSet]()
	compared := 0
	for i := range machine.NumField() {
		name := machine.Field(i).Name
		run, definition := caller(field(&routines, i)), caller(field(&portable, i))
		if run == nil {
			continue
		}
		compared++
		for n := range 70 {
			x, y := make([]float32, n), make([]float32, n)
			for j := range n {
				x[j], y[j] = special[j%len(special)], special[(j*5+n)%len(special)]
			}
			got, intact := guarded(n)
			want := make([]float32, n)
			copy(got, y)
			copy(want, y)
			run(got, x, y)
			definition(want, x, y)
			if err := intact(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for j := range n {
				if name == "softplusGradient" && x[j] < 0 {
					continue // no value of softplus is negative
				}
				if !near(got[j], want[j]) && !nearTail(name, y[j], got[j], want[j]) {
					t.Errorf("%s of %g, %g is %g in assembly and %g in plain Go", name, x[j], y[j], got[j], want[j])
				}
			}
		}
	}
	if compared < 15 {
		t.Errorf("only %d routines were compared", compared)
	}
}

// field is a routine of the set.
func field(set *routineSet, i int) any {
	f := reflect.ValueOf(set).Elem().Field(i)
	return reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().Interface()
}

// near allows a few units in the last place, and results that are no longer
// normal numbers to be zero.
func near(a, b float32) bool {
	if a != a || b != b {
		return a != a && b != b
	}
	if math.IsInf(float64(a), 0) || math.IsInf(float64(b), 0) {
		return a == b
	}
	return math.Abs(float64(a)-float64(b)) <= 6e-7*math.Max(math.Abs(float64(a)), math.Abs(float64(b)))+0x1p-126
}

// nearTail allows what ½ + ½·erf loses where both nearly cancel, which is small
// beside 1.
func nearTail(name string, b, got, want float32) bool {
	if b != b {
		b = 0
	}
	return strings.HasPrefix(name, "gelu") && math.Abs(float64(got-want)) < 1e-10*(1+math.Abs(float64(b)))
}

// caller runs a routine of any of the slice signatures, or is nil.
func caller(routine any) func(y, a, b []float32) {
	switch f := routine.(type) {
	case func(y, a, b []float32):
		return f
	case func(y, x []float32):
		return func(y, a, _ []float32) { f(y, a) }
	case func(y, x []float32, scale, shift float32):
		return func(y, a, _ []float32) { f(y, a, -1.5, 0.25) }
	case func(y, a, b []float32, alpha float32):
		return func(y, a, b []float32) { f(y, a, b, 0.3) }
	case func(y, x []float32, scale float32):
		return func(y, a, _ []float32) { f(y, a, -1.5) }
	}
	return nil
}

// TestFunctions compares the elementary functions with float64 over the range
// of float32: they must be within 3 units in the last place.
func TestFunctions(t *testing.T) { compareFunctions(t) }

func compareFunctions(t *testing.T) {
	definitions := []struct {
		name string
		fast func(y, x []float32)
		want func(float64) float64
	}{
		{"exp", routines.exponentials, math.Exp},
		{"sigmoid", routines.sigmoids, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
		{"tanh", routines.tanhs, math.Tanh},
		{"softplus", routines.softpluses, func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }},
		{"plain exp", portable.exponentials, math.Exp},
		{"plain sigmoid", portable.sigmoids, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
		{"plain tanh", portable.tanhs, math.Tanh},
		{"plain softplus", portable.softpluses, func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }},
		{"plain log", func(y, x []float32) { each(log, y, x) }, math.Log},
		{"plain expm1", func(y, x []float32) { each(expm1, y, x) }, math.Expm1},
	}
	var x []float32
	for v := float32(1e-6); v < 87; v *= 1.0037 {
		x = append(x, v, -v)
	}
	y := make([]float32, len(x))
	for _, d := range definitions {
		d.fast(y, x)
		worst, where := 0.0, float32(0)
		for i, v := range x {
			want := d.want(float64(v))
			if math.IsNaN(want) || math.Abs(want) < 0x1p-126 {
				continue
			}
			_, exponent := math.Frexp(want)
			if ulps := math.Abs(float64(y[i])-want) / math.Ldexp(1, exponent-24); ulps > worst {
				worst, where = ulps, v
			}
		}
		t.Logf("%s: %.2f ulp", d.name, worst)
		if worst > 3 {
			t.Errorf("%s(%g) is %.2f units in the last place away", d.name, where, worst)
		}
	}
}
