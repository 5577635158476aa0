#include "textflag.h"

// The tiles of tile_amd64.s for AVX-512, in registers of 16 floats. A step of a
// row of tiles is one row of the right panel, in Z12, multiplied by elements of
// the left rows, which the multiply-adds broadcast themselves. They take half a
// cycle and hide a latency of 4 cycles, so eight rows at least should run side
// by side: rowTiles takes two tiles at once, twelve rows in Z0..Z11, where there
// are two. Each sum is made in the order of its terms, as with AVX2: both have
// the same bits.

#define CLEAR512(z) VPXORD z, z, z

#define CLEARODD512 \
	CLEAR512(Z6)  \
	CLEAR512(Z7)  \
	CLEAR512(Z8)  \
	CLEAR512(Z9)  \
	CLEAR512(Z10) \
	CLEAR512(Z11)

#define CLEAREVEN512 \
	CLEAR512(Z0) \
	CLEAR512(Z1) \
	CLEAR512(Z2) \
	CLEAR512(Z3) \
	CLEAR512(Z4) \
	CLEAR512(Z5)

// One step of six rows: element at CX+offset of each, panel row at b.
#define STEPSIX(offset, b) \
	VMOVUPS          b, Z12                     \
	VFMADD231PS.BCST offset(R8)(CX*1), Z12, Z0  \
	VFMADD231PS.BCST offset(R9)(CX*1), Z12, Z1  \
	VFMADD231PS.BCST offset(R10)(CX*1), Z12, Z2 \
	VFMADD231PS.BCST offset(R11)(CX*1), Z12, Z3 \
	VFMADD231PS.BCST offset(R12)(CX*1), Z12, Z4 \
	VFMADD231PS.BCST offset(R13)(CX*1), Z12, Z5

// The same of twelve rows; panel rows follow one another.
#define STEPTWELVE(offset, b) \
	STEPSIX(offset, b(DI))                      \
	VFMADD231PS.BCST offset(R14)(CX*1), Z12, Z6 \
	VFMADD231PS.BCST offset(R15)(CX*1), Z12, Z7 \
	VFMADD231PS.BCST offset(SI)(CX*1), Z12, Z8  \
	VFMADD231PS.BCST offset(AX)(CX*1), Z12, Z9  \
	VFMADD231PS.BCST offset(BX)(CX*1), Z12, Z10 \
	VFMADD231PS.BCST offset(DX)(CX*1), Z12, Z11

// max(0, x) with x second, so that NaN stays NaN; Z14 is zero.
#define RECTIFYSIX(a, b, c, d, e, f) \
	VMAXPS a, Z14, a \
	VMAXPS b, Z14, b \
	VMAXPS c, Z14, c \
	VMAXPS d, Z14, d \
	VMAXPS e, Z14, e \
	VMAXPS f, Z14, f

// The columns of six rows of c, added.
#define ADDSIX(a, b, c, d, e, f) \
	VADDPS (R8), a, K1, a  \
	VADDPS (R9), b, K1, b  \
	VADDPS (R10), c, K1, c \
	VADDPS (R11), d, K1, d \
	VADDPS (R12), e, K1, e \
	VADDPS (R13), f, K1, f

#define STORESIX(a, b, c, d, e, f) \
	VMOVUPS a, K1, (R8)  \
	VMOVUPS b, K1, (R9)  \
	VMOVUPS c, K1, (R10) \
	VMOVUPS d, K1, (R11) \
	VMOVUPS e, K1, (R12) \
	VMOVUPS f, K1, (R13)

#define COPYSIX(from, a, b, c, d, e, f) \
	VMOVAPS from, a \
	VMOVAPS from, b \
	VMOVAPS from, c \
	VMOVAPS from, d \
	VMOVAPS from, e \
	VMOVAPS from, f

// Address of row i of c or a, from the table at BX and the base at DX.
#define ADDRESS512(i, register) \
	MOVLQSX (4*(i))(BX), register \
	ADDQ    DX, register

// Addresses of six rows, the first of them number i.
#define ADDRESSES512(i) \
	ADDRESS512(i+0, R8)  \
	ADDRESS512(i+1, R9)  \
	ADDRESS512(i+2, R10) \
	ADDRESS512(i+3, R11) \
	ADDRESS512(i+4, R12) \
	ADDRESS512(i+5, R13)

// Offsets of the fields of rowTiles.
#define rowTiles_a 0
#define rowTiles_b 8
#define rowTiles_c 16
#define rowTiles_src 24
#define rowTiles_dst 32
#define rowTiles_pieces 40
#define rowTiles_count 48
#define rowTiles_stride 56
#define rowTiles_bias 64
#define rowTiles_tiles 72
#define rowTiles_columns 80
#define rowTiles_flags 88
#define rowTiles_done 96

// Where the present piece and what is left of the pieces stand on the stack.
#define from 0(SP)
#define to 8(SP)
#define pieces 16(SP)
#define count 24(SP)

// func multiplyRowsAVX512(t *rowTiles)
TEXT ·multiplyRowsAVX512(SB), NOSPLIT, $32-8
	MOVQ t+0(FP), AX

	// K1 selects the columns: the lowest of 16 bits.
	MOVQ   rowTiles_columns(AX), CX
	MOVL   $1, DX
	SHLL   CX, DX
	DECL   DX
	KMOVW  DX, K1
	VPXORD Z14, Z14, Z14

tiles:
	CMPQ rowTiles_tiles(AX), $2
	JLT  six
	CMPQ rowTiles_stride(AX), $64
	JNE  six

	// Two tiles. First values of the sums.
	CLEAREVEN512
	CLEARODD512
	TESTQ $1, rowTiles_flags(AX)
	JNZ   multiplytwelve
	MOVQ  rowTiles_bias(AX), BX
	TESTQ BX, BX
	JZ    multiplytwelve
	VMOVUPS.Z (BX), K1, Z13
	COPYSIX(Z13, Z0, Z1, Z2, Z3, Z4, Z5)
	COPYSIX(Z13, Z6, Z7, Z8, Z9, Z10, Z11)

multiplytwelve:
	MOVQ rowTiles_b(AX), DI
	MOVQ rowTiles_pieces(AX), CX
	MOVQ CX, pieces
	MOVQ rowTiles_count(AX), CX
	MOVQ CX, count
	MOVQ rowTiles_src(AX), BX
	ADDQ rowTiles_done(AX), BX
	MOVQ rowTiles_a(AX), DX
	ADDRESSES512(0)
	ADDRESS512(6, R14)
	ADDRESS512(7, R15)
	ADDRESS512(8, SI)
	ADDRESS512(9, AX)
	ADDRESS512(11, CX)
	MOVLQSX 40(BX), BX
	ADDQ DX, BX
	MOVQ CX, DX
	CMPQ count, $0
	JE   epiloguetwelve

piecetwelve:
	MOVQ    pieces, CX
	VMOVUPS (CX), X13
	VMOVUPS X13, from
	ADDQ    $16, pieces
	SUBQ    $16, to
	MOVQ    from, CX
	CMPQ    CX, to
	JGT     resttwelve
	PCALIGN $32

fourtwelve:
	STEPTWELVE(0, 0)
	STEPTWELVE(4, 64)
	STEPTWELVE(8, 128)
	STEPTWELVE(12, 192)
	ADDQ $16, CX
	ADDQ $256, DI
	CMPQ CX, to
	JLE  fourtwelve

resttwelve:
	ADDQ $16, to
	JMP  anytwelve

onetwelve:
	STEPTWELVE(0, 0)
	ADDQ $4, CX
	ADDQ $64, DI

anytwelve:
	CMPQ CX, to
	JLT  onetwelve
	DECQ count
	JNZ  piecetwelve

epiloguetwelve:
	MOVQ  t+0(FP), AX
	MOVQ  rowTiles_dst(AX), BX
	ADDQ  rowTiles_done(AX), BX
	MOVQ  rowTiles_c(AX), DX
	TESTQ $1, rowTiles_flags(AX)
	JZ    rectifytwelve
	ADDRESSES512(0)
	ADDSIX(Z0, Z1, Z2, Z3, Z4, Z5)
	ADDRESSES512(6)
	ADDSIX(Z6, Z7, Z8, Z9, Z10, Z11)

rectifytwelve:
	TESTQ $2, rowTiles_flags(AX)
	JZ    storetwelve
	RECTIFYSIX(Z0, Z1, Z2, Z3, Z4, Z5)
	RECTIFYSIX(Z6, Z7, Z8, Z9, Z10, Z11)

storetwelve:
	ADDRESSES512(0)
	STORESIX(Z0, Z1, Z2, Z3, Z4, Z5)
	ADDRESSES512(6)
	STORESIX(Z6, Z7, Z8, Z9, Z10, Z11)
	ADDQ $48, rowTiles_done(AX)
	SUBQ $2, rowTiles_tiles(AX)
	JNZ  tiles
	VZEROUPPER
	RET

six:
	// One tile. First values of the sums.
	MOVQ rowTiles_stride(AX), SI
	LEAQ (SI)(SI*2), R14
	CLEAREVEN512
	TESTQ $1, rowTiles_flags(AX)
	JNZ   multiply
	MOVQ  rowTiles_bias(AX), BX
	TESTQ BX, BX
	JZ    multiply
	VMOVUPS.Z (BX), K1, Z13
	COPYSIX(Z13, Z0, Z1, Z2, Z3, Z4, Z5)

multiply:
	MOVQ  rowTiles_src(AX), BX
	ADDQ  rowTiles_done(AX), BX
	MOVQ  rowTiles_a(AX), DX
	ADDRESSES512(0)
	MOVQ  rowTiles_b(AX), DI
	MOVQ  rowTiles_pieces(AX), BX
	MOVQ  rowTiles_count(AX), R15
	TESTQ R15, R15
	JZ    epilogue

piece:
	MOVQ (BX), CX
	MOVQ 8(BX), DX
	ADDQ $16, BX
	SUBQ $16, DX
	CMPQ CX, DX
	JGT  rest
	PCALIGN $32

four:
	STEPSIX(0, (DI))
	STEPSIX(4, (DI)(SI*1))
	STEPSIX(8, (DI)(SI*2))
	STEPSIX(12, (DI)(R14*1))
	ADDQ $16, CX
	LEAQ (DI)(SI*4), DI
	CMPQ CX, DX
	JLE  four

rest:
	ADDQ $16, DX
	JMP  any

one:
	STEPSIX(0, (DI))
	ADDQ $4, CX
	ADDQ SI, DI

any:
	CMPQ CX, DX
	JLT  one
	DECQ R15
	JNZ  piece

epilogue:
	MOVQ  rowTiles_dst(AX), BX
	ADDQ  rowTiles_done(AX), BX
	MOVQ  rowTiles_c(AX), DX
	ADDRESSES512(0)
	TESTQ $1, rowTiles_flags(AX)
	JZ    rectify
	ADDSIX(Z0, Z1, Z2, Z3, Z4, Z5)

rectify:
	TESTQ $2, rowTiles_flags(AX)
	JZ    store
	RECTIFYSIX(Z0, Z1, Z2, Z3, Z4, Z5)

store:
	STORESIX(Z0, Z1, Z2, Z3, Z4, Z5)
	ADDQ $24, rowTiles_done(AX)
	DECQ rowTiles_tiles(AX)
	JNZ  tiles
	VZEROUPPER
	RET
