package launch

import (
	"reflect"
	"strings"
	"testing"

	"hourglass/kernels"
)

// TestTiles holds the choice of a tile to what was measured to be the fastest, and
// to what the GPU has.
func TestTiles(t *testing.T) {
	wide := kernels.Convolution{N: 128, C: 256, H: 32, W: 32, K: 256, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	odd := wide
	odd.C, odd.K = 18, 18
	for _, c := range []struct {
		op         kernels.Operation
		precision  kernels.Precision
		capability int
		kernel     string
		shared     int
	}{
		{kernels.ConvolveForward{Convolution: wide}, kernels.FP32, 90, "convolve_forward_64x64", 0},
		{kernels.ConvolveForward{Convolution: wide}, kernels.TF32, 80, "convolve_forward_tf32_128x128_by_4", (3*16*256 + 4*128) * 4},
		{kernels.ConvolveForward{Convolution: wide}, kernels.TF32, 100, "convolve_forward_tf32_128x128_by_4", (3*16*256 + 4*128) * 4},
		{kernels.ConvolveForward{Convolution: wide}, kernels.TF32, 90, "convolve_forward_warpgroup_128x128", (3*32*256 + 4*128) * 4},
		{kernels.ConvolveBackwardInput{Convolution: wide}, kernels.TF32, 90, "convolve_backward_input_warpgroup_128x128", (3*32*256 + 4*128) * 4},
		{kernels.ConvolveBackwardWeight{Convolution: wide}, kernels.TF32, 90, "convolve_backward_weight_tf32_128x128_by_4", 3 * 32 * 256 * 4},
		{kernels.ConvolveForward{Convolution: odd}, kernels.TF32, 90, "convolve_forward_tf32_128x32", (3*16*160 + 4*32) * 4},
		{kernels.ConvolveForward{Convolution: wide}, kernels.BF16, 80, "convolve_forward_bf16_128x128_by_4", (3*16*256 + 4*128) * 4},
		{kernels.ConvolveForward{Convolution: wide}, kernels.BF16, 90, "convolve_forward_bf16_128x128_by_4", (3*16*256 + 4*128) * 4},
		{kernels.ConvolveBackwardWeight{Convolution: wide}, kernels.BF16, 90, "convolve_backward_weight_bf16_128x128_by_4", 3 * 32 * 256 * 4},
		{kernels.Multiply{M: 256, N: 4096, K: 128}, kernels.BF16, 90, "multiply_bf16_nn_64x64", 3 * 16 * 128 * 4},
		{kernels.Multiply{M: 256, N: 4096, K: 128}, kernels.TF32, 90, "multiply_tf32_nn_64x64", 3 * 16 * 128 * 4},
		{kernels.Multiply{M: 255, N: 10, K: 127}, kernels.TF32, 90, "multiply_nn_32x32", 0},
	} {
		p, err := LowerOn(c.op, c.precision, c.capability)
		if err != nil {
			t.Errorf("%+v: %v", c.op, err)
			continue
		}
		found := false
		for _, l := range p.Launches {
			if l.Kernel == c.kernel {
				found = true
				if l.Shared != c.shared {
					t.Errorf("%v: %d bytes of dynamic shared memory, want %d", l, l.Shared, c.shared)
				}
			}
		}
		if !found {
			t.Errorf("%+v in %v on %d: %v, want %s", c.op, c.precision, c.capability, p.Launches, c.kernel)
		}
	}
}

// TestPrecisionIsToldByTheProgram: what the matrix units do not compute stays
// float32.
func TestPrecisionIsToldByTheProgram(t *testing.T) {
	for _, precision := range []kernels.Precision{kernels.TF32, kernels.BF16} {
		for op, want := range map[kernels.Operation]kernels.Precision{
			kernels.Multiply{M: 8, N: 8, K: 8}: precision,
			kernels.Multiply{M: 8, N: 8, K: 7}: kernels.FP32,
			kernels.Affine{Size: 8}:            kernels.FP32,
		} {
			if p, err := Lower(op, precision); err != nil || p.Precision != want {
				t.Errorf("%+v in %v: %v, %v, want %v", op, precision, p.Precision, err, want)
			}
		}
	}
}

// TestTilesHaveNames: each variant of a product has a tile of its own, by which it
// is found again, and what has one program has no name.
func TestTilesHaveNames(t *testing.T) {
	wide := kernels.Convolution{N: 4, C: 8, H: 8, W: 8, K: 12, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	for _, op := range []kernels.Operation{
		kernels.ConvolveForward{Convolution: wide}, kernels.ConvolveBackwardInput{Convolution: wide}, kernels.ConvolveBackwardWeight{Convolution: wide},
		kernels.Multiply{M: 8, N: 8, K: 8},
		kernels.Gradients{Input: kernels.ConvolveBackwardInput{Convolution: wide}, Weight: kernels.ConvolveBackwardWeight{Convolution: wide}},
	} {
		for _, precision := range []kernels.Precision{kernels.TF32, kernels.BF16} {
			checkNames(t, op, precision)
		}
	}
}

func checkNames(t *testing.T, op kernels.Operation, precision kernels.Precision) {
	t.Helper()
	all, err := Variants(op, precision, Warpgroups)
	if err != nil || len(all) < 2 {
		t.Fatalf("%+v has %d variants, %v", op, len(all), err)
	}
	seen := map[string]bool{}
	for _, want := range all {
		got, err := LowerTile(op, precision, Warpgroups, want.Tile)
		if err != nil || !reflect.DeepEqual(got, want) || seen[want.Tile] {
			t.Errorf("%+v: tile %q gives %v, %v, want %v, once", op, want.Tile, got.Launches, err, want.Launches)
		}
		seen[want.Tile] = true
	}
	best, err := LowerOn(op, precision, Warpgroups)
	if err != nil || !seen[best.Tile] {
		t.Errorf("%+v: the best tile is %q, none of its variants", op, best.Tile)
	}
	if _, err := LowerTile(op, precision, 80, "convolve_forward_warpgroup_128x128"); err == nil || !strings.Contains(err.Error(), "choose among ") {
		t.Errorf("%+v: a tile of warpgroups on 8.0: %v", op, err)
	}
	if exact, err := LowerOn(op, kernels.FP32, Warpgroups); err != nil || exact.Tile != "" {
		t.Errorf("%+v in fp32 has the tile %q", op, exact.Tile)
	}
}
