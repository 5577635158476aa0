#include "textflag.h"

// Gradients behind a normalisation and an activation that is z for z > 0 and alpha·z
// elsewhere; see normalise_slope.go.

// 0 in Y15, and in Y13 ones where alpha, in Y14, is not 0.
#define BELOW \
	VXORPS Y15, Y15, Y15    \
	VCMPPS $4, Y15, Y14, Y13

// d = dy where z is above 0, else alpha·dy; z is lost.
#define BEND(z, dy, d) \
	VMULPS    dy, Y14, d     \
	VANDPS    Y13, d, d      \
	VCMPPS    $14, Y15, z, z \
	VBLENDVPS z, dy, d, d

// Adds the eight floats v to low and high of float64; v, w and its lower half are lost.
#define ADDWIDENED(v, half, w, whalf, low, high) \
	VEXTRACTF128 $1, v, whalf \
	VCVTPS2PD    half, v      \
	VCVTPS2PD    whalf, w     \
	VADDPD       v, low, low  \
	VADDPD       w, high, high

// func slopeSumsEightAVX2(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)
TEXT ·slopeSumsEightAVX2(SB), NOSPLIT, $0-80
	MOVQ    sums+0(FP), DI
	MOVQ    products+8(FP), BX
	MOVQ    dy+16(FP), DX
	MOVQ    x+24(FP), SI
	MOVQ    means+32(FP), R9
	MOVQ    factors+40(FP), R10
	MOVQ    shifts+48(FP), R11
	MOVQ    rows+64(FP), CX
	MOVQ    stride+72(FP), R8
	VBROADCASTSS alpha+56(FP), Y14
	BELOW
	VMOVUPS (R9), Y12
	VMOVUPS (R10), Y11
	VMOVUPS (R11), Y10
	VMOVUPD (DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD (BX), Y2
	VMOVUPD 32(BX), Y3

row:
	VMOVUPS     (SI), Y4
	VSUBPS      Y12, Y4, Y4    // x − mean
	VMOVAPS     Y4, Y5
	VFMADD213PS Y10, Y11, Y5   // z
	VMOVUPS     (DX), Y6
	BEND(Y5, Y6, Y7)
	VMULPS      Y7, Y4, Y4
	ADDWIDENED(Y7, X7, Y8, X8, Y0, Y1)
	ADDWIDENED(Y4, X4, Y9, X9, Y2, Y3)
	ADDQ        R8, SI
	ADDQ        R8, DX
	DECQ        CX
	JNZ         row
	VMOVUPD     Y0, (DI)
	VMOVUPD     Y1, 32(DI)
	VMOVUPD     Y2, (BX)
	VMOVUPD     Y3, 32(BX)
	VZEROUPPER
	RET

// func slopeGradientEightsAVX2(dx, dy, x, means, factors, shifts, b, c *float32, alpha float32, rows, n int)
// dx = factor·d + b·(x − mean) + c for rows of n floats, n a multiple of 8.
TEXT ·slopeGradientEightsAVX2(SB), NOSPLIT, $0-88
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), SI
	MOVQ x+16(FP), BX
	MOVQ means+24(FP), R8
	MOVQ factors+32(FP), R9
	MOVQ shifts+40(FP), R10
	MOVQ b+48(FP), R11
	MOVQ c+56(FP), R12
	MOVQ rows+72(FP), CX
	MOVQ n+80(FP), DX
	VBROADCASTSS alpha+64(FP), Y14
	BELOW

row:
	XORQ AX, AX

column:
	VMOVUPS     (BX)(AX*4), Y0
	VSUBPS      (R8)(AX*4), Y0, Y0
	VMOVUPS     (R9)(AX*4), Y1
	VMOVAPS     Y0, Y2
	VFMADD213PS (R10)(AX*4), Y1, Y2 // z
	VMOVUPS     (SI)(AX*4), Y3
	BEND(Y2, Y3, Y4)
	VMULPS      (R11)(AX*4), Y0, Y0
	VADDPS      (R12)(AX*4), Y0, Y0
	VFMADD231PS Y1, Y4, Y0
	VMOVUPS     Y0, (DI)(AX*4)
	ADDQ        $8, AX
	CMPQ        AX, DX
	JLT         column
	LEAQ        (SI)(DX*4), SI
	LEAQ        (DI)(DX*4), DI
	LEAQ        (BX)(DX*4), BX
	DECQ        CX
	JNZ         row
	VZEROUPPER
	RET

// Sixteen floats of a row: d goes to R12, d·(x − mean) 128 bytes behind it, from
// where they are read widened.
#define WIDEBEND(offset, mean, factor, shift, v, z, dy, d) \
	VMOVUPS     offset(SI), v     \
	VSUBPS      mean, v, v        \
	VMOVAPS     v, z              \
	VFMADD213PS shift, factor, z  \
	VMOVUPS     offset(DX), dy    \
	VMULPS.Z    dy, Z22, K1, d    \
	VCMPPS      $14, Z23, z, K2   \
	VMOVAPS     dy, K2, d         \
	VMULPS      d, v, v           \
	VMOVUPS     d, offset(R12) \
	VMOVUPS     v, 128+offset(R12)

// func slopeSumsWideAVX512(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)
// is slopeSumsEight of thirty-two columns.
TEXT ·slopeSumsWideAVX512(SB), NOSPLIT, $320-80
	MOVQ         sums+0(FP), DI
	MOVQ         products+8(FP), BX
	MOVQ         dy+16(FP), DX
	MOVQ         x+24(FP), SI
	MOVQ         means+32(FP), R9
	MOVQ         factors+40(FP), R10
	MOVQ         shifts+48(FP), R11
	MOVQ         rows+64(FP), CX
	MOVQ         stride+72(FP), R8
	VBROADCASTSS alpha+56(FP), Z22
	VPXORQ       Z23, Z23, Z23
	VCMPPS       $4, Z23, Z22, K1
	LEAQ         line-257(SP), R12
	ANDQ         $~63, R12        // 256 bytes of whole cache lines
	VMOVUPS      (R9), Z16
	VMOVUPS      64(R9), Z17
	VMOVUPS      (R10), Z18
	VMOVUPS      64(R10), Z19
	VMOVUPS      (R11), Z20
	VMOVUPS      64(R11), Z21
	VMOVUPD      (DI), Z0
	VMOVUPD      64(DI), Z1
	VMOVUPD      128(DI), Z2
	VMOVUPD      192(DI), Z3
	VMOVUPD      (BX), Z4
	VMOVUPD      64(BX), Z5
	VMOVUPD      128(BX), Z6
	VMOVUPD      192(BX), Z7

row:
	WIDEBEND(0, Z16, Z18, Z20, Z8, Z9, Z10, Z11)
	WIDEBEND(64, Z17, Z19, Z21, Z12, Z13, Z14, Z15)
	VCVTPS2PD (R12), Z24
	VCVTPS2PD 32(R12), Z25
	VCVTPS2PD 64(R12), Z26
	VCVTPS2PD 96(R12), Z27
	VCVTPS2PD 128(R12), Z28
	VCVTPS2PD 160(R12), Z29
	VCVTPS2PD 192(R12), Z30
	VCVTPS2PD 224(R12), Z31
	VADDPD    Z24, Z0, Z0
	VADDPD    Z25, Z1, Z1
	VADDPD    Z26, Z2, Z2
	VADDPD    Z27, Z3, Z3
	VADDPD    Z28, Z4, Z4
	VADDPD    Z29, Z5, Z5
	VADDPD    Z30, Z6, Z6
	VADDPD    Z31, Z7, Z7
	ADDQ      R8, SI
	ADDQ      R8, DX
	DECQ      CX
	JNZ       row
	VMOVUPD   Z0, (DI)
	VMOVUPD   Z1, 64(DI)
	VMOVUPD   Z2, 128(DI)
	VMOVUPD   Z3, 192(DI)
	VMOVUPD   Z4, (BX)
	VMOVUPD   Z5, 64(BX)
	VMOVUPD   Z6, 128(BX)
	VMOVUPD   Z7, 192(BX)
	VZEROUPPER
	RET
