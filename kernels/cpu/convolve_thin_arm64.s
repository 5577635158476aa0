#include "textflag.h"
#include "neon_arm64.h"

// multiplyTaps; see tapTile. Six or four taps of sixteen channels: the sums of tap
// i are in V(4i) to V(4i+3), the channels of a pixel in V24 to V27, elements of the
// patch in V28 to V31.

// Offsets of the fields of tapTile.
#define tapTile_x 0
#define tapTile_wide 8
#define tapTile_sums 16
#define tapTile_taps 24
#define tapTile_count 32
#define tapTile_columns 40
#define tapTile_rows 48
#define tapTile_across 56
#define tapTile_line 64
#define tapTile_step 72
#define tapTile_pixel 80
#define tapTile_stride 88
#define tapTile_ahead 96
#define tapTile_aheadStep 104

// One tap, at p, its sums in registers from a on.
#define TAP(p, x, v, a, b, c, d) \
	FMOVS (p)(R1), x      \
	VFMLA_E4(v, 0, 24, a) \
	VFMLA_E4(v, 0, 25, b) \
	VFMLA_E4(v, 0, 26, c) \
	VFMLA_E4(v, 0, 27, d)

#define FOURTAPS \
	TAP(R8, F28, 28, 0, 1, 2, 3)    \
	TAP(R9, F29, 29, 4, 5, 6, 7)    \
	TAP(R10, F30, 30, 8, 9, 10, 11) \
	TAP(R11, F31, 31, 12, 13, 14, 15)

#define PIXEL \
	VLD1 (R2), [V24.S4, V25.S4, V26.S4, V27.S4] \
	PRFM (R3), PLDL2KEEP                        \
	ADD  R4, R3

// On to the pixel to the right, if there is one, or to the row below.
#define NEXTPIXEL \
	ADD R5, R1 \
	ADD R6, R2 \
	CMP R7, R1

#define NEXTROW \
	ADD  R14, R1 \
	ADD  R15, R7 \
	SUBS $1, R16

#define ADDRESSTAP(register) \
	MOVW.P 4(R19), register \
	ADD    R20, register

// func multiplyTapsNEON(t *tapTile)
TEXT ·multiplyTapsNEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	MOVD tapTile_sums(R0), R19
	MOVD tapTile_stride(R0), R20
	MOVD tapTile_count(R0), R21
	VLD1 (R19), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD  R20, R19
	VLD1 (R19), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD  R20, R19
	VLD1 (R19), [V8.S4, V9.S4, V10.S4, V11.S4]
	ADD  R20, R19
	VLD1 (R19), [V12.S4, V13.S4, V14.S4, V15.S4]
	ADD  R20, R19
	CMP  $4, R21
	BEQ  loaded
	VLD1 (R19), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD  R20, R19
	VLD1 (R19), [V20.S4, V21.S4, V22.S4, V23.S4]
	ADD  R20, R19

loaded:
	MOVD tapTile_taps(R0), R19
	MOVD tapTile_x(R0), R20
	ADDRESSTAP(R8)
	ADDRESSTAP(R9)
	ADDRESSTAP(R10)
	ADDRESSTAP(R11)
	ADDRESSTAP(R12)
	ADDRESSTAP(R13)
	MOVD tapTile_wide(R0), R2
	MOVD tapTile_ahead(R0), R3
	MOVD tapTile_aheadStep(R0), R4
	MOVD tapTile_step(R0), R5
	MOVD tapTile_pixel(R0), R6
	MOVD tapTile_across(R0), R7
	MOVD tapTile_line(R0), R15
	MOVD tapTile_rows(R0), R16
	MUL  R5, R7
	SUB  R7, R15, R14
	MOVD ZR, R1
	CMP  $4, R21
	BEQ  four

six:
	PIXEL
	FOURTAPS
	TAP(R12, F28, 28, 16, 17, 18, 19)
	TAP(R13, F29, 29, 20, 21, 22, 23)
	NEXTPIXEL
	BLT six
	NEXTROW
	BNE six
	B   store

four:
	PIXEL
	FOURTAPS
	NEXTPIXEL
	BLT four
	NEXTROW
	BNE four

store:
	MOVD tapTile_sums(R0), R19
	MOVD tapTile_stride(R0), R20
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R19)
	ADD  R20, R19
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R19)
	ADD  R20, R19
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R19)
	ADD  R20, R19
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R19)
	ADD  R20, R19
	CMP  $4, R21
	BEQ  stored
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R19)
	ADD  R20, R19
	VST1 [V20.S4, V21.S4, V22.S4, V23.S4], (R19)
	ADD  R20, R19

stored:
	RET
