package exchange

import (
	"hourglass/internal/onnx"
	"hourglass/models"
)

// Variables of a codebook: its entries, (K,D), and how often each is used, which
// only training reads.
const (
	entriesName = "codebook.weight"
	countsName  = "codebook.counts"
)

// codebook stands between the encoder and the decoder of a quantised model.
type codebook struct {
	grid               models.Shape // of what is quantised; the encoder's output is a row in the order C,H,W
	positions, entries int          // P, K
	dim                int          // D, the numbers of an entry
}

func codebookOf(m *models.VQ) *codebook {
	return &codebook{grid: m.Grid(), positions: m.Positions(), entries: m.Entries(), dim: m.CodeSize() / m.Positions()}
}

// bookView is what model.py says of a codebook.
type bookView struct {
	Entries, Dim int
	Grid         models.Shape
}

// view is nil without a codebook.
func (b *codebook) view() *bookView {
	if b == nil {
		return nil
	}
	return &bookView{b.entries, b.dim, b.grid}
}

// quantise adds the operators that put the nearest entry in the place of each
// vector of rows (N,Z): the entries' rows, and their numbers (N,P). Of
// −‖z − e‖² the part that is common to all entries is left out.
func (t *translation) quantise(rows string) (codes, indices string) {
	b, grid := t.book, t.book.grid
	vectors := rows
	if !grid.Flat {
		vectors = t.reshape("codebook/image", vectors, -1, grid.C, grid.H, grid.W)
		vectors = t.node("Transpose", "codebook/pixels", []onnx.Attribute{{Name: "perm", Value: []int{0, 2, 3, 1}}}, vectors)
	}
	vectors = t.reshape("codebook/vectors", vectors, -1, b.dim)
	entries := t.weight(entriesName)
	squares := t.node("ReduceSumSquare", "codebook/squares", []onnx.Attribute{{Name: "axes", Value: []int{1}}, {Name: "keepdims", Value: 0}}, entries)
	nearness := t.node("Gemm", "codebook/nearness",
		[]onnx.Attribute{{Name: "alpha", Value: float32(2)}, {Name: "beta", Value: float32(-1)}, {Name: "transB", Value: 1}}, vectors, entries, squares)
	nearest := t.node("ArgMax", "codebook/nearest", []onnx.Attribute{{Name: "axis", Value: 1}, {Name: "keepdims", Value: 0}}, nearness)
	chosen := t.node("Gather", "codebook/chosen", []onnx.Attribute{{Name: "axis", Value: 0}}, entries, nearest)
	if grid.Flat {
		codes = t.reshape("codebook/row", chosen, -1, t.code)
	} else {
		image := t.reshape("codebook/grid", chosen, -1, grid.H, grid.W, grid.C)
		turned := t.node("Transpose", "codebook/turned", []onnx.Attribute{{Name: "perm", Value: []int{0, 3, 1, 2}}}, image)
		codes = t.node("Flatten", "codebook/row", []onnx.Attribute{{Name: "axis", Value: 1}}, turned)
	}
	return codes, t.reshape(indicesValue, nearest, -1, b.positions)
}
