#include "textflag.h"

// multiplyTaps; see tapTile. The taps of a patch are broadcast, with CX counting
// bytes from where the first patch begins, and the channels of a pixel of the wide
// image are vectors. A sum waits for the one before it, 4 cycles, so two sums for
// each tap, and 9 or 12 taps, keep both units busy; each load serves two or more
// multiply-adds.

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

// What changes from pixel to pixel and from row to row, on the stack.
#define step 0(SP)
#define pixel 8(SP)
#define end 16(SP)
#define skip 24(SP)
#define line 32(SP)
#define rows 40(SP)
#define wide 48(SP)
#define aheadStep 56(SP)

// On to the row below; the flags say whether there is one.
#define NEXTROW \
	MOVQ DI, wide \
	MOVQ line, DI \
	ADDQ DI, end  \
	MOVQ wide, DI \
	ADDQ skip, CX \
	DECQ rows

// Of what the next sweep reads two lines are asked for.
#define FETCHAHEAD \
	PREFETCHT1 (BP)   \
	PREFETCHT1 64(BP) \
	ADDQ aheadStep, BP

// One tap of 32 channels, in Z30 and Z31.
#define TAP32(p, x, low, high) \
	VBROADCASTSS (p)(CX*1), x    \
	VFMADD231PS  Z30, x, low     \
	VFMADD231PS  Z31, x, high

// One of 16.
#define TAP16(p, sum) VFMADD231PS.BCST (p)(CX*1), Z30, sum

#define FOUR32 \
	TAP32(R8, Z24, Z0, Z1)  \
	TAP32(R9, Z25, Z2, Z3)  \
	TAP32(R10, Z26, Z4, Z5) \
	TAP32(R11, Z27, Z6, Z7)

#define EIGHT32 \
	FOUR32                    \
	TAP32(R12, Z28, Z8, Z9)   \
	TAP32(R13, Z29, Z10, Z11) \
	TAP32(R14, Z24, Z12, Z13) \
	TAP32(R15, Z25, Z14, Z15)

#define NINE32 \
	EIGHT32                 \
	TAP32(SI, Z26, Z16, Z17)

#define TWELVE32 \
	NINE32                    \
	TAP32(AX, Z27, Z18, Z19) \
	TAP32(BX, Z28, Z20, Z21) \
	TAP32(DX, Z29, Z22, Z23)

#define FOUR16 \
	TAP16(R8, Z0)  \
	TAP16(R9, Z2)  \
	TAP16(R10, Z4) \
	TAP16(R11, Z6)

#define EIGHT16 \
	FOUR16          \
	TAP16(R12, Z8)  \
	TAP16(R13, Z10) \
	TAP16(R14, Z12) \
	TAP16(R15, Z14)

#define NINE16 \
	EIGHT16        \
	TAP16(SI, Z16)

#define TWELVE16 \
	NINE16         \
	TAP16(AX, Z18) \
	TAP16(BX, Z20) \
	TAP16(DX, Z22)

// The sums of tap i, of the second sixteen channels where K2 says so.
#define LOADTAP(low, high) \
	VMOVUPS   (R8), low        \
	VMOVUPS.Z 64(R8), K2, high \
	ADDQ      R9, R8

#define STORETAP(low, high) \
	VMOVUPS low, (R8)        \
	VMOVUPS high, K2, 64(R8) \
	ADDQ    R9, R8

// Where tap i of the first patch is, from the table at CX and the base at DI.
#define ADDRESSTAP(i, register) \
	MOVLQSX (4*(i))(CX), register \
	ADDQ    DI, register

// func multiplyTapsAVX512(t *tapTile)
TEXT ·multiplyTapsAVX512(SB), NOSPLIT, $64-8
	MOVQ t+0(FP), AX

	// K2 is all ones with 32 channels and zero with 16.
	XORL  CX, CX
	CMPQ  tapTile_columns(AX), $32
	SETEQ CX
	NEGL  CX
	KMOVW CX, K2

	MOVQ  tapTile_step(AX), CX
	MOVQ  CX, step
	IMULQ tapTile_across(AX), CX
	MOVQ  CX, end
	MOVQ  tapTile_line(AX), DX
	MOVQ  DX, line
	SUBQ  CX, DX
	MOVQ  DX, skip
	MOVQ  tapTile_pixel(AX), CX
	MOVQ  CX, pixel
	MOVQ  tapTile_rows(AX), CX
	MOVQ  CX, rows

	MOVQ tapTile_aheadStep(AX), CX
	MOVQ CX, aheadStep
	MOVQ tapTile_ahead(AX), BP

	MOVQ tapTile_sums(AX), R8
	MOVQ tapTile_stride(AX), R9
	MOVQ tapTile_count(AX), BX

	LOADTAP(Z0, Z1)
	LOADTAP(Z2, Z3)
	LOADTAP(Z4, Z5)
	LOADTAP(Z6, Z7)
	CMPQ BX, $4
	JEQ  loaded
	LOADTAP(Z8, Z9)
	LOADTAP(Z10, Z11)
	LOADTAP(Z12, Z13)
	LOADTAP(Z14, Z15)
	CMPQ BX, $8
	JEQ  loaded
	LOADTAP(Z16, Z17)
	CMPQ BX, $9
	JEQ  loaded
	LOADTAP(Z18, Z19)
	LOADTAP(Z20, Z21)
	LOADTAP(Z22, Z23)

loaded:
	// Of fewer than twelve taps the others are addresses that nobody reads.
	MOVQ tapTile_taps(AX), CX
	MOVQ tapTile_x(AX), DI
	ADDRESSTAP(0, R8)
	ADDRESSTAP(1, R9)
	ADDRESSTAP(2, R10)
	ADDRESSTAP(3, R11)
	ADDRESSTAP(4, R12)
	ADDRESSTAP(5, R13)
	ADDRESSTAP(6, R14)
	ADDRESSTAP(7, R15)
	ADDRESSTAP(8, SI)
	ADDRESSTAP(11, DX)
	CMPQ tapTile_columns(AX), $32
	JNE  sixteen
	CMPQ BX, $9
	JEQ  nine32
	JGT  twelve32
	CMPQ BX, $4
	JEQ  four32
	JMP  eight32

twelve32:
	ADDRESSTAP(10, BX)
	MOVLQSX 36(CX), CX
	ADDQ    DI, CX
	MOVQ    tapTile_wide(AX), DI
	MOVQ    CX, AX
	XORQ CX, CX
	PCALIGN $32

twelve32pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	VMOVUPS 64(DI), Z31
	TWELVE32
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  twelve32pixel
	NEXTROW
	JNZ  twelve32pixel
	JMP  store

nine32:
	MOVQ tapTile_wide(AX), DI
	XORQ CX, CX
	PCALIGN $32

nine32pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	VMOVUPS 64(DI), Z31
	NINE32
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  nine32pixel
	NEXTROW
	JNZ  nine32pixel
	JMP  store

eight32:
	MOVQ tapTile_wide(AX), DI
	XORQ CX, CX
	PCALIGN $32

eight32pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	VMOVUPS 64(DI), Z31
	EIGHT32
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  eight32pixel
	NEXTROW
	JNZ  eight32pixel
	JMP  store

four32:
	MOVQ tapTile_wide(AX), DI
	XORQ CX, CX
	PCALIGN $32

four32pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	VMOVUPS 64(DI), Z31
	FOUR32
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  four32pixel
	NEXTROW
	JNZ  four32pixel
	JMP  store

sixteen:
	CMPQ BX, $9
	JEQ  nine16
	JGT  twelve16
	CMPQ BX, $4
	JEQ  four16
	JMP  eight16

twelve16:
	ADDRESSTAP(10, BX)
	MOVLQSX 36(CX), CX
	ADDQ    DI, CX
	MOVQ    tapTile_wide(AX), DI
	MOVQ    CX, AX
	XORQ CX, CX
	PCALIGN $32

twelve16pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	TWELVE16
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  twelve16pixel
	NEXTROW
	JNZ  twelve16pixel
	JMP  store

nine16:
	MOVQ tapTile_wide(AX), DI
	XORQ CX, CX
	PCALIGN $32

nine16pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	NINE16
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  nine16pixel
	NEXTROW
	JNZ  nine16pixel
	JMP  store

eight16:
	MOVQ tapTile_wide(AX), DI
	XORQ CX, CX
	PCALIGN $32

eight16pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	EIGHT16
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  eight16pixel
	NEXTROW
	JNZ  eight16pixel
	JMP  store

four16:
	MOVQ tapTile_wide(AX), DI
	XORQ CX, CX
	PCALIGN $32

four16pixel:
	FETCHAHEAD
	VMOVUPS (DI), Z30
	FOUR16
	ADDQ step, CX
	ADDQ pixel, DI
	CMPQ CX, end
	JLT  four16pixel
	NEXTROW
	JNZ  four16pixel
	JMP  store

store:
	MOVQ t+0(FP), AX
	MOVQ tapTile_sums(AX), R8
	MOVQ tapTile_stride(AX), R9
	MOVQ tapTile_count(AX), BX
	STORETAP(Z0, Z1)
	STORETAP(Z2, Z3)
	STORETAP(Z4, Z5)
	STORETAP(Z6, Z7)
	CMPQ BX, $4
	JEQ  storeed
	STORETAP(Z8, Z9)
	STORETAP(Z10, Z11)
	STORETAP(Z12, Z13)
	STORETAP(Z14, Z15)
	CMPQ BX, $8
	JEQ  storeed
	STORETAP(Z16, Z17)
	CMPQ BX, $9
	JEQ  storeed
	STORETAP(Z18, Z19)
	STORETAP(Z20, Z21)
	STORETAP(Z22, Z23)

storeed:
	VZEROUPPER
	RET

// With AVX2: one tap, the channels of a pixel in Y12 and Y13.
#define TAP(p, low, high) \
	VBROADCASTSS (p)(CX*1), Y14 \
	VFMADD231PS  Y12, Y14, low  \
	VFMADD231PS  Y13, Y14, high

#define FOURTAPS \
	TAP(R8, Y0, Y1)  \
	TAP(R9, Y2, Y3)  \
	TAP(R10, Y4, Y5) \
	TAP(R11, Y6, Y7)

#define PIXEL \
	VMOVUPS    (DI), Y12   \
	VMOVUPS    32(DI), Y13 \
	PREFETCHT1 (BP)        \
	PREFETCHT1 64(BP)      \
	ADDQ       0(SP), BP

// On to the pixel to the right, if there is one, or to the row below.
#define NEXTPIXEL \
	ADDQ SI, CX \
	ADDQ DX, DI \
	CMPQ CX, R15

#define NEXTROWOFSIX \
	ADDQ R14, CX \
	ADDQ BX, R15 \
	DECQ AX

#define LOADSUMS(low, high) \
	VMOVUPS (R14), low    \
	VMOVUPS 32(R14), high \
	ADDQ    R15, R14

#define STORESUMS(low, high) \
	VMOVUPS low, (R14)    \
	VMOVUPS high, 32(R14) \
	ADDQ    R15, R14

// func multiplyTapsAVX2(t *tapTile)
// Six or four taps of sixteen channels: the sums of tap i are in Y(2i) and
// Y(2i+1), the channels of a pixel in Y12 and Y13.
TEXT ·multiplyTapsAVX2(SB), NOSPLIT, $8-8
	MOVQ t+0(FP), AX
	MOVQ tapTile_sums(AX), R14
	MOVQ tapTile_stride(AX), R15
	LOADSUMS(Y0, Y1)
	LOADSUMS(Y2, Y3)
	LOADSUMS(Y4, Y5)
	LOADSUMS(Y6, Y7)
	CMPQ tapTile_count(AX), $4
	JEQ  loaded
	LOADSUMS(Y8, Y9)
	LOADSUMS(Y10, Y11)

loaded:
	MOVQ tapTile_taps(AX), CX
	MOVQ tapTile_x(AX), DI
	ADDRESSTAP(0, R8)
	ADDRESSTAP(1, R9)
	ADDRESSTAP(2, R10)
	ADDRESSTAP(3, R11)
	ADDRESSTAP(4, R12)
	ADDRESSTAP(5, R13)
	MOVQ  tapTile_aheadStep(AX), CX
	MOVQ  CX, 0(SP)
	MOVQ  tapTile_ahead(AX), BP
	MOVQ  tapTile_wide(AX), DI
	MOVQ  tapTile_step(AX), SI
	MOVQ  tapTile_pixel(AX), DX
	MOVQ  tapTile_line(AX), BX
	MOVQ  tapTile_across(AX), R15
	IMULQ SI, R15
	MOVQ  BX, R14
	SUBQ  R15, R14
	XORQ  CX, CX
	CMPQ  tapTile_count(AX), $4
	MOVQ  tapTile_rows(AX), AX
	JEQ   four
	PCALIGN $32

six:
	PIXEL
	FOURTAPS
	TAP(R12, Y8, Y9)
	TAP(R13, Y10, Y11)
	NEXTPIXEL
	JLT six
	NEXTROWOFSIX
	JNZ six
	JMP store

four:
	PIXEL
	FOURTAPS
	NEXTPIXEL
	JLT four
	NEXTROWOFSIX
	JNZ four

store:
	MOVQ t+0(FP), AX
	MOVQ tapTile_sums(AX), R14
	MOVQ tapTile_stride(AX), R15
	STORESUMS(Y0, Y1)
	STORESUMS(Y2, Y3)
	STORESUMS(Y4, Y5)
	STORESUMS(Y6, Y7)
	CMPQ tapTile_count(AX), $4
	JEQ  stored
	STORESUMS(Y8, Y9)
	STORESUMS(Y10, Y11)

stored:
	VZEROUPPER
	RET
