#include "textflag.h"

// func claimMaximumAVX2(dx, x, dy unsafe.Pointer, rows, columns, rowStride, columnStride int)
// Eight channels: first their maxima over the window, NaN where there is one;
// then each element that is the maximum takes what is left of dy, which is
// nothing after the first.
TEXT ·claimMaximumAVX2(SB), NOSPLIT, $0-56
	MOVQ    dx+0(FP), DI
	MOVQ    x+8(FP), SI
	MOVQ    dy+16(FP), DX
	MOVQ    rows+24(FP), R8
	MOVQ    columns+32(FP), R9
	MOVQ    rowStride+40(FP), R10
	MOVQ    columnStride+48(FP), R11
	VMOVUPS (DX), Y2
	VMOVUPS (SI), Y0
	MOVQ    R8, AX
	MOVQ    SI, BX

row:
	MOVQ BX, R12
	MOVQ R9, CX

column:
	VMOVUPS   (R12), Y1
	VMAXPS    Y0, Y1, Y3
	VCMPPS    $3, Y1, Y1, Y4
	VBLENDVPS Y4, Y1, Y3, Y0
	ADDQ      R11, R12
	DECQ      CX
	JNZ       column
	ADDQ      R10, BX
	DECQ      AX
	JNZ       row

claimrow:
	MOVQ SI, R12
	MOVQ DI, R13
	MOVQ R9, CX

claim:
	VMOVUPS (R12), Y1
	VCMPPS  $0, Y0, Y1, Y3
	VCMPPS  $3, Y1, Y1, Y4
	VORPS   Y4, Y3, Y3
	VANDPS  Y2, Y3, Y4
	VANDNPS Y2, Y3, Y2
	VADDPS  (R13), Y4, Y4
	VMOVUPS Y4, (R13)
	ADDQ    R11, R12
	ADDQ    R11, R13
	DECQ    CX
	JNZ     claim
	ADDQ    R10, SI
	ADDQ    R10, DI
	DECQ    R8
	JNZ     claimrow
	VZEROUPPER
	RET
