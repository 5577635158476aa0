package cases

import (
	"fmt"

	"hourglass/kernels"
)

// stretches are shapes and what they become where some axes are 1 or missing.
var stretches = []struct{ large, small kernels.Shape }{
	{kernels.Shape{}, kernels.Shape{}},
	{kernels.Shape{1}, kernels.Shape{}},
	{kernels.Shape{7}, kernels.Shape{}},
	{kernels.Shape{1027}, kernels.Shape{1}},
	{kernels.Shape{4096}, kernels.Shape{}},
	{kernels.Shape{2, 3, 4, 5}, kernels.Shape{}},
	{kernels.Shape{2, 3, 4, 5}, kernels.Shape{5}},
	{kernels.Shape{2, 3, 4, 5}, kernels.Shape{4, 1}},
	{kernels.Shape{2, 3, 4, 5}, kernels.Shape{3, 1, 5}},
	{kernels.Shape{2, 1, 4}, kernels.Shape{2, 1, 1}},
	{kernels.Shape{5, 1}, kernels.Shape{1}},
	{kernels.Shape{33, 15}, kernels.Shape{15}},
	{kernels.Shape{33, 16}, kernels.Shape{33, 1}},
	{kernels.Shape{31, 17}, kernels.Shape{17}},
	{kernels.Shape{17, 31}, kernels.Shape{17, 1}},
	{kernels.Shape{8, 33, 9}, kernels.Shape{8, 1, 9}},
	{kernels.Shape{16, 14, 14, 33}, kernels.Shape{33}},
}

var concatenations = []kernels.Concat{
	{Outer: 1, Sizes: []int{1}}, {Outer: 3, Sizes: []int{5}},
	{Outer: 1, Sizes: []int{4, 3}}, {Outer: 4, Sizes: []int{1, 7}}, {Outer: 5, Sizes: []int{16, 16}},
	{Outer: 2, Sizes: []int{3, 1, 8}}, {Outer: 7, Sizes: []int{17, 33, 15}},
	{Outer: 3, Sizes: []int{2, 9, 4, 1}}, {Outer: 1, Sizes: []int{31, 32, 33, 7}},
}

func reduce() []Case {
	var all []Case
	both := func(large, small kernels.Shape, scale float64) {
		name := fmt.Sprintf("%v and %v, scale %.3g", large, small, scale)
		all = append(all,
			row(kernels.Reduce{From: large, To: small, Scale: scale}, name),
			row(kernels.Expand{From: small, To: large, Scale: scale}, name))
	}
	for _, s := range stretches {
		both(s.large, s.small, 1)
		if s.large.Size() > 1 {
			both(s.large, s.small, 1/float64(s.large.Size()/s.small.Size()))
		}
	}
	for axes := range 1 << 4 { // every subset of the four axes
		large, small := kernels.Shape{3, 2, 5, 4}, kernels.Shape{3, 2, 5, 4}
		for axis := range small {
			if axes>>axis&1 == 1 {
				small[axis] = 1
			}
		}
		both(large, small, -0.5)
	}
	for _, s := range [][2]int{{1, 1}, {3, 1}, {1, 33}, {5, 7}, {33, 10}, {17, 31}, {4, 300}, {2, 1025}} {
		name := fmt.Sprintf("%d rows of %d", s[0], s[1])
		all = append(all,
			row(kernels.LogSumExp{Rows: s[0], Columns: s[1]}, name),
			row(kernels.OneHot{Rows: s[0], Columns: s[1]}, name))
	}
	all = append(all,
		row(kernels.LogSumExp{Rows: 6, Columns: 40}, "far apart", Among{-300, 0.5, 300, 80}),
		row(kernels.OneHot{Rows: 9, Columns: 12}, "ties", Among{-2, 0, 1}))
	for _, c := range concatenations {
		all = append(all, row(c, fmt.Sprintf("%d rows of %v", c.Outer, c.Sizes)))
		from, total := 0, c.Result()[1]
		for i, size := range c.Sizes {
			op := kernels.Slice{Outer: c.Outer, Total: total, From: from, Size: size}
			name := fmt.Sprintf("part %d of %d rows of %v", i, c.Outer, c.Sizes)
			all = append(all, row(op, name), row(kernels.SliceBackward{Slice: op}, name))
			from += size
		}
	}
	return all
}
