// Package tune answers one question: by which tile does a GPU compute a product?
// Package launch has several for most convolutions and matrix products, and a
// model of their cost; here they can be timed, and what was found is kept. The
// package never knows the graph that the products come from.
//
//	a run's record ──┐ first
//	clock: timed now ┤            ┌─► launch.Program
//	cache of the user├─► Tuner ───┤
//	cost model ──────┘ last       └─► Record, for the run's folder
//
// Tiles differ in the order of their sums, and so in the last bits of results. A
// run therefore records what it took, and goes on with that.
package tune
