package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// State variables of a codebook.
const (
	codebookWeight = "codebook.weight" // (K,D): the entries, named as in nn.Embedding
	codebookCounts = "codebook.counts" // (K): vectors that each entry stood for, a step, as a running mean
)

// firstCount is the running count with which entries begin: next to nothing, so
// that the first vectors an entry stands for place it, and that entries which
// the first batch passes by count as dead.
const firstCount = 1e-5

// leastCount keeps the quotient of an entry whose count has faded to 0 at 0.
const leastCount = 1e-30

// codebook is a list of K entries of D numbers. They follow the vectors that
// they stand for by a running mean, without a gradient (van den Oord et al.
// 2017, appendix A.1): with n vectors of sum s in a batch nearest to an entry,
//
//	N ← γ·N + (1 − γ)·n,  m ← γ·m + (1 − γ)·s,  e = m/N
//
// Of these N and e are kept; m is N·e, and the last two equations together are
//
//	e ← e + (1 − γ)·(s − n·e)/N
//
// which leaves an entry that stands for nothing where it is, and needs no
// smoothing of counts that have faded.
type codebook struct {
	entries, dim int     // K, D
	decay        float64 // γ
	// revive is the part of its fair share, ΣN/K, below which an entry is dead.
	revive float64
}

func (c codebook) variables() []variable {
	return []variable{
		{Variable: graph.Variable{Name: codebookWeight, Shape: kernels.Shape{c.entries, c.dim}}, state: true, begin: beginning{bound: 1 / float64(c.entries)}},
		{Variable: graph.Variable{Name: codebookCounts, Shape: kernels.Shape{c.entries}}, state: true, begin: beginning{value: firstCount}},
	}
}

// nearest is 1 at the entry nearest to each row of z, (M,D), and 0 at the
// others: (M,K). Of −‖z − e‖² the part that is common to a row is left out.
func (c codebook) nearest(b *graph.Builder, z *gorgonia.Node) *gorgonia.Node {
	do, e := keep(b), b.Variable(codebookWeight)
	product := do(ops.MatMul(do(graph.Detach(z)), do(ops.Scale(e, 2)), false, true))
	return do(ops.OneHot(do(ops.Sub(product, do(ops.Sum(do(ops.Square(e)), 1))))))
}

// lookup is the entry chosen for each row, (M,D): a product with one 1, exact.
func (c codebook) lookup(b *graph.Builder, chosen *gorgonia.Node) *gorgonia.Node {
	do := keep(b)
	return do(graph.Detach(do(ops.MatMul(chosen, b.Variable(codebookWeight), false, false))))
}

// number is the index of each row's choice, (M,1).
func (c codebook) number(b *graph.Builder, chosen *gorgonia.Node) *gorgonia.Node {
	numbers := make([]float32, c.entries)
	for k := range numbers {
		numbers[k] = float32(k)
	}
	return keep(b)(ops.MatMul(chosen, b.Constant("numbers of the codebook's entries", kernels.Shape{c.entries, 1}, numbers), false, false))
}

// learn moves the entries towards the rows of z, (M,D), for which they were
// chosen, for the next step to use.
func (c codebook) learn(b *graph.Builder, z, chosen *gorgonia.Node, rows int) {
	do := keep(b)
	z = do(graph.Detach(z))
	e, running := b.Variable(codebookWeight), b.Variable(codebookCounts)
	n := do(ops.Sum(chosen, 0))
	counts := do(ops.Add(do(ops.Scale(running, c.decay)), do(ops.Scale(n, 1-c.decay))))
	column := func(x *gorgonia.Node) *gorgonia.Node { return do(ops.Reshape(x, c.entries, 1)) }
	shift := do(ops.Sub(do(ops.MatMul(chosen, z, true, false)), do(ops.Mul(column(n), e))))
	rate := do(ops.Affine(counts, 1/(1-c.decay), leastCount)) // its inverse is that of the equation
	entries := do(ops.Add(e, do(ops.Div(shift, column(rate)))))
	if c.revive > 0 {
		share := do(ops.Mean(counts))
		dead := do(ops.Less(counts, do(ops.Scale(share, c.revive))))
		alive := do(ops.Affine(dead, -1, 1))
		// Products with 0 and 1, exact however far the dead entry is.
		either := func(dead, x, alive, y *gorgonia.Node) *gorgonia.Node {
			return do(ops.Add(do(ops.Mul(dead, x)), do(ops.Mul(alive, y))))
		}
		entries = either(column(dead), c.candidates(b, z, rows), column(alive), entries)
		counts = either(dead, share, alive, counts)
	}
	b.Assign(codebookWeight, entries)
	b.Assign(codebookCounts, counts)
}

// candidates are rows of z, one for each entry, (K,D): entry k draws among the
// k-th of K equal shares of the batch. They are shares of the batch repeated if
// it has fewer rows than there are entries.
func (c codebook) candidates(b *graph.Builder, z *gorgonia.Node, rows int) *gorgonia.Node {
	do := keep(b)
	if repeats := (c.entries + rows - 1) / rows; repeats > 1 {
		z = do(ops.Reshape(do(ops.Expand(z, repeats, rows, c.dim)), repeats*rows, c.dim))
		rows *= repeats
	}
	share := rows / c.entries
	z = do(ops.Reshape(do(ops.Slice(z, 0, 0, share*c.entries)), c.entries, share, c.dim))
	one := do(ops.Reshape(do(ops.OneHot(b.Noise(c.entries, share))), c.entries, share, 1))
	return do(ops.Sum(do(ops.Mul(one, z)), 1))
}

// Usage counts how often each entry of a codebook stands for a vector.
type Usage []int

// Add counts further indices; one that is no entry is an error.
func (u Usage) Add(indices []float32) error {
	for _, x := range indices {
		k := int(x)
		if k < 0 || k >= len(u) || float32(k) != x {
			return fmt.Errorf("the index %g names no entry of a codebook of %d; want a whole number from 0 to %d", x, len(u), len(u)-1)
		}
		u[k]++
	}
	return nil
}

// Dead is how many entries are never used.
func (u Usage) Dead() int {
	dead := 0
	for _, n := range u {
		if n == 0 {
			dead++
		}
	}
	return dead
}

// Perplexity is e to the power of the entropy of the use, from 1 to the number
// of entries: how many, used equally often, would be as hard to guess.
func (u Usage) Perplexity() float64 {
	total, entropy := 0, 0.0
	for _, n := range u {
		total += n
	}
	for _, n := range u {
		if n > 0 {
			p := float64(n) / float64(total)
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy)
}
