// Package figure answers: what does a model look like, and how near is work to
// what its machine allows? It draws the list of a model's layers as an hourglass,
// in SVG, or as a graph for Graphviz, in DOT.
//
//	models.LayerInfo ...  ──► slabs: reshapes fold into the layer they follow
//	                            │      height: side of the image (√n of a row)
//	                            │      width:  logarithm of the channels
//	                            ├──► SVG, a file that needs nothing else
//	                            └──► DOT
//	graph.Plan ──► map of its memory, SVG
//	measured work, and the machine's roof ──► roofline, SVG
//
// It never knows weights, graphs or files.
package figure
