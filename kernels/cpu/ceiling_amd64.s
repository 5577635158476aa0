#include "textflag.h"

// Multiply-adds on registers alone: twelve sums that wait for nothing but
// their own last step, two steps of each a turn.
#define TURN(a, b, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11) \
	VFMADD231PS a, b, s0  \
	VFMADD231PS a, b, s1  \
	VFMADD231PS a, b, s2  \
	VFMADD231PS a, b, s3  \
	VFMADD231PS a, b, s4  \
	VFMADD231PS a, b, s5  \
	VFMADD231PS a, b, s6  \
	VFMADD231PS a, b, s7  \
	VFMADD231PS a, b, s8  \
	VFMADD231PS a, b, s9  \
	VFMADD231PS a, b, s10 \
	VFMADD231PS a, b, s11

// func fuseAVX2(turns int)
TEXT ·fuseAVX2(SB), NOSPLIT, $0-8
	MOVQ turns+0(FP), CX
	VZEROALL
	PCALIGN $32

turn:
	TURN(Y12, Y13, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11)
	TURN(Y12, Y13, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11)
	DECQ CX
	JNZ  turn
	VZEROUPPER
	RET

// func fuseAVX512(turns int)
TEXT ·fuseAVX512(SB), NOSPLIT, $0-8
	MOVQ turns+0(FP), CX
	VZEROALL
	PCALIGN $32

turn:
	TURN(Z12, Z13, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11)
	TURN(Z12, Z13, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11)
	DECQ CX
	JNZ  turn
	VZEROUPPER
	RET
