#include "textflag.h"

// Registers of both kernels:
//   Y0..Y11   the 6x16 tile, row i in Y(2i) and Y(2i+1)
//   Y12, Y13  16 columns of one row of the right panel
//   Y14, Y15  one element of a left row in every lane
// A step is 12 multiply-adds, 6 cycles on two units, and hides their latency
// of 4 cycles.

// Masks for 1..16 columns: read 64 bytes at columnMasks + 64 - 4*columns.
DATA columnMasks<>+0(SB)/8, $-1
DATA columnMasks<>+8(SB)/8, $-1
DATA columnMasks<>+16(SB)/8, $-1
DATA columnMasks<>+24(SB)/8, $-1
DATA columnMasks<>+32(SB)/8, $-1
DATA columnMasks<>+40(SB)/8, $-1
DATA columnMasks<>+48(SB)/8, $-1
DATA columnMasks<>+56(SB)/8, $-1
DATA columnMasks<>+64(SB)/8, $0
DATA columnMasks<>+72(SB)/8, $0
DATA columnMasks<>+80(SB)/8, $0
DATA columnMasks<>+88(SB)/8, $0
DATA columnMasks<>+96(SB)/8, $0
DATA columnMasks<>+104(SB)/8, $0
DATA columnMasks<>+112(SB)/8, $0
DATA columnMasks<>+120(SB)/8, $0
GLOBL columnMasks<>(SB), RODATA|NOPTR, $128

#define ZERO(lo, hi) \
	VXORPS lo, lo, lo \
	VXORPS hi, hi, hi

#define MULTIPLY(x, lo, hi) \
	VFMADD231PS Y12, x, lo \
	VFMADD231PS Y13, x, hi

// One step of rowTiles: element at CX+offset of six rows, panel row at b.
#define STEP(offset, b, b32) \
	VMOVUPS      b, Y12                 \
	VMOVUPS      b32, Y13               \
	VBROADCASTSS offset(R8)(CX*1), Y14  \
	VBROADCASTSS offset(R9)(CX*1), Y15  \
	MULTIPLY(Y14, Y0, Y1)               \
	VBROADCASTSS offset(R10)(CX*1), Y14 \
	MULTIPLY(Y15, Y2, Y3)               \
	VBROADCASTSS offset(R11)(CX*1), Y15 \
	MULTIPLY(Y14, Y4, Y5)               \
	VBROADCASTSS offset(R12)(CX*1), Y14 \
	MULTIPLY(Y15, Y6, Y7)               \
	VBROADCASTSS offset(R13)(CX*1), Y15 \
	MULTIPLY(Y14, Y8, Y9)               \
	MULTIPLY(Y15, Y10, Y11)

// Address of row i of c or a, from the table at BX and the base at DX.
#define ADDRESS(i, register) \
	MOVLQSX (4*i)(BX), register \
	ADDQ    DX, register

#define LOAD(address, lo, hi) \
	VMOVUPS (address), lo   \
	VMOVUPS 32(address), hi

// Columns below the mask in Y12, Y13.
#define LOADMASKED(address, lo, hi) \
	VMASKMOVPS (address), Y12, lo   \
	VMASKMOVPS 32(address), Y13, hi

// Those of a row of c, added.
#define ADDMASKED(address, lo, hi) \
	LOADMASKED(address, Y14, Y15) \
	VADDPS Y14, lo, lo            \
	VADDPS Y15, hi, hi

#define STORE(address, lo, hi) \
	VMOVUPS lo, (address)   \
	VMOVUPS hi, 32(address)

#define COLUMNMASK \
	LEAQ    columnMasks<>+64(SB), DI \
	MOVQ    rowTiles_columns(AX), CX \
	SHLQ    $2, CX                   \
	SUBQ    CX, DI                   \
	VMOVUPS (DI), Y12                \
	VMOVUPS 32(DI), Y13

// max(0, x) with x second, so that NaN stays NaN.
#define RECTIFY(lo, hi) \
	VMAXPS lo, Y14, lo \
	VMAXPS hi, Y14, hi

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

// func multiplyRowsAVX2(t *rowTiles)
TEXT ·multiplyRowsAVX2(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), AX
	MOVQ rowTiles_stride(AX), SI
	LEAQ (SI)(SI*2), R14

tile:
	// First values of the sums.
	TESTQ $1, rowTiles_flags(AX)
	JNZ   zero
	MOVQ  rowTiles_bias(AX), BX
	TESTQ BX, BX
	JNZ   frombias

zero:
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	ZERO(Y4, Y5)
	ZERO(Y6, Y7)
	ZERO(Y8, Y9)
	ZERO(Y10, Y11)
	JMP   multiply

frombias:
	COLUMNMASK
	LOADMASKED(BX, Y0, Y1)
	VMOVAPS Y0, Y2
	VMOVAPS Y1, Y3
	VMOVAPS Y0, Y4
	VMOVAPS Y1, Y5
	VMOVAPS Y0, Y6
	VMOVAPS Y1, Y7
	VMOVAPS Y0, Y8
	VMOVAPS Y1, Y9
	VMOVAPS Y0, Y10
	VMOVAPS Y1, Y11

multiply:
	MOVQ rowTiles_src(AX), BX
	ADDQ rowTiles_done(AX), BX
	MOVQ rowTiles_a(AX), DX
	ADDRESS(0, R8)
	ADDRESS(1, R9)
	ADDRESS(2, R10)
	ADDRESS(3, R11)
	ADDRESS(4, R12)
	ADDRESS(5, R13)
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
	STEP(0, (DI), 32(DI))
	STEP(4, (DI)(SI*1), 32(DI)(SI*1))
	STEP(8, (DI)(SI*2), 32(DI)(SI*2))
	STEP(12, (DI)(R14*1), 32(DI)(R14*1))
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
	STEP(0, (DI), 32(DI))
	STEP(4, (DI)(SI*1), 32(DI)(SI*1))
	ADDQ $8, CX
	LEAQ (DI)(SI*2), DI
	SUBQ $8, DX
	JZ   next

one:
	STEP(0, (DI), 32(DI))
	ADDQ SI, DI

next:
	DECQ R15
	JNZ  piece

epilogue:
	MOVQ  rowTiles_dst(AX), BX
	ADDQ  rowTiles_done(AX), BX
	MOVQ  rowTiles_c(AX), DX
	ADDRESS(0, R8)
	ADDRESS(1, R9)
	ADDRESS(2, R10)
	ADDRESS(3, R11)
	ADDRESS(4, R12)
	ADDRESS(5, R13)
	TESTQ $1, rowTiles_flags(AX)
	JZ    rectify
	COLUMNMASK
	ADDMASKED(R8, Y0, Y1)
	ADDMASKED(R9, Y2, Y3)
	ADDMASKED(R10, Y4, Y5)
	ADDMASKED(R11, Y6, Y7)
	ADDMASKED(R12, Y8, Y9)
	ADDMASKED(R13, Y10, Y11)

rectify:
	TESTQ  $2, rowTiles_flags(AX)
	JZ     store
	VXORPS Y14, Y14, Y14
	RECTIFY(Y0, Y1)
	RECTIFY(Y2, Y3)
	RECTIFY(Y4, Y5)
	RECTIFY(Y6, Y7)
	RECTIFY(Y8, Y9)
	RECTIFY(Y10, Y11)

store:
	CMPQ rowTiles_columns(AX), $16
	JNE  narrow
	STORE(R8, Y0, Y1)
	STORE(R9, Y2, Y3)
	STORE(R10, Y4, Y5)
	STORE(R11, Y6, Y7)
	STORE(R12, Y8, Y9)
	STORE(R13, Y10, Y11)

advance:
	ADDQ $24, rowTiles_done(AX)
	DECQ rowTiles_tiles(AX)
	JNZ  tile
	VZEROUPPER
	RET

narrow:
	COLUMNMASK
	CMPQ       rowTiles_columns(AX), $8
	JLE        half
	VMOVUPS    Y0, (R8)
	VMASKMOVPS Y1, Y13, 32(R8)
	VMOVUPS    Y2, (R9)
	VMASKMOVPS Y3, Y13, 32(R9)
	VMOVUPS    Y4, (R10)
	VMASKMOVPS Y5, Y13, 32(R10)
	VMOVUPS    Y6, (R11)
	VMASKMOVPS Y7, Y13, 32(R11)
	VMOVUPS    Y8, (R12)
	VMASKMOVPS Y9, Y13, 32(R12)
	VMOVUPS    Y10, (R13)
	VMASKMOVPS Y11, Y13, 32(R13)
	JMP        advance

half:
	VMASKMOVPS Y0, Y12, (R8)
	VMASKMOVPS Y2, Y12, (R9)
	VMASKMOVPS Y4, Y12, (R10)
	VMASKMOVPS Y6, Y12, (R11)
	VMASKMOVPS Y8, Y12, (R12)
	VMASKMOVPS Y10, Y12, (R13)
	JMP        advance

// One step of panelTile: six or four elements at offset of SI, panel row at
// 64 bytes a step of DI.
#define PANELSTEP4(offset, b) \
	VMOVUPS      b(DI), Y12           \
	VMOVUPS      (b+32)(DI), Y13      \
	VBROADCASTSS (offset+0)(SI), Y14  \
	VBROADCASTSS (offset+4)(SI), Y15  \
	MULTIPLY(Y14, Y0, Y1)             \
	VBROADCASTSS (offset+8)(SI), Y14  \
	MULTIPLY(Y15, Y2, Y3)             \
	VBROADCASTSS (offset+12)(SI), Y15 \
	MULTIPLY(Y14, Y4, Y5)             \
	MULTIPLY(Y15, Y6, Y7)

#define PANELSTEP6(offset, b) \
	PANELSTEP4(offset, b)             \
	VBROADCASTSS (offset+16)(SI), Y14 \
	VBROADCASTSS (offset+20)(SI), Y15 \
	MULTIPLY(Y14, Y8, Y9)             \
	MULTIPLY(Y15, Y10, Y11)

// Offsets of the fields of panelTile.
#define panelTile_a 0
#define panelTile_b 8
#define panelTile_c 16
#define panelTile_steps 24
#define panelTile_stride 32
#define panelTile_rows 40
#define panelTile_flags 48

// func multiplyPanelsAVX2(t *panelTile)
TEXT ·multiplyPanelsAVX2(SB), NOSPLIT, $0-8
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
	CMPQ  panelTile_rows(AX), $6
	JNE   fourrows
	TESTQ $1, panelTile_flags(AX)
	JNZ   load6
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	ZERO(Y4, Y5)
	ZERO(Y6, Y7)
	ZERO(Y8, Y9)
	ZERO(Y10, Y11)
	JMP   start6

load6:
	LOAD(R8, Y0, Y1)
	LOAD(R9, Y2, Y3)
	LOAD(R10, Y4, Y5)
	LOAD(R11, Y6, Y7)
	LOAD(R12, Y8, Y9)
	LOAD(R13, Y10, Y11)

start6:
	SUBQ $4, CX
	JLT  rest6
	PCALIGN $32

loop6:
	PANELSTEP6(0, 0)
	PANELSTEP6(24, 64)
	PANELSTEP6(48, 128)
	PANELSTEP6(72, 192)
	ADDQ $96, SI
	ADDQ $256, DI
	SUBQ $4, CX
	JGE  loop6

rest6:
	ADDQ $4, CX
	JZ   store6

single6:
	PANELSTEP6(0, 0)
	ADDQ $24, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  single6

store6:
	STORE(R8, Y0, Y1)
	STORE(R9, Y2, Y3)
	STORE(R10, Y4, Y5)
	STORE(R11, Y6, Y7)
	STORE(R12, Y8, Y9)
	STORE(R13, Y10, Y11)
	VZEROUPPER
	RET

fourrows:
	TESTQ $1, panelTile_flags(AX)
	JNZ   load4
	ZERO(Y0, Y1)
	ZERO(Y2, Y3)
	ZERO(Y4, Y5)
	ZERO(Y6, Y7)
	JMP   start4

load4:
	LOAD(R8, Y0, Y1)
	LOAD(R9, Y2, Y3)
	LOAD(R10, Y4, Y5)
	LOAD(R11, Y6, Y7)

start4:
	SUBQ $4, CX
	JLT  rest4
	PCALIGN $32

loop4:
	PANELSTEP4(0, 0)
	PANELSTEP4(16, 64)
	PANELSTEP4(32, 128)
	PANELSTEP4(48, 192)
	ADDQ $64, SI
	ADDQ $256, DI
	SUBQ $4, CX
	JGE  loop4

rest4:
	ADDQ $4, CX
	JZ   store4

single4:
	PANELSTEP4(0, 0)
	ADDQ $16, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  single4

store4:
	STORE(R8, Y0, Y1)
	STORE(R9, Y2, Y3)
	STORE(R10, Y4, Y5)
	STORE(R11, Y6, Y7)
	VZEROUPPER
	RET
