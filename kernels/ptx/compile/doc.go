// Command compile lets NVIDIA's ptxas compile the committed PTX, and writes what
// becomes of each kernel as JSON on its standard output; ../../check-ptx.sh
// fetches a ptxas and calls it.
//
//	*.ptx ─► ptxas ─► compiled.json: registers, spills, shared memory
package main
