package launch

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
)

// product is the size of the matrix product that an operation is.
type product struct{ rows, columns, depth int }

// productOf is that of a convolution or a product; ok is false for other operations. The
// classes of pixels of a gradient by the input with strides have several depths, for which
// none is given.
func productOf(op kernels.Operation) (p product, ok bool) {
	switch o := op.(type) {
	case kernels.ConvolveForward:
		outP, outQ := o.Out()
		return product{o.N * outP * outQ, o.K / o.Groups, o.R * o.S * o.C / o.Groups}, true
	case kernels.ConvolveBackwardInput:
		p := product{rows: o.N * ceil(o.H, o.StrideH) * ceil(o.W, o.StrideW), columns: o.C / o.Groups}
		if o.StrideH == 1 && o.StrideW == 1 {
			p.depth = o.R * o.S * o.K / o.Groups
		}
		return p, true
	case kernels.ConvolveBackwardWeight:
		outP, outQ := o.Out()
		return product{o.R * o.S * o.C / o.Groups, o.K / o.Groups, o.N * outP * outQ}, true
	case kernels.Multiply:
		return product{o.M, o.N, o.K}, true
	}
	return product{}, false
}

// TestTilesHaveRemainders: the case table, which the emulator runs on every tile, has for
// each tile of a product rows, columns and a depth that are more than one tile or step and
// no multiple of it.
func TestTilesHaveRemainders(t *testing.T) {
	const longestStep = 32 // of a depth; others are of 16
	tileOf := regexp.MustCompile(`^(convolve_forward|convolve_backward|multiply)_.*?(\d+)x(\d+)`)
	remainder := func(size, tile int) bool { return size > tile && size%tile > 0 }
	type remainders struct{ rows, columns, depth bool }
	seen := make(map[string]remainders)
	for _, c := range cases.All() {
		size, ok := productOf(c.Op)
		if !ok {
			continue
		}
		for _, precision := range []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16} {
			programs, err := Variants(c.Op, precision, Warpgroups)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range programs {
				for _, l := range p.Launches {
					found := tileOf.FindStringSubmatch(l.Kernel)
					if found == nil {
						continue
					}
					rows, _ := strconv.Atoi(found[2])
					columns, _ := strconv.Atoi(found[3])
					step := 16
					if strings.Contains(l.Kernel, "_warpgroup_") || strings.Contains(l.Kernel, "_weight_") {
						step = longestStep
					}
					s := seen[l.Kernel]
					s.rows = s.rows || remainder(size.rows, rows)
					// What makes 128x32 in float32 is chosen for at most 32 columns.
					s.columns = s.columns || remainder(size.columns, columns) || precision == kernels.FP32 && rows == 128 && size.columns%columns > 0
					s.depth = s.depth || remainder(size.depth, step)
					seen[l.Kernel] = s
				}
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d kernels of tiles are launched", len(seen))
	}
	for kernel, s := range seen {
		if s != (remainders{true, true, true}) {
			t.Errorf("%s: remainders of rows %t, of columns %t, of the depth %t; want all three", kernel, s.rows, s.columns, s.depth)
		}
	}
}
