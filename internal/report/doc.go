// Package report answers: how did a run go, and what has its model learnt? It
// makes one HTML file of it, which needs nothing but a browser.
//
//	model, held-back images ──Measure──► Study: worst, typical and best
//	                                      │     reconstructions, traversals,
//	config, metrics, verdict,             │     samples, map of the codes
//	environment ───────────► Run ◄────────┘
//	                          │
//	                          ├──Run.HTML────────► report.html
//	            several ──────└──Comparison.HTML─► compare.html
//
// Pictures, style and script are within the file. Its content security policy
// names their hashes and allows nothing else, so that the page can fetch nothing
// and works from a disk without a network.
//
// The package never knows where runs lie, nor what a configuration means.
package report
