package cases

import (
	"fmt"

	"hourglass/kernels"
)

// products are M, N and K.
var products = [][3]int{
	{1, 1, 1}, {1, 7, 5}, {5, 1, 7}, {7, 5, 1}, {1, 33, 17}, {3, 10, 784},
	{5, 6, 7}, {6, 16, 8}, {7, 17, 9}, {12, 32, 16}, {8, 15, 31}, {15, 16, 32}, {16, 17, 33}, {17, 31, 6},
	{31, 32, 15}, {32, 33, 16}, {33, 31, 17}, {64, 48, 65}, {13, 65, 300}, {96, 96, 96}, {128, 132, 20}, {68, 64, 528}, {132, 4, 60}, {50, 20, 1600},
}

// batches are Batch, M, N and K.
var batches = [][4]int{{1, 3, 5, 7}, {3, 7, 17, 9}, {5, 1, 1, 4}, {2, 33, 31, 520}, {2, 65, 64, 16}, {4, 16, 16, 12}, {3, 68, 12, 24}}

var layers = []kernels.Multiply{
	{M: 5, N: 9, K: 12, TransB: true, Bias: true},
	{M: 1, N: 33, K: 17, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.Sigmoid}},
	{M: 7, N: 17, K: 31, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.ReLU}},
	{M: 16, N: 16, K: 16, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.GELU}},
	{M: 33, N: 15, K: 64, TransB: true, Activation: kernels.Activation{Function: kernels.ELU, Alpha: 0.5}},
	{M: 6, N: 16, K: 5, Bias: true, Activation: kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.01}},
	{M: 9, N: 5, K: 8, TransA: true, Bias: true, Activation: kernels.Activation{Function: kernels.Tanh}},
	{M: 17, N: 31, K: 7, TransA: true, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.SiLU}},
	{Batch: 3, M: 5, N: 18, K: 6, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.Tanh}},
	{M: 4, N: 4, K: 40, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.Softplus}},
	{M: 7, N: 17, K: 31, Slope: kernels.Activation{Function: kernels.ReLU}},
	{M: 65, N: 68, K: 12, Slope: kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{M: 12, N: 36, K: 1296, Slope: kernels.Activation{Function: kernels.Tanh}},
	{M: 16, N: 33, K: 650, TransB: true, Bias: true, Slope: kernels.Activation{Function: kernels.SiLU}},
	{Batch: 3, M: 8, N: 20, K: 4, Slope: kernels.Activation{Function: kernels.ELU, Alpha: 0.5}},
	{M: 7, N: 17, K: 31, TransB: true, Bias: true, Added: true},
	{M: 65, N: 68, K: 12, Slope: kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}, Added: true},
	{M: 16, N: 33, K: 650, Bias: true, Activation: kernels.Activation{Function: kernels.Tanh}, Added: true},
	{M: 12, N: 36, K: 1296, Slope: kernels.Activation{Function: kernels.ReLU}, Added: true},
	{Batch: 3, M: 8, N: 20, K: 4, Added: true},
	{M: 36, N: 8, K: 16, TransA: true, Added: true, Sums: true},
}

func multiply() []Case {
	var all []Case
	for _, p := range products {
		for _, transpose := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
			op := kernels.Multiply{M: p[0], N: p[1], K: p[2], TransA: transpose[0], TransB: transpose[1]}
			all = append(all, row(op, fmt.Sprintf("%dx%dx%d, transposed %v", p[0], p[1], p[2], transpose)))
		}
	}
	for _, p := range batches {
		for _, transpose := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
			op := kernels.Multiply{Batch: p[0], M: p[1], N: p[2], K: p[3], TransA: transpose[0], TransB: transpose[1]}
			all = append(all, row(op, fmt.Sprintf("%d times %dx%dx%d, transposed %v", p[0], p[1], p[2], p[3], transpose)))
		}
	}
	for _, p := range [][3]int{{1, 1, 1}, {7, 5, 3}, {33, 12, 40}, {36, 8, 16}, {68, 64, 528}, {3, 9, 700}, {132, 4, 60}, {16, 32, 1030}} {
		for _, transpose := range []bool{false, true} {
			op := kernels.Multiply{M: p[0], N: p[1], K: p[2], TransA: true, TransB: transpose, Sums: true}
			all = append(all, row(op, fmt.Sprintf("%dx%dx%d, transposed [true %v], with sums", p[0], p[1], p[2], transpose)))
		}
	}
	for _, op := range layers {
		all = append(all, row(op, fmt.Sprintf("%d, %dx%dx%d, bias %v, %v, slope of %v, added %v", op.Batch, op.M, op.N, op.K, op.Bias, op.Activation.Function, op.Slope.Function, op.Added)))
	}
	for _, s := range [][3]int{{1, 1, 1}, {1, 5, 1}, {1, 1, 5}, {1, 7, 9}, {3, 8, 8}, {2, 16, 17}, {2, 33, 31}, {2, 49, 3}, {1, 65, 64}} {
		all = append(all, row(kernels.Transpose{Batch: s[0], Rows: s[1], Columns: s[2]}, fmt.Sprint(s)))
	}
	for _, s := range [][2]kernels.Shape{{{}, {1}}, {{2, 3}, {3, 2}}, {{7}, {7, 1, 1}}, {{2, 3, 5, 4}, {2, 60}}, {{33, 31}, {1023}}} {
		all = append(all, row(kernels.Copy{From: s[0], To: s[1]}, fmt.Sprintf("%v to %v", s[0], s[1])), row(kernels.Assign{Size: s[0].Size()}, fmt.Sprintf("%v", s[0])))
	}
	return all
}
