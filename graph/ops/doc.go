// Package ops answers: which differentiable operations are there on tensors of
// any kind? It holds linear maps, activations, arithmetic with broadcasting,
// reductions, reshaping and dropout. Operations on images stand in package
// conv, scalar costs in models/objective. It never knows devices: each
// function checks shapes, adds one node by graph.Apply and says how its
// gradient is made of other operations.
//
//	*gorgonia.Node ──ops.Linear(x, w, b)──► *gorgonia.Node
//	                     │
//	                     └─ kernels.Multiply + its gradient, two more of them
//
// Every function returns an error in one sentence if shapes do not fit.
package ops
