// Package gradcheck answers: is the symbolic gradient of a piece of graph the
// derivative of its value? It never knows which operations it is given.
//
//	inputs ──build──► y ──Σ w·y──► cost ──gorgonia.Grad──► gradients g
//	                                │                          │
//	       (cost(x+hd) − cost(x−hd)) / 2h      must equal      ⟨g, d⟩
//
// Everything runs in float64, in Gorgonia's own TapeMachine. Directions d are
// drawn at random, so that two runs test all elements of an input at once: a
// wrong element is missed only if it happens to be orthogonal to every
// direction.
package gradcheck
