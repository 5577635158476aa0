#include "textflag.h"
#include "neon_arm64.h"

// Registers of both kernels:
//   V0..V23   the 6x16 tile, row i in V(4i) to V(4i+3)
//   V24..V29  elements of the left rows, multiplied lane by lane
//   V28..V31  16 columns of one row of the right panel
// A step is 24 multiply-adds, which follow each other in a sum 24 apart.

#define ZERO(v0, v1, v2, v3) \
	VEOR v0.B16, v0.B16, v0.B16 \
	VEOR v1.B16, v1.B16, v1.B16 \
	VEOR v2.B16, v2.B16, v2.B16 \
	VEOR v3.B16, v3.B16, v3.B16

#define ZEROTILE \
	ZERO(V0, V1, V2, V3)     \
	ZERO(V4, V5, V6, V7)     \
	ZERO(V8, V9, V10, V11)   \
	ZERO(V12, V13, V14, V15) \
	ZERO(V16, V17, V18, V19) \
	ZERO(V20, V21, V22, V23)

#define LOAD(address, v0, v1, v2, v3) \
	VLD1 (address), [v0.S4, v1.S4, v2.S4, v3.S4]

// A row of c, added to registers v0 to v3; V24 to V27 are free behind the steps.
#define ADDROW(address, v0, v1, v2, v3) \
	LOAD(address, V24, V25, V26, V27) \
	VFADD_S4(24, v0, v0)              \
	VFADD_S4(25, v1, v1)              \
	VFADD_S4(26, v2, v2)              \
	VFADD_S4(27, v3, v3)

#define STORE(address, v0, v1, v2, v3) \
	VST1 [v0.S4, v1.S4, v2.S4, v3.S4], (address)

#define COPY(v0, v1, v2, v3) \
	VMOV V0.B16, v0.B16 \
	VMOV V1.B16, v1.B16 \
	VMOV V2.B16, v2.B16 \
	VMOV V3.B16, v3.B16

// max(x, 0); NaN stays NaN.
#define RECTIFY(v0, v1, v2, v3) \
	VFMAX_S4(24, v0, v0) \
	VFMAX_S4(24, v1, v1) \
	VFMAX_S4(24, v2, v2) \
	VFMAX_S4(24, v3, v3)

// Half a step: lane i of the rows times columns in V30 and V31, into the
// registers of row 0 from v0 on.
#define HALFSTEP(i, v0, v1, v4, v5, v8, v9, v12, v13, v16, v17, v20, v21) \
	VFMLA_E4(24, i, 30, v0)  \
	VFMLA_E4(24, i, 31, v1)  \
	VFMLA_E4(25, i, 30, v4)  \
	VFMLA_E4(25, i, 31, v5)  \
	VFMLA_E4(26, i, 30, v8)  \
	VFMLA_E4(26, i, 31, v9)  \
	VFMLA_E4(27, i, 30, v12) \
	VFMLA_E4(27, i, 31, v13) \
	VFMLA_E4(28, i, 30, v16) \
	VFMLA_E4(28, i, 31, v17) \
	VFMLA_E4(29, i, 30, v20) \
	VFMLA_E4(29, i, 31, v21)

// One step of rowTiles: lane i of the rows, the panel's row at R1.
#define STEP(i) \
	FLDPQ (R1), (F30, F31)                                  \
	HALFSTEP(i, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21)   \
	FLDPQ 32(R1), (F30, F31)                                \
	ADD   R2, R1                                            \
	HALFSTEP(i, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23)

// Address of the next row of c or a, from the table at R14 and the base at R15.
#define ADDRESS(register) \
	MOVW.P 4(R14), register \
	ADD    R15, register

#define ADDRESSES \
	ADDRESS(R8)  \
	ADDRESS(R9)  \
	ADDRESS(R10) \
	ADDRESS(R11) \
	ADDRESS(R12) \
	ADDRESS(R13)

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

// func multiplyRowsNEON(t *rowTiles)
// Rows of fewer than 16 columns are copied to and from the stack, whose rows
// have 16.
TEXT ·multiplyRowsNEON(SB), NOSPLIT, $384-8
	MOVD t+0(FP), R0
	MOVD rowTiles_stride(R0), R2
	MOVD rowTiles_columns(R0), R5
	MOVD rowTiles_flags(R0), R6
	MOVD rowTiles_src(R0), R22
	MOVD rowTiles_dst(R0), R23
	MOVD rowTiles_tiles(R0), R24

tile:
	// First values of the sums.
	TBNZ $0, R6, zero
	MOVD rowTiles_bias(R0), R8
	CBNZ R8, frombias

zero:
	ZEROTILE
	B    multiply

frombias:
	CMP  $16, R5
	BEQ  bias
	MOVD $rows-384(SP), R19
	MOVD R5, R20

narrowbias:
	MOVWU.P 4(R8), R21
	MOVW.P  R21, 4(R19)
	SUBS    $1, R20
	BNE     narrowbias
	MOVD    $rows-384(SP), R8

bias:
	LOAD(R8, V0, V1, V2, V3)
	COPY(V4, V5, V6, V7)
	COPY(V8, V9, V10, V11)
	COPY(V12, V13, V14, V15)
	COPY(V16, V17, V18, V19)
	COPY(V20, V21, V22, V23)

multiply:
	MOVD R22, R14
	MOVD rowTiles_a(R0), R15
	ADDRESSES
	MOVD rowTiles_b(R0), R1
	MOVD rowTiles_pieces(R0), R3
	MOVD rowTiles_count(R0), R4
	MOVD $0, R7               // bytes of the rows that are behind
	CBZ  R4, epilogue

piece:
	LDP.P 16(R3), (R14, R15)
	SUB   R7, R14, R16
	ADD   R16, R8
	ADD   R16, R9
	ADD   R16, R10
	ADD   R16, R11
	ADD   R16, R12
	ADD   R16, R13
	MOVD  R15, R7
	SUB   R14, R15
	SUBS  $16, R15
	BLT   rest

four:
	FMOVQ.P 16(R8), F24
	FMOVQ.P 16(R9), F25
	FMOVQ.P 16(R10), F26
	FMOVQ.P 16(R11), F27
	FMOVQ.P 16(R12), F28
	FMOVQ.P 16(R13), F29
	STEP(0)
	STEP(1)
	STEP(2)
	STEP(3)
	SUBS    $16, R15
	BGE     four

rest:
	ADDS $16, R15
	BEQ  next

single:
	FMOVS.P 4(R8), F24
	FMOVS.P 4(R9), F25
	FMOVS.P 4(R10), F26
	FMOVS.P 4(R11), F27
	FMOVS.P 4(R12), F28
	FMOVS.P 4(R13), F29
	STEP(0)
	SUBS    $4, R15
	BNE     single

next:
	SUBS $1, R4
	BNE  piece

epilogue:
	TBZ  $0, R6, rectify
	MOVD R23, R14
	MOVD rowTiles_c(R0), R15
	CMP  $16, R5
	BNE  narrowresult
	ADDRESSES

add:
	ADDROW(R8, 0, 1, 2, 3)
	ADDROW(R9, 4, 5, 6, 7)
	ADDROW(R10, 8, 9, 10, 11)
	ADDROW(R11, 12, 13, 14, 15)
	ADDROW(R12, 16, 17, 18, 19)
	ADDROW(R13, 20, 21, 22, 23)

rectify:
	TBZ  $1, R6, store
	VEOR V24.B16, V24.B16, V24.B16
	RECTIFY(0, 1, 2, 3)
	RECTIFY(4, 5, 6, 7)
	RECTIFY(8, 9, 10, 11)
	RECTIFY(12, 13, 14, 15)
	RECTIFY(16, 17, 18, 19)
	RECTIFY(20, 21, 22, 23)

store:
	MOVD R23, R14
	MOVD rowTiles_c(R0), R15
	CMP  $16, R5
	BNE  narrowstore
	ADDRESSES
	STORE(R8, V0, V1, V2, V3)
	STORE(R9, V4, V5, V6, V7)
	STORE(R10, V8, V9, V10, V11)
	STORE(R11, V12, V13, V14, V15)
	STORE(R12, V16, V17, V18, V19)
	STORE(R13, V20, V21, V22, V23)

advance:
	ADD  $24, R22
	ADD  $24, R23
	SUBS $1, R24
	BNE  tile
	RET

narrowresult:
	MOVD $rows-384(SP), R16
	MOVD $6, R17

resultrow:
	ADDRESS(R8)
	MOVD R16, R19
	MOVD R5, R20

resultcolumn:
	MOVWU.P 4(R8), R21
	MOVW.P  R21, 4(R19)
	SUBS    $1, R20
	BNE     resultcolumn
	ADD     $64, R16
	SUBS    $1, R17
	BNE     resultrow
	MOVD    $rows-384(SP), R8
	ADD     $64, R8, R9
	ADD     $64, R9, R10
	ADD     $64, R10, R11
	ADD     $64, R11, R12
	ADD     $64, R12, R13
	B       add

narrowstore:
	MOVD $rows-384(SP), R16
	MOVD R16, R19
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R19)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R19)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R19)
	VST1.P [V12.S4, V13.S4, V14.S4, V15.S4], 64(R19)
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(R19)
	VST1.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(R19)
	MOVD $6, R17

storerow:
	ADDRESS(R8)
	MOVD R16, R19
	MOVD R5, R20

storecolumn:
	MOVWU.P 4(R19), R21
	MOVW.P  R21, 4(R8)
	SUBS    $1, R20
	BNE     storecolumn
	ADD     $64, R16
	SUBS    $1, R17
	BNE     storerow
	B       advance

// Lane i of a times 16 columns, into row v0.
#define PANELROW(a, i, v0, v1, v2, v3) \
	VFMLA_E4(a, i, 28, v0) \
	VFMLA_E4(a, i, 29, v1) \
	VFMLA_E4(a, i, 30, v2) \
	VFMLA_E4(a, i, 31, v3)

// The first four rows of one step of panelTile.
#define PANELSTEP \
	FLDPQ.P 32(R2), (F28, F29)      \
	FLDPQ.P 32(R2), (F30, F31)      \
	FMOVQ.P 16(R1), F24             \
	PANELROW(24, 0, 0, 1, 2, 3)     \
	PANELROW(24, 1, 4, 5, 6, 7)     \
	PANELROW(24, 2, 8, 9, 10, 11)   \
	PANELROW(24, 3, 12, 13, 14, 15)

// Offsets of the fields of panelTile.
#define panelTile_a 0
#define panelTile_b 8
#define panelTile_c 16
#define panelTile_steps 24
#define panelTile_stride 32
#define panelTile_rows 40
#define panelTile_flags 48

// func multiplyPanelsNEON(t *panelTile)
TEXT ·multiplyPanelsNEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	MOVD panelTile_a(R0), R1
	MOVD panelTile_b(R0), R2
	MOVD panelTile_steps(R0), R3
	MOVD panelTile_rows(R0), R4
	MOVD panelTile_flags(R0), R6

	// Addresses of the rows of c; rows 4 and 5 are used with six rows only.
	MOVD panelTile_c(R0), R8
	MOVD panelTile_stride(R0), R5
	ADD  R5, R8, R9
	ADD  R5, R9, R10
	ADD  R5, R10, R11
	ADD  R5, R11, R12
	ADD  R5, R12, R13
	ZEROTILE
	TBZ  $0, R6, start
	LOAD(R8, V0, V1, V2, V3)
	LOAD(R9, V4, V5, V6, V7)
	LOAD(R10, V8, V9, V10, V11)
	LOAD(R11, V12, V13, V14, V15)
	CMP  $6, R4
	BNE  start
	LOAD(R12, V16, V17, V18, V19)
	LOAD(R13, V20, V21, V22, V23)

start:
	CMP $6, R4
	BNE four

six:
	PANELSTEP
	FMOVD.P 8(R1), F25
	PANELROW(25, 0, 16, 17, 18, 19)
	PANELROW(25, 1, 20, 21, 22, 23)
	SUBS    $1, R3
	BNE     six
	STORE(R12, V16, V17, V18, V19)
	STORE(R13, V20, V21, V22, V23)
	B       store

four:
	PANELSTEP
	SUBS $1, R3
	BNE  four

store:
	STORE(R8, V0, V1, V2, V3)
	STORE(R9, V4, V5, V6, V7)
	STORE(R10, V8, V9, V10, V11)
	STORE(R11, V12, V13, V14, V15)
	RET
