// Command generate writes the transforms of package winograd in assembly for package
// cpu:
//
//	matrices ──go generate──► winograd_amd64.s     AVX2
//	                          winograd512_amd64.s  AVX-512
//	                          winograd_arm64.s     NEON
//	                          winograd_amd64.go    what these define
//	                          winograd_arm64.go
//
// Each routine applies matrices, Y = L·X·Rᵀ, to many matrices X of sixteen channels:
// for each row of Y the sums down the columns of X stay in registers, from which those
// along the row are made. Sums are made in the order of winograd.Matrix.Sums, so that
// all routines have the same bits, those in plain Go too.
package main
