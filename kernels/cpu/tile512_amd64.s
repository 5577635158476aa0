#include "textflag.h"

// The tiles of tile_amd64.s for AVX-512, in registers of 16 floats:
//   Z0..Z5    row i of the tile in Zi: sums over even steps
//   Z6..Z11   the same over odd steps
//   Z12, Z13  16 columns of one row of the right panel
// A step is 6 multiply-adds, 3 cycles on two units, which is less than their
// latency of 4; so two steps run side by side, and their sums are added in the
// end. The elements of the left rows are broadcast by the multiply-adds
// themselves.

#define CLEAR512(z) VPXORD z, z, z

// Sums over even steps and over odd ones, added.
#define JOIN512 \
	VADDPS Z6, Z0, Z0  \
	VADDPS Z7, Z1, Z1  \
	VADDPS Z8, Z2, Z2  \
	VADDPS Z9, Z3, Z3  \
	VADDPS Z10, Z4, Z4 \
	VADDPS Z11, Z5, Z5

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

// One step of rowTiles: element at CX+offset of six rows, panel row at b.
#define EVEN512(offset, b) \
	VMOVUPS          b, Z12                       \
	VFMADD231PS.BCST offset(R8)(CX*1), Z12, Z0  \
	VFMADD231PS.BCST offset(R9)(CX*1), Z12, Z1  \
	VFMADD231PS.BCST offset(R10)(CX*1), Z12, Z2 \
	VFMADD231PS.BCST offset(R11)(CX*1), Z12, Z3 \
	VFMADD231PS.BCST offset(R12)(CX*1), Z12, Z4 \
	VFMADD231PS.BCST offset(R13)(CX*1), Z12, Z5

#define ODD512(offset, b) \
	VMOVUPS          b, Z13                        \
	VFMADD231PS.BCST offset(R8)(CX*1), Z13, Z6   \
	VFMADD231PS.BCST offset(R9)(CX*1), Z13, Z7   \
	VFMADD231PS.BCST offset(R10)(CX*1), Z13, Z8  \
	VFMADD231PS.BCST offset(R11)(CX*1), Z13, Z9  \
	VFMADD231PS.BCST offset(R12)(CX*1), Z13, Z10 \
	VFMADD231PS.BCST offset(R13)(CX*1), Z13, Z11

// Address of row i of c or a, from the table at BX and the base at DX.
#define ADDRESS512(i, register) \
	MOVLQSX (4*i)(BX), register \
	ADDQ    DX, register

#define ADDRESSES512 \
	ADDRESS512(0, R8)  \
	ADDRESS512(1, R9)  \
	ADDRESS512(2, R10) \
	ADDRESS512(3, R11) \
	ADDRESS512(4, R12) \
	ADDRESS512(5, R13)

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

// func multiplyRowsAVX512(t *rowTiles)
TEXT ·multiplyRowsAVX512(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), AX
	MOVQ rowTiles_stride(AX), SI
	LEAQ (SI)(SI*2), R14

	// K1 selects the columns: the lowest of 16 bits.
	MOVQ  rowTiles_columns(AX), CX
	MOVL  $1, DX
	SHLL  CX, DX
	DECL  DX
	KMOVW DX, K1

tile:
	// First values of the sums.
	CLEARODD512
	TESTQ $1, rowTiles_flags(AX)
	JNZ   fromresult
	MOVQ  rowTiles_bias(AX), BX
	TESTQ BX, BX
	JNZ   frombias
	CLEAREVEN512
	JMP   multiply

frombias:
	VMOVUPS.Z (BX), K1, Z0
	VMOVAPS   Z0, Z1
	VMOVAPS   Z0, Z2
	VMOVAPS   Z0, Z3
	VMOVAPS   Z0, Z4
	VMOVAPS   Z0, Z5
	JMP       multiply

fromresult:
	MOVQ rowTiles_dst(AX), BX
	ADDQ rowTiles_done(AX), BX
	MOVQ rowTiles_c(AX), DX
	ADDRESSES512
	VMOVUPS.Z (R8), K1, Z0
	VMOVUPS.Z (R9), K1, Z1
	VMOVUPS.Z (R10), K1, Z2
	VMOVUPS.Z (R11), K1, Z3
	VMOVUPS.Z (R12), K1, Z4
	VMOVUPS.Z (R13), K1, Z5

multiply:
	MOVQ  rowTiles_src(AX), BX
	ADDQ  rowTiles_done(AX), BX
	MOVQ  rowTiles_a(AX), DX
	ADDRESSES512
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
	EVEN512(0, (DI))
	ODD512(4, (DI)(SI*1))
	EVEN512(8, (DI)(SI*2))
	ODD512(12, (DI)(R14*1))
	ADDQ $16, CX
	LEAQ (DI)(SI*4), DI
	CMPQ CX, DX
	JLE  four

rest:
	ADDQ $16, DX
	SUBQ CX, DX
	JZ   next
	CMPQ DX, $8
	JLT  one
	EVEN512(0, (DI))
	ODD512(4, (DI)(SI*1))
	ADDQ $8, CX
	LEAQ (DI)(SI*2), DI
	SUBQ $8, DX
	JZ   next

one:
	EVEN512(0, (DI))
	ADDQ SI, DI

next:
	DECQ R15
	JNZ  piece

epilogue:
	JOIN512
	TESTQ $2, rowTiles_flags(AX)
	JZ    store

	// max(0, x) with x second, so that NaN stays NaN.
	CLEAR512(Z14)
	VMAXPS Z0, Z14, Z0
	VMAXPS Z1, Z14, Z1
	VMAXPS Z2, Z14, Z2
	VMAXPS Z3, Z14, Z3
	VMAXPS Z4, Z14, Z4
	VMAXPS Z5, Z14, Z5

store:
	MOVQ rowTiles_dst(AX), BX
	ADDQ rowTiles_done(AX), BX
	MOVQ rowTiles_c(AX), DX
	ADDRESSES512
	CMPQ rowTiles_columns(AX), $16
	JNE  narrow
	VMOVUPS Z0, (R8)
	VMOVUPS Z1, (R9)
	VMOVUPS Z2, (R10)
	VMOVUPS Z3, (R11)
	VMOVUPS Z4, (R12)
	VMOVUPS Z5, (R13)

advance:
	ADDQ $24, rowTiles_done(AX)
	DECQ rowTiles_tiles(AX)
	JNZ  tile
	VZEROUPPER
	RET

narrow:
	VMOVUPS Z0, K1, (R8)
	VMOVUPS Z1, K1, (R9)
	VMOVUPS Z2, K1, (R10)
	VMOVUPS Z3, K1, (R11)
	VMOVUPS Z4, K1, (R12)
	VMOVUPS Z5, K1, (R13)
	JMP     advance

// One step of panelTile: six or four elements at offset of SI, panel row at
// 64 bytes a step of DI.
#define PANELEVEN512(offset, b) \
	VMOVUPS          b(DI), Z12                \
	VFMADD231PS.BCST (offset+0)(SI), Z12, Z0   \
	VFMADD231PS.BCST (offset+4)(SI), Z12, Z1   \
	VFMADD231PS.BCST (offset+8)(SI), Z12, Z2   \
	VFMADD231PS.BCST (offset+12)(SI), Z12, Z3

#define PANELODD512(offset, b) \
	VMOVUPS          b(DI), Z13                \
	VFMADD231PS.BCST (offset+0)(SI), Z13, Z6   \
	VFMADD231PS.BCST (offset+4)(SI), Z13, Z7   \
	VFMADD231PS.BCST (offset+8)(SI), Z13, Z8   \
	VFMADD231PS.BCST (offset+12)(SI), Z13, Z9

#define SIXTHEVEN512(offset) \
	VFMADD231PS.BCST (offset+16)(SI), Z12, Z4 \
	VFMADD231PS.BCST (offset+20)(SI), Z12, Z5

#define SIXTHODD512(offset) \
	VFMADD231PS.BCST (offset+16)(SI), Z13, Z10 \
	VFMADD231PS.BCST (offset+20)(SI), Z13, Z11

// Offsets of the fields of panelTile.
#define panelTile_a 0
#define panelTile_b 8
#define panelTile_c 16
#define panelTile_steps 24
#define panelTile_stride 32
#define panelTile_rows 40
#define panelTile_flags 48

// func multiplyPanelsAVX512(t *panelTile)
TEXT ·multiplyPanelsAVX512(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), AX
	MOVQ panelTile_a(AX), SI
	MOVQ panelTile_b(AX), DI
	MOVQ panelTile_steps(AX), CX

	// Addresses of the rows of c; rows 4 and 5 are used with six rows only.
	MOVQ  panelTile_c(AX), R8
	MOVQ  panelTile_stride(AX), DX
	LEAQ  (R8)(DX*1), R9
	LEAQ  (R9)(DX*1), R10
	LEAQ  (R10)(DX*1), R11
	LEAQ  (R11)(DX*1), R12
	LEAQ  (R12)(DX*1), R13
	CLEAREVEN512
	CLEARODD512
	TESTQ $1, panelTile_flags(AX)
	JZ    begin
	VMOVUPS (R8), Z0
	VMOVUPS (R9), Z1
	VMOVUPS (R10), Z2
	VMOVUPS (R11), Z3
	CMPQ  panelTile_rows(AX), $6
	JNE   begin
	VMOVUPS (R12), Z4
	VMOVUPS (R13), Z5

begin:
	CMPQ panelTile_rows(AX), $6
	JNE  fourrows
	SUBQ $4, CX
	JLT  rest6
	PCALIGN $32

loop6:
	PANELEVEN512(0, 0)
	SIXTHEVEN512(0)
	PANELODD512(24, 64)
	SIXTHODD512(24)
	PANELEVEN512(48, 128)
	SIXTHEVEN512(48)
	PANELODD512(72, 192)
	SIXTHODD512(72)
	ADDQ $96, SI
	ADDQ $256, DI
	SUBQ $4, CX
	JGE  loop6

rest6:
	ADDQ $4, CX
	JZ   store6

single6:
	PANELEVEN512(0, 0)
	SIXTHEVEN512(0)
	ADDQ $24, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  single6

store6:
	JOIN512
	VMOVUPS Z0, (R8)
	VMOVUPS Z1, (R9)
	VMOVUPS Z2, (R10)
	VMOVUPS Z3, (R11)
	VMOVUPS Z4, (R12)
	VMOVUPS Z5, (R13)
	VZEROUPPER
	RET

fourrows:
	SUBQ $4, CX
	JLT  rest4
	PCALIGN $32

loop4:
	PANELEVEN512(0, 0)
	PANELODD512(16, 64)
	PANELEVEN512(32, 128)
	PANELODD512(48, 192)
	ADDQ $64, SI
	ADDQ $256, DI
	SUBQ $4, CX
	JGE  loop4

rest4:
	ADDQ $4, CX
	JZ   store4

single4:
	PANELEVEN512(0, 0)
	ADDQ $16, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  single4

store4:
	JOIN512
	VMOVUPS Z0, (R8)
	VMOVUPS Z1, (R9)
	VMOVUPS Z2, (R10)
	VMOVUPS Z3, (R11)
	VZEROUPPER
	RET
