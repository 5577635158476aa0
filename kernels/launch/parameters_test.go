package launch_test

import (
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
)

// TestArgumentsFitKernels compares the arguments of every launch with the
// parameters of the kernel in the committed PTX, whose kernels must all be
// used.
func TestArgumentsFitKernels(t *testing.T) {
	manifest, err := ptx.Committed()
	if err != nil {
		t.Fatal(err)
	}
	parameters, used := map[string][]string{}, map[string]bool{}
	for _, module := range manifest.Modules {
		for name, kernel := range module.Kernels {
			parameters[name] = kernel.Parameters
		}
	}
	for _, p := range programs(t) {
		for _, l := range p.Launches {
			want, ok := parameters[l.Kernel]
			if !ok {
				t.Errorf("there is no kernel %s in the PTX", l.Kernel)
				continue
			}
			if len(l.Args) != len(want) {
				t.Errorf("%v has %d arguments, the kernel %d parameters", l, len(l.Args), len(want))
				continue
			}
			used[l.Kernel] = true
			for i, a := range l.Args {
				if typeOf(a) != want[i] {
					t.Errorf("%v: argument %d is %s, the parameter %s", l, i, typeOf(a), want[i])
				}
			}
		}
	}
	for name := range parameters {
		if !used[name] {
			t.Errorf("kernel %s is never launched", name)
		}
	}
}

func typeOf(a launch.Arg) string {
	switch a.Place {
	case launch.Int32, launch.Uint32:
		return "u32"
	case launch.Float32:
		return "f32"
	}
	return "u64"
}

func programs(t *testing.T) []launch.Program {
	t.Helper()
	var all []launch.Program
	for _, c := range cases.All() {
		for _, precision := range []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16} {
			variants, err := launch.Variants(c.Op, precision, launch.Warpgroups)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range variants {
				all = append(all, p.Alone())
			}
		}
	}
	for _, o := range []kernels.Optimiser{{Rule: kernels.SGD}, {Rule: kernels.Adam, Epsilon: 1e-8}, {Rule: kernels.AdamW, Epsilon: 1e-8}} {
		p, err := launch.Update(o, 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	p, err := launch.LayOut(1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, p)
}
