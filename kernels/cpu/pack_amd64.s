#include "textflag.h"

#define TO(j, low) \
	MOVLQSX (4*j)(BX), CX    \
	VMOVUPS low, (DI)(CX*1)

// func transposeEightAVX2(dst, offsets, src unsafe.Pointer, stride, n int)
// Blocks of 8x8: pairs of rows are interleaved, then pairs of pairs, and last
// the halves exchanged.
TEXT ·transposeEightAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ offsets+8(FP), BX
	MOVQ src+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ n+32(FP), DX
	LEAQ (R8)(R8*2), R9
	LEAQ (SI)(R8*4), R10

block:
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R8*1), Y1
	VMOVUPS (SI)(R8*2), Y2
	VMOVUPS (SI)(R9*1), Y3
	VMOVUPS (R10), Y4
	VMOVUPS (R10)(R8*1), Y5
	VMOVUPS (R10)(R8*2), Y6
	VMOVUPS (R10)(R9*1), Y7

	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15

	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPD Y14, Y12, Y4
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7

	VPERM2F128 $0x20, Y4, Y0, Y8
	VPERM2F128 $0x20, Y5, Y1, Y9
	VPERM2F128 $0x20, Y6, Y2, Y10
	VPERM2F128 $0x20, Y7, Y3, Y11
	VPERM2F128 $0x31, Y4, Y0, Y12
	VPERM2F128 $0x31, Y5, Y1, Y13
	VPERM2F128 $0x31, Y6, Y2, Y14
	VPERM2F128 $0x31, Y7, Y3, Y15

	TO(0, Y8)
	TO(1, Y9)
	TO(2, Y10)
	TO(3, Y11)
	TO(4, Y12)
	TO(5, Y13)
	TO(6, Y14)
	TO(7, Y15)
	ADDQ $32, SI
	ADDQ $32, R10
	ADDQ $32, BX
	SUBQ $8, DX
	JNZ  block
	VZEROUPPER
	RET

// func packStridedAVX2(to, from unsafe.Pointer, stride, n, width int)
TEXT ·packStridedAVX2(SB), NOSPLIT, $0-40
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ width+32(FP), DX
	CMPQ DX, $6
	JEQ  six
	JG   sixteen

four:
	VMOVUPS (SI), X0
	VMOVUPS X0, (DI)
	ADDQ    R8, SI
	ADDQ    $16, DI
	DECQ    CX
	JNZ     four
	RET

six:
	VMOVUPS (SI), X0
	VMOVSD  16(SI), X1
	VMOVUPS X0, (DI)
	VMOVSD  X1, 16(DI)
	ADDQ    R8, SI
	ADDQ    $24, DI
	DECQ    CX
	JNZ     six
	RET

sixteen:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ    R8, SI
	ADDQ    $64, DI
	DECQ    CX
	JNZ     sixteen
	VZEROUPPER
	RET

// func packPatchesAVX2(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int)
// Sixteen floats are copied for every run; the next run, or the next pixel,
// writes over what is too much.
TEXT ·packPatchesAVX2(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ base+8(FP), SI
	MOVQ src+16(FP), BX
	MOVQ pixels+24(FP), CX
	MOVQ runs+32(FP), R8
	MOVQ count+40(FP), R9

pixel:
	MOVLQSX (BX), DX
	ADDQ    SI, DX
	MOVQ    R8, R10
	MOVQ    R9, R11

run:
	MOVQ    0(R10), R12
	MOVQ    8(R10), R13
	VMOVUPS (DX)(R12*1), Y0
	VMOVUPS 32(DX)(R12*1), Y1
	VMOVUPS Y0, (DI)(R13*1)
	VMOVUPS Y1, 32(DI)(R13*1)
	ADDQ    $24, R10
	DECQ    R11
	JNZ     run
	ADDQ    $4, BX
	ADDQ    $64, DI
	DECQ    CX
	JNZ     pixel
	VZEROUPPER
	RET

// func fetchAVX2(from unsafe.Pointer, lines int)
TEXT ·fetchAVX2(SB), NOSPLIT, $0-16
	MOVQ  from+0(FP), SI
	MOVQ  lines+8(FP), CX
	TESTQ CX, CX
	JLE   fetched

line:
	PREFETCHT1 (SI)
	ADDQ       $64, SI
	DECQ       CX
	JNZ        line

fetched:
	RET

// func packStridedAVX512(to, from unsafe.Pointer, stride, n, width int)
// Sixteen floats are written for every run but the last; the next one writes
// over what is too much.
TEXT ·packStridedAVX512(SB), NOSPLIT, $0-40
	MOVQ  to+0(FP), DI
	MOVQ  from+8(FP), SI
	MOVQ  stride+16(FP), R8
	MOVQ  n+24(FP), BX
	MOVQ  width+32(FP), CX
	MOVL  $1, DX
	SHLL  CX, DX
	DECL  DX
	KMOVW DX, K1
	SHLQ  $2, CX
	DECQ  BX
	JEQ   last

run:
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS   Z0, (DI)
	ADDQ      R8, SI
	ADDQ      CX, DI
	DECQ      BX
	JNZ       run

last:
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS   Z0, K1, (DI)
	VZEROUPPER
	RET
