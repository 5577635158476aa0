// Command neon writes neon_arm64.h, which package cpu's assembly for arm64
// includes: a macro for each vector instruction that Go's assembler does not
// know, among them all arithmetic of float32 but the fused multiply-add.
//
//	table of instructions ──go generate──► neon_arm64.h: VFADD_S4(m, n, d) is a WORD
//	        │                                   │
//	        └──► samples ──llvm-mc──► testdata/encodings.txt, compared by the tests
//
// Operands are register numbers in the order of Go's assembler: sources from
// the last to the first, then the destination. VFSUB_S4(m, n, d) is
// Vd = Vn − Vm.
//
// Encodings: Arm Architecture Reference Manual for A-profile, C7.2.
package main
