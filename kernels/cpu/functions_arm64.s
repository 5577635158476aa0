#include "textflag.h"
#include "neon_arm64.h"

// Elementary functions of four float32 at a time, within 3 ulp: the same
// polynomials as in functions_amd64.s. Their constants stand in the lanes of
// V16 to V26, four in each, in this order:
DATA functions<>+0(SB)/4, $0x42b20000 // V16[0] highest
DATA functions<>+4(SB)/4, $0xc2d00000 // V16[1] lowest
DATA functions<>+8(SB)/4, $0x3fb8aa3b // V16[2] log2e
DATA functions<>+12(SB)/4, $0x3f318000 // V16[3] ln2high
DATA functions<>+16(SB)/4, $0xb95e8083 // V17[0] ln2low
DATA functions<>+20(SB)/4, $0x39506967 // V17[1] exp0
DATA functions<>+24(SB)/4, $0x3ab743ce // V17[2] exp1
DATA functions<>+28(SB)/4, $0x3c088908 // V17[3] exp2
DATA functions<>+32(SB)/4, $0x3d2aa9c1 // V18[0] exp3
DATA functions<>+36(SB)/4, $0x3e2aaaaa // V18[1] exp4
DATA functions<>+40(SB)/4, $0x3f000000 // V18[2] exp5, ½
DATA functions<>+44(SB)/4, $0x3f800000 // V18[3] 1
DATA functions<>+48(SB)/4, $0x40000000 // V19[0] 2
DATA functions<>+52(SB)/4, $0x0000007f // V19[1] bias of the exponent
DATA functions<>+56(SB)/4, $0xc2ae0000 // V19[2] lowestNormal
DATA functions<>+60(SB)/4, $0x3ecc422a // V19[3] density
DATA functions<>+64(SB)/4, $0xbbbaf0ea // V20[0] tanh0
DATA functions<>+68(SB)/4, $0x3ca9134e // V20[1] tanh1
DATA functions<>+72(SB)/4, $0xbd5c1e2d // V20[2] tanh2
DATA functions<>+76(SB)/4, $0x3e088393 // V20[3] tanh3
DATA functions<>+80(SB)/4, $0xbeaaaa99 // V21[0] tanh4
DATA functions<>+84(SB)/4, $0x3f200000 // V21[1] tanhSeries
DATA functions<>+88(SB)/4, $0x3f3504f3 // V21[2] √½
DATA functions<>+92(SB)/4, $0xbf000000 // V21[3] −½
DATA functions<>+96(SB)/4, $0x3e088889 // V22[0] log0
DATA functions<>+100(SB)/4, $0x3e1d89d9 // V22[1] log1
DATA functions<>+104(SB)/4, $0x3e3a2e8c // V22[2] log2
DATA functions<>+108(SB)/4, $0x3e638e39 // V22[3] log3
DATA functions<>+112(SB)/4, $0x3e924925 // V23[0] log4
DATA functions<>+116(SB)/4, $0x3ecccccd // V23[1] log5
DATA functions<>+120(SB)/4, $0x3f2aaaab // V23[2] log6
DATA functions<>+124(SB)/4, $0x40800000 // V23[3] 4
DATA functions<>+128(SB)/4, $0xaf95df0b // V24[0] erf0
DATA functions<>+132(SB)/4, $0x32edffee // V24[1] erf1
DATA functions<>+136(SB)/4, $0xb60cff51 // V24[2] erf2
DATA functions<>+140(SB)/4, $0xb86ec2d2 // V24[3] erf3
DATA functions<>+144(SB)/4, $0xba40ac63 // V25[0] erf4
DATA functions<>+148(SB)/4, $0xbb41a1f6 // V25[1] erf5
DATA functions<>+152(SB)/4, $0xbc83dbd4 // V25[2] erf6
DATA functions<>+156(SB)/4, $0xb77460cd // V25[3] erfc0
DATA functions<>+160(SB)/4, $0xb95fbd29 // V26[0] erfc1
DATA functions<>+164(SB)/4, $0xbadc924e // V26[1] erfc2
DATA functions<>+168(SB)/4, $0xbbf19bf8 // V26[2] erfc3
DATA functions<>+172(SB)/4, $0xbc69b6a7 // V26[3] erfc4
GLOBL functions<>(SB), RODATA|NOPTR, $176

// All constants, 1 in every lane of V28 and the sign bit in V29.
#define CONSTANTS \
	MOVD   $functions<>(SB), R4                         \
	VLD1.P 64(R4), [V16.S4, V17.S4, V18.S4, V19.S4]     \
	VLD1.P 64(R4), [V20.S4, V21.S4, V22.S4, V23.S4]     \
	VLD1   (R4), [V24.S4, V25.S4, V26.S4]               \
	VDUP   V18.S[3], V28.S4                             \
	MOVD   $0x80000000, R4                              \
	VDUP   R4, V29.S4

// A step of a polynomial in x: next = last·x + constant.
#define HORNER(constant, x, last, next) \
	VDUP  constant, next.S4     \
	VFMLA x.S4, last.S4, next.S4

// V0 = e to the r, minus 1, and V1 = n, an integer, where V0 = n·ln 2 + r; uses
// V2 and V3. ln 2 is in two parts, eʳ by Moshier's polynomial (Cephes, expf).
#define REDUCE \
	VFMUL_E4(16, 2, 0, 1)          \
	VFRINTN_S4(1, 1)               \
	VFMLS_E4(16, 3, 1, 0)          \
	VFMLS_E4(17, 0, 1, 0)          \
	VFCVTNS_S4(1, 1)               \
	VDUP V17.S[1], V2.S4           \
	HORNER(V17.S[2], V0, V2, V3)   \
	HORNER(V17.S[3], V0, V3, V2)   \
	HORNER(V18.S[0], V0, V2, V3)   \
	HORNER(V18.S[1], V0, V3, V2)   \
	HORNER(V18.S[2], V0, V2, V3)   \
	VFMUL_S4(0, 0, 2)              \
	VFMLA V2.S4, V3.S4, V0.S4

// V0 = e to the V0; uses V1 to V4. 2ⁿ is in two factors, so that results near
// both ends of the range come out right. NaN stays NaN.
#define EXP \
	VDUP  V16.S[0], V1.S4        \
	VFMIN_S4(1, 0, 0)            \
	VDUP  V16.S[1], V1.S4        \
	VFMAX_S4(1, 0, 0)            \
	REDUCE                       \
	VFADD_S4(28, 0, 0)           \
	VDUP  V19.S[1], V2.S4        \
	VSSHR_S4(1, 1, 3)            \
	VSUB  V3.S4, V1.S4, V4.S4    \
	VADD  V2.S4, V3.S4, V3.S4    \
	VADD  V2.S4, V4.S4, V4.S4    \
	VSHL  $23, V3.S4, V3.S4      \
	VSHL  $23, V4.S4, V4.S4      \
	VFMUL_S4(3, 0, 0)            \
	VFMUL_S4(4, 0, 0)

// V0 = 1/(1 + e to the −V0)
#define SIGMOID \
	VFNEG_S4(0, 0)      \
	EXP                 \
	VFADD_S4(28, 0, 0)  \
	VFDIV_S4(0, 28, 0)

// V0 = tanh V0; uses V1 to V5: 1 − 2/(e²ˣ + 1) of |x|, and below ⅝ Moshier's
// polynomial (Cephes, tanhf).
#define TANH \
	VMOV V0.B16, V5.B16            \
	VFABS_S4(0, 0)                 \
	VFADD_S4(0, 0, 0)              \
	EXP                            \
	VFADD_S4(28, 0, 0)             \
	VDUP V19.S[0], V1.S4           \
	VFDIV_S4(0, 1, 0)              \
	VFSUB_S4(0, 28, 0)             \
	VBIT V29.B16, V5.B16, V0.B16   \
	VFMUL_S4(5, 5, 1)              \
	VDUP V20.S[0], V2.S4           \
	HORNER(V20.S[1], V1, V2, V3)   \
	HORNER(V20.S[2], V1, V3, V2)   \
	HORNER(V20.S[3], V1, V2, V3)   \
	HORNER(V21.S[0], V1, V3, V2)   \
	VFMUL_S4(1, 2, 2)              \
	VMOV V5.B16, V3.B16            \
	VFMLA V5.S4, V2.S4, V3.S4      \
	VFABS_S4(5, 4)                 \
	VDUP V21.S[1], V1.S4           \
	VFCMGT_S4(4, 1, 1)             \
	VBIT V1.B16, V3.B16, V0.B16

// V0 = log(1 + V0) for V0 in [0,1]; uses V1 to V3: 2·artanh(s) with
// s = V0/(2 + V0) <= ⅓, by its series.
#define LOG1P \
	VDUP V19.S[0], V2.S4           \
	VFADD_S4(2, 0, 1)              \
	VFDIV_S4(1, 0, 0)              \
	VFMUL_S4(0, 0, 1)              \
	VDUP V22.S[0], V2.S4           \
	HORNER(V22.S[1], V1, V2, V3)   \
	HORNER(V22.S[2], V1, V3, V2)   \
	HORNER(V22.S[3], V1, V2, V3)   \
	HORNER(V23.S[0], V1, V3, V2)   \
	HORNER(V23.S[1], V1, V2, V3)   \
	HORNER(V23.S[2], V1, V3, V2)   \
	HORNER(V19.S[0], V1, V2, V3)   \
	VFMUL_S4(3, 0, 0)

// V0 = max(V0, 0) + log(1 + e to the −|V0|); uses V1 to V5.
#define SOFTPLUS \
	VEOR V1.B16, V1.B16, V1.B16  \
	VFMAX_S4(1, 0, 5)            \
	VORR V29.B16, V0.B16, V0.B16 \
	EXP                          \
	LOG1P                        \
	VFADD_S4(5, 0, 0)

// V0 = V0·σ(V0)
#define SILU \
	VMOV V0.B16, V5.B16 \
	SIGMOID             \
	VFMUL_S4(5, 0, 0)

// V0 = softplus V0 − V0·V6, the product being 0 where V6 is.
#define CROSSENTROPY \
	VFMUL_S4(6, 0, 8)  \
	VFCMEQZ_S4(6, 1)   \
	VBIC_B16(1, 8, 8)  \
	SOFTPLUS           \
	VFSUB_S4(8, 0, 0)

// V0 = σ(V0) − V6
#define CROSSENTROPYSLOPE \
	SIGMOID            \
	VFSUB_S4(6, 0, 0)

// V0 = σ(V0)·(1 + V0·(1 − σ(V0)))·V6
#define SILUGRADIENT \
	VMOV  V0.B16, V5.B16       \
	SIGMOID                    \
	VFSUB_S4(0, 28, 2)         \
	VMOV  V28.B16, V1.B16      \
	VFMLA V5.S4, V2.S4, V1.S4  \
	VFMUL_S4(1, 0, 0)          \
	VFMUL_S4(6, 0, 0)

// V0 = V0·(1 − V0)·V6
#define SIGMOIDGRADIENT \
	VFSUB_S4(0, 28, 1) \
	VFMUL_S4(1, 0, 0)  \
	VFMUL_S4(6, 0, 0)

// V0 = (1 − V0)·(1 + V0)·V6
#define TANHGRADIENT \
	VFSUB_S4(0, 28, 1) \
	VFADD_S4(0, 28, 0) \
	VFMUL_S4(1, 0, 0)  \
	VFMUL_S4(6, 0, 0)

#define SQUAREDDIFFERENCE \
	VFSUB_S4(6, 0, 0) \
	VFMUL_S4(0, 0, 0)

// V0 = Φ(V0); uses V1 to V3: ½ + ½·erf(x/√2), erf on [−4,4] as a rational
// function (Eigen, generic_fast_erf), beyond which it is ±1.
#define NORMALBELOW \
	VFMUL_E4(21, 2, 0, 0)          \
	VDUP V23.S[3], V1.S4           \
	VFMIN_S4(1, 0, 0)              \
	VFNEG_S4(1, 1)                 \
	VFMAX_S4(1, 0, 0)              \
	VFMUL_S4(0, 0, 1)              \
	VDUP V24.S[0], V2.S4           \
	HORNER(V24.S[1], V1, V2, V3)   \
	HORNER(V24.S[2], V1, V3, V2)   \
	HORNER(V24.S[3], V1, V2, V3)   \
	HORNER(V25.S[0], V1, V3, V2)   \
	HORNER(V25.S[1], V1, V2, V3)   \
	HORNER(V25.S[2], V1, V3, V2)   \
	VFMUL_S4(2, 0, 0)              \
	VDUP V25.S[3], V2.S4           \
	HORNER(V26.S[0], V1, V2, V3)   \
	HORNER(V26.S[1], V1, V3, V2)   \
	HORNER(V26.S[2], V1, V2, V3)   \
	HORNER(V26.S[3], V1, V3, V2)   \
	VFDIV_S4(2, 0, 2)              \
	VDUP V18.S[2], V0.S4           \
	VFMLA_E4(18, 2, 2, 0)

// V0 = V0·Φ(V0)
#define GELU \
	VMOV V0.B16, V5.B16 \
	NORMALBELOW         \
	VFMUL_S4(5, 0, 0)

// V0 = (Φ(V0) + V0·φ(V0))·V6
#define GELUGRADIENT \
	VMOV  V0.B16, V5.B16       \
	NORMALBELOW                \
	VMOV  V0.B16, V8.B16       \
	VFMUL_S4(5, 5, 0)          \
	VFMUL_E4(21, 3, 0, 0)      \
	EXP                        \
	VFMUL_E4(19, 3, 0, 0)      \
	VFMLA V5.S4, V0.S4, V8.S4  \
	VFMUL_S4(6, 8, 0)

// V0 = e to the V0, minus 1, for V0 <= 0; uses V1 to V3: with t = e to the r,
// minus 1, it is 2ⁿ·t + (2ⁿ − 1), which does not cancel.
#define EXPM1 \
	VDUP  V19.S[2], V1.S4      \
	VFMAX_S4(1, 0, 0)          \
	REDUCE                     \
	VDUP  V19.S[1], V2.S4      \
	VADD  V2.S4, V1.S4, V1.S4  \
	VSHL  $23, V1.S4, V1.S4    \
	VFSUB_S4(28, 1, 2)         \
	VFMLA V0.S4, V1.S4, V2.S4  \
	VMOV  V2.B16, V0.B16

// V0 = V0 where it is above 0, else alpha·(e to the V0 − 1), alpha in V6.
#define ELU \
	VMOV V0.B16, V5.B16          \
	VEOR V1.B16, V1.B16, V1.B16  \
	VFMIN_S4(1, 0, 0)            \
	EXPM1                        \
	VFMUL_S4(6, 0, 0)            \
	VFCMGTZ_S4(5, 1)             \
	VBIT V1.B16, V5.B16, V0.B16

// V0 = V0 where it is above 0, else alpha·V0, alpha in V6.
#define LEAKY \
	VFMUL_S4(6, 0, 1)            \
	VFCMGTZ_S4(0, 2)             \
	VBIF V2.B16, V1.B16, V0.B16

// V0 = V6 where V0 is above 0, else alpha·V6, alpha in V9.
#define LEAKYGRADIENT \
	VFMUL_S4(6, 9, 1)            \
	VFCMGTZ_S4(0, 0)             \
	VBSL V1.B16, V6.B16, V0.B16

// V0 = V6 where V0 is above 0, else (V0 + alpha)·V6, alpha in V9.
#define ELUGRADIENT \
	VFADD_S4(0, 9, 1)            \
	VFMUL_S4(6, 1, 1)            \
	VFCMGTZ_S4(0, 0)             \
	VBSL V1.B16, V6.B16, V0.B16

// V0 = (1 − e to the −V0)·V6
#define SOFTPLUSGRADIENT \
	VFNEG_S4(0, 0)    \
	EXPM1             \
	VFNEG_S4(0, 0)    \
	VFMUL_S4(6, 0, 0)

// The function of each element of x; of the last ones singly, in the lowest
// lane.
#define EACH(FUNCTION) \
	MOVD y_base+0(FP), R0  \
	MOVD y_len+8(FP), R1   \
	MOVD x_base+24(FP), R2 \
	CONSTANTS              \
	SUBS $4, R1            \
	BLT  rest              \
four:                          \
	FMOVQ.P 16(R2), F0     \
	FUNCTION               \
	FMOVQ.P F0, 16(R0)     \
	SUBS $4, R1            \
	BGE  four              \
rest:                          \
	ADDS $4, R1            \
	BEQ  done              \
single:                        \
	FMOVS.P 4(R2), F0      \
	FUNCTION               \
	FMOVS.P F0, 4(R0)      \
	SUBS $1, R1            \
	BNE  single            \
done:                          \
	RET

// The same of two operands, the second in V6.
#define EACHTWO(FUNCTION) \
	MOVD y_base+0(FP), R0  \
	MOVD y_len+8(FP), R1   \
	MOVD a_base+24(FP), R2 \
	MOVD b_base+48(FP), R3 \
	CONSTANTS              \
	SUBS $4, R1            \
	BLT  rest              \
four:                          \
	FMOVQ.P 16(R2), F0     \
	FMOVQ.P 16(R3), F6     \
	FUNCTION               \
	FMOVQ.P F0, 16(R0)     \
	SUBS $4, R1            \
	BGE  four              \
rest:                          \
	ADDS $4, R1            \
	BEQ  done              \
single:                        \
	FMOVS.P 4(R2), F0      \
	FMOVS.P 4(R3), F6      \
	FUNCTION               \
	FMOVS.P F0, 4(R0)      \
	SUBS $1, R1            \
	BNE  single            \
done:                          \
	RET

// func exponentialsNEON(y, x []float32)
TEXT ·exponentialsNEON(SB), NOSPLIT, $0-48
	EACH(EXP)

// func sigmoidsNEON(y, x []float32)
TEXT ·sigmoidsNEON(SB), NOSPLIT, $0-48
	EACH(SIGMOID)

// func tanhsNEON(y, x []float32)
TEXT ·tanhsNEON(SB), NOSPLIT, $0-48
	EACH(TANH)

// func softplusesNEON(y, x []float32)
TEXT ·softplusesNEON(SB), NOSPLIT, $0-48
	EACH(SOFTPLUS)

// func silusNEON(y, x []float32)
TEXT ·silusNEON(SB), NOSPLIT, $0-48
	EACH(SILU)

// func crossEntropyNEON(y, a, b []float32)
TEXT ·crossEntropyNEON(SB), NOSPLIT, $0-72
	EACHTWO(CROSSENTROPY)

// func crossEntropySlopeNEON(y, a, b []float32)
TEXT ·crossEntropySlopeNEON(SB), NOSPLIT, $0-72
	EACHTWO(CROSSENTROPYSLOPE)

// func siluGradientNEON(y, a, b []float32)
TEXT ·siluGradientNEON(SB), NOSPLIT, $0-72
	EACHTWO(SILUGRADIENT)

// func sigmoidGradientNEON(y, a, b []float32)
TEXT ·sigmoidGradientNEON(SB), NOSPLIT, $0-72
	EACHTWO(SIGMOIDGRADIENT)

// func tanhGradientNEON(y, a, b []float32)
TEXT ·tanhGradientNEON(SB), NOSPLIT, $0-72
	EACHTWO(TANHGRADIENT)

// func squaredDifferenceNEON(y, a, b []float32)
TEXT ·squaredDifferenceNEON(SB), NOSPLIT, $0-72
	EACHTWO(SQUAREDDIFFERENCE)

// func gelusNEON(y, x []float32)
TEXT ·gelusNEON(SB), NOSPLIT, $0-48
	EACH(GELU)

// func geluGradientNEON(y, a, b []float32)
TEXT ·geluGradientNEON(SB), NOSPLIT, $0-72
	EACHTWO(GELUGRADIENT)

// func softplusGradientNEON(y, a, b []float32)
TEXT ·softplusGradientNEON(SB), NOSPLIT, $0-72
	EACHTWO(SOFTPLUSGRADIENT)

// func elusNEON(y, x []float32, alpha float32)
TEXT ·elusNEON(SB), NOSPLIT, $0-52
	FMOVS alpha+48(FP), F6
	VDUP  V6.S[0], V6.S4
	EACH(ELU)

// func leakyNEON(y, x []float32, alpha float32)
TEXT ·leakyNEON(SB), NOSPLIT, $0-52
	FMOVS alpha+48(FP), F6
	VDUP  V6.S[0], V6.S4
	EACH(LEAKY)

// func eluGradientNEON(y, a, b []float32, alpha float32)
TEXT ·eluGradientNEON(SB), NOSPLIT, $0-76
	FMOVS alpha+72(FP), F9
	VDUP  V9.S[0], V9.S4
	EACHTWO(ELUGRADIENT)

// func leakyGradientNEON(y, a, b []float32, alpha float32)
TEXT ·leakyGradientNEON(SB), NOSPLIT, $0-76
	FMOVS alpha+72(FP), F9
	VDUP  V9.S[0], V9.S4
	EACHTWO(LEAKYGRADIENT)
