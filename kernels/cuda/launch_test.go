//go:build gpu

package cuda

import (
	"errors"
	"slices"
	"testing"
)

func TestLaunchesRunInOrder(t *testing.T) {
	d := open(t)
	f, s := affine(t, d), stream(t, d)
	const n = 300 // three blocks, the last one not full
	x, want := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(i)
		want[i] = (float32(i)*2+1)*3 - 5 // exact in float32
	}
	a, b := memory(t, d, n), memory(t, d, n)
	must(t, d.CopyToDevice(a, Bytes(x)))
	must(t, d.Submit(s, []Launch{apply(f, a, b, 2, 1), apply(f, b, a, 3, 0), apply(f, a, b, 1, -5)}))
	must(t, s.Synchronize())
	if got := download(t, d, b); !slices.Equal(got, want) {
		t.Errorf("results %v, want %v", got[:5], want[:5])
	}
	must(t, d.Submit(s, nil))
}

// A batch larger than those before makes the room for arguments grow, and a
// smaller one after it must not see what was there.
func TestBatchesOfAllSizes(t *testing.T) {
	d := open(t)
	f, s := affine(t, d), stream(t, d)
	m := memory(t, d, 1)
	want := float32(0)
	must(t, s.Memset(m, 0))
	for _, n := range []int{1, 100, 2, 101} {
		var launches []Launch
		for i := range n {
			launches = append(launches, apply(f, m, m, 1, float32(i)))
			want += float32(i)
		}
		must(t, d.Submit(s, launches))
	}
	must(t, s.Synchronize())
	if got := download(t, d, m)[0]; got != want {
		t.Errorf("sum %v, want %v", got, want)
	}
}

func TestSubmitRefuses(t *testing.T) {
	d := open(t)
	f, s := affine(t, d), stream(t, d)
	m := memory(t, d, 4)
	must(t, s.Memset(m, 0))
	good := apply(f, m, m, 1, 1)
	for _, c := range []struct {
		change func(*Launch)
		want   string
	}{
		{func(l *Launch) { l.Function = nil }, "launch 2 of 2: there is no function of this device"},
		{func(l *Launch) { l.Args = l.Args[:4] }, "affine takes 5 arguments, not 4"},
		{func(l *Launch) { l.Grid[1] = 0 }, "every extent must be at least 1"},
		{func(l *Launch) { l.Block[2] = 1 << 40 }, "every extent"},
		{func(l *Launch) { l.Shared = -1 }, "-1 bytes of dynamic shared memory"},
	} {
		bad := good
		c.change(&bad)
		refused(t, d.Submit(s, []Launch{good, bad}), c.want)
	}
	if got := download(t, d, m)[0]; got != 0 {
		t.Errorf("%v launches ran before the mistake, want none", got)
	}

	other := open(t)
	refused(t, other.Submit(stream(t, other), []Launch{good}), "no function of this device")
	refused(t, d.Submit(stream(t, other), []Launch{good}), "no stream of this device")
	refused(t, d.Submit(nil, []Launch{good}), "no stream of this device")

	// What only the driver knows it says of the launch that it stopped at.
	wide := good
	wide.Block = [3]int{4096, 1, 1}
	err := d.Submit(s, []Launch{good, wide, good})
	refused(t, err, "cuLaunchKernel of affine (launch 2 of 3, grid [1 1 1], block [4096 1 1]")
	if !errors.Is(err, InvalidValue) {
		t.Errorf("error %v, want InvalidValue", err)
	}
	if got := download(t, d, m)[0]; got != 1 {
		t.Errorf("%v launches ran, want the 1 before the mistake", got)
	}
}

func TestFunctionKnowsItself(t *testing.T) {
	d := open(t)
	f := affine(t, d)
	if f.Name() != "affine" || f.Parameters() != 5 {
		t.Errorf("%s with %d parameters", f.Name(), f.Parameters())
	}
	a, err := f.Attributes()
	must(t, err)
	if a.Local != 0 || a.MaxThreads < 128 {
		t.Errorf("attributes %+v", a)
	}
	blocks, err := f.Occupancy(128, 0)
	must(t, err)
	if blocks < 1 {
		t.Errorf("%d blocks on a multiprocessor", blocks)
	}
}

func TestDynamicShared(t *testing.T) {
	d := open(t)
	f, s, m := affine(t, d), stream(t, d), memory(t, d, 1)
	if d.GPU().MaxShared < 64<<10 {
		t.Skipf("a block of %s can have %d bytes of shared memory only", d.GPU().Name, d.GPU().MaxShared)
	}
	l := apply(f, m, m, 1, 0)
	l.Shared = 64 << 10
	refused(t, d.Submit(s, []Launch{l}), "65536 bytes of dynamic shared memory")
	must(t, f.SetDynamicShared(64<<10))
	must(t, d.Submit(s, []Launch{l}))
	must(t, s.Synchronize())
	a, err := f.Attributes()
	must(t, err)
	if a.MaxDynamicShared != 64<<10 {
		t.Errorf("attributes %+v", a)
	}
	refused(t, f.SetDynamicShared(1<<30), "cuFuncSetAttribute of affine", "1073741824 bytes")
}

func TestModulesRefuse(t *testing.T) {
	d := open(t)
	_, err := d.Load("this is no PTX")
	refused(t, err, "cuModuleLoadData of PTX with 0 kernels")
	_, err = d.Load("zero\x00byte")
	refused(t, err, "zero byte")
	_, err = affineModule(t, d).Function("afine")
	refused(t, err, `no kernel "afine"`)
}

func affineModule(t *testing.T, d *Device) *Module {
	f := affine(t, d)
	return &Module{device: d, entries: map[string]string{f.name: ""}}
}

func TestStructuresByValueAreRefused(t *testing.T) {
	m := &Module{entries: map[string]string{"k": "\n.param .u64 a,\n.param .align 8 .b8 k_param_1[24]\n"}}
	_, err := m.Function("k")
	refused(t, err, "kernel k takes a structure by value")
}
