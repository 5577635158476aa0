#include "textflag.h"

DATA lanes<>+0(SB)/8, $0x0000000100000000
DATA lanes<>+8(SB)/8, $0x0000000300000002
DATA lanes<>+16(SB)/8, $0x0000000500000004
DATA lanes<>+24(SB)/8, $0x0000000700000006
GLOBL lanes<>(SB), RODATA|NOPTR, $32

DATA eight<>+0(SB)/4, $8
GLOBL eight<>(SB), RODATA|NOPTR, $4

// multiply0, multiply1, weyl0, weyl1
DATA philox<>+0(SB)/4, $0xD2511F53
DATA philox<>+4(SB)/4, $0xCD9E8D57
DATA philox<>+8(SB)/4, $0x9E3779B9
DATA philox<>+12(SB)/4, $0xBB67AE85
GLOBL philox<>(SB), RODATA|NOPTR, $16

// One round on eight counters, words in Y0..Y3, keys in Y4, Y5. A vector
// multiplies every second lane to 64 bits, so each product is made of two.
#define ROUND \
	VPMULUDQ Y6, Y0, Y10           \
	VPSRLQ   $32, Y0, Y11          \
	VPMULUDQ Y6, Y11, Y11          \
	VPMULUDQ Y7, Y2, Y12           \
	VPSRLQ   $32, Y2, Y13          \
	VPMULUDQ Y7, Y13, Y13          \
	VPSRLQ   $32, Y12, Y14         \
	VPBLENDD $0xAA, Y13, Y14, Y14  \
	VPXOR    Y1, Y14, Y0           \
	VPXOR    Y4, Y0, Y0            \
	VPSRLQ   $32, Y10, Y14         \
	VPBLENDD $0xAA, Y11, Y14, Y14  \
	VPXOR    Y3, Y14, Y2           \
	VPXOR    Y5, Y2, Y2            \
	VPSLLQ   $32, Y13, Y13         \
	VPBLENDD $0xAA, Y13, Y12, Y1   \
	VPSLLQ   $32, Y11, Y11         \
	VPBLENDD $0xAA, Y11, Y10, Y3   \
	VPADDD   Y8, Y4, Y4            \
	VPADDD   Y9, Y5, Y5

// func drawEightsAVX2(words *uint32, clock *kernels.Clock, stream, block uint32, eights int)
TEXT ·drawEightsAVX2(SB), NOSPLIT, $0-32
	MOVQ         words+0(FP), DI
	MOVQ         clock+8(FP), SI
	MOVQ         eights+24(FP), CX
	VPBROADCASTD philox<>+0(SB), Y6
	VPBROADCASTD philox<>+4(SB), Y7
	VPBROADCASTD philox<>+8(SB), Y8
	VPBROADCASTD philox<>+12(SB), Y9
	VBROADCASTSS block+20(FP), Y15
	VPADDD       lanes<>(SB), Y15, Y15

eightblocks:
	VMOVDQU      Y15, Y0
	VBROADCASTSS stream+16(FP), Y1
	VPBROADCASTD 8(SI), Y2
	VPBROADCASTD 12(SI), Y3
	VPBROADCASTD 0(SI), Y4
	VPBROADCASTD 4(SI), Y5
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND
	ROUND

	// Four words of a block one after another.
	VPUNPCKLDQ  Y1, Y0, Y10
	VPUNPCKHDQ  Y1, Y0, Y11
	VPUNPCKLDQ  Y3, Y2, Y12
	VPUNPCKHDQ  Y3, Y2, Y13
	VPUNPCKLQDQ Y12, Y10, Y0
	VPUNPCKHQDQ Y12, Y10, Y1
	VPUNPCKLQDQ Y13, Y11, Y2
	VPUNPCKHQDQ Y13, Y11, Y3
	VPERM2I128  $0x20, Y1, Y0, Y10
	VPERM2I128  $0x20, Y3, Y2, Y11
	VPERM2I128  $0x31, Y1, Y0, Y12
	VPERM2I128  $0x31, Y3, Y2, Y13
	VMOVDQU     Y10, (DI)
	VMOVDQU     Y11, 32(DI)
	VMOVDQU     Y12, 64(DI)
	VMOVDQU     Y13, 96(DI)

	VPBROADCASTD eight<>(SB), Y10
	VPADDD       Y10, Y15, Y15
	ADDQ         $128, DI
	DECQ         CX
	JNZ          eightblocks
	VZEROUPPER
	RET
