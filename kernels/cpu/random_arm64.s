#include "textflag.h"
#include "neon_arm64.h"

// One round on four counters, words in V0..V3, keys in V4, V5, multipliers in
// V6, V7: products of 64 bits, whose halves are then sorted.
#define ROUND \
	VUMULL_D2(6, 0, 10)             \
	VUMULL2_D2(6, 0, 11)            \
	VUMULL_D2(7, 2, 12)             \
	VUMULL2_D2(7, 2, 13)            \
	VUZP2 V13.S4, V12.S4, V14.S4    \
	VEOR  V1.B16, V14.B16, V14.B16  \
	VEOR  V4.B16, V14.B16, V0.B16   \
	VUZP2 V11.S4, V10.S4, V14.S4    \
	VEOR  V3.B16, V14.B16, V14.B16  \
	VEOR  V5.B16, V14.B16, V2.B16   \
	VUZP1 V13.S4, V12.S4, V1.S4     \
	VUZP1 V11.S4, V10.S4, V3.S4     \
	VADD  V8.S4, V4.S4, V4.S4       \
	VADD  V9.S4, V5.S4, V5.S4

#define CONSTANT(value, register) \
	MOVD $value, R5     \
	VDUP R5, register.S4

// func drawEightsNEON(words *uint32, clock *kernels.Clock, stream, block uint32, eights int)
TEXT ·drawEightsNEON(SB), NOSPLIT, $0-32
	MOVD  words+0(FP), R0
	MOVD  clock+8(FP), R1
	MOVWU stream+16(FP), R2
	MOVWU block+20(FP), R3
	MOVD  eights+24(FP), R4
	LSL   $1, R4                      // fours
	CONSTANT(0xD2511F53, V6)
	CONSTANT(0xCD9E8D57, V7)
	CONSTANT(0x9E3779B9, V8)
	CONSTANT(0xBB67AE85, V9)
	CONSTANT(4, V19)
	VDUP  R2, V16.S4
	VDUP  R3, V15.S4
	MOVD  $0x0000000100000000, R5
	VMOV  R5, V0.D[0]
	MOVD  $0x0000000300000002, R5
	VMOV  R5, V0.D[1]
	VADD  V0.S4, V15.S4, V15.S4       // the next four blocks
	FMOVQ (R1), F17                   // keys, then the last two words of a counter
	VDUP  V17.S[2], V18.S4
	VDUP  V17.S[3], V20.S4

fourblocks:
	VMOV V15.B16, V0.B16
	VMOV V16.B16, V1.B16
	VMOV V18.B16, V2.B16
	VMOV V20.B16, V3.B16
	VDUP V17.S[0], V4.S4
	VDUP V17.S[1], V5.S4
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND

	// Four words of a block one after another.
	VST4.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VADD   V19.S4, V15.S4, V15.S4
	SUBS   $1, R4
	BNE    fourblocks
	RET
