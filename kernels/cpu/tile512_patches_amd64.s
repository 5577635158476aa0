#include "textflag.h"

// Tiles of the weight gradient for AVX-512: up to twelve filters by one or two
// panels of sixteen columns, summed over pixels. A step multiplies the elements
// of one pixel of dy, which follow one another, by sixteen columns of its patch
// and, where there is a second panel, by sixteen more. Patches are found by a
// table, so that they may stand packed or in the image. Why two panels, see
// tile512_wide_amd64.s.
//
// Z0..Z11 are the sums of the first panel, Z12..Z23 those of the second, Z24 and
// Z25 the columns of a patch, Z26..Z31 elements of dy.

#define CLEARFOUR(a, b, c, d) \
	VPXORD a, a, a \
	VPXORD b, b, b \
	VPXORD c, c, c \
	VPXORD d, d, d

// The patch of step number i from the present one.
#define PATCH(i) \
	MOVLQSX (4*i)(BX), DX       \
	VMOVUPS (DI)(DX*1), Z24

#define PATCHES(i) \
	PATCH(i)                    \
	VMOVUPS (R8)(DX*1), Z25

// Elements of dy from offset(a) on, times one panel.
#define FOUR(offset, a, s0, s1, s2, s3) \
	VFMADD231PS.BCST (offset+0)a, Z24, s0  \
	VFMADD231PS.BCST (offset+4)a, Z24, s1  \
	VFMADD231PS.BCST (offset+8)a, Z24, s2  \
	VFMADD231PS.BCST (offset+12)a, Z24, s3

// The same times two.
#define BOTH(element, z, sum, second) \
	VBROADCASTSS element, z      \
	VFMADD231PS  Z24, z, sum     \
	VFMADD231PS  Z25, z, second

#define FOURBOTH(offset, a, z0, z1, z2, z3, s0, s1, s2, s3, t0, t1, t2, t3) \
	BOTH((offset+0)a, z0, s0, t0)  \
	BOTH((offset+4)a, z1, s1, t1)  \
	BOTH((offset+8)a, z2, s2, t2)  \
	BOTH((offset+12)a, z3, s3, t3)

// One step of 4, 8 and 12 rows. a is where the pixel's elements stand.
#define ONE4(i, a) \
	PATCH(i)                      \
	FOUR(0, a, Z0, Z1, Z2, Z3)

#define ONE8(i, a) \
	ONE4(i, a)                    \
	FOUR(16, a, Z4, Z5, Z6, Z7)

#define ONE12(i, a) \
	ONE8(i, a)                    \
	FOUR(32, a, Z8, Z9, Z10, Z11)

#define TWO4(i, a) \
	PATCHES(i)                                                                         \
	FOURBOTH(0, a, Z26, Z27, Z28, Z29, Z0, Z1, Z2, Z3, Z12, Z13, Z14, Z15)

#define TWO8(i, a) \
	TWO4(i, a)                                                                         \
	FOURBOTH(16, a, Z30, Z31, Z26, Z27, Z4, Z5, Z6, Z7, Z16, Z17, Z18, Z19)

#define TWO12(i, a) \
	TWO8(i, a)                                                                         \
	FOURBOTH(32, a, Z28, Z29, Z30, Z31, Z8, Z9, Z10, Z11, Z20, Z21, Z22, Z23)

// Four rows of c, R15 bytes apart: what is there is added last, so that the sum
// of a run of pixels is rounded apart from it. BP is three times R15.
#define ADDFOUR(c, a, b, d, e) \
	VADDPS (c), a, a         \
	VADDPS (c)(R15*1), b, b  \
	VADDPS (c)(R15*2), d, d  \
	VADDPS (c)(BP*1), e, e

#define STOREFOUR(c, a, b, d, e) \
	VMOVUPS a, (c)         \
	VMOVUPS b, (c)(R15*1)  \
	VMOVUPS d, (c)(R15*2)  \
	VMOVUPS e, (c)(BP*1)

// Steps of two panels whose elements of dy are found by a table too, in R9.
#define FOUND(i) MOVLQSX (4*i)(R9), R12

#define FOURFOUND(STEP) \
	FOUND(0)               \
	STEP(0, (SI)(R12*1))   \
	FOUND(1)               \
	STEP(1, (SI)(R12*1))   \
	FOUND(2)               \
	STEP(2, (SI)(R12*1))   \
	FOUND(3)               \
	STEP(3, (SI)(R12*1))   \
	PREFETCHT1 (R13)       \
	ADDQ R14, R13          \
	ADDQ $16, R9           \
	ADDQ $16, BX

#define ONEFOUND(STEP) \
	FOUND(0)               \
	STEP(0, (SI)(R12*1))   \
	ADDQ $4, R9            \
	ADDQ $4, BX

// Goes to the loop for such a table if there is one.
#define TABLE(found) \
	MOVQ panelTile_srcA(AX), DX  \
	TESTQ DX, DX                 \
	CMOVQNE DX, R9               \
	JNE  found

// Asks for four rows of c, which a step needs last.
#define FETCHFOUR(c) \
	PREFETCHT0 (c)         \
	PREFETCHT0 (c)(R15*1)  \
	PREFETCHT0 (c)(R15*2)  \
	PREFETCHT0 (c)(BP*1)

// Offsets of the fields of panelTile.
#define panelTile_a 0
#define panelTile_b 8
#define panelTile_c 16
#define panelTile_steps 24
#define panelTile_stride 32
#define panelTile_rows 40
#define panelTile_flags 48
#define panelTile_src 56
#define panelTile_strideA 64
#define panelTile_further 72
#define panelTile_furtherC 80
#define panelTile_panels 88
#define panelTile_ahead 96
#define panelTile_pace 104
#define panelTile_srcA 112

// func multiplyPatchesAVX512(t *panelTile)
TEXT ·multiplyPatchesAVX512(SB), NOSPLIT, $8-8
	MOVQ t+0(FP), AX
	MOVQ panelTile_a(AX), SI
	MOVQ panelTile_b(AX), DI
	MOVQ panelTile_c(AX), R10
	MOVQ panelTile_src(AX), BX
	MOVQ panelTile_steps(AX), CX
	MOVQ panelTile_strideA(AX), R9
	MOVQ panelTile_further(AX), R8
	ADDQ DI, R8
	MOVQ panelTile_furtherC(AX), R11
	ADDQ R10, R11
	LEAQ (R9)(R9*2), R12
	MOVQ panelTile_stride(AX), R15
	LEAQ (R15)(R15*2), BP
	CLEARFOUR(Z0, Z1, Z2, Z3)
	CLEARFOUR(Z4, Z5, Z6, Z7)
	CLEARFOUR(Z8, Z9, Z10, Z11)
	CLEARFOUR(Z12, Z13, Z14, Z15)
	CLEARFOUR(Z16, Z17, Z18, Z19)
	CLEARFOUR(Z20, Z21, Z22, Z23)
	MOVQ panelTile_ahead(AX), R13
	MOVQ panelTile_pace(AX), R14

	// Without anything to bring near the first element of dy stands for it.
	TESTQ   R14, R14
	CMOVQEQ SI, R13
	MOVQ panelTile_rows(AX), DX
	CMPQ panelTile_panels(AX), $2
	JEQ  two
	CMPQ DX, $8
	JLT  one4
	JEQ  one8
	JMP  one12

two:
	CMPQ DX, $8
	JLT  two4
	JEQ  two8
	JMP  two12

one4:
	FETCHFOUR(R10)
	SUBQ $4, CX
	JLT  restone4
	PCALIGN $64

loopone4:
	ONE4(0, (SI))
	ONE4(1, (SI)(R9*1))
	ONE4(2, (SI)(R9*2))
	ONE4(3, (SI)(R12*1))
	PREFETCHT1 (R13)
	ADDQ R14, R13
	LEAQ (SI)(R9*4), SI
	ADDQ $16, BX
	SUBQ $4, CX
	JGE  loopone4

restone4:
	ADDQ $4, CX
	JZ   storeone4

singleone4:
	ONE4(0, (SI))
	ADDQ R9, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  singleone4

storeone4:
	MOVQ R13, panelTile_ahead(AX)
	TESTQ $1, panelTile_flags(AX)
	JZ    keepone4
	ADDFOUR(R10, Z0, Z1, Z2, Z3)

keepone4:
	STOREFOUR(R10, Z0, Z1, Z2, Z3)
	VZEROUPPER
	RET

one8:
	FETCHFOUR(R10)
	LEAQ (R10)(R15*4), DX
	FETCHFOUR(DX)
	SUBQ $4, CX
	JLT  restone8
	PCALIGN $64

loopone8:
	ONE8(0, (SI))
	ONE8(1, (SI)(R9*1))
	ONE8(2, (SI)(R9*2))
	ONE8(3, (SI)(R12*1))
	PREFETCHT1 (R13)
	ADDQ R14, R13
	LEAQ (SI)(R9*4), SI
	ADDQ $16, BX
	SUBQ $4, CX
	JGE  loopone8

restone8:
	ADDQ $4, CX
	JZ   storeone8

singleone8:
	ONE8(0, (SI))
	ADDQ R9, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  singleone8

storeone8:
	MOVQ R13, panelTile_ahead(AX)
	LEAQ (R10)(R15*4), SI
	TESTQ $1, panelTile_flags(AX)
	JZ    keepone8
	ADDFOUR(R10, Z0, Z1, Z2, Z3)
	ADDFOUR(SI, Z4, Z5, Z6, Z7)

keepone8:
	STOREFOUR(R10, Z0, Z1, Z2, Z3)
	STOREFOUR(SI, Z4, Z5, Z6, Z7)
	VZEROUPPER
	RET

one12:
	FETCHFOUR(R10)
	LEAQ (R10)(R15*4), DX
	FETCHFOUR(DX)
	LEAQ (DX)(R15*4), DX
	FETCHFOUR(DX)
	SUBQ $4, CX
	JLT  restone12
	PCALIGN $64

loopone12:
	ONE12(0, (SI))
	ONE12(1, (SI)(R9*1))
	ONE12(2, (SI)(R9*2))
	ONE12(3, (SI)(R12*1))
	PREFETCHT1 (R13)
	ADDQ R14, R13
	LEAQ (SI)(R9*4), SI
	ADDQ $16, BX
	SUBQ $4, CX
	JGE  loopone12

restone12:
	ADDQ $4, CX
	JZ   storeone12

singleone12:
	ONE12(0, (SI))
	ADDQ R9, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  singleone12

storeone12:
	MOVQ R13, panelTile_ahead(AX)
	LEAQ (R10)(R15*4), SI
	LEAQ (SI)(R15*4), DI
	TESTQ $1, panelTile_flags(AX)
	JZ    keepone12
	ADDFOUR(R10, Z0, Z1, Z2, Z3)
	ADDFOUR(SI, Z4, Z5, Z6, Z7)
	ADDFOUR(DI, Z8, Z9, Z10, Z11)

keepone12:
	STOREFOUR(R10, Z0, Z1, Z2, Z3)
	STOREFOUR(SI, Z4, Z5, Z6, Z7)
	STOREFOUR(DI, Z8, Z9, Z10, Z11)
	VZEROUPPER
	RET

two4:
	FETCHFOUR(R10)
	FETCHFOUR(R11)
	TABLE(foundtwo4)
	SUBQ $4, CX
	JLT  resttwo4
	PCALIGN $64

looptwo4:
	TWO4(0, (SI))
	TWO4(1, (SI)(R9*1))
	TWO4(2, (SI)(R9*2))
	TWO4(3, (SI)(R12*1))
	PREFETCHT1 (R13)
	ADDQ R14, R13
	LEAQ (SI)(R9*4), SI
	ADDQ $16, BX
	SUBQ $4, CX
	JGE  looptwo4

resttwo4:
	ADDQ $4, CX
	JZ   storetwo4

singletwo4:
	TWO4(0, (SI))
	ADDQ R9, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  singletwo4

	JMP  storetwo4

foundtwo4:
	SUBQ $4, CX
	JLT  restfound4
	PCALIGN $64

loopfound4:
	FOURFOUND(TWO4)
	SUBQ $4, CX
	JGE  loopfound4

restfound4:
	ADDQ $4, CX
	JZ   storetwo4

singlefound4:
	ONEFOUND(TWO4)
	DECQ CX
	JNZ  singlefound4

storetwo4:
	MOVQ R13, panelTile_ahead(AX)
	TESTQ $1, panelTile_flags(AX)
	JZ    keeptwo4
	ADDFOUR(R10, Z0, Z1, Z2, Z3)
	ADDFOUR(R11, Z12, Z13, Z14, Z15)

keeptwo4:
	STOREFOUR(R10, Z0, Z1, Z2, Z3)
	STOREFOUR(R11, Z12, Z13, Z14, Z15)
	VZEROUPPER
	RET

two8:
	FETCHFOUR(R10)
	LEAQ (R10)(R15*4), DX
	FETCHFOUR(DX)
	FETCHFOUR(R11)
	LEAQ (R11)(R15*4), DX
	FETCHFOUR(DX)
	TABLE(foundtwo8)
	SUBQ $4, CX
	JLT  resttwo8
	PCALIGN $64

looptwo8:
	TWO8(0, (SI))
	TWO8(1, (SI)(R9*1))
	TWO8(2, (SI)(R9*2))
	TWO8(3, (SI)(R12*1))
	PREFETCHT1 (R13)
	ADDQ R14, R13
	LEAQ (SI)(R9*4), SI
	ADDQ $16, BX
	SUBQ $4, CX
	JGE  looptwo8

resttwo8:
	ADDQ $4, CX
	JZ   storetwo8

singletwo8:
	TWO8(0, (SI))
	ADDQ R9, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  singletwo8

	JMP  storetwo8

foundtwo8:
	SUBQ $4, CX
	JLT  restfound8
	PCALIGN $64

loopfound8:
	FOURFOUND(TWO8)
	SUBQ $4, CX
	JGE  loopfound8

restfound8:
	ADDQ $4, CX
	JZ   storetwo8

singlefound8:
	ONEFOUND(TWO8)
	DECQ CX
	JNZ  singlefound8

storetwo8:
	MOVQ R13, panelTile_ahead(AX)
	LEAQ (R10)(R15*4), SI
	LEAQ (R11)(R15*4), R8
	TESTQ $1, panelTile_flags(AX)
	JZ    keeptwo8
	ADDFOUR(R10, Z0, Z1, Z2, Z3)
	ADDFOUR(SI, Z4, Z5, Z6, Z7)
	ADDFOUR(R11, Z12, Z13, Z14, Z15)
	ADDFOUR(R8, Z16, Z17, Z18, Z19)

keeptwo8:
	STOREFOUR(R10, Z0, Z1, Z2, Z3)
	STOREFOUR(SI, Z4, Z5, Z6, Z7)
	STOREFOUR(R11, Z12, Z13, Z14, Z15)
	STOREFOUR(R8, Z16, Z17, Z18, Z19)
	VZEROUPPER
	RET

two12:
	FETCHFOUR(R10)
	LEAQ (R10)(R15*4), DX
	FETCHFOUR(DX)
	LEAQ (DX)(R15*4), DX
	FETCHFOUR(DX)
	FETCHFOUR(R11)
	LEAQ (R11)(R15*4), DX
	FETCHFOUR(DX)
	LEAQ (DX)(R15*4), DX
	FETCHFOUR(DX)
	TABLE(foundtwo12)
	SUBQ $4, CX
	JLT  resttwo12
	PCALIGN $64

looptwo12:
	TWO12(0, (SI))
	TWO12(1, (SI)(R9*1))
	TWO12(2, (SI)(R9*2))
	TWO12(3, (SI)(R12*1))
	PREFETCHT1 (R13)
	ADDQ R14, R13
	LEAQ (SI)(R9*4), SI
	ADDQ $16, BX
	SUBQ $4, CX
	JGE  looptwo12

resttwo12:
	ADDQ $4, CX
	JZ   storetwo12

singletwo12:
	TWO12(0, (SI))
	ADDQ R9, SI
	ADDQ $4, BX
	DECQ CX
	JNZ  singletwo12

	JMP  storetwo12

foundtwo12:
	SUBQ $4, CX
	JLT  restfound12
	PCALIGN $64

loopfound12:
	FOURFOUND(TWO12)
	SUBQ $4, CX
	JGE  loopfound12

restfound12:
	ADDQ $4, CX
	JZ   storetwo12

singlefound12:
	ONEFOUND(TWO12)
	DECQ CX
	JNZ  singlefound12

storetwo12:
	MOVQ R13, panelTile_ahead(AX)
	LEAQ (R10)(R15*4), SI
	LEAQ (SI)(R15*4), DI
	LEAQ (R11)(R15*4), R8
	LEAQ (R8)(R15*4), R9
	TESTQ $1, panelTile_flags(AX)
	JZ    keeptwo12
	ADDFOUR(R10, Z0, Z1, Z2, Z3)
	ADDFOUR(SI, Z4, Z5, Z6, Z7)
	ADDFOUR(DI, Z8, Z9, Z10, Z11)
	ADDFOUR(R11, Z12, Z13, Z14, Z15)
	ADDFOUR(R8, Z16, Z17, Z18, Z19)
	ADDFOUR(R9, Z20, Z21, Z22, Z23)

keeptwo12:
	STOREFOUR(R10, Z0, Z1, Z2, Z3)
	STOREFOUR(SI, Z4, Z5, Z6, Z7)
	STOREFOUR(DI, Z8, Z9, Z10, Z11)
	STOREFOUR(R11, Z12, Z13, Z14, Z15)
	STOREFOUR(R8, Z16, Z17, Z18, Z19)
	STOREFOUR(R9, Z20, Z21, Z22, Z23)
	VZEROUPPER
	RET
