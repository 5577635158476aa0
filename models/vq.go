package models

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Names of terms and outputs of a vector-quantised autoencoder's graphs.
const (
	CommitmentLoss = "commitment" // of the encoder's vectors to the entries, in the unit of the loss
	Perplexity     = "perplexity" // of the entries' use by a batch; no part of the loss
	Indices        = "indices"    // output of Encode and Evaluate: which entry stands at each position, (N,Positions)
)

// Defaults of a VQSpec.
const (
	DefaultEntries    = 512
	DefaultDecay      = 0.99
	DefaultCommitment = 0.25
	DefaultRevive     = 0.03
)

// VQSpec describes a vector-quantised autoencoder.
type VQSpec struct {
	// Spec with no code size quantises the encoder's output at each of its pixels;
	// with one, the code, as if it were one pixel of so many channels.
	Spec
	// Entries of the codebook. 0 takes DefaultEntries.
	Entries int
	// Dim is the length of an entry. 0 takes the channels of what is quantised;
	// a divisor of them cuts each pixel's channels into parts that are quantised
	// one by one.
	Dim int
	// Decay of the running means that the entries are, between 0 and 1; 0 takes
	// DefaultDecay.
	Decay float64
	// Commitment weighs what the encoder pays for the distance from the entries;
	// 0 takes DefaultCommitment.
	Commitment float64
	// Revive is the part of its fair share of use below which an entry is dead
	// and replaced by a vector of the present batch: DefaultRevive, say. 0 never
	// replaces any.
	Revive float64
}

// complete checks what quantisation adds to a spec, and returns the shape of
// what is quantised.
func (s VQSpec) complete() (VQSpec, Shape, error) {
	defaults := func(x *float64, value float64) {
		if *x == 0 {
			*x = value
		}
	}
	defaults(&s.Decay, DefaultDecay)
	defaults(&s.Commitment, DefaultCommitment)
	if s.Entries == 0 {
		s.Entries = DefaultEntries
	}
	if _, err := s.Spec.complete(); err != nil {
		return s, Shape{}, err
	}
	shapes, err := s.Encoder.Shapes("encoder", s.Input)
	if err != nil {
		return s, Shape{}, err
	}
	grid := shapes[len(shapes)-1]
	switch {
	case s.Spatial:
		grid.C = s.Latent
	case s.Latent > 0:
		grid = Features(s.Latent)
	}
	if s.Dim == 0 {
		s.Dim = grid.C
	}
	switch {
	case s.Entries < 2 || s.Entries > maxEntries:
		return s, grid, fmt.Errorf("the codebook has %d entries; want 2 to %d", s.Entries, maxEntries)
	case s.Dim < 1 || grid.C%s.Dim != 0:
		return s, grid, fmt.Errorf("an entry of the codebook has %d numbers and the encoder's output is %v; want a divisor of its %d channels", s.Dim, grid, grid.C)
	case !(s.Decay > 0 && s.Decay < 1):
		return s, grid, fmt.Errorf("the decay of the codebook is %g; want a number above 0 and below 1", s.Decay)
	case !(s.Commitment > 0 && s.Commitment <= maxWeight):
		return s, grid, fmt.Errorf("the commitment to the codebook weighs %g; want a number above 0 and at most %g", s.Commitment, float64(maxWeight))
	case !(s.Revive >= 0 && s.Revive < 1):
		return s, grid, fmt.Errorf("entries of the codebook are revived below %g of their fair share; want a part from 0 up to but not 1", s.Revive)
	}
	return s, grid, nil
}

const (
	maxEntries = 1 << 16 // an index is exact in float32, and fits two bytes
	maxWeight  = 1e6
)

// Quantised is a model whose codes are made of entries of a codebook. Its graphs
// Encode and Evaluate have the output [Indices].
type Quantised interface {
	Model
	// Entries is how many there are.
	Entries() int
	// Positions is how many entries make one code.
	Positions() int
	// Lattice is how they are laid out.
	Lattice() Lattice
	// Revives says whether training replaces entries that stand for nothing.
	Revives() bool
	// Lookup returns the codes, (n,Z), of n·Positions indices, exactly as Encode
	// makes them.
	Lookup(indices []float32) ([]float32, error)
}

// VQ is a vector-quantised autoencoder (van den Oord, Vinyals and Kavukcuoglu,
// "Neural discrete representation learning", 2017). At each position of the
// encoder's output the vector z gives way to the nearest entry e of a codebook,
// which the decoder sees in its place; the gradient passes from e to z as if
// nothing had happened between them (straight through):
//
//	loss = −log p(x|e) + β·‖z − sg(e)‖²
//
// The second term is a mean over all numbers of the code where the first is one
// over all pixel values, and a sum over an image where the first is. The
// codebook follows the encoder by running means; see codebook. A code is the row
// of the entries themselves, so that a code can be decoded without the codebook.
type VQ struct {
	body
	codebook
	grid       Shape // of what is quantised
	commitment float64
}

// NewVQ checks a spec, makes the variables and draws their first values from
// the seed.
func NewVQ(spec VQSpec, seed uint64) (*VQ, error) {
	spec, grid, err := spec.complete()
	if err != nil {
		return nil, err
	}
	book := codebook{entries: spec.Entries, dim: spec.Dim, decay: spec.Decay, revive: spec.Revive}
	var heads []string
	if spec.Latent > 0 {
		heads = []string{"bottleneck"}
	}
	m, err := newBody(spec.Spec, seed, heads, bodyOptions{further: book.variables()})
	return &VQ{m, book, grid, spec.Commitment}, err
}

// Entries implements [Quantised].
func (m *VQ) Entries() int { return m.codebook.entries }

// Revives implements [Quantised].
func (m *VQ) Revives() bool { return m.revive > 0 }

// Positions implements [Quantised].
func (m *VQ) Positions() int { return m.Lattice().Positions() }

// Grid is the shape of what is quantised.
func (m *VQ) Grid() Shape { return m.grid }

// Lattice implements [Quantised]: indices are in the order of the rows of the grid,
// then its columns, then the parts of its channels.
func (m *VQ) Lattice() Lattice { return Lattice{m.grid.H, m.grid.W, m.grid.C / m.dim} }

// Terms are the two sides of the loss and, with no weight, the use of the
// codebook.
func (m *VQ) Terms() []Term {
	return []Term{{ReconstructionLoss, "recon", 1}, {CommitmentLoss, "commit", m.commitment}, {Perplexity, "perplexity", 0}}
}

// Layers describes the layers with the codebook between encoder and decoder. Its
// entries are no parameters: they learn without a gradient.
func (m *VQ) Layers() []LayerInfo {
	all := m.body.Layers()
	before := slices.IndexFunc(all, func(l LayerInfo) bool { return l.Part == m.decoder.name })
	row := Features(m.CodeSize())
	return slices.Insert(all, before, LayerInfo{
		Part: "bottleneck", Name: "codebook", Text: fmt.Sprintf("nearest of %d entries of %d", m.Entries(), m.dim), In: row, Out: row,
		FLOPs: 2 * 2 * m.CodeSize() * m.Entries(), // distances, then the choice
	})
}

// quantised is a batch's codes before and after quantisation, a row a position.
type quantised struct {
	z      *gorgonia.Node // (M,D), M being the batch times Positions
	chosen *gorgonia.Node // 1 at the entry nearest to each, (M,K)
	e      *gorgonia.Node // that entry, (M,D); no gradient flows through it
}

// Train adds the training graph: the target is the input itself.
func (m *VQ) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	q := m.quantise(b, m.corrupted(b, x), batch)
	b.Cost(m.bound(b, x, q, m.decode(b, m.row(b, straightThrough(b, q.z, q.e), batch))))
	m.learn(b, q.z, q.chosen, batch*m.Positions())
}

// Evaluate adds the graph from image to code, indices, reconstruction and loss.
func (m *VQ) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	q := m.quantise(b, x, batch)
	y := m.decode(b, m.encoded(b, q, batch))
	b.Output(Reconstruction, m.pixels(b, y))
	m.bound(b, x, q, y)
}

// Encode adds the graph from image to code and indices.
func (m *VQ) Encode(b *graph.Builder, batch int) {
	m.encoded(b, m.quantise(b, m.image(b, batch), batch), batch)
}

// encoded adds code and indices as outputs, and returns the code.
func (m *VQ) encoded(b *graph.Builder, q quantised, batch int) *gorgonia.Node {
	code := m.row(b, q.e, batch)
	b.Output(Code, code)
	b.Output(Indices, keep(b)(ops.Reshape(m.number(b, q.chosen), batch, m.Positions())))
	return code
}

// quantise encodes images and finds the entries nearest to what comes out.
func (m *VQ) quantise(b *graph.Builder, x *gorgonia.Node, batch int) quantised {
	z := m.encoder.apply(b, x)
	for _, head := range m.heads {
		z = head.apply(b, z)
	}
	do := keep(b)
	if !m.grid.Flat { // the encoder ends in a row in the order C,H,W
		z = do(ops.Unflatten(z, m.grid.C, m.grid.H, m.grid.W))
	}
	q := quantised{z: do(ops.Reshape(z, batch*m.Positions(), m.dim))}
	q.chosen = m.nearest(b, q.z)
	q.e = m.lookup(b, q.chosen)
	return q
}

// row puts vectors, a position each, back into the rows that the decoder takes:
// (M,D) becomes (N,Z).
func (m *VQ) row(b *graph.Builder, vectors *gorgonia.Node, batch int) *gorgonia.Node {
	do := keep(b)
	if m.grid.Flat {
		return do(ops.Reshape(vectors, batch, m.grid.C))
	}
	return do(ops.Flatten(do(ops.Reshape(vectors, batch, m.grid.H, m.grid.W, m.grid.C))))
}

// straightThrough has the value of e and hands its gradient on to z.
func straightThrough(b *graph.Builder, z, e *gorgonia.Node) *gorgonia.Node {
	do := keep(b)
	return do(ops.Add(z, do(graph.Detach(do(ops.Sub(e, z))))))
}

// bound adds the loss of the decoder's output y with its terms as outputs.
func (m *VQ) bound(b *graph.Builder, x *gorgonia.Node, q quantised, y *gorgonia.Node) *gorgonia.Node {
	do := keep(b)
	reconstruction := m.loss(b, y, x)
	commitment := do(m.commit(q))
	loss := do(ops.Add(reconstruction, do(ops.Scale(commitment, m.commitment))))
	b.Output(ReconstructionLoss, reconstruction)
	b.Output(CommitmentLoss, commitment)
	b.Output(Perplexity, do(objective.Perplexity(q.chosen)))
	b.Output(Loss, loss)
	return loss
}

// commit is the commitment loss in the unit of the reconstruction's.
func (m *VQ) commit(q quantised) (*gorgonia.Node, error) {
	if !m.spec.Likelihood.Distribution() {
		return objective.Commitment(q.z, q.e, objective.Mean)
	}
	sum, err := objective.Commitment(q.z, q.e, objective.BatchMean) // over rows, a position each
	if err != nil {
		return nil, err
	}
	return ops.Scale(sum, float64(m.Positions()))
}

// Lookup implements [Quantised]. The store must hold the codebook: after
// training on a device of its own memory, pull it first.
func (m *VQ) Lookup(indices []float32) ([]float32, error) {
	positions := m.Positions()
	if len(indices)%positions != 0 {
		return nil, fmt.Errorf("%d indices make no codes of %d positions; want a multiple", len(indices), positions)
	}
	if err := make(Usage, m.Entries()).Add(indices); err != nil {
		return nil, err
	}
	entries := m.store.Lookup(codebookWeight).Data
	codes := make([]float32, len(indices)*m.dim)
	pixels, parts := m.grid.H*m.grid.W, m.grid.C/m.dim
	for i, index := range indices {
		code := codes[i/positions*positions*m.dim:]
		at := i % positions
		for d := range m.dim { // a code is in the order C,H,W
			channel := at%parts*m.dim + d
			code[channel*pixels+at/parts] = entries[int(index)*m.dim+d]
		}
	}
	return codes, nil
}
