package cpu

import (
	"reflect"

	"hourglass/kernels"
)

// pointwise computes a run of elements: y[i] of the same element of each operand,
// all slices being as long as y, which may be one of them. first is the number of
// the run's first element, a multiple of 4, of which random operations draw.
type pointwise func(y []float32, in [][]float32, first int)

// points makes that of an operation, by its type.
var points = map[reflect.Type]func(*Context, kernels.Operation) pointwise{}

// registerPoints says how operations of type O are computed as steps of a chain.
func registerPoints[O kernels.Pointwise](prepare func(*Context, O) pointwise) {
	points[reflect.TypeFor[O]()] = func(ctx *Context, op kernels.Operation) pointwise { return prepare(ctx, op.(O)) }
}

// registerPointwise says so of operations that are computed alike alone.
func registerPointwise[O kernels.Pointwise](prepare func(*Context, O) pointwise) {
	registerPoints(prepare)
	register(func(ctx *Context, op O) Kernel { return preparePoints(ctx, op, prepare(ctx, op)) })
}

// pointsOf is that of an operation.
func pointsOf(ctx *Context, op kernels.Pointwise) pointwise {
	return points[reflect.TypeOf(op)](ctx, op)
}

// preparePoints makes the kernel of an operation that stands alone.
func preparePoints(ctx *Context, op kernels.Pointwise, along pointwise) Kernel {
	views := viewsOf(ctx, len(op.Operands()))
	return spreadByWorkers(ctx, op.Result().Size(), grain, func(out []float32, in [][]float32, from, to, worker int) {
		view := views[worker]
		for k := range view {
			view[k] = in[k][from:to]
		}
		along(out[from:to], view, from)
	})
}

// viewsOf has room for slices of so many operands for each worker.
func viewsOf(ctx *Context, operands int) [][][]float32 {
	views := make([][][]float32, ctx.Workers.Size())
	for worker := range views {
		views[worker] = make([][]float32, operands)
	}
	return views
}
