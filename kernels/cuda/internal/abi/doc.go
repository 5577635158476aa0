// Package abi reads kernels/cuda/include/cuda.h and writes what follows from
// it: the C file through which all driver calls pass, and the assertions that
// compare the header with NVIDIA's. It knows nothing of what the calls do.
//
//	include/cuda.h ──► Parse ──► Header ─┬─► Driver ──► driver.c, committed
//	                                     └─► Assertions ──► C compiler + NVIDIA's cuda.h
//
// The header is the only list of functions, constants and types.
package abi
