package kernels

import "fmt"

// Multiply is the matrix product
//
//	c[m,n] = bias[n] + Σ_k A[m,k] · B[k,n]
//
// where A is stored M,K (K,M with TransA) and B is stored K,N (N,K with
// TransB), and Activation is applied to the sum. A linear layer is Multiply
// with TransB: PyTorch stores its weight out x in. In place of an Activation the
// sum may be multiplied by a Slope, see [ActivateBackward], whose operand v has
// the shape of c and stands behind the others; with Added, one more such operand
// is added to that. Batch products of as many pairs of matrices,
// one behind another on a leading axis, share the bias; a Batch of 0 has no such
// axis. With Sums, of a TransA without a Batch, a further result is Σ_k A[k,m] (M):
// where the product is the gradient by the weight of a linear layer, that by its
// bias.
type Multiply struct {
	Batch          int
	M, N, K        int
	TransA, TransB bool
	Bias           bool
	Activation     Activation
	Slope          Activation
	Added          bool
	Sums           bool
}

func (Multiply) Kind() string { return "multiply" }

func (o Multiply) Operands() []Shape {
	a, b := Shape{o.M, o.K}, Shape{o.K, o.N}
	if o.TransA {
		a = Shape{o.K, o.M}
	}
	if o.TransB {
		b = Shape{o.N, o.K}
	}
	return withLike(withBias([]Shape{o.batched(a), o.batched(b)}, o.Bias, o.N), o.Result(), !o.Slope.None(), o.Added)
}
func (o Multiply) Result() Shape    { return o.batched(Shape{o.M, o.N}) }
func (o Multiply) Further() []Shape { return o.Summed().further() }
func (o Multiply) FLOPs() int       { return 2*o.Products()*o.M*o.N*o.K + o.Summed().flops() }
func (o Multiply) Check() error {
	if o.Sums && (!o.TransA || o.Batch != 0) {
		return fmt.Errorf("multiply: sums are those of one left factor stored by its inner axis; set TransA and no batch (%d), or reduce it apart", o.Batch)
	}
	return first(positive("multiply", "batch", o.Products(), "rows", o.M, "columns", o.N, "inner size", o.K), checkEpilogue(o.Kind(), o.Activation, o.Slope))
}

// Summed is the operand that is added up.
func (o Multiply) Summed() Summed {
	if !o.Sums {
		return Summed{}
	}
	return Summed{Operand: 0, Rows: o.K, Columns: o.M}
}

// Products is the number of pairs of matrices.
func (o Multiply) Products() int {
	if o.Batch == 0 {
		return 1
	}
	return o.Batch
}

// batched is the shape of one matrix, or of all of a batch.
func (o Multiply) batched(matrix Shape) Shape {
	if o.Batch == 0 {
		return matrix
	}
	return append(Shape{o.Batch}, matrix...)
}

// Transpose swaps the two axes of a matrix: y[c,r] = x[r,c]. Batch repeats it
// over a leading axis. With Rows = H·W and Columns = C it turns an NHWC image
// into the C,H,W order in which PyTorch flattens, and back.
type Transpose struct{ Batch, Rows, Columns int }

func (Transpose) Kind() string        { return "transpose" }
func (o Transpose) Operands() []Shape { return []Shape{{o.Batch, o.Rows, o.Columns}} }
func (o Transpose) Result() Shape     { return Shape{o.Batch, o.Columns, o.Rows} }
func (o Transpose) FLOPs() int        { return 0 }
func (o Transpose) Check() error {
	return positive("transpose", "batch", o.Batch, "rows", o.Rows, "columns", o.Columns)
}

// Copy reshapes: the same elements in the same order under another shape.
type Copy struct{ From, To Shape }

func (Copy) Kind() string        { return "copy" }
func (o Copy) Operands() []Shape { return []Shape{o.From} }
func (o Copy) Result() Shape     { return o.To }
func (o Copy) FLOPs() int        { return 0 }
func (o Copy) Check() error {
	if err := axes("reshape", o.From, o.To); err != nil {
		return err
	}
	if o.From.Size() != o.To.Size() {
		return fmt.Errorf("reshape: %v holds %d elements and %v holds %d; both must hold as many", o.From, o.From.Size(), o.To, o.To.Size())
	}
	return nil
}

// Assign sets state, its first operand, to its second: how a graph keeps a
// running mean of its own making from step to step. Everything else that reads
// the state in the same run reads it as it was before.
type Assign struct{ Size int }

func (Assign) Kind() string        { return "assign" }
func (o Assign) Operands() []Shape { return []Shape{{o.Size}, {o.Size}} }
func (o Assign) Result() Shape     { return Shape{o.Size} }
func (o Assign) FLOPs() int        { return 0 }
func (o Assign) Check() error      { return positive("assign", "size", o.Size) }

// Updates marks the state as written in place.
func (Assign) Updates() (operand, result int) { return 0, 0 }
