package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// Linear computes x·wᵀ + b for x of shape (N,in), w (out,in), as PyTorch stores
// it, and b (out) or nil.
func Linear(x, w, b *gorgonia.Node) (*gorgonia.Node, error) {
	if err := ranks("linear", rank{"input", x, 2}, rank{"weight", w, 2}); err != nil {
		return nil, err
	}
	if x.Shape()[1] != w.Shape()[1] {
		return nil, fmt.Errorf("linear: the input has %d features and the weight takes %d; flatten the input or resize the weight", x.Shape()[1], w.Shape()[1])
	}
	return multiply(kernels.Multiply{M: x.Shape()[0], N: w.Shape()[0], K: x.Shape()[1], TransB: true}, x, w, b)
}

// MatMul computes a·b for a of shape (M,K) and b (K,N), either of them read
// transposed on request; with a leading axis of one size on both, of each pair
// of matrices.
func MatMul(a, b *gorgonia.Node, transA, transB bool) (*gorgonia.Node, error) {
	axes, batch := 2, 0
	if a != nil && a.Shape().Dims() == 3 {
		axes, batch = 3, a.Shape()[0]
	}
	if err := ranks("matmul", rank{"left factor", a, axes}, rank{"right factor", b, axes}); err != nil {
		return nil, err
	}
	if batch > 0 && b.Shape()[0] != batch {
		return nil, fmt.Errorf("matmul: %v and %v hold %d and %d matrices; they must hold as many", shapeOf(a), shapeOf(b), batch, b.Shape()[0])
	}
	m, k := pair(a, transA)
	inner, n := pair(b, transB)
	if k != inner {
		return nil, fmt.Errorf("matmul: the inner sizes of %v and %v are %d and %d; they must be equal", a.Shape(), b.Shape(), k, inner)
	}
	return multiply(kernels.Multiply{Batch: batch, M: m, N: n, K: k, TransA: transA, TransB: transB}, a, b, nil)
}

func pair(n *gorgonia.Node, transposed bool) (rows, columns int) {
	last := n.Shape().Dims() - 1
	rows, columns = n.Shape()[last-1], n.Shape()[last]
	if transposed {
		return columns, rows
	}
	return rows, columns
}

// multiply adds the node of c = A·B + bias. With A stored as M,K or K,M and B as
// K,N or N,K, the gradients are products of dc and the other factor, ordered
// so that they come out as their factor is stored.
func multiply(o kernels.Multiply, a, b, bias *gorgonia.Node) (*gorgonia.Node, error) {
	o.Bias = bias != nil
	operands := gorgonia.Nodes{a, b}
	if o.Bias {
		operands = append(operands, bias)
	}
	return graph.Apply(graph.Application{
		Op:             o,
		Differentiable: every(len(operands)),
		Gradient: func(in gorgonia.Nodes, _, dc *gorgonia.Node) (gorgonia.Nodes, error) {
			da, err := gradientA(o, in[1], dc)
			if err != nil {
				return nil, err
			}
			db, err := gradientB(o, in[0], dc)
			if err != nil || !o.Bias {
				return gorgonia.Nodes{da, db}, err
			}
			dbias, err := SumTo(dc, kernels.Shape{o.N})
			return gorgonia.Nodes{da, db, dbias}, err
		},
	}, operands...)
}

// gradientA is dc·Bᵀ, or its transpose B·dcᵀ where A is stored transposed.
func gradientA(o kernels.Multiply, b, dc *gorgonia.Node) (*gorgonia.Node, error) {
	if o.TransA {
		return MatMul(b, dc, o.TransB, true)
	}
	return MatMul(dc, b, false, !o.TransB)
}

// gradientB is Aᵀ·dc, or its transpose dcᵀ·A where B is stored transposed.
func gradientB(o kernels.Multiply, a, dc *gorgonia.Node) (*gorgonia.Node, error) {
	if o.TransB {
		return MatMul(dc, a, true, o.TransA)
	}
	return MatMul(a, dc, !o.TransA, false)
}
