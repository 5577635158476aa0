package cases

import (
	"fmt"

	"hourglass/kernels"
)

func gather() []Case {
	var all []Case
	for _, o := range []kernels.GatherImages{
		{Images: 1, N: 1, H: 1, W: 1, C: 1},
		{Images: 3, N: 5, H: 4, W: 3, C: 1},
		{Images: 7, N: 2, H: 8, W: 8, C: 3},
		{Images: 2, N: 9, H: 5, W: 7, C: 4},
		{Images: 300, N: 33, H: 2, W: 2, C: 1}, // every byte
		{Images: 40, N: 12, H: 28, W: 28, C: 1},
	} {
		all = append(all, row(o, fmt.Sprintf("%d of %d, %dx%dx%d", o.N, o.Images, o.C, o.H, o.W)))
	}
	// Moved as far as a shift and a border go, in every direction.
	corners := Rows{{0, 0, 3, 4, 0, 0}, {1, 1, -3, -4, 0, 0}, {2, 0, 0, 0, 3, 4}, {0, 1, 0, 0, -3, -4}, {1, 1, 3, -4, -3, 4}}
	return append(all, row(kernels.GatherImages{Images: 3, N: 5, H: 4, W: 5, C: 2}, "to the corners", Integers{0, 255}, corners))
}
