#include "textflag.h"

// The tiles of tile512_amd64.s over two panels, thirty-two columns. A processor
// that begins two multiply-adds of 512 bits a cycle can load as many operands,
// and a tile of sixteen columns loads one for each of them and the panel's row
// besides. Here an element of a left row is loaded once for both panels: a step
// of twelve rows is 24 multiply-adds and 14 loads. Each sum is made in the order
// of its terms, as in the narrow tiles: both have the same bits.
//
// Z0..Z11 are the sums of twelve rows and the first panel, Z12..Z23 those of the
// second, Z24 and Z25 a row of both panels, Z26..Z31 elements of the left rows.

#define CLEARWIDE(z) VPXORD z, z, z

#define CLEARALLWIDE \
	CLEARWIDE(Z0)  \
	CLEARWIDE(Z1)  \
	CLEARWIDE(Z2)  \
	CLEARWIDE(Z3)  \
	CLEARWIDE(Z4)  \
	CLEARWIDE(Z5)  \
	CLEARWIDE(Z6)  \
	CLEARWIDE(Z7)  \
	CLEARWIDE(Z8)  \
	CLEARWIDE(Z9)  \
	CLEARWIDE(Z10) \
	CLEARWIDE(Z11) \
	CLEARWIDE(Z12) \
	CLEARWIDE(Z13) \
	CLEARWIDE(Z14) \
	CLEARWIDE(Z15) \
	CLEARWIDE(Z16) \
	CLEARWIDE(Z17) \
	CLEARWIDE(Z18) \
	CLEARWIDE(Z19) \
	CLEARWIDE(Z20) \
	CLEARWIDE(Z21) \
	CLEARWIDE(Z22) \
	CLEARWIDE(Z23)

// One element of a row times a row of both panels.
#define ELEMENT(element, z, sum, second) \
	VBROADCASTSS element, z          \
	VFMADD231PS  Z24, z, sum         \
	VFMADD231PS  Z25, z, second

// One step of six rows: element at CX+offset behind the beginning of each, panel rows
// at b and c.
#define STEPSIXWIDE(offset, b, c) \
	VMOVUPS b, Z24                           \
	VMOVUPS c, Z25                           \
	ELEMENT(offset(R8)(CX*1), Z26, Z0, Z12)  \
	ELEMENT(offset(R9)(CX*1), Z27, Z1, Z13)  \
	ELEMENT(offset(R10)(CX*1), Z28, Z2, Z14) \
	ELEMENT(offset(R11)(CX*1), Z29, Z3, Z15) \
	ELEMENT(offset(R12)(CX*1), Z30, Z4, Z16) \
	ELEMENT(offset(R13)(CX*1), Z31, Z5, Z17)

// The same of twelve rows; panel rows follow one another.
#define STEPTWELVEWIDE(offset, b) \
	STEPSIXWIDE(offset, b(DI), b(DI)(BP*1))  \
	ELEMENT(offset(R14)(CX*1), Z26, Z6, Z18) \
	ELEMENT(offset(R15)(CX*1), Z27, Z7, Z19) \
	ELEMENT(offset(SI)(CX*1), Z28, Z8, Z20)  \
	ELEMENT(offset(AX)(CX*1), Z29, Z9, Z21)  \
	ELEMENT(offset(BX)(CX*1), Z30, Z10, Z22) \
	ELEMENT(offset(DX)(CX*1), Z31, Z11, Z23)

// max(0, x) with x second, so that NaN stays NaN; Z31 is zero.
#define RECTIFYWIDE(a, b, c, d, e, f) \
	VMAXPS a, Z31, a \
	VMAXPS b, Z31, b \
	VMAXPS c, Z31, c \
	VMAXPS d, Z31, d \
	VMAXPS e, Z31, e \
	VMAXPS f, Z31, f

// Sixteen columns of six rows of c, which begin at DX, offset bytes from their first,
// added.
#define ADDSIXWIDE(offset, k, a, b, c, d, e, f) \
	VADDPS offset(DX)(R8*1), a, k, a  \
	VADDPS offset(DX)(R9*1), b, k, b  \
	VADDPS offset(DX)(R10*1), c, k, c \
	VADDPS offset(DX)(R11*1), d, k, d \
	VADDPS offset(DX)(R12*1), e, k, e \
	VADDPS offset(DX)(R13*1), f, k, f

#define STORESIXWIDE(offset, k, a, b, c, d, e, f) \
	VMOVUPS a, k, offset(DX)(R8*1)  \
	VMOVUPS b, k, offset(DX)(R9*1)  \
	VMOVUPS c, k, offset(DX)(R10*1) \
	VMOVUPS d, k, offset(DX)(R11*1) \
	VMOVUPS e, k, offset(DX)(R12*1) \
	VMOVUPS f, k, offset(DX)(R13*1)

#define COPYSIXWIDE(from, a, b, c, d, e, f) \
	VMOVAPS from, a \
	VMOVAPS from, b \
	VMOVAPS from, c \
	VMOVAPS from, d \
	VMOVAPS from, e \
	VMOVAPS from, f

// Where row i of c or a begins, in bytes from the first, by the table at BX.
#define ROWWIDE(i, register) \
	MOVLQSX (4*(i))(BX), register

// The same of six rows, the first of them number i.
#define ROWSWIDE(i) \
	ROWWIDE(i+0, R8)  \
	ROWWIDE(i+1, R9)  \
	ROWWIDE(i+2, R10) \
	ROWWIDE(i+3, R11) \
	ROWWIDE(i+4, R12) \
	ROWWIDE(i+5, R13)

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
#define rowTiles_further 104
#define rowTiles_ahead 112
#define rowTiles_pace 120
#define rowTiles_next 128
#define rowTiles_nextPace 136

// Where the present piece ends, what is left of the pieces, what is brought near, the
// twelfth row, the next panel and the first row stand on the stack.
#define to 0(SP)
#define pieces 8(SP)
#define count 16(SP)
#define ahead 24(SP)
#define pace 32(SP)
#define twelfth 40(SP)
#define next 48(SP)
#define nextPace 56(SP)
#define base 64(SP)

// func multiplyRowsWideAVX512(t *rowTiles)
TEXT ·multiplyRowsWideAVX512(SB), NOSPLIT, $72-8
	MOVQ t+0(FP), AX

	// K1 selects all columns of the first panel, K2 those of the second: the
	// lowest of 16 bits.
	MOVQ  rowTiles_columns(AX), CX
	SUBQ  $16, CX
	MOVL  $1, DX
	SHLL  CX, DX
	DECL  DX
	KMOVW DX, K2
	MOVL  $0xFFFF, DX
	KMOVW DX, K1

	// Without anything to bring near the panel's first line stands for it, and without
	// a next panel this one.
	MOVQ  rowTiles_ahead(AX), BX
	MOVQ  rowTiles_pace(AX), CX
	TESTQ CX, CX
	JNZ   errand
	MOVQ  rowTiles_b(AX), BX

errand:
	MOVQ BX, ahead
	MOVQ CX, pace
	MOVQ  rowTiles_next(AX), BX
	MOVQ  rowTiles_nextPace(AX), CX
	TESTQ BX, BX
	JNZ   begin
	MOVQ  rowTiles_b(AX), BX
	XORL  CX, CX

begin:
	MOVQ BX, next
	MOVQ CX, nextPace

tiles:
	MOVQ rowTiles_further(AX), BP
	CMPQ rowTiles_tiles(AX), $2
	JLT  six
	CMPQ rowTiles_stride(AX), $64
	JNE  six

	// Two tiles. First values of the sums.
	CLEARALLWIDE
	TESTQ $1, rowTiles_flags(AX)
	JNZ   multiplytwelve
	MOVQ  rowTiles_bias(AX), BX
	TESTQ BX, BX
	JZ    multiplytwelve
	VMOVUPS (BX), Z24
	VMOVUPS.Z 64(BX), K2, Z25
	COPYSIXWIDE(Z24, Z0, Z1, Z2, Z3, Z4, Z5)
	COPYSIXWIDE(Z24, Z6, Z7, Z8, Z9, Z10, Z11)
	COPYSIXWIDE(Z25, Z12, Z13, Z14, Z15, Z16, Z17)
	COPYSIXWIDE(Z25, Z18, Z19, Z20, Z21, Z22, Z23)

multiplytwelve:
	MOVQ rowTiles_b(AX), DI
	MOVQ rowTiles_pieces(AX), CX
	MOVQ CX, pieces
	MOVQ rowTiles_count(AX), CX
	MOVQ CX, count
	MOVQ rowTiles_src(AX), BX
	ADDQ rowTiles_done(AX), BX
	MOVQ rowTiles_a(AX), DX
	MOVQ DX, base
	ROWSWIDE(0)
	ROWWIDE(6, R14)
	ROWWIDE(7, R15)
	ROWWIDE(8, SI)
	ROWWIDE(9, AX)
	ROWWIDE(11, DX)
	ROWWIDE(10, BX)
	MOVQ DX, twelfth
	CMPQ count, $0
	JE   epiloguetwelve

piecetwelve:
	MOVQ    pieces, CX
	ADDQ    $16, pieces
	MOVQ    8(CX), DX
	SUBQ    $16, DX
	MOVQ    (CX), CX
	ADDQ    base, DX
	ADDQ    base, CX
	MOVQ    DX, to
	CMPQ    CX, DX
	MOVQ    twelfth, DX
	JGT     resttwelve
	PCALIGN $64

fourtwelve:
	STEPTWELVEWIDE(0, 0)
	STEPTWELVEWIDE(4, 64)
	STEPTWELVEWIDE(8, 128)
	STEPTWELVEWIDE(12, 192)
	MOVQ ahead, DX
	PREFETCHT1 (DX)
	ADDQ pace, DX
	MOVQ DX, ahead
	MOVQ next, DX
	PREFETCHT1 (DX)
	PREFETCHT1 (DX)(BP*1)
	ADDQ nextPace, DX
	MOVQ DX, next
	MOVQ twelfth, DX
	ADDQ $16, CX
	ADDQ $256, DI
	CMPQ CX, to
	JLE  fourtwelve

resttwelve:
	ADDQ $16, to
	JMP  anytwelve

onetwelve:
	STEPTWELVEWIDE(0, 0)
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
	ROWSWIDE(0)
	ADDSIXWIDE(0, K1, Z0, Z1, Z2, Z3, Z4, Z5)
	ADDSIXWIDE(64, K2, Z12, Z13, Z14, Z15, Z16, Z17)
	ROWSWIDE(6)
	ADDSIXWIDE(0, K1, Z6, Z7, Z8, Z9, Z10, Z11)
	ADDSIXWIDE(64, K2, Z18, Z19, Z20, Z21, Z22, Z23)

rectifytwelve:
	TESTQ $2, rowTiles_flags(AX)
	JZ    storetwelve
	VPXORD Z31, Z31, Z31
	RECTIFYWIDE(Z0, Z1, Z2, Z3, Z4, Z5)
	RECTIFYWIDE(Z6, Z7, Z8, Z9, Z10, Z11)
	RECTIFYWIDE(Z12, Z13, Z14, Z15, Z16, Z17)
	RECTIFYWIDE(Z18, Z19, Z20, Z21, Z22, Z23)

storetwelve:
	ROWSWIDE(0)
	STORESIXWIDE(0, K1, Z0, Z1, Z2, Z3, Z4, Z5)
	STORESIXWIDE(64, K2, Z12, Z13, Z14, Z15, Z16, Z17)
	ROWSWIDE(6)
	STORESIXWIDE(0, K1, Z6, Z7, Z8, Z9, Z10, Z11)
	STORESIXWIDE(64, K2, Z18, Z19, Z20, Z21, Z22, Z23)
	MOVQ ahead, CX
	MOVQ CX, rowTiles_ahead(AX)
	ADDQ $48, rowTiles_done(AX)
	SUBQ $2, rowTiles_tiles(AX)
	JNZ  tiles
	VZEROUPPER
	RET

six:
	// One tile; panel rows may stand anywhere, those of the second at BP. First
	// values of the sums.
	ADDQ rowTiles_b(AX), BP
	MOVQ rowTiles_stride(AX), SI
	LEAQ (SI)(SI*2), R14
	CLEARALLWIDE
	TESTQ $1, rowTiles_flags(AX)
	JNZ   multiply
	MOVQ  rowTiles_bias(AX), BX
	TESTQ BX, BX
	JZ    multiply
	VMOVUPS (BX), Z24
	VMOVUPS.Z 64(BX), K2, Z25
	COPYSIXWIDE(Z24, Z0, Z1, Z2, Z3, Z4, Z5)
	COPYSIXWIDE(Z25, Z12, Z13, Z14, Z15, Z16, Z17)

multiply:
	MOVQ  rowTiles_src(AX), BX
	ADDQ  rowTiles_done(AX), BX
	ROWSWIDE(0)
	MOVQ  rowTiles_b(AX), DI
	MOVQ  rowTiles_pieces(AX), BX
	MOVQ  rowTiles_count(AX), R15
	TESTQ R15, R15
	JZ    epilogue

piece:
	MOVQ (BX), CX
	MOVQ 8(BX), DX
	ADDQ rowTiles_a(AX), CX
	ADDQ rowTiles_a(AX), DX
	ADDQ $16, BX
	SUBQ $16, DX
	CMPQ CX, DX
	JGT  rest
	PCALIGN $64

four:
	STEPSIXWIDE(0, (DI), (BP))
	STEPSIXWIDE(4, (DI)(SI*1), (BP)(SI*1))
	STEPSIXWIDE(8, (DI)(SI*2), (BP)(SI*2))
	STEPSIXWIDE(12, (DI)(R14*1), (BP)(R14*1))
	ADDQ $16, CX
	LEAQ (DI)(SI*4), DI
	LEAQ (BP)(SI*4), BP
	CMPQ CX, DX
	JLE  four

rest:
	ADDQ $16, DX
	JMP  any

one:
	STEPSIXWIDE(0, (DI), (BP))
	ADDQ $4, CX
	ADDQ SI, DI
	ADDQ SI, BP

any:
	CMPQ CX, DX
	JLT  one
	DECQ R15
	JNZ  piece

epilogue:
	MOVQ  rowTiles_dst(AX), BX
	ADDQ  rowTiles_done(AX), BX
	MOVQ  rowTiles_c(AX), DX
	ROWSWIDE(0)
	TESTQ $1, rowTiles_flags(AX)
	JZ    rectify
	ADDSIXWIDE(0, K1, Z0, Z1, Z2, Z3, Z4, Z5)
	ADDSIXWIDE(64, K2, Z12, Z13, Z14, Z15, Z16, Z17)

rectify:
	TESTQ $2, rowTiles_flags(AX)
	JZ    store
	VPXORD Z31, Z31, Z31
	RECTIFYWIDE(Z0, Z1, Z2, Z3, Z4, Z5)
	RECTIFYWIDE(Z12, Z13, Z14, Z15, Z16, Z17)

store:
	STORESIXWIDE(0, K1, Z0, Z1, Z2, Z3, Z4, Z5)
	STORESIXWIDE(64, K2, Z12, Z13, Z14, Z15, Z16, Z17)
	ADDQ $24, rowTiles_done(AX)
	DECQ rowTiles_tiles(AX)
	JNZ  tiles
	VZEROUPPER
	RET
