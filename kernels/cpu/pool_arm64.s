#include "textflag.h"
#include "neon_arm64.h"

// Of four channels x, those that are their maximum, or NaN, take what is left
// of dy.
#define CLAIM(x, maximum, dy, dx) \
	VFCMEQ_S4(maximum, x, 16) \
	VFCMEQ_S4(x, x, 17)       \
	VORN_B16(17, 16, 16)      \
	VBIC_B16(16, dy, 18)      \
	VBIC_B16(18, dy, 17)      \
	VFADD_S4(17, dx, dx)      \
	VMOV_B16(18, dy)

// func claimMaximumNEON(dx, x, dy unsafe.Pointer, rows, columns, rowStride, columnStride int)
// Eight channels: first their maxima over the window, NaN where there is one;
// then each element that is the maximum takes what is left of dy, which is
// nothing after the first.
TEXT ·claimMaximumNEON(SB), NOSPLIT, $0-56
	MOVD  dx+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  dy+16(FP), R2
	MOVD  rows+24(FP), R3
	MOVD  columns+32(FP), R4
	MOVD  rowStride+40(FP), R5
	MOVD  columnStride+48(FP), R6
	FLDPQ (R1), (F0, F1)
	FLDPQ (R2), (F2, F3)
	MOVD  R1, R7
	MOVD  R3, R8

row:
	MOVD R7, R9
	MOVD R4, R10

column:
	FLDPQ (R9), (F4, F5)
	ADD   R6, R9
	VFMAX_S4(4, 0, 0)
	VFMAX_S4(5, 1, 1)
	SUBS  $1, R10
	BNE   column
	ADD   R5, R7
	SUBS  $1, R8
	BNE   row

claimrow:
	MOVD R1, R9
	MOVD R0, R11
	MOVD R4, R10

claim:
	FLDPQ (R9), (F4, F5)
	FLDPQ (R11), (F6, F7)
	CLAIM(4, 0, 2, 6)
	CLAIM(5, 1, 3, 7)
	FSTPQ (F6, F7), (R11)
	ADD   R6, R9
	ADD   R6, R11
	SUBS  $1, R10
	BNE   claim
	ADD   R5, R1
	ADD   R5, R0
	SUBS  $1, R3
	BNE   claimrow
	RET
