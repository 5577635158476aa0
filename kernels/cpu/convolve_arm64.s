#include "textflag.h"
#include "neon_arm64.h"

// func overlapAddNEON(to, from, offsets unsafe.Pointer, sources int, bias unsafe.Pointer, n, stride, step, width int)
TEXT ·overlapAddNEON(SB), NOSPLIT, $0-72
	MOVD to+0(FP), R0
	MOVD from+8(FP), R1
	MOVD bias+32(FP), R4
	MOVD n+40(FP), R5
	MOVD stride+48(FP), R6
	MOVD step+56(FP), R7
	MOVD width+64(FP), R8
	VLD1 (R4), [V16.S4, V17.S4, V18.S4, V19.S4]

block:
	MOVD offsets+16(FP), R2
	MOVD sources+24(FP), R3
	VMOV V16.B16, V0.B16
	VMOV V17.B16, V1.B16
	CMP  $8, R8
	BGT  wide
	CBZ  R3, narrowdone

narrowsource:
	MOVD.P 8(R2), R9
	ADD    R1, R9
	FLDPQ  (R9), (F4, F5)
	VFADD_S4(4, 0, 0)
	VFADD_S4(5, 1, 1)
	SUBS   $1, R3
	BNE    narrowsource

narrowdone:
	FSTPQ (F0, F1), (R0)
	B     next

wide:
	VMOV V18.B16, V2.B16
	VMOV V19.B16, V3.B16
	CBZ  R3, widedone

widesource:
	MOVD.P 8(R2), R9
	ADD    R1, R9
	VLD1   (R9), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFADD_S4(4, 0, 0)
	VFADD_S4(5, 1, 1)
	VFADD_S4(6, 2, 2)
	VFADD_S4(7, 3, 3)
	SUBS   $1, R3
	BNE    widesource

widedone:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)

next:
	ADD  R6, R1
	ADD  R7, R0
	SUBS $1, R5
	BNE  block
	RET
