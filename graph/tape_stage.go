package graph

import (
	"fmt"
	"hash"
	"hash/fnv"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// stage is the gorgonia.Op of a node that runs part of a schedule. Each kernel
// is bound to its buffers, so that the operands of the node say only what has
// to be there before. The value of the node is the last kernel's result.
type stage struct {
	signature
	name  string
	calls []call
	value *tensor.Dense
}

// call is one kernel with its buffers.
type call struct {
	op     kernels.Operation
	kernel cpu.Kernel
	in     [][]float32
	out    []float32
}

// add prepares a kernel as the stage's last.
func (s *stage) add(context *cpu.Context, op kernels.Operation, in [][]float32, out []float32) error {
	kernel, err := cpu.Prepare(context, op)
	if err != nil {
		return err
	}
	s.calls = append(s.calls, call{op, kernel, in, out})
	return nil
}

// apply adds the stage's node to the graph of the operands, which are vectors.
func (s *stage) apply(operands gorgonia.Nodes) (*gorgonia.Node, error) {
	s.value = vector(s.calls[len(s.calls)-1].out)
	s.shape = s.value.Shape()
	for range operands {
		s.dims = append(s.dims, 1)
	}
	n, err := gorgonia.ApplyOp(s, operands...)
	if err != nil {
		return nil, fmt.Errorf("the stage of %s: %w", s.name, err)
	}
	return n, nil
}

func (s *stage) String() string { return s.name }

func (s *stage) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "%s, %d calls, %v", s.name, len(s.calls), s.shape)
}

func (s *stage) Hashcode() uint32 {
	h := fnv.New32a()
	s.WriteHash(h)
	return h.Sum32()
}

// Do runs the kernels.
func (s *stage) Do(...gorgonia.Value) (gorgonia.Value, error) {
	return s.value, s.run(0, len(s.calls))
}

// run runs the kernels [from, to). A panic is returned as an error that names the
// operation, because the machine runs a stage on a goroutine without recover.
func (s *stage) run(from, to int) (err error) {
	running := from
	defer func() {
		if r := recover(); r != nil {
			err = failed(s.calls[running].op, r)
		}
	}()
	for ; running < to; running++ {
		c := &s.calls[running]
		c.kernel(c.out, c.in)
	}
	return nil
}

// vector makes a tensor of a buffer, without copying.
func vector(data []float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(data)), tensor.WithBacking(data))
}
