// Package peer answers: what does another framework make of the same start? It
// never knows which framework, nor what is compared.
//
//	model, images ── Start.Write ──► FOLDER: manifest.json  names and shapes, sizes
//	                                         weights.bin    first values, float32
//	                                         order.bin      images of every batch, int32
//	                                         train.bin, test.bin    pixels, bytes
//	                                         train-labels.bin, ...  classes, int32
//	FOLDER ── Run ──► python SCRIPT FOLDER ──► lines of JSON on its standard output
//
// Everything is little-endian. The scripts stand in bench/peers.
package peer
