// Package figure answers: what does a model look like? It draws the list of a
// model's layers as an hourglass, in SVG, or as a graph for Graphviz, in DOT.
//
//	models.LayerInfo ...  ──► slabs: reshapes fold into the layer they follow
//	                            │      height: side of the image (√n of a row)
//	                            │      width:  logarithm of the channels
//	                            ├──► SVG, a file that needs nothing else
//	                            └──► DOT
//
// It never knows weights, graphs or files.
package figure
