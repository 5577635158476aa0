#include "textflag.h"
#include "neon_arm64.h"

// Loops over slices: 16 floats a turn, then 4, then single ones, which stand in
// the lowest lane beside zeros.

// One operand at R2 in V0 to V3, the other at R3 in V4 to V7, OP(4, 0) for each
// pair, into R0; R1 counts.
#define BINARY(OP) \
	SUBS $16, R1     \
	BLT  fours       \
turn:                    \
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4] \
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4] \
	OP(4, 0)         \
	OP(5, 1)         \
	OP(6, 2)         \
	OP(7, 3)         \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0) \
	SUBS $16, R1     \
	BGE  turn        \
fours:                   \
	ADDS $12, R1     \
	BLT  rest        \
four:                    \
	FMOVQ.P 16(R2), F0 \
	FMOVQ.P 16(R3), F4 \
	OP(4, 0)           \
	FMOVQ.P F0, 16(R0) \
	SUBS $4, R1        \
	BGE  four          \
rest:                      \
	ADDS $4, R1        \
	BEQ  done          \
single:                    \
	FMOVS.P 4(R2), F0  \
	FMOVS.P 4(R3), F4  \
	OP(4, 0)           \
	FMOVS.P F0, 4(R0)  \
	SUBS $1, R1        \
	BNE  single        \
done:                      \
	RET

#define OPERANDS \
	MOVD y_base+0(FP), R0  \
	MOVD y_len+8(FP), R1   \
	MOVD a_base+24(FP), R2 \
	MOVD b_base+48(FP), R3

// One operand in V0 to V3, constants in V30 and V31, OP(0, 4) for each, the
// result in V4 to V7.
#define UNARY(OP) \
	MOVD y_base+0(FP), R0  \
	MOVD y_len+8(FP), R1   \
	MOVD x_base+24(FP), R2 \
	SUBS $16, R1     \
	BLT  fours       \
turn:                    \
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4] \
	OP(0, 4)         \
	OP(1, 5)         \
	OP(2, 6)         \
	OP(3, 7)         \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0) \
	SUBS $16, R1     \
	BGE  turn        \
fours:                   \
	ADDS $12, R1     \
	BLT  rest        \
four:                    \
	FMOVQ.P 16(R2), F0 \
	OP(0, 4)           \
	FMOVQ.P F4, 16(R0) \
	SUBS $4, R1        \
	BGE  four          \
rest:                      \
	ADDS $4, R1        \
	BEQ  done          \
single:                    \
	FMOVS.P 4(R2), F0  \
	OP(0, 4)           \
	FMOVS.P F4, 4(R0)  \
	SUBS $1, R1        \
	BNE  single        \
done:                      \
	RET

// Sums over columns: eight columns of float64 in V0 to V3.

#define SUMS \
	MOVD sums+0(FP), R0                       \
	VLD1 (R0), [V0.D2, V1.D2, V2.D2, V3.D2]

#define SUMSDONE \
	VST1 [V0.D2, V1.D2, V2.D2, V3.D2], (R0)   \
	RET

// Eight float32 of V16 and V17 as float64 in V4 to V7.
#define WIDEN \
	VFCVTL_D2(16, 4)  \
	VFCVTL2_D2(16, 5) \
	VFCVTL_D2(17, 6)  \
	VFCVTL2_D2(17, 7)

#define ADDWIDE \
	VFADD_D2(4, 0, 0) \
	VFADD_D2(5, 1, 1) \
	VFADD_D2(6, 2, 2) \
	VFADD_D2(7, 3, 3)

#define ADD4(b, a) VFADD_S4(b, a, a)
#define SUBTRACT4(b, a) VFSUB_S4(b, a, a)
#define DIVIDE4(b, a) VFDIV_S4(b, a, a)
#define TIMES4(b, a) VFMUL_S4(b, a, a)

// NaN where either is.
#define MAXIMUM4(b, a) VFMAX_S4(b, a, a)

// 0 where y <= 0, else dy: y in a, dy in b.
#define GATE4(b, a) \
	VFCMLEZ_S4(a, a)  \
	VBIC_B16(a, b, a)

#define SCALEADD4(b, a) VFMLA_E4(30, 0, b, a)

#define AFFINE4(x, y) \
	VMOV_B16(31, y)       \
	VFMLA_E4(30, 0, x, y)

#define RECTIFY4(x, y) VFMAX_S4(31, x, y)

// func addNEON(y, a, b []float32)
TEXT ·addNEON(SB), NOSPLIT, $0-72
	OPERANDS
	BINARY(ADD4)

// func subtractNEON(y, a, b []float32)
TEXT ·subtractNEON(SB), NOSPLIT, $0-72
	OPERANDS
	BINARY(SUBTRACT4)

// func divideNEON(y, a, b []float32)
TEXT ·divideNEON(SB), NOSPLIT, $0-72
	OPERANDS
	BINARY(DIVIDE4)

// func timesNEON(y, a, b []float32)
TEXT ·timesNEON(SB), NOSPLIT, $0-72
	OPERANDS
	BINARY(TIMES4)

// func maximumNEON(y, a, b []float32)
TEXT ·maximumNEON(SB), NOSPLIT, $0-72
	OPERANDS
	BINARY(MAXIMUM4)

// func rectifyGradientNEON(y, a, b []float32)
TEXT ·rectifyGradientNEON(SB), NOSPLIT, $0-72
	OPERANDS
	BINARY(GATE4)

// func scaleAddNEON(y, x []float32, scale float32)
TEXT ·scaleAddNEON(SB), NOSPLIT, $0-52
	MOVD  y_base+0(FP), R0
	MOVD  y_len+8(FP), R1
	MOVD  R0, R2
	MOVD  x_base+24(FP), R3
	FMOVS scale+48(FP), F30
	BINARY(SCALEADD4)

// func affineNEON(y, x []float32, scale, shift float32)
TEXT ·affineNEON(SB), NOSPLIT, $0-56
	FMOVS scale+48(FP), F30
	FMOVS shift+52(FP), F31
	VDUP  V31.S[0], V31.S4
	UNARY(AFFINE4)

// func rectifyNEON(y, x []float32)
TEXT ·rectifyNEON(SB), NOSPLIT, $0-48
	VEOR V31.B16, V31.B16, V31.B16
	UNARY(RECTIFY4)

// func adamEightsNEON(p, grads, m, v *float32, n int, k *coefficients)
// n is a multiple of 8. Lanes of V16 to V18 are the fields of k in their order.
TEXT ·adamEightsNEON(SB), NOSPLIT, $0-48
	MOVD  p+0(FP), R0
	MOVD  grads+8(FP), R1
	MOVD  m+16(FP), R2
	MOVD  v+24(FP), R3
	MOVD  n+32(FP), R4
	MOVD  k+40(FP), R5
	FMOVQ 0(R5), F16          // clip, decay, decoupled, keep1
	FMOVQ 16(R5), F17         // keep2, take1, take2, rate1
	FMOVD 32(R5), F18         // root2, epsilon
	VDUP  V18.S[1], V19.S4

parameters:
	FMOVQ   (R0), F0
	FMOVQ.P 16(R1), F1
	FMOVQ   (R2), F2
	FMOVQ   (R3), F3
	VFMUL_E4(16, 0, 1, 1)
	VFMLA_E4(16, 1, 0, 1)           // d = clip·g + decay·p
	VFMUL_E4(16, 3, 2, 2)
	VFMLA_E4(17, 1, 1, 2)           // m = keep1·m + take1·d
	FMOVQ.P F2, 16(R2)
	VFMUL_E4(17, 0, 3, 3)
	VFMUL_E4(17, 2, 1, 4)
	VFMLA   V4.S4, V1.S4, V3.S4     // v = keep2·v + take2·d²
	FMOVQ.P F3, 16(R3)
	VFSQRT_S4(3, 3)
	VMOV    V19.B16, V5.B16
	VFMLA_E4(18, 0, 3, 5)           // root2·√v + epsilon
	VFMUL_E4(17, 3, 2, 2)
	VFDIV_S4(5, 2, 2)
	VFMLA_E4(16, 2, 0, 2)
	VFSUB_S4(2, 0, 0)               // p −= rate1·m/(…) + decoupled·p
	FMOVQ.P F0, 16(R0)
	SUBS    $4, R4
	BNE     parameters
	RET

// func sumEightNEON(sums *float64, x *float32, rows, stride int)
TEXT ·sumEightNEON(SB), NOSPLIT, $0-32
	MOVD x+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD stride+24(FP), R3
	SUMS

row:
	FLDPQ (R1), (F16, F17)
	ADD   R3, R1
	WIDEN
	ADDWIDE
	SUBS  $1, R2
	BNE   row
	SUMSDONE

// func squareEightNEON(sums, means *float64, x *float32, rows, stride int)
TEXT ·squareEightNEON(SB), NOSPLIT, $0-40
	MOVD means+8(FP), R4
	MOVD x+16(FP), R1
	MOVD rows+24(FP), R2
	MOVD stride+32(FP), R3
	VLD1 (R4), [V20.D2, V21.D2, V22.D2, V23.D2]
	SUMS

row:
	FLDPQ (R1), (F16, F17)
	ADD   R3, R1
	WIDEN
	VFSUB_D2(20, 4, 4)
	VFSUB_D2(21, 5, 5)
	VFSUB_D2(22, 6, 6)
	VFSUB_D2(23, 7, 7)
	VFMLA V4.D2, V4.D2, V0.D2
	VFMLA V5.D2, V5.D2, V1.D2
	VFMLA V6.D2, V6.D2, V2.D2
	VFMLA V7.D2, V7.D2, V3.D2
	SUBS  $1, R2
	BNE   row
	SUMSDONE

// func productEightNEON(sums *float64, dy, x, means *float32, rows, stride int)
TEXT ·productEightNEON(SB), NOSPLIT, $0-48
	MOVD  dy+8(FP), R4
	MOVD  x+16(FP), R1
	MOVD  means+24(FP), R5
	MOVD  rows+32(FP), R2
	MOVD  stride+40(FP), R3
	FLDPQ (R5), (F20, F21)
	SUMS

row:
	FLDPQ (R1), (F16, F17)
	FLDPQ (R4), (F18, F19)
	ADD   R3, R1
	ADD   R3, R4
	VFSUB_S4(20, 16, 16)
	VFSUB_S4(21, 17, 17)
	VFMUL_S4(18, 16, 16)
	VFMUL_S4(19, 17, 17)
	WIDEN
	ADDWIDE
	SUBS  $1, R2
	BNE   row
	SUMSDONE

// func normaliseEightsNEON(y, x, means, factors, shifts *float32, rows, c int)
// y = (x − mean)·factor + shift for rows of c floats, c a multiple of 8.
TEXT ·normaliseEightsNEON(SB), NOSPLIT, $0-56
	MOVD y+0(FP), R0
	MOVD x+8(FP), R1
	MOVD rows+40(FP), R5

row:
	MOVD means+16(FP), R2
	MOVD factors+24(FP), R3
	MOVD shifts+32(FP), R4
	MOVD c+48(FP), R6

column:
	FLDPQ.P 32(R1), (F0, F1)
	FLDPQ.P 32(R2), (F2, F3)
	FLDPQ.P 32(R3), (F4, F5)
	FLDPQ.P 32(R4), (F6, F7)
	VFSUB_S4(2, 0, 0)
	VFSUB_S4(3, 1, 1)
	VFMLA   V4.S4, V0.S4, V6.S4
	VFMLA   V5.S4, V1.S4, V7.S4
	FSTPQ.P (F6, F7), 32(R0)
	SUBS    $8, R6
	BNE     column
	SUBS    $1, R5
	BNE     row
	RET

// func normaliseGradientEightsNEON(dx, dy, x, means, a, b, c *float32, rows, n int)
// dx = a·dy + b·(x − mean) + c for rows of n floats, n a multiple of 8.
TEXT ·normaliseGradientEightsNEON(SB), NOSPLIT, $0-72
	MOVD dx+0(FP), R0
	MOVD dy+8(FP), R1
	MOVD x+16(FP), R2
	MOVD rows+56(FP), R7

row:
	MOVD means+24(FP), R3
	MOVD a+32(FP), R4
	MOVD b+40(FP), R5
	MOVD c+48(FP), R6
	MOVD n+64(FP), R8

column:
	FLDPQ.P 32(R2), (F0, F1)
	FLDPQ.P 32(R3), (F2, F3)
	FLDPQ.P 32(R5), (F4, F5)
	VFSUB_S4(2, 0, 0)
	VFSUB_S4(3, 1, 1)
	VFMUL_S4(4, 0, 0)
	VFMUL_S4(5, 1, 1)
	FLDPQ.P 32(R1), (F2, F3)
	FLDPQ.P 32(R6), (F4, F5)
	FLDPQ.P 32(R4), (F6, F7)
	VFADD_S4(4, 0, 0)
	VFADD_S4(5, 1, 1)
	VFMLA   V6.S4, V2.S4, V0.S4
	VFMLA   V7.S4, V3.S4, V1.S4
	FSTPQ.P (F0, F1), 32(R0)
	SUBS    $8, R8
	BNE     column
	SUBS    $1, R7
	BNE     row
	RET
