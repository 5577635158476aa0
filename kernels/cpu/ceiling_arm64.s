#include "textflag.h"

// Multiply-adds on registers alone: 24 sums that wait for nothing but their
// own last step, as in a tile.
#define FOUR(s0, s1, s2, s3) \
	VFMLA V30.S4, V31.S4, s0.S4 \
	VFMLA V30.S4, V31.S4, s1.S4 \
	VFMLA V30.S4, V31.S4, s2.S4 \
	VFMLA V30.S4, V31.S4, s3.S4

// func fuseNEON(turns int)
// What stands in the factors does not matter to the speed, but numbers that
// are not normal might.
TEXT ·fuseNEON(SB), NOSPLIT, $0-8
	MOVD turns+0(FP), R0
	VEOR V30.B16, V30.B16, V30.B16
	VEOR V31.B16, V31.B16, V31.B16

turn:
	FOUR(V0, V1, V2, V3)
	FOUR(V4, V5, V6, V7)
	FOUR(V8, V9, V10, V11)
	FOUR(V12, V13, V14, V15)
	FOUR(V16, V17, V18, V19)
	FOUR(V20, V21, V22, V23)
	SUBS $1, R0
	BNE  turn
	RET
