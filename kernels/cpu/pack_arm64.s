#include "textflag.h"

// A row of four elements at address becomes register f; the address advances.
#define ROW(address, f) \
	FMOVQ.P 16(address), f

// The 4x4 block of rows a, b, c, d: columns 0 to 3 into p, q, r, s. Pairs of
// rows are interleaved, then pairs of pairs.
#define TRANSPOSE(a, b, c, d, p, q, r, s) \
	VTRN1 b.S4, a.S4, V16.S4     \
	VTRN2 b.S4, a.S4, V17.S4     \
	VTRN1 d.S4, c.S4, V18.S4     \
	VTRN2 d.S4, c.S4, V19.S4     \
	VTRN1 V18.D2, V16.D2, p.D2   \
	VTRN1 V19.D2, V17.D2, q.D2   \
	VTRN2 V18.D2, V16.D2, r.D2   \
	VTRN2 V19.D2, V17.D2, s.D2

// The next column goes to its offset.
#define TO(low, high) \
	MOVW.P 4(R1), R4         \
	ADD    R0, R4            \
	FSTPQ  (low, high), (R4)

// func transposeEightNEON(dst, offsets, src unsafe.Pointer, stride, n int)
TEXT ·transposeEightNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD offsets+8(FP), R1
	MOVD src+16(FP), R8
	MOVD stride+24(FP), R2
	MOVD n+32(FP), R3
	ADD  R2, R8, R9
	ADD  R2, R9, R10
	ADD  R2, R10, R11
	ADD  R2, R11, R12
	ADD  R2, R12, R13
	ADD  R2, R13, R14
	ADD  R2, R14, R15

block:
	ROW(R8, F0)
	ROW(R9, F1)
	ROW(R10, F2)
	ROW(R11, F3)
	ROW(R12, F4)
	ROW(R13, F5)
	ROW(R14, F6)
	ROW(R15, F7)
	TRANSPOSE(V0, V1, V2, V3, V20, V21, V22, V23)
	TRANSPOSE(V4, V5, V6, V7, V24, V25, V26, V27)
	TO(F20, F24)
	TO(F21, F25)
	TO(F22, F26)
	TO(F23, F27)
	SUBS $4, R3
	BNE  block
	RET

// func packStridedNEON(to, from unsafe.Pointer, stride, n, width int)
TEXT ·packStridedNEON(SB), NOSPLIT, $0-40
	MOVD to+0(FP), R0
	MOVD from+8(FP), R1
	MOVD stride+16(FP), R2
	MOVD n+24(FP), R3
	MOVD width+32(FP), R4
	CMP  $6, R4
	BEQ  six
	BGT  sixteen

four:
	FMOVQ   (R1), F0
	ADD     R2, R1
	FMOVQ.P F0, 16(R0)
	SUBS    $1, R3
	BNE     four
	RET

six:
	FMOVQ   (R1), F0
	FMOVD   16(R1), F1
	ADD     R2, R1
	FMOVQ.P F0, 16(R0)
	FMOVD.P F1, 8(R0)
	SUBS    $1, R3
	BNE     six
	RET

sixteen:
	VLD1   (R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD    R2, R1
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS   $1, R3
	BNE    sixteen
	RET

// func packPatchesNEON(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int)
// Sixteen floats are copied for every run; the next run, or the next pixel,
// writes over what is too much.
TEXT ·packPatchesNEON(SB), NOSPLIT, $0-48
	MOVD to+0(FP), R0
	MOVD base+8(FP), R1
	MOVD src+16(FP), R2
	MOVD pixels+24(FP), R3

pixel:
	MOVW.P 4(R2), R6
	ADD    R1, R6
	MOVD   runs+32(FP), R4
	MOVD   count+40(FP), R5

run:
	LDP  (R4), (R7, R8)
	ADD  $24, R4
	ADD  R6, R7
	ADD  R0, R8
	VLD1 (R7), [V0.S4, V1.S4, V2.S4, V3.S4]
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R8)
	SUBS $1, R5
	BNE  run
	ADD  $64, R0
	SUBS $1, R3
	BNE  pixel
	RET

// func fetchNEON(from unsafe.Pointer, lines int)
TEXT ·fetchNEON(SB), NOSPLIT, $0-16
	MOVD from+0(FP), R0
	MOVD lines+8(FP), R1
	CMP  $0, R1
	BLE  fetched

line:
	PRFM (R0), PLDL2KEEP
	ADD  $64, R0
	SUBS $1, R1
	BNE  line

fetched:
	RET
