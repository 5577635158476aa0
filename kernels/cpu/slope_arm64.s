#include "textflag.h"
#include "neon_arm64.h"

// Gradients behind a normalisation and an activation that is z for z > 0 and alpha·z
// elsewhere; see normalise_slope.go.

// V26 is alpha, and V27 has ones where that is 0.
#define BELOW \
	VDUP V26.S[0], V26.S4 \
	VFCMEQZ_S4(26, 27)

// d = dy where z is above 0, else alpha·dy; z is lost.
#define BEND(z, zbits, dy, dybits, d, dbits) \
	VFMUL_S4(dy, 26, d)   \
	VBIC_B16(27, d, d)    \
	VFCMGTZ_S4(z, z)      \
	VBIT zbits, dybits, dbits

// Adds the four floats of v to sums a and b of float64.
#define ADDWIDENED(v, a, b) \
	VFCVTL_D2(v, 28)   \
	VFCVTL2_D2(v, 29)  \
	VFADD_D2(28, a, a) \
	VFADD_D2(29, b, b)

// func slopeSumsEightNEON(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)
TEXT ·slopeSumsEightNEON(SB), NOSPLIT, $0-80
	MOVD  sums+0(FP), R0
	MOVD  products+8(FP), R1
	MOVD  dy+16(FP), R2
	MOVD  x+24(FP), R3
	MOVD  means+32(FP), R4
	MOVD  factors+40(FP), R5
	MOVD  shifts+48(FP), R6
	FMOVS alpha+56(FP), F26
	MOVD  rows+64(FP), R7
	MOVD  stride+72(FP), R8
	BELOW
	FLDPQ (R4), (F20, F21)
	FLDPQ (R5), (F22, F23)
	FLDPQ (R6), (F24, F25)
	VLD1  (R0), [V0.D2, V1.D2, V2.D2, V3.D2]
	VLD1  (R1), [V4.D2, V5.D2, V6.D2, V7.D2]

row:
	FLDPQ (R3), (F8, F9)
	FLDPQ (R2), (F10, F11)
	ADD   R8, R3
	ADD   R8, R2
	VFSUB_S4(20, 8, 8)               // x − mean
	VFSUB_S4(21, 9, 9)
	VMOV  V24.B16, V12.B16
	VMOV  V25.B16, V13.B16
	VFMLA V22.S4, V8.S4, V12.S4      // z
	VFMLA V23.S4, V9.S4, V13.S4
	BEND(12, V12.B16, 10, V10.B16, 14, V14.B16)
	BEND(13, V13.B16, 11, V11.B16, 15, V15.B16)
	VFMUL_S4(14, 8, 8)
	VFMUL_S4(15, 9, 9)
	ADDWIDENED(14, 0, 1)
	ADDWIDENED(15, 2, 3)
	ADDWIDENED(8, 4, 5)
	ADDWIDENED(9, 6, 7)
	SUBS  $1, R7
	BNE   row
	VST1  [V0.D2, V1.D2, V2.D2, V3.D2], (R0)
	VST1  [V4.D2, V5.D2, V6.D2, V7.D2], (R1)
	RET

// func slopeGradientEightsNEON(dx, dy, x, means, factors, shifts, b, c *float32, alpha float32, rows, n int)
// dx = factor·d + b·(x − mean) + c for rows of n floats, n a multiple of 8.
TEXT ·slopeGradientEightsNEON(SB), NOSPLIT, $0-88
	MOVD  dx+0(FP), R0
	MOVD  dy+8(FP), R1
	MOVD  x+16(FP), R2
	FMOVS alpha+64(FP), F26
	MOVD  rows+72(FP), R9
	BELOW

row:
	MOVD means+24(FP), R3
	MOVD factors+32(FP), R4
	MOVD shifts+40(FP), R5
	MOVD b+48(FP), R6
	MOVD c+56(FP), R7
	MOVD n+80(FP), R8

column:
	FLDPQ.P 32(R2), (F0, F1)
	FLDPQ.P 32(R3), (F2, F3)
	FLDPQ.P 32(R4), (F4, F5)
	FLDPQ.P 32(R5), (F6, F7)
	FLDPQ.P 32(R1), (F8, F9)
	VFSUB_S4(2, 0, 0)                // x − mean
	VFSUB_S4(3, 1, 1)
	VFMLA   V4.S4, V0.S4, V6.S4      // z
	VFMLA   V5.S4, V1.S4, V7.S4
	BEND(6, V6.B16, 8, V8.B16, 10, V10.B16)
	BEND(7, V7.B16, 9, V9.B16, 11, V11.B16)
	FLDPQ.P 32(R6), (F2, F3)
	FLDPQ.P 32(R7), (F6, F7)
	VFMUL_S4(2, 0, 0)
	VFMUL_S4(3, 1, 1)
	VFADD_S4(6, 0, 0)
	VFADD_S4(7, 1, 1)
	VFMLA   V4.S4, V10.S4, V0.S4
	VFMLA   V5.S4, V11.S4, V1.S4
	FSTPQ.P (F0, F1), 32(R0)
	SUBS    $8, R8
	BNE     column
	SUBS    $1, R9
	BNE     row
	RET
