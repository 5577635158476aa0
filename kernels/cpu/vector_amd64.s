#include "textflag.h"

// Loops over slices: 32 floats a turn, then 8, then single ones.

#define BINARY(OP, OPS) \
	MOVQ y_base+0(FP), DI    \
	MOVQ y_len+8(FP), CX     \
	MOVQ a_base+24(FP), SI   \
	MOVQ b_base+48(FP), DX   \
	XORQ AX, AX              \
	SUBQ $32, CX             \
	JLT  eights              \
turn:                        \
	VMOVUPS (SI)(AX*4), Y0   \
	VMOVUPS 32(SI)(AX*4), Y1 \
	VMOVUPS 64(SI)(AX*4), Y2 \
	VMOVUPS 96(SI)(AX*4), Y3 \
	VMOVUPS (DX)(AX*4), Y4   \
	VMOVUPS 32(DX)(AX*4), Y5 \
	VMOVUPS 64(DX)(AX*4), Y6 \
	VMOVUPS 96(DX)(AX*4), Y7 \
	OP(Y4, Y0)               \
	OP(Y5, Y1)               \
	OP(Y6, Y2)               \
	OP(Y7, Y3)               \
	VMOVUPS Y0, (DI)(AX*4)   \
	VMOVUPS Y1, 32(DI)(AX*4) \
	VMOVUPS Y2, 64(DI)(AX*4) \
	VMOVUPS Y3, 96(DI)(AX*4) \
	ADDQ $32, AX             \
	SUBQ $32, CX             \
	JGE  turn                \
eights:                      \
	ADDQ $24, CX             \
	JLT  rest                \
eight:                       \
	VMOVUPS (SI)(AX*4), Y0   \
	VMOVUPS (DX)(AX*4), Y4   \
	OP(Y4, Y0)               \
	VMOVUPS Y0, (DI)(AX*4)   \
	ADDQ $8, AX              \
	SUBQ $8, CX              \
	JGE  eight               \
rest:                        \
	ADDQ $8, CX              \
	JZ   done                \
single:                      \
	VMOVSS (SI)(AX*4), X0    \
	VMOVSS (DX)(AX*4), X4    \
	OPS(X4, X0)              \
	VMOVSS X0, (DI)(AX*4)    \
	INCQ AX                  \
	DECQ CX                  \
	JNZ  single              \
done:                        \
	VZEROUPPER               \
	RET

// One operand and constants in Y14, Y15.
#define UNARY(OP, OPS) \
	MOVQ y_base+0(FP), DI    \
	MOVQ y_len+8(FP), CX     \
	MOVQ x_base+24(FP), SI   \
	XORQ AX, AX              \
	SUBQ $32, CX             \
	JLT  eights              \
turn:                        \
	VMOVUPS (SI)(AX*4), Y0   \
	VMOVUPS 32(SI)(AX*4), Y1 \
	VMOVUPS 64(SI)(AX*4), Y2 \
	VMOVUPS 96(SI)(AX*4), Y3 \
	OP(0, Y0)                \
	OP(32, Y1)               \
	OP(64, Y2)               \
	OP(96, Y3)               \
	VMOVUPS Y0, (DI)(AX*4)   \
	VMOVUPS Y1, 32(DI)(AX*4) \
	VMOVUPS Y2, 64(DI)(AX*4) \
	VMOVUPS Y3, 96(DI)(AX*4) \
	ADDQ $32, AX             \
	SUBQ $32, CX             \
	JGE  turn                \
eights:                      \
	ADDQ $24, CX             \
	JLT  rest                \
eight:                       \
	VMOVUPS (SI)(AX*4), Y0   \
	OP(0, Y0)                \
	VMOVUPS Y0, (DI)(AX*4)   \
	ADDQ $8, AX              \
	SUBQ $8, CX              \
	JGE  eight               \
rest:                        \
	ADDQ $8, CX              \
	JZ   done                \
single:                      \
	VMOVSS (SI)(AX*4), X0    \
	OPS(0, X0)               \
	VMOVSS X0, (DI)(AX*4)    \
	INCQ AX                  \
	DECQ CX                  \
	JNZ  single              \
done:                        \
	VZEROUPPER               \
	RET

// Sums over columns: eight columns of float64 in Y0 and Y1.

#define SUMS \
	MOVQ    sums+0(FP), DI \
	VMOVUPD (DI), Y0       \
	VMOVUPD 32(DI), Y1

#define SUMSDONE \
	VMOVUPD Y0, (DI)   \
	VMOVUPD Y1, 32(DI) \
	VZEROUPPER         \
	RET

#define ADD(b, a) VADDPS b, a, a
#define ADDS(b, a) VADDSS b, a, a
#define SUBTRACT(b, a) VSUBPS b, a, a
#define SUBTRACTS(b, a) VSUBSS b, a, a
#define DIVIDE(b, a) VDIVPS b, a, a
#define DIVIDES(b, a) VDIVSS b, a, a
#define TIMES(b, a) VMULPS b, a, a
#define TIMESS(b, a) VMULSS b, a, a

// VMAXPS returns its second source where either is NaN: it is taken with a
// second, then with b second where a is no NaN.
#define MAXIMUM(b, a) \
	VMAXPS    a, b, Y8      \
	VCMPPS    $3, b, b, Y9  \
	VBLENDVPS Y9, b, Y8, a

#define MAXIMUMS(b, a) \
	VMAXSS    a, b, X8      \
	VCMPSS    $3, b, b, X9  \
	VBLENDVPS X9, b, X8, a

// 0 where y <= 0, else dy: y in a, dy in b.
#define GATE(b, a) \
	VCMPPS  $2, Y15, a, a \
	VANDNPS b, a, a

#define GATES(b, a) \
	VCMPSS  $2, X15, a, a \
	VANDNPS b, a, a

// func addAVX2(y, a, b []float32)
TEXT ·addAVX2(SB), NOSPLIT, $0-72
	BINARY(ADD, ADDS)

// func subtractAVX2(y, a, b []float32)
TEXT ·subtractAVX2(SB), NOSPLIT, $0-72
	BINARY(SUBTRACT, SUBTRACTS)

// func divideAVX2(y, a, b []float32)
TEXT ·divideAVX2(SB), NOSPLIT, $0-72
	BINARY(DIVIDE, DIVIDES)

// func timesAVX2(y, a, b []float32)
TEXT ·timesAVX2(SB), NOSPLIT, $0-72
	BINARY(TIMES, TIMESS)

// func maximumAVX2(y, a, b []float32)
TEXT ·maximumAVX2(SB), NOSPLIT, $0-72
	BINARY(MAXIMUM, MAXIMUMS)

// func rectifyGradientAVX2(y, a, b []float32)
TEXT ·rectifyGradientAVX2(SB), NOSPLIT, $0-72
	VXORPS Y15, Y15, Y15
	BINARY(GATE, GATES)

#define AFFINE(offset, x) VFMADD213PS Y15, Y14, x
#define AFFINES(offset, x) VFMADD213SS X15, X14, x
#define SCALEADD(offset, x) VFMADD213PS offset(DI)(AX*4), Y14, x
#define SCALEADDS(offset, x) VFMADD213SS offset(DI)(AX*4), X14, x
#define RECTIFY(offset, x) VMAXPS x, Y15, x
#define RECTIFYS(offset, x) VMAXSS x, X15, x

// func affineAVX2(y, x []float32, scale, shift float32)
TEXT ·affineAVX2(SB), NOSPLIT, $0-56
	VBROADCASTSS scale+48(FP), Y14
	VBROADCASTSS shift+52(FP), Y15
	UNARY(AFFINE, AFFINES)

// func scaleAddAVX2(y, x []float32, scale float32)
TEXT ·scaleAddAVX2(SB), NOSPLIT, $0-52
	VBROADCASTSS scale+48(FP), Y14
	UNARY(SCALEADD, SCALEADDS)

// func rectifyAVX2(y, x []float32)
TEXT ·rectifyAVX2(SB), NOSPLIT, $0-48
	VXORPS Y15, Y15, Y15
	UNARY(RECTIFY, RECTIFYS)

// func adamEightsAVX2(p, grads, m, v *float32, n int, k *coefficients)
// n is a multiple of 8. The field decoupled of k is subtracted from p as
// decoupled·p, decay added to the gradient as decay·p.
TEXT ·adamEightsAVX2(SB), NOSPLIT, $0-48
	MOVQ p+0(FP), DI
	MOVQ grads+8(FP), SI
	MOVQ m+16(FP), R8
	MOVQ v+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ k+40(FP), DX
	VBROADCASTSS 0(DX), Y15  // clip
	VBROADCASTSS 4(DX), Y14  // decay
	VBROADCASTSS 8(DX), Y13  // decoupled
	VBROADCASTSS 12(DX), Y12 // keep1
	VBROADCASTSS 16(DX), Y11 // keep2
	VBROADCASTSS 20(DX), Y10 // take1
	VBROADCASTSS 24(DX), Y9  // take2
	VBROADCASTSS 28(DX), Y8  // rate1
	VBROADCASTSS 32(DX), Y7  // root2
	VBROADCASTSS 36(DX), Y6  // epsilon
	XORQ AX, AX

parameters:
	VMOVUPS     (DI)(AX*4), Y0
	VMULPS      (SI)(AX*4), Y15, Y1
	VFMADD231PS Y14, Y0, Y1             // d = clip·g + decay·p
	VMULPS      (R8)(AX*4), Y12, Y2
	VFMADD231PS Y10, Y1, Y2             // m = keep1·m + take1·d
	VMOVUPS     Y2, (R8)(AX*4)
	VMULPS      (R9)(AX*4), Y11, Y3
	VMULPS      Y1, Y9, Y4
	VFMADD231PS Y4, Y1, Y3              // v = keep2·v + take2·d²
	VMOVUPS     Y3, (R9)(AX*4)
	VSQRTPS     Y3, Y3
	VFMADD213PS Y6, Y7, Y3              // root2·√v + epsilon
	VMULPS      Y2, Y8, Y2
	VDIVPS      Y3, Y2, Y2
	VFMADD231PS Y13, Y0, Y2
	VSUBPS      Y2, Y0, Y0              // p −= rate1·m/(…) + decoupled·p
	VMOVUPS     Y0, (DI)(AX*4)
	ADDQ        $8, AX
	CMPQ        AX, CX
	JLT         parameters
	VZEROUPPER
	RET

// func sumEightAVX2(sums *float64, x *float32, rows, stride int)
TEXT ·sumEightAVX2(SB), NOSPLIT, $0-32
	MOVQ x+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ stride+24(FP), R8
	SUMS

row:
	VCVTPS2PD (SI), Y2
	VCVTPS2PD 16(SI), Y3
	VADDPD    Y2, Y0, Y0
	VADDPD    Y3, Y1, Y1
	ADDQ      R8, SI
	DECQ      CX
	JNZ       row
	SUMSDONE

// func squareEightAVX2(sums, means *float64, x *float32, rows, stride int)
TEXT ·squareEightAVX2(SB), NOSPLIT, $0-40
	MOVQ means+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ rows+24(FP), CX
	MOVQ stride+32(FP), R8
	VMOVUPD (DX), Y14
	VMOVUPD 32(DX), Y15
	SUMS

row:
	VCVTPS2PD   (SI), Y2
	VCVTPS2PD   16(SI), Y3
	VSUBPD      Y14, Y2, Y2
	VSUBPD      Y15, Y3, Y3
	VFMADD231PD Y2, Y2, Y0
	VFMADD231PD Y3, Y3, Y1
	ADDQ        R8, SI
	DECQ        CX
	JNZ         row
	SUMSDONE

// func productEightAVX2(sums *float64, dy, x, means *float32, rows, stride int)
TEXT ·productEightAVX2(SB), NOSPLIT, $0-48
	MOVQ dy+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ means+24(FP), R9
	MOVQ rows+32(FP), CX
	MOVQ stride+40(FP), R8
	VMOVUPS (R9), Y15
	SUMS

row:
	VMOVUPS      (SI), Y2
	VSUBPS       Y15, Y2, Y2
	VMULPS       (DX), Y2, Y2
	VEXTRACTF128 $1, Y2, X3
	VCVTPS2PD    X2, Y2
	VCVTPS2PD    X3, Y3
	VADDPD       Y2, Y0, Y0
	VADDPD       Y3, Y1, Y1
	ADDQ         R8, SI
	ADDQ         R8, DX
	DECQ         CX
	JNZ          row
	SUMSDONE

// func normaliseEightsAVX2(y, x, means, factors, shifts *float32, rows, c int)
// y = (x − mean)·factor + shift for rows of c floats, c a multiple of 8.
TEXT ·normaliseEightsAVX2(SB), NOSPLIT, $0-56
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ means+16(FP), R8
	MOVQ factors+24(FP), R9
	MOVQ shifts+32(FP), R10
	MOVQ rows+40(FP), CX
	MOVQ c+48(FP), DX

row:
	XORQ AX, AX

column:
	VMOVUPS     (SI)(AX*4), Y0
	VSUBPS      (R8)(AX*4), Y0, Y0
	VMOVUPS     (R9)(AX*4), Y1
	VFMADD213PS (R10)(AX*4), Y1, Y0
	VMOVUPS     Y0, (DI)(AX*4)
	ADDQ        $8, AX
	CMPQ        AX, DX
	JLT         column
	LEAQ        (SI)(DX*4), SI
	LEAQ        (DI)(DX*4), DI
	DECQ        CX
	JNZ         row
	VZEROUPPER
	RET

// func normaliseGradientEightsAVX2(dx, dy, x, means, a, b, c *float32, rows, n int)
// dx = a·dy + b·(x − mean) + c for rows of n floats, n a multiple of 8.
TEXT ·normaliseGradientEightsAVX2(SB), NOSPLIT, $0-72
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), SI
	MOVQ x+16(FP), BX
	MOVQ means+24(FP), R8
	MOVQ a+32(FP), R9
	MOVQ b+40(FP), R10
	MOVQ c+48(FP), R11
	MOVQ rows+56(FP), CX
	MOVQ n+64(FP), DX

row:
	XORQ AX, AX

column:
	VMOVUPS     (BX)(AX*4), Y0
	VSUBPS      (R8)(AX*4), Y0, Y0
	VMULPS      (R10)(AX*4), Y0, Y0
	VADDPS      (R11)(AX*4), Y0, Y0
	VMOVUPS     (SI)(AX*4), Y1
	VFMADD231PS (R9)(AX*4), Y1, Y0
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
