#include "textflag.h"

// Channels convolved each with a filter of its own; see channelTile. The patches
// of multiplyChannels are read by the multiply-adds themselves: eight pixels side
// by side, which the load of a weight serves and which hide the latency of a sum.
// sumChannels has up to twelve taps side by side.

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

// One tap of one, four or eight pixels; w holds its weights.
#define PIXELS1(w, y0) \
	VFMADD231PS (BX), w, y0

#define PIXELSMASKED1(w, y0) \
	VFMADD231PS (BX), w, K1, y0

#define PIXELS4(w, y0, y1, y2, y3) \
	VFMADD231PS (BX), w, y0       \
	VFMADD231PS (BX)(R8*1), w, y1 \
	VFMADD231PS (BX)(R8*2), w, y2 \
	VFMADD231PS (BX)(R9*1), w, y3

#define PIXELSMASKED4(w, y0, y1, y2, y3) \
	VFMADD231PS (BX), w, K1, y0       \
	VFMADD231PS (BX)(R8*1), w, K1, y1 \
	VFMADD231PS (BX)(R8*2), w, K1, y2 \
	VFMADD231PS (BX)(R9*1), w, K1, y3

#define PIXELS8(w, y0, y1, y2, y3, y4, y5, y6, y7) \
	VFMADD231PS (BX), w, y0        \
	VFMADD231PS (BX)(R8*1), w, y1  \
	VFMADD231PS (BX)(R8*2), w, y2  \
	VFMADD231PS (BX)(R9*1), w, y3  \
	VFMADD231PS (BX)(R8*4), w, y4  \
	VFMADD231PS (BX)(R10*1), w, y5 \
	VFMADD231PS (BX)(R9*2), w, y6  \
	VFMADD231PS (BX)(R11*1), w, y7

#define PIXELSMASKED8(w, y0, y1, y2, y3, y4, y5, y6, y7) \
	VFMADD231PS (BX), w, K1, y0        \
	VFMADD231PS (BX)(R8*1), w, K1, y1  \
	VFMADD231PS (BX)(R8*2), w, K1, y2  \
	VFMADD231PS (BX)(R9*1), w, K1, y3  \
	VFMADD231PS (BX)(R8*4), w, K1, y4  \
	VFMADD231PS (BX)(R10*1), w, K1, y5 \
	VFMADD231PS (BX)(R9*2), w, K1, y6  \
	VFMADD231PS (BX)(R11*1), w, K1, y7

// One step of up to twelve taps, dy being that of the pixel.
#define FOURCHANNELTAPS(dy, w0, w1, w2, w3) \
	VFMADD231PS (R8)(CX*1), dy, w0  \
	VFMADD231PS (R9)(CX*1), dy, w1  \
	VFMADD231PS (R10)(CX*1), dy, w2 \
	VFMADD231PS (R11)(CX*1), dy, w3

#define EIGHTCHANNELTAPS(dy, w0, w1, w2, w3, w4, w5, w6, w7) \
	FOURCHANNELTAPS(dy, w0, w1, w2, w3) \
	VFMADD231PS (R12)(CX*1), dy, w4     \
	VFMADD231PS (R13)(CX*1), dy, w5     \
	VFMADD231PS (R14)(CX*1), dy, w6     \
	VFMADD231PS (R15)(CX*1), dy, w7

#define NINECHANNELTAPS(dy, w0, w1, w2, w3, w4, w5, w6, w7, w8) \
	EIGHTCHANNELTAPS(dy, w0, w1, w2, w3, w4, w5, w6, w7) \
	VFMADD231PS (SI)(CX*1), dy, w8

#define TWELVECHANNELTAPS(dy, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11) \
	NINECHANNELTAPS(dy, w0, w1, w2, w3, w4, w5, w6, w7, w8) \
	VFMADD231PS (AX)(CX*1), dy, w9                          \
	VFMADD231PS (BX)(CX*1), dy, w10                         \
	VFMADD231PS (DX)(CX*1), dy, w11

#define FOURCHANNELTAPSMASKED(dy, w0, w1, w2, w3) \
	VFMADD231PS (R8)(CX*1), dy, K1, w0  \
	VFMADD231PS (R9)(CX*1), dy, K1, w1  \
	VFMADD231PS (R10)(CX*1), dy, K1, w2 \
	VFMADD231PS (R11)(CX*1), dy, K1, w3

#define EIGHTCHANNELTAPSMASKED(dy, w0, w1, w2, w3, w4, w5, w6, w7) \
	FOURCHANNELTAPSMASKED(dy, w0, w1, w2, w3) \
	VFMADD231PS (R12)(CX*1), dy, K1, w4       \
	VFMADD231PS (R13)(CX*1), dy, K1, w5       \
	VFMADD231PS (R14)(CX*1), dy, K1, w6       \
	VFMADD231PS (R15)(CX*1), dy, K1, w7

#define NINECHANNELTAPSMASKED(dy, w0, w1, w2, w3, w4, w5, w6, w7, w8) \
	EIGHTCHANNELTAPSMASKED(dy, w0, w1, w2, w3, w4, w5, w6, w7) \
	VFMADD231PS (SI)(CX*1), dy, K1, w8

#define TWELVECHANNELTAPSMASKED(dy, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11) \
	NINECHANNELTAPSMASKED(dy, w0, w1, w2, w3, w4, w5, w6, w7, w8) \
	VFMADD231PS (AX)(CX*1), dy, K1, w9                            \
	VFMADD231PS (BX)(CX*1), dy, K1, w10                           \
	VFMADD231PS (DX)(CX*1), dy, K1, w11

// What sumChannels keeps on the stack.
#define step 0(SP)
#define every 8(SP)
#define left 16(SP)
#define rows 24(SP)
#define channel 32(SP)

// On to the row below; the flags say whether there is one.
#define NEXTCHANNELROW \
	MOVQ t+0(FP), BP               \
	ADDQ channelTile_skip(BP), CX  \
	ADDQ channelTile_skipY(BP), DI \
	MOVQ channelTile_across(BP), BP \
	MOVQ BP, left                  \
	DECQ rows

// func multiplyChannelsAVX2(t *channelTile)
TEXT ·multiplyChannelsAVX2(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), AX
	MOVQ channelTile_x(AX), SI
	MOVQ channelTile_y(AX), DI
	MOVQ channelTile_step(AX), R8
	MOVQ channelTile_every(AX), R12
	MOVQ channelTile_across(AX), R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11

pixels:
	XORQ R13, R13
	CMPQ R15, $8
	JGE  eight
	CMPQ R15, $4
	JGE  four

one:
	MOVQ channelTile_bias(AX), BX
	VMOVUPS (BX)(R13*1), Y0
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_count(AX), CX
	TESTQ CX, CX
	JZ   onedone

onetap:
	MOVLQSX 4(DX), R14
	ADDQ channelTile_w(AX), R14
	VMOVUPS (R14)(R13*1), Y8
	MOVLQSX (DX), BX
	ADDQ SI, BX
	ADDQ R13, BX
	PIXELS1(Y8, Y0)
	ADDQ $8, DX
	DECQ CX
	JNZ  onetap

onedone:
	LEAQ (DI)(R13*1), BX
	VMOVUPS Y0, (BX)
	ADDQ $32, R13
	MOVQ channelTile_channels(AX), CX
	SHLQ $2, CX
	CMPQ R13, CX
	JLT  one
	LEAQ (SI)(R8*1), SI
	LEAQ (DI)(R12*1), DI
	SUBQ $1, R15
	JNZ  pixels
	VZEROUPPER
	RET

four:
	MOVQ channelTile_bias(AX), BX
	VMOVUPS (BX)(R13*1), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_count(AX), CX
	TESTQ CX, CX
	JZ   fourdone

fourtap:
	MOVLQSX 4(DX), R14
	ADDQ channelTile_w(AX), R14
	VMOVUPS (R14)(R13*1), Y8
	MOVLQSX (DX), BX
	ADDQ SI, BX
	ADDQ R13, BX
	PIXELS4(Y8, Y0, Y1, Y2, Y3)
	ADDQ $8, DX
	DECQ CX
	JNZ  fourtap

fourdone:
	LEAQ (DI)(R13*1), BX
	VMOVUPS Y0, (BX)
	ADDQ R12, BX
	VMOVUPS Y1, (BX)
	ADDQ R12, BX
	VMOVUPS Y2, (BX)
	ADDQ R12, BX
	VMOVUPS Y3, (BX)
	ADDQ $32, R13
	MOVQ channelTile_channels(AX), CX
	SHLQ $2, CX
	CMPQ R13, CX
	JLT  four
	LEAQ (SI)(R8*4), SI
	LEAQ (DI)(R12*4), DI
	SUBQ $4, R15
	JNZ  pixels
	VZEROUPPER
	RET

eight:
	MOVQ channelTile_bias(AX), BX
	VMOVUPS (BX)(R13*1), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3
	VMOVAPS Y0, Y4
	VMOVAPS Y0, Y5
	VMOVAPS Y0, Y6
	VMOVAPS Y0, Y7
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_count(AX), CX
	TESTQ CX, CX
	JZ   eightdone

eighttap:
	MOVLQSX 4(DX), R14
	ADDQ channelTile_w(AX), R14
	VMOVUPS (R14)(R13*1), Y8
	MOVLQSX (DX), BX
	ADDQ SI, BX
	ADDQ R13, BX
	PIXELS8(Y8, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	ADDQ $8, DX
	DECQ CX
	JNZ  eighttap

eightdone:
	LEAQ (DI)(R13*1), BX
	VMOVUPS Y0, (BX)
	ADDQ R12, BX
	VMOVUPS Y1, (BX)
	ADDQ R12, BX
	VMOVUPS Y2, (BX)
	ADDQ R12, BX
	VMOVUPS Y3, (BX)
	ADDQ R12, BX
	VMOVUPS Y4, (BX)
	ADDQ R12, BX
	VMOVUPS Y5, (BX)
	ADDQ R12, BX
	VMOVUPS Y6, (BX)
	ADDQ R12, BX
	VMOVUPS Y7, (BX)
	ADDQ $32, R13
	MOVQ channelTile_channels(AX), CX
	SHLQ $2, CX
	CMPQ R13, CX
	JLT  eight
	LEAQ (SI)(R8*8), SI
	LEAQ (DI)(R12*8), DI
	SUBQ $8, R15
	JNZ  pixels
	VZEROUPPER
	RET

// func multiplyChannelsAVX512(t *channelTile)
TEXT ·multiplyChannelsAVX512(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), AX
	MOVQ channelTile_x(AX), SI
	MOVQ channelTile_y(AX), DI
	MOVQ channelTile_step(AX), R8
	MOVQ channelTile_every(AX), R12
	MOVQ channelTile_across(AX), R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11

pixels:
	XORQ R13, R13
	CMPQ R15, $8
	JGE  eight
	CMPQ R15, $4
	JGE  four

one:
	// K1 selects the channels: sixteen, or the last eight.
	MOVQ  channelTile_channels(AX), CX
	SHLQ  $2, CX
	SUBQ  R13, CX
	CMPQ  CX, $64
	SETGE CX
	MOVBLZX CX, CX
	NEGL  CX
	ORL   $0xFF, CX
	KMOVW CX, K1
	MOVQ channelTile_bias(AX), BX
	VMOVUPS.Z (BX)(R13*1), K1, Z0
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_count(AX), CX
	TESTQ CX, CX
	JZ   onedone

onetap:
	MOVLQSX 4(DX), R14
	ADDQ channelTile_w(AX), R14
	VMOVUPS.Z (R14)(R13*1), K1, Z8
	MOVLQSX (DX), BX
	ADDQ SI, BX
	ADDQ R13, BX
	PIXELSMASKED1(Z8, Z0)
	ADDQ $8, DX
	DECQ CX
	JNZ  onetap

onedone:
	LEAQ (DI)(R13*1), BX
	VMOVUPS Z0, K1, (BX)
	ADDQ $64, R13
	MOVQ channelTile_channels(AX), CX
	SHLQ $2, CX
	CMPQ R13, CX
	JLT  one
	LEAQ (SI)(R8*1), SI
	LEAQ (DI)(R12*1), DI
	SUBQ $1, R15
	JNZ  pixels
	VZEROUPPER
	RET

four:
	// K1 selects the channels: sixteen, or the last eight.
	MOVQ  channelTile_channels(AX), CX
	SHLQ  $2, CX
	SUBQ  R13, CX
	CMPQ  CX, $64
	SETGE CX
	MOVBLZX CX, CX
	NEGL  CX
	ORL   $0xFF, CX
	KMOVW CX, K1
	MOVQ channelTile_bias(AX), BX
	VMOVUPS.Z (BX)(R13*1), K1, Z0
	VMOVAPS Z0, Z1
	VMOVAPS Z0, Z2
	VMOVAPS Z0, Z3
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_count(AX), CX
	TESTQ CX, CX
	JZ   fourdone

fourtap:
	MOVLQSX 4(DX), R14
	ADDQ channelTile_w(AX), R14
	VMOVUPS.Z (R14)(R13*1), K1, Z8
	MOVLQSX (DX), BX
	ADDQ SI, BX
	ADDQ R13, BX
	PIXELSMASKED4(Z8, Z0, Z1, Z2, Z3)
	ADDQ $8, DX
	DECQ CX
	JNZ  fourtap

fourdone:
	LEAQ (DI)(R13*1), BX
	VMOVUPS Z0, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z1, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z2, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z3, K1, (BX)
	ADDQ $64, R13
	MOVQ channelTile_channels(AX), CX
	SHLQ $2, CX
	CMPQ R13, CX
	JLT  four
	LEAQ (SI)(R8*4), SI
	LEAQ (DI)(R12*4), DI
	SUBQ $4, R15
	JNZ  pixels
	VZEROUPPER
	RET

eight:
	// K1 selects the channels: sixteen, or the last eight.
	MOVQ  channelTile_channels(AX), CX
	SHLQ  $2, CX
	SUBQ  R13, CX
	CMPQ  CX, $64
	SETGE CX
	MOVBLZX CX, CX
	NEGL  CX
	ORL   $0xFF, CX
	KMOVW CX, K1
	MOVQ channelTile_bias(AX), BX
	VMOVUPS.Z (BX)(R13*1), K1, Z0
	VMOVAPS Z0, Z1
	VMOVAPS Z0, Z2
	VMOVAPS Z0, Z3
	VMOVAPS Z0, Z4
	VMOVAPS Z0, Z5
	VMOVAPS Z0, Z6
	VMOVAPS Z0, Z7
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_count(AX), CX
	TESTQ CX, CX
	JZ   eightdone

eighttap:
	MOVLQSX 4(DX), R14
	ADDQ channelTile_w(AX), R14
	VMOVUPS.Z (R14)(R13*1), K1, Z8
	MOVLQSX (DX), BX
	ADDQ SI, BX
	ADDQ R13, BX
	PIXELSMASKED8(Z8, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	ADDQ $8, DX
	DECQ CX
	JNZ  eighttap

eightdone:
	LEAQ (DI)(R13*1), BX
	VMOVUPS Z0, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z1, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z2, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z3, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z4, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z5, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z6, K1, (BX)
	ADDQ R12, BX
	VMOVUPS Z7, K1, (BX)
	ADDQ $64, R13
	MOVQ channelTile_channels(AX), CX
	SHLQ $2, CX
	CMPQ R13, CX
	JLT  eight
	LEAQ (SI)(R8*8), SI
	LEAQ (DI)(R12*8), DI
	SUBQ $8, R15
	JNZ  pixels
	VZEROUPPER
	RET

// func sumChannelsAVX2(t *channelTile)
TEXT ·sumChannelsAVX2(SB), NOSPLIT, $48-8
	MOVQ t+0(FP), AX
	MOVQ channelTile_step(AX), CX
	MOVQ CX, step
	MOVQ channelTile_every(AX), CX
	MOVQ CX, every
	MOVQ $0, channel

channels:
	MOVQ channelTile_rows(AX), CX
	MOVQ CX, rows
	MOVQ channelTile_across(AX), CX
	MOVQ CX, left
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_w(AX), R9
	ADDQ channel, R9
	MOVLQSX 4(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y0
	MOVLQSX 12(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y1
	MOVLQSX 20(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y2
	MOVLQSX 28(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y3
	CMPQ channelTile_count(AX), $4
	JEQ  loaded
	MOVLQSX 36(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y4
	MOVLQSX 44(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y5
	MOVLQSX 52(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y6
	MOVLQSX 60(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y7
	CMPQ channelTile_count(AX), $8
	JEQ  loaded
	MOVLQSX 68(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y8
	CMPQ channelTile_count(AX), $9
	JEQ  loaded
	MOVLQSX 76(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y9
	MOVLQSX 84(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y10
	MOVLQSX 92(DX), R8
	ADDQ R9, R8
	VMOVUPS (R8), Y11

loaded:
	MOVQ channelTile_x(AX), DI
	ADDQ channel, DI
	MOVQ DX, CX
	MOVLQSX 0(CX), R8
	ADDQ DI, R8
	MOVLQSX 8(CX), R9
	ADDQ DI, R9
	MOVLQSX 16(CX), R10
	ADDQ DI, R10
	MOVLQSX 24(CX), R11
	ADDQ DI, R11
	MOVLQSX 32(CX), R12
	ADDQ DI, R12
	MOVLQSX 40(CX), R13
	ADDQ DI, R13
	MOVLQSX 48(CX), R14
	ADDQ DI, R14
	MOVLQSX 56(CX), R15
	ADDQ DI, R15
	MOVLQSX 64(CX), SI
	ADDQ DI, SI
	MOVLQSX 80(CX), BX
	ADDQ DI, BX
	MOVLQSX 88(CX), DX
	ADDQ DI, DX
	MOVQ channelTile_count(AX), BP
	MOVLQSX 72(CX), CX
	ADDQ CX, DI
	XCHGQ DI, AX
	MOVQ channelTile_y(DI), DI
	ADDQ channel, DI
	XORQ CX, CX
	CMPQ BP, $9
	JEQ  nine
	JGT  twelve
	CMPQ BP, $8
	JEQ  eight

four:
	VMOVUPS (DI), Y12
	FOURCHANNELTAPS(Y12, Y0, Y1, Y2, Y3)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  four
	NEXTCHANNELROW
	JNZ  four
	JMP  store

eight:
	VMOVUPS (DI), Y12
	EIGHTCHANNELTAPS(Y12, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  eight
	NEXTCHANNELROW
	JNZ  eight
	JMP  store

nine:
	VMOVUPS (DI), Y12
	NINECHANNELTAPS(Y12, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  nine
	NEXTCHANNELROW
	JNZ  nine
	JMP  store

twelve:
	VMOVUPS (DI), Y12
	TWELVECHANNELTAPS(Y12, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  twelve
	NEXTCHANNELROW
	JNZ  twelve

store:
	MOVQ t+0(FP), AX
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_w(AX), R9
	ADDQ channel, R9
	MOVLQSX 4(DX), R8
	ADDQ R9, R8
	VMOVUPS Y0, (R8)
	MOVLQSX 12(DX), R8
	ADDQ R9, R8
	VMOVUPS Y1, (R8)
	MOVLQSX 20(DX), R8
	ADDQ R9, R8
	VMOVUPS Y2, (R8)
	MOVLQSX 28(DX), R8
	ADDQ R9, R8
	VMOVUPS Y3, (R8)
	CMPQ channelTile_count(AX), $4
	JEQ  stored
	MOVLQSX 36(DX), R8
	ADDQ R9, R8
	VMOVUPS Y4, (R8)
	MOVLQSX 44(DX), R8
	ADDQ R9, R8
	VMOVUPS Y5, (R8)
	MOVLQSX 52(DX), R8
	ADDQ R9, R8
	VMOVUPS Y6, (R8)
	MOVLQSX 60(DX), R8
	ADDQ R9, R8
	VMOVUPS Y7, (R8)
	CMPQ channelTile_count(AX), $8
	JEQ  stored
	MOVLQSX 68(DX), R8
	ADDQ R9, R8
	VMOVUPS Y8, (R8)
	CMPQ channelTile_count(AX), $9
	JEQ  stored
	MOVLQSX 76(DX), R8
	ADDQ R9, R8
	VMOVUPS Y9, (R8)
	MOVLQSX 84(DX), R8
	ADDQ R9, R8
	VMOVUPS Y10, (R8)
	MOVLQSX 92(DX), R8
	ADDQ R9, R8
	VMOVUPS Y11, (R8)

stored:
	MOVQ channel, CX
	ADDQ $32, CX
	MOVQ CX, channel
	MOVQ channelTile_channels(AX), DX
	SHLQ $2, DX
	CMPQ CX, DX
	JLT  channels
	VZEROUPPER
	RET

// func sumChannelsAVX512(t *channelTile)
TEXT ·sumChannelsAVX512(SB), NOSPLIT, $48-8
	MOVQ t+0(FP), AX
	MOVQ channelTile_step(AX), CX
	MOVQ CX, step
	MOVQ channelTile_every(AX), CX
	MOVQ CX, every
	MOVQ $0, channel

channels:
	MOVQ channelTile_rows(AX), CX
	MOVQ CX, rows
	MOVQ channelTile_across(AX), CX
	MOVQ CX, left
	// K1 selects the channels: sixteen, or the last eight.
	MOVQ    channelTile_channels(AX), CX
	SHLQ    $2, CX
	SUBQ    channel, CX
	CMPQ    CX, $64
	SETGE   CX
	MOVBLZX CX, CX
	NEGL    CX
	ORL     $0xFF, CX
	KMOVW   CX, K1
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_w(AX), R9
	ADDQ channel, R9
	MOVLQSX 4(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z0
	MOVLQSX 12(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z1
	MOVLQSX 20(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z2
	MOVLQSX 28(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z3
	CMPQ channelTile_count(AX), $4
	JEQ  loaded
	MOVLQSX 36(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z4
	MOVLQSX 44(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z5
	MOVLQSX 52(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z6
	MOVLQSX 60(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z7
	CMPQ channelTile_count(AX), $8
	JEQ  loaded
	MOVLQSX 68(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z8
	CMPQ channelTile_count(AX), $9
	JEQ  loaded
	MOVLQSX 76(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z9
	MOVLQSX 84(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z10
	MOVLQSX 92(DX), R8
	ADDQ R9, R8
	VMOVUPS.Z (R8), K1, Z11

loaded:
	MOVQ channelTile_x(AX), DI
	ADDQ channel, DI
	MOVQ DX, CX
	MOVLQSX 0(CX), R8
	ADDQ DI, R8
	MOVLQSX 8(CX), R9
	ADDQ DI, R9
	MOVLQSX 16(CX), R10
	ADDQ DI, R10
	MOVLQSX 24(CX), R11
	ADDQ DI, R11
	MOVLQSX 32(CX), R12
	ADDQ DI, R12
	MOVLQSX 40(CX), R13
	ADDQ DI, R13
	MOVLQSX 48(CX), R14
	ADDQ DI, R14
	MOVLQSX 56(CX), R15
	ADDQ DI, R15
	MOVLQSX 64(CX), SI
	ADDQ DI, SI
	MOVLQSX 80(CX), BX
	ADDQ DI, BX
	MOVLQSX 88(CX), DX
	ADDQ DI, DX
	MOVQ channelTile_count(AX), BP
	MOVLQSX 72(CX), CX
	ADDQ CX, DI
	XCHGQ DI, AX
	MOVQ channelTile_y(DI), DI
	ADDQ channel, DI
	XORQ CX, CX
	CMPQ BP, $9
	JEQ  nine
	JGT  twelve
	CMPQ BP, $8
	JEQ  eight

four:
	VMOVUPS.Z (DI), K1, Z12
	FOURCHANNELTAPSMASKED(Z12, Z0, Z1, Z2, Z3)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  four
	NEXTCHANNELROW
	JNZ  four
	JMP  store

eight:
	VMOVUPS.Z (DI), K1, Z12
	EIGHTCHANNELTAPSMASKED(Z12, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  eight
	NEXTCHANNELROW
	JNZ  eight
	JMP  store

nine:
	VMOVUPS.Z (DI), K1, Z12
	NINECHANNELTAPSMASKED(Z12, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  nine
	NEXTCHANNELROW
	JNZ  nine
	JMP  store

twelve:
	VMOVUPS.Z (DI), K1, Z12
	TWELVECHANNELTAPSMASKED(Z12, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11)
	ADDQ step, CX
	ADDQ every, DI
	DECQ left
	JNZ  twelve
	NEXTCHANNELROW
	JNZ  twelve

store:
	MOVQ t+0(FP), AX
	MOVQ channelTile_taps(AX), DX
	MOVQ channelTile_w(AX), R9
	ADDQ channel, R9
	MOVLQSX 4(DX), R8
	ADDQ R9, R8
	VMOVUPS Z0, K1, (R8)
	MOVLQSX 12(DX), R8
	ADDQ R9, R8
	VMOVUPS Z1, K1, (R8)
	MOVLQSX 20(DX), R8
	ADDQ R9, R8
	VMOVUPS Z2, K1, (R8)
	MOVLQSX 28(DX), R8
	ADDQ R9, R8
	VMOVUPS Z3, K1, (R8)
	CMPQ channelTile_count(AX), $4
	JEQ  stored
	MOVLQSX 36(DX), R8
	ADDQ R9, R8
	VMOVUPS Z4, K1, (R8)
	MOVLQSX 44(DX), R8
	ADDQ R9, R8
	VMOVUPS Z5, K1, (R8)
	MOVLQSX 52(DX), R8
	ADDQ R9, R8
	VMOVUPS Z6, K1, (R8)
	MOVLQSX 60(DX), R8
	ADDQ R9, R8
	VMOVUPS Z7, K1, (R8)
	CMPQ channelTile_count(AX), $8
	JEQ  stored
	MOVLQSX 68(DX), R8
	ADDQ R9, R8
	VMOVUPS Z8, K1, (R8)
	CMPQ channelTile_count(AX), $9
	JEQ  stored
	MOVLQSX 76(DX), R8
	ADDQ R9, R8
	VMOVUPS Z9, K1, (R8)
	MOVLQSX 84(DX), R8
	ADDQ R9, R8
	VMOVUPS Z10, K1, (R8)
	MOVLQSX 92(DX), R8
	ADDQ R9, R8
	VMOVUPS Z11, K1, (R8)

stored:
	MOVQ channel, CX
	ADDQ $64, CX
	MOVQ CX, channel
	MOVQ channelTile_channels(AX), DX
	SHLQ $2, DX
	CMPQ CX, DX
	JLT  channels
	VZEROUPPER
	RET
