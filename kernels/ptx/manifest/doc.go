// Command manifest describes PTX modules and the sources they came from, as
// JSON on its standard output; build-ptx.sh calls it.
//
//	*.cu, *.cuh (hashes) ─┐
//	*.ptx (kernels) ──────┴─► manifest.json
package main
