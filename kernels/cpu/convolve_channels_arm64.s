#include "textflag.h"

// Channels convolved each with a filter of its own, four at a time; see
// channelTile. multiplyChannels has up to eight pixels side by side, which the load
// of a weight serves, sumChannels up to twelve taps.

// Offsets of the fields of channelTile.
#define channelTile_y 0
#define channelTile_x 8
#define channelTile_w 16
#define channelTile_bias 24
#define channelTile_taps 32
#define channelTile_count 40
#define channelTile_channels 48
#define channelTile_across 56
#define channelTile_step 64
#define channelTile_every 72
#define channelTile_rows 80
#define channelTile_skip 88
#define channelTile_skipY 96

// One pixel of a tap, whose weights are in V16.
#define CHANNELPIXEL(x, sum) \
	VLD1.P (R20)(R8), [x.S4] \
	VFMLA  x.S4, V16.S4, sum.S4

// func multiplyChannelsNEON(t *channelTile)
TEXT ·multiplyChannelsNEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	MOVD channelTile_y(R0), R1
	MOVD channelTile_x(R0), R2
	MOVD channelTile_step(R0), R8
	MOVD channelTile_every(R0), R9
	MOVD channelTile_across(R0), R10
	MOVD channelTile_channels(R0), R11
	LSL  $2, R11

pixels:
	MOVD ZR, R12
	CMP  $8, R10
	BGE  eight
	CMP  $4, R10
	BGE  four

one:
	MOVD channelTile_bias(R0), R3
	ADD  R12, R3
	VLD1 (R3), [V0.S4]
	MOVD channelTile_taps(R0), R4
	MOVD channelTile_count(R0), R5
	MOVD channelTile_w(R0), R6
	ADD  R12, R6
	ADD  R12, R2, R7
	CBZ  R5, onedone

onetap:
	MOVW.P 4(R4), R20
	MOVW.P 4(R4), R21
	ADD    R7, R20
	ADD    R6, R21
	VLD1   (R21), [V16.S4]
	CHANNELPIXEL(V17, V0)
	SUBS   $1, R5
	BNE    onetap

onedone:
	ADD R12, R1, R3
	VST1.P [V0.S4], (R3)(R9)
	ADD $16, R12
	CMP R11, R12
	BLT one
	ADD R8, R2
	ADD R9, R1
	SUBS $1, R10
	BNE pixels
	RET

four:
	MOVD channelTile_bias(R0), R3
	ADD  R12, R3
	VLD1 (R3), [V0.S4]
	VMOV V0.B16, V1.B16
	VMOV V0.B16, V2.B16
	VMOV V0.B16, V3.B16
	MOVD channelTile_taps(R0), R4
	MOVD channelTile_count(R0), R5
	MOVD channelTile_w(R0), R6
	ADD  R12, R6
	ADD  R12, R2, R7
	CBZ  R5, fourdone

fourtap:
	MOVW.P 4(R4), R20
	MOVW.P 4(R4), R21
	ADD    R7, R20
	ADD    R6, R21
	VLD1   (R21), [V16.S4]
	CHANNELPIXEL(V17, V0)
	CHANNELPIXEL(V18, V1)
	CHANNELPIXEL(V19, V2)
	CHANNELPIXEL(V20, V3)
	SUBS   $1, R5
	BNE    fourtap

fourdone:
	ADD R12, R1, R3
	VST1.P [V0.S4], (R3)(R9)
	VST1.P [V1.S4], (R3)(R9)
	VST1.P [V2.S4], (R3)(R9)
	VST1.P [V3.S4], (R3)(R9)
	ADD $16, R12
	CMP R11, R12
	BLT four
	ADD R8<<2, R2
	ADD R9<<2, R1
	SUBS $4, R10
	BNE pixels
	RET

eight:
	MOVD channelTile_bias(R0), R3
	ADD  R12, R3
	VLD1 (R3), [V0.S4]
	VMOV V0.B16, V1.B16
	VMOV V0.B16, V2.B16
	VMOV V0.B16, V3.B16
	VMOV V0.B16, V4.B16
	VMOV V0.B16, V5.B16
	VMOV V0.B16, V6.B16
	VMOV V0.B16, V7.B16
	MOVD channelTile_taps(R0), R4
	MOVD channelTile_count(R0), R5
	MOVD channelTile_w(R0), R6
	ADD  R12, R6
	ADD  R12, R2, R7
	CBZ  R5, eightdone

eighttap:
	MOVW.P 4(R4), R20
	MOVW.P 4(R4), R21
	ADD    R7, R20
	ADD    R6, R21
	VLD1   (R21), [V16.S4]
	CHANNELPIXEL(V17, V0)
	CHANNELPIXEL(V18, V1)
	CHANNELPIXEL(V19, V2)
	CHANNELPIXEL(V20, V3)
	CHANNELPIXEL(V17, V4)
	CHANNELPIXEL(V18, V5)
	CHANNELPIXEL(V19, V6)
	CHANNELPIXEL(V20, V7)
	SUBS   $1, R5
	BNE    eighttap

eightdone:
	ADD R12, R1, R3
	VST1.P [V0.S4], (R3)(R9)
	VST1.P [V1.S4], (R3)(R9)
	VST1.P [V2.S4], (R3)(R9)
	VST1.P [V3.S4], (R3)(R9)
	VST1.P [V4.S4], (R3)(R9)
	VST1.P [V5.S4], (R3)(R9)
	VST1.P [V6.S4], (R3)(R9)
	VST1.P [V7.S4], (R3)(R9)
	ADD $16, R12
	CMP R11, R12
	BLT eight
	ADD R8<<3, R2
	ADD R9<<3, R1
	SUBS $8, R10
	BNE pixels
	RET

// One tap of a pixel, whose dy is in V12.
#define CHANNELTAP(p, x, sum) \
	VLD1.P (p)(R1), [x.S4] \
	VFMLA  x.S4, V12.S4, sum.S4

#define FOURCHANNELTAPS \
	CHANNELTAP(R8, V16, V0)  \
	CHANNELTAP(R9, V17, V1)  \
	CHANNELTAP(R10, V18, V2) \
	CHANNELTAP(R11, V19, V3)

#define EIGHTCHANNELTAPS \
	FOURCHANNELTAPS          \
	CHANNELTAP(R12, V20, V4) \
	CHANNELTAP(R13, V21, V5) \
	CHANNELTAP(R14, V22, V6) \
	CHANNELTAP(R15, V23, V7)

#define NINECHANNELTAPS \
	EIGHTCHANNELTAPS \
	CHANNELTAP(R19, V16, V8)

#define TWELVECHANNELTAPS \
	NINECHANNELTAPS           \
	CHANNELTAP(R20, V17, V9)  \
	CHANNELTAP(R21, V18, V10) \
	CHANNELTAP(R22, V19, V11)

// On to the row below; the flags say whether there is one.
#define NEXTCHANNELROW \
	ADD  R6, R8                     \
	ADD  R6, R9                     \
	ADD  R6, R10                    \
	ADD  R6, R11                    \
	ADD  R6, R12                    \
	ADD  R6, R13                    \
	ADD  R6, R14                    \
	ADD  R6, R15                    \
	ADD  R6, R19                    \
	ADD  R6, R20                    \
	ADD  R6, R21                    \
	ADD  R6, R22                    \
	ADD  R7, R2                     \
	MOVD channelTile_across(R0), R4 \
	SUBS $1, R5

// func sumChannelsNEON(t *channelTile)
TEXT ·sumChannelsNEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	MOVD channelTile_step(R0), R1
	MOVD channelTile_every(R0), R3
	MOVD channelTile_skip(R0), R6
	MOVD channelTile_skipY(R0), R7
	MOVD channelTile_count(R0), R23
	MOVD ZR, R24

channels:
	MOVD channelTile_rows(R0), R5
	MOVD channelTile_across(R0), R4
	MOVD channelTile_taps(R0), R16
	MOVD channelTile_w(R0), R17
	ADD  R24, R17
	MOVW 4(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V0.S4]
	MOVW 12(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V1.S4]
	MOVW 20(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V2.S4]
	MOVW 28(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V3.S4]
	CMP  $4, R23
	BEQ  loaded
	MOVW 36(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V4.S4]
	MOVW 44(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V5.S4]
	MOVW 52(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V6.S4]
	MOVW 60(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V7.S4]
	CMP  $8, R23
	BEQ  loaded
	MOVW 68(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V8.S4]
	CMP  $9, R23
	BEQ  loaded
	MOVW 76(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V9.S4]
	MOVW 84(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V10.S4]
	MOVW 92(R16), R25
	ADD  R17, R25
	VLD1 (R25), [V11.S4]

loaded:
	MOVD channelTile_x(R0), R25
	ADD  R24, R25
	MOVW 0(R16), R8
	ADD  R25, R8
	MOVW 8(R16), R9
	ADD  R25, R9
	MOVW 16(R16), R10
	ADD  R25, R10
	MOVW 24(R16), R11
	ADD  R25, R11
	MOVW 32(R16), R12
	ADD  R25, R12
	MOVW 40(R16), R13
	ADD  R25, R13
	MOVW 48(R16), R14
	ADD  R25, R14
	MOVW 56(R16), R15
	ADD  R25, R15
	MOVW 64(R16), R19
	ADD  R25, R19
	MOVW 72(R16), R20
	ADD  R25, R20
	MOVW 80(R16), R21
	ADD  R25, R21
	MOVW 88(R16), R22
	ADD  R25, R22
	MOVD channelTile_y(R0), R2
	ADD  R24, R2
	CMP  $9, R23
	BEQ  nine
	BGT  twelve
	CMP  $8, R23
	BEQ  eight

four:
	VLD1.P (R2)(R3), [V12.S4]
	FOURCHANNELTAPS
	SUBS   $1, R4
	BNE    four
	NEXTCHANNELROW
	BNE    four
	B      store

eight:
	VLD1.P (R2)(R3), [V12.S4]
	EIGHTCHANNELTAPS
	SUBS   $1, R4
	BNE    eight
	NEXTCHANNELROW
	BNE    eight
	B      store

nine:
	VLD1.P (R2)(R3), [V12.S4]
	NINECHANNELTAPS
	SUBS   $1, R4
	BNE    nine
	NEXTCHANNELROW
	BNE    nine
	B      store

twelve:
	VLD1.P (R2)(R3), [V12.S4]
	TWELVECHANNELTAPS
	SUBS   $1, R4
	BNE    twelve
	NEXTCHANNELROW
	BNE    twelve

store:
	MOVW 4(R16), R25
	ADD  R17, R25
	VST1 [V0.S4], (R25)
	MOVW 12(R16), R25
	ADD  R17, R25
	VST1 [V1.S4], (R25)
	MOVW 20(R16), R25
	ADD  R17, R25
	VST1 [V2.S4], (R25)
	MOVW 28(R16), R25
	ADD  R17, R25
	VST1 [V3.S4], (R25)
	CMP  $4, R23
	BEQ  stored
	MOVW 36(R16), R25
	ADD  R17, R25
	VST1 [V4.S4], (R25)
	MOVW 44(R16), R25
	ADD  R17, R25
	VST1 [V5.S4], (R25)
	MOVW 52(R16), R25
	ADD  R17, R25
	VST1 [V6.S4], (R25)
	MOVW 60(R16), R25
	ADD  R17, R25
	VST1 [V7.S4], (R25)
	CMP  $8, R23
	BEQ  stored
	MOVW 68(R16), R25
	ADD  R17, R25
	VST1 [V8.S4], (R25)
	CMP  $9, R23
	BEQ  stored
	MOVW 76(R16), R25
	ADD  R17, R25
	VST1 [V9.S4], (R25)
	MOVW 84(R16), R25
	ADD  R17, R25
	VST1 [V10.S4], (R25)
	MOVW 92(R16), R25
	ADD  R17, R25
	VST1 [V11.S4], (R25)

stored:
	ADD  $16, R24
	MOVD channelTile_channels(R0), R25
	LSL  $2, R25
	CMP  R25, R24
	BLT  channels
	RET
