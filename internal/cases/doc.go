// Package cases is the one table of cases that every implementation of the
// operations is tried on: the reference, the fast CPU kernels, CUDA, and the
// gradients. A new operation is a few new rows here, not new test code.
//
//	rows (one file a stem) ─► All() ─► Case{Name, Op, Fills}
//	                                     │
//	         seed ─► Inputs ─► operands ─┼─► the definition (reference) ─► want ─┐
//	                                     └─► what is tried ──────────────► got ──┴─► Compare, within Tolerance
//
// Operands are exact in float32, so that every implementation starts from the
// same numbers, and what Compare sees is rounding inside the operation alone.
// The package never knows who is tried.
package cases
