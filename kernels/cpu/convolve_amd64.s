#include "textflag.h"

// func overlapAddAVX2(to, from, offsets unsafe.Pointer, sources int, bias unsafe.Pointer, n, stride, step, width int)
TEXT ·overlapAddAVX2(SB), NOSPLIT, $0-72
	MOVQ    to+0(FP), DI
	MOVQ    from+8(FP), SI
	MOVQ    offsets+16(FP), BX
	MOVQ    sources+24(FP), DX
	MOVQ    bias+32(FP), R8
	MOVQ    n+40(FP), CX
	MOVQ    stride+48(FP), R9
	MOVQ    step+56(FP), R10
	VMOVUPS (R8), Y14
	VMOVUPS 32(R8), Y15
	CMPQ    width+64(FP), $8
	JGT     wide

narrow:
	VMOVAPS Y14, Y0
	XORQ    AX, AX
	TESTQ   DX, DX
	JZ      narrowdone

narrowsource:
	MOVQ   (BX)(AX*8), R11
	VADDPS (SI)(R11*1), Y0, Y0
	INCQ   AX
	CMPQ   AX, DX
	JLT    narrowsource

narrowdone:
	VMOVUPS Y0, (DI)
	ADDQ    R9, SI
	ADDQ    R10, DI
	DECQ    CX
	JNZ     narrow
	VZEROUPPER
	RET

wide:
	VMOVAPS Y14, Y0
	VMOVAPS Y15, Y1
	XORQ    AX, AX
	TESTQ   DX, DX
	JZ      widedone

widesource:
	MOVQ   (BX)(AX*8), R11
	VADDPS (SI)(R11*1), Y0, Y0
	VADDPS 32(SI)(R11*1), Y1, Y1
	INCQ   AX
	CMPQ   AX, DX
	JLT    widesource

widedone:
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ    R9, SI
	ADDQ    R10, DI
	DECQ    CX
	JNZ     wide
	VZEROUPPER
	RET
