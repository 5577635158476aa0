// Package tune answers one question: which tile computes a product fastest on a GPU?
// Package launch has several tiles for most convolutions and matrix products, and a
// model of their cost. This package can time them, and keeps what it found. It
// never knows the graph that the products come from.
//
//	a run's record ──┐ first
//	clock: timed now ┤            ┌─► launch.Program
//	cache of the user├─► Tuner ───┤
//	cost model ──────┘ last       └─► Record, for the run's folder
//
// Tiles differ in the order of their sums, and so in the last bits of their results. A
// run therefore records the tiles that it used, and uses them again when it is resumed.
package tune
