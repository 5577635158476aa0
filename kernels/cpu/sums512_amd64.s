#include "textflag.h"

// Sums over columns as in vector_amd64.s, of thirty-two at once: the four vectors of
// float64, in Z0 to Z3, hide the latency of an addition.

#define WIDESUMS \
	MOVQ    sums+0(FP), DI \
	VMOVUPD (DI), Z0       \
	VMOVUPD 64(DI), Z1     \
	VMOVUPD 128(DI), Z2    \
	VMOVUPD 192(DI), Z3

#define WIDESUMSDONE \
	VMOVUPD Z0, (DI)    \
	VMOVUPD Z1, 64(DI)  \
	VMOVUPD Z2, 128(DI) \
	VMOVUPD Z3, 192(DI) \
	VZEROUPPER          \
	RET

// Thirty-two columns of a row, in Z4 to Z7.
#define WIDEROW \
	VCVTPS2PD (SI), Z4   \
	VCVTPS2PD 32(SI), Z5 \
	VCVTPS2PD 64(SI), Z6 \
	VCVTPS2PD 96(SI), Z7

// func sumWideAVX512(sums *float64, x *float32, rows, stride int)
TEXT ·sumWideAVX512(SB), NOSPLIT, $0-32
	MOVQ x+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ stride+24(FP), R8
	WIDESUMS

row:
	WIDEROW
	VADDPD Z4, Z0, Z0
	VADDPD Z5, Z1, Z1
	VADDPD Z6, Z2, Z2
	VADDPD Z7, Z3, Z3
	ADDQ   R8, SI
	DECQ   CX
	JNZ    row
	WIDESUMSDONE

// func squareWideAVX512(sums, means *float64, x *float32, rows, stride int)
TEXT ·squareWideAVX512(SB), NOSPLIT, $0-40
	MOVQ means+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ rows+24(FP), CX
	MOVQ stride+32(FP), R8
	VMOVUPD (DX), Z12
	VMOVUPD 64(DX), Z13
	VMOVUPD 128(DX), Z14
	VMOVUPD 192(DX), Z15
	WIDESUMS

row:
	WIDEROW
	VSUBPD      Z12, Z4, Z4
	VSUBPD      Z13, Z5, Z5
	VSUBPD      Z14, Z6, Z6
	VSUBPD      Z15, Z7, Z7
	VFMADD231PD Z4, Z4, Z0
	VFMADD231PD Z5, Z5, Z1
	VFMADD231PD Z6, Z6, Z2
	VFMADD231PD Z7, Z7, Z3
	ADDQ        R8, SI
	DECQ        CX
	JNZ         row
	WIDESUMSDONE

// One vector of products dy·(x − mean), rounded to float32.
#define WIDEPRODUCT(offset, mean, y, z, sum) \
	VMOVUPS   offset(SI), y    \
	VSUBPS    mean, y, y       \
	VMULPS    offset(DX), y, y \
	VCVTPS2PD y, z             \
	VADDPD    z, sum, sum

// func productWideAVX512(sums *float64, dy, x, means *float32, rows, stride int)
TEXT ·productWideAVX512(SB), NOSPLIT, $0-48
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ means+24(FP), R9
	MOVQ rows+32(FP), CX
	MOVQ stride+40(FP), R8
	VMOVUPS (R9), Y12
	VMOVUPS 32(R9), Y13
	VMOVUPS 64(R9), Y14
	VMOVUPS 96(R9), Y15
	WIDESUMS

row:
	WIDEPRODUCT(0, Y12, Y4, Z4, Z0)
	WIDEPRODUCT(32, Y13, Y5, Z5, Z1)
	WIDEPRODUCT(64, Y14, Y6, Z6, Z2)
	WIDEPRODUCT(96, Y15, Y7, Z7, Z3)
	ADDQ R8, SI
	ADDQ R8, DX
	DECQ CX
	JNZ  row
	WIDESUMSDONE
