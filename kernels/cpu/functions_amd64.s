#include "textflag.h"
#include "functions_amd64.h"

// Elementary functions of eight float32 at a time, within 3 ulp.

// Y0 = e to the Y0; uses Y1 to Y4. x = n·ln 2 + r with ln 2 in two parts, eʳ by
// Moshier's polynomial (Cephes, expf), and 2ⁿ in two factors, so that results
// near both ends of the range come out right. NaN stays NaN, for it is the
// second operand of minimum and maximum.
#define EXP \
	VMOVUPS     highest<>(SB), Y1   \
	VMINPS      Y0, Y1, Y0          \
	VMOVUPS     lowest<>(SB), Y1    \
	VMAXPS      Y0, Y1, Y0          \
	VMULPS      log2e<>(SB), Y0, Y1 \
	VROUNDPS    $0, Y1, Y1          \
	VFNMADD231PS ln2high<>(SB), Y1, Y0 \
	VFNMADD231PS ln2low<>(SB), Y1, Y0  \
	VCVTPS2DQ   Y1, Y1              \
	VMOVUPS     exp0<>(SB), Y2      \
	VFMADD213PS exp1<>(SB), Y0, Y2  \
	VFMADD213PS exp2<>(SB), Y0, Y2  \
	VFMADD213PS exp3<>(SB), Y0, Y2  \
	VFMADD213PS exp4<>(SB), Y0, Y2  \
	VFMADD213PS exp5<>(SB), Y0, Y2  \
	VMULPS      Y0, Y0, Y3          \
	VFMADD213PS Y0, Y3, Y2          \
	VADDPS      one<>(SB), Y2, Y0   \
	VPSRAD      $1, Y1, Y3          \
	VPSUBD      Y3, Y1, Y4          \
	VPADDD      bias<>(SB), Y3, Y3  \
	VPADDD      bias<>(SB), Y4, Y4  \
	VPSLLD      $23, Y3, Y3         \
	VPSLLD      $23, Y4, Y4         \
	VMULPS      Y3, Y0, Y0          \
	VMULPS      Y4, Y0, Y0

// Y0 = 1/(1 + e to the −Y0)
#define SIGMOID \
	VXORPS  signs<>(SB), Y0, Y0 \
	EXP                         \
	VMOVUPS one<>(SB), Y1       \
	VADDPS  Y1, Y0, Y0          \
	VDIVPS  Y0, Y1, Y0

// Y0 = tanh Y0; uses Y1 to Y5: 1 − 2/(e²ˣ + 1) of |x|, and below ⅝ Moshier's
// polynomial (Cephes, tanhf).
#define TANH \
	VMOVAPS     Y0, Y5                \
	VMOVUPS     signs<>(SB), Y1       \
	VANDNPS     Y0, Y1, Y0            \
	VADDPS      Y0, Y0, Y0            \
	EXP                               \
	VADDPS      one<>(SB), Y0, Y0     \
	VMOVUPS     two<>(SB), Y1         \
	VDIVPS      Y0, Y1, Y0            \
	VMOVUPS     one<>(SB), Y1         \
	VSUBPS      Y0, Y1, Y0            \
	VANDPS      signs<>(SB), Y5, Y1   \
	VORPS       Y1, Y0, Y0            \
	VMULPS      Y5, Y5, Y1            \
	VMOVUPS     tanh0<>(SB), Y2       \
	VFMADD213PS tanh1<>(SB), Y1, Y2   \
	VFMADD213PS tanh2<>(SB), Y1, Y2   \
	VFMADD213PS tanh3<>(SB), Y1, Y2   \
	VFMADD213PS tanh4<>(SB), Y1, Y2   \
	VMULPS      Y1, Y2, Y2            \
	VFMADD213PS Y5, Y5, Y2            \
	VMOVUPS     signs<>(SB), Y1       \
	VANDNPS     Y5, Y1, Y5            \
	VCMPPS      $1, tanhSeries<>(SB), Y5, Y5 \
	VBLENDVPS   Y5, Y2, Y0, Y0

// Y0 = log(1 + Y0) for Y0 in [0,1]; uses Y1 to Y3: 2·artanh(s) with
// s = Y0/(2 + Y0) <= ⅓, by its series.
#define LOG1P \
	VADDPS      two<>(SB), Y0, Y1  \
	VDIVPS      Y1, Y0, Y0         \
	VMULPS      Y0, Y0, Y1         \
	VMOVUPS     log0<>(SB), Y2     \
	VFMADD213PS log1<>(SB), Y1, Y2 \
	VFMADD213PS log2<>(SB), Y1, Y2 \
	VFMADD213PS log3<>(SB), Y1, Y2 \
	VFMADD213PS log4<>(SB), Y1, Y2 \
	VFMADD213PS log5<>(SB), Y1, Y2 \
	VFMADD213PS log6<>(SB), Y1, Y2 \
	VFMADD213PS two<>(SB), Y1, Y2  \
	VMULPS      Y2, Y0, Y0

// Y0 = max(Y0, 0) + log(1 + e to the −|Y0|); uses Y1 to Y5.
#define SOFTPLUS \
	VXORPS Y1, Y1, Y1          \
	VMAXPS Y0, Y1, Y5          \
	VORPS  signs<>(SB), Y0, Y0 \
	EXP                        \
	LOG1P                      \
	VADDPS Y5, Y0, Y0

// Y0 = Y0·σ(Y0)
#define SILU \
	VMOVAPS Y0, Y5     \
	SIGMOID            \
	VMULPS  Y5, Y0, Y0

// Y0 = softplus Y0 − Y0·Y6, the product being 0 where Y6 is.
#define CROSSENTROPY \
	VMULPS  Y6, Y0, Y8          \
	VXORPS  Y1, Y1, Y1          \
	VCMPPS  $4, Y1, Y6, Y1      \
	VANDPS  Y1, Y8, Y8          \
	SOFTPLUS                    \
	VSUBPS  Y8, Y0, Y0

// Y0 = σ(Y0) − Y6
#define CROSSENTROPYSLOPE \
	SIGMOID            \
	VSUBPS Y6, Y0, Y0

// Y0 = σ(Y0)·(1 + Y0·(1 − σ(Y0)))·Y6
#define SILUGRADIENT \
	VMOVAPS     Y0, Y5            \
	SIGMOID                       \
	VMOVUPS     one<>(SB), Y1     \
	VSUBPS      Y0, Y1, Y2        \
	VFMADD213PS Y1, Y5, Y2        \
	VMULPS      Y2, Y0, Y0        \
	VMULPS      Y6, Y0, Y0

// Y0 = Y0·(1 − Y0)·Y6
#define SIGMOIDGRADIENT \
	VMOVUPS one<>(SB), Y1  \
	VSUBPS  Y0, Y1, Y1     \
	VMULPS  Y1, Y0, Y0     \
	VMULPS  Y6, Y0, Y0

// Y0 = (1 − Y0)·(1 + Y0)·Y6
#define TANHGRADIENT \
	VMOVUPS one<>(SB), Y1  \
	VSUBPS  Y0, Y1, Y2     \
	VADDPS  Y0, Y1, Y0     \
	VMULPS  Y2, Y0, Y0     \
	VMULPS  Y6, Y0, Y0

#define SQUAREDDIFFERENCE \
	VSUBPS Y6, Y0, Y0 \
	VMULPS Y0, Y0, Y0

// Y0 = Φ(Y0); uses Y1 to Y3: ½ + ½·erf(x/√2), erf on [−4,4] as a rational
// function (Eigen, generic_fast_erf), beyond which it is ±1.
#define NORMALBELOW \
	VMULPS      rootHalf<>(SB), Y0, Y0   \
	VMOVUPS     four<>(SB), Y1           \
	VMINPS      Y0, Y1, Y0               \
	VMOVUPS     minusFour<>(SB), Y1      \
	VMAXPS      Y0, Y1, Y0               \
	VMULPS      Y0, Y0, Y1               \
	VMOVUPS     erf0<>(SB), Y2           \
	VFMADD213PS erf1<>(SB), Y1, Y2       \
	VFMADD213PS erf2<>(SB), Y1, Y2       \
	VFMADD213PS erf3<>(SB), Y1, Y2       \
	VFMADD213PS erf4<>(SB), Y1, Y2       \
	VFMADD213PS erf5<>(SB), Y1, Y2       \
	VFMADD213PS erf6<>(SB), Y1, Y2       \
	VMULPS      Y2, Y0, Y0               \
	VMOVUPS     erfc0<>(SB), Y2          \
	VFMADD213PS erfc1<>(SB), Y1, Y2      \
	VFMADD213PS erfc2<>(SB), Y1, Y2      \
	VFMADD213PS erfc3<>(SB), Y1, Y2      \
	VFMADD213PS erfc4<>(SB), Y1, Y2      \
	VDIVPS      Y2, Y0, Y0               \
	VMOVUPS     half<>(SB), Y1           \
	VFMADD213PS Y1, Y1, Y0

// Y0 = Y0·Φ(Y0)
#define GELU \
	VMOVAPS Y0, Y5     \
	NORMALBELOW        \
	VMULPS  Y5, Y0, Y0

// Y0 = (Φ(Y0) + Y0·φ(Y0))·Y6
#define GELUGRADIENT \
	VMOVAPS     Y0, Y5                   \
	NORMALBELOW                          \
	VMOVAPS     Y0, Y8                   \
	VMULPS      Y5, Y5, Y0               \
	VMULPS      minusHalf<>(SB), Y0, Y0  \
	EXP                                  \
	VMULPS      density<>(SB), Y0, Y0    \
	VFMADD213PS Y8, Y5, Y0               \
	VMULPS      Y6, Y0, Y0

// Y0 = e to the Y0, minus 1, for Y0 <= 0; uses Y1 to Y3: with e to the r
// = 1 + t as in EXP, 2ⁿ·t + (2ⁿ − 1), which does not cancel.
#define EXPM1 \
	VMOVUPS     lowestNormal<>(SB), Y1  \
	VMAXPS      Y0, Y1, Y0              \
	VMULPS      log2e<>(SB), Y0, Y1     \
	VROUNDPS    $0, Y1, Y1              \
	VFNMADD231PS ln2high<>(SB), Y1, Y0  \
	VFNMADD231PS ln2low<>(SB), Y1, Y0   \
	VCVTPS2DQ   Y1, Y1                  \
	VMOVUPS     exp0<>(SB), Y2          \
	VFMADD213PS exp1<>(SB), Y0, Y2      \
	VFMADD213PS exp2<>(SB), Y0, Y2      \
	VFMADD213PS exp3<>(SB), Y0, Y2      \
	VFMADD213PS exp4<>(SB), Y0, Y2      \
	VFMADD213PS exp5<>(SB), Y0, Y2      \
	VMULPS      Y0, Y0, Y3              \
	VFMADD213PS Y0, Y3, Y2              \
	VPADDD      bias<>(SB), Y1, Y1      \
	VPSLLD      $23, Y1, Y1             \
	VSUBPS      one<>(SB), Y1, Y0       \
	VFMADD231PS Y2, Y1, Y0

// Y0 = Y0 where it is above 0, else alpha·(e to the Y0 − 1), alpha in Y6.
#define ELU \
	VMOVAPS   Y0, Y5          \
	VXORPS    Y8, Y8, Y8      \
	VMINPS    Y0, Y8, Y0      \
	EXPM1                     \
	VMULPS    Y6, Y0, Y0      \
	VCMPPS    $14, Y8, Y5, Y8 \
	VBLENDVPS Y8, Y5, Y0, Y0

// Y0 = Y0 where it is above 0, else alpha·Y0, alpha in Y6.
#define LEAKY \
	VMULPS    Y6, Y0, Y1      \
	VXORPS    Y8, Y8, Y8      \
	VCMPPS    $14, Y8, Y0, Y8 \
	VBLENDVPS Y8, Y0, Y1, Y0

// Y0 = Y6 where Y0 is above 0, else alpha·Y6, alpha in Y9.
#define LEAKYGRADIENT \
	VXORPS    Y8, Y8, Y8      \
	VCMPPS    $14, Y8, Y0, Y8 \
	VMULPS    Y6, Y9, Y1      \
	VBLENDVPS Y8, Y6, Y1, Y0

// Y0 = Y6 where Y0 is above 0, else (Y0 + alpha)·Y6, alpha in Y9.
#define ELUGRADIENT \
	VXORPS    Y8, Y8, Y8      \
	VCMPPS    $14, Y8, Y0, Y8 \
	VADDPS    Y0, Y9, Y1      \
	VMULPS    Y6, Y1, Y1      \
	VBLENDVPS Y8, Y6, Y1, Y0

// Y0 = (1 − e to the −Y0)·Y6
#define SOFTPLUSGRADIENT \
	VXORPS signs<>(SB), Y0, Y0 \
	EXPM1                      \
	VXORPS signs<>(SB), Y0, Y0 \
	VMULPS Y6, Y0, Y0

// The function of each element of x; of the last ones with a mask.
#define EACH(FUNCTION) \
	MOVQ y_base+0(FP), DI           \
	MOVQ y_len+8(FP), CX            \
	MOVQ x_base+24(FP), SI          \
	XORQ AX, AX                     \
	SUBQ $8, CX                     \
	JLT  last                       \
eight:                              \
	VMOVUPS (SI)(AX*4), Y0          \
	FUNCTION                        \
	VMOVUPS Y0, (DI)(AX*4)          \
	ADDQ $8, AX                     \
	SUBQ $8, CX                     \
	JGE  eight                      \
last:                               \
	ADDQ $8, CX                     \
	JZ   done                       \
	LEAQ lanes<>+32(SB), DX         \
	SHLQ $2, CX                     \
	SUBQ CX, DX                     \
	VMOVUPS (DX), Y7                \
	VMASKMOVPS (SI)(AX*4), Y7, Y0   \
	FUNCTION                        \
	VMASKMOVPS Y0, Y7, (DI)(AX*4)   \
done:                               \
	VZEROUPPER                      \
	RET

// The same of two operands, the second in Y6.
#define EACHTWO(FUNCTION) \
	MOVQ y_base+0(FP), DI           \
	MOVQ y_len+8(FP), CX            \
	MOVQ a_base+24(FP), SI          \
	MOVQ b_base+48(FP), BX          \
	XORQ AX, AX                     \
	SUBQ $8, CX                     \
	JLT  last                       \
eight:                              \
	VMOVUPS (SI)(AX*4), Y0          \
	VMOVUPS (BX)(AX*4), Y6          \
	FUNCTION                        \
	VMOVUPS Y0, (DI)(AX*4)          \
	ADDQ $8, AX                     \
	SUBQ $8, CX                     \
	JGE  eight                      \
last:                               \
	ADDQ $8, CX                     \
	JZ   done                       \
	LEAQ lanes<>+32(SB), DX         \
	SHLQ $2, CX                     \
	SUBQ CX, DX                     \
	VMOVUPS (DX), Y7                \
	VMASKMOVPS (SI)(AX*4), Y7, Y0   \
	VMASKMOVPS (BX)(AX*4), Y7, Y6   \
	FUNCTION                        \
	VMASKMOVPS Y0, Y7, (DI)(AX*4)   \
done:                               \
	VZEROUPPER                      \
	RET

// func exponentialsAVX2(y, x []float32)
TEXT ·exponentialsAVX2(SB), NOSPLIT, $0-48
	EACH(EXP)

// func sigmoidsAVX2(y, x []float32)
TEXT ·sigmoidsAVX2(SB), NOSPLIT, $0-48
	EACH(SIGMOID)

// func tanhsAVX2(y, x []float32)
TEXT ·tanhsAVX2(SB), NOSPLIT, $0-48
	EACH(TANH)

// func softplusesAVX2(y, x []float32)
TEXT ·softplusesAVX2(SB), NOSPLIT, $0-48
	EACH(SOFTPLUS)

// func silusAVX2(y, x []float32)
TEXT ·silusAVX2(SB), NOSPLIT, $0-48
	EACH(SILU)

// func crossEntropyAVX2(y, a, b []float32)
TEXT ·crossEntropyAVX2(SB), NOSPLIT, $0-72
	EACHTWO(CROSSENTROPY)

// func crossEntropySlopeAVX2(y, a, b []float32)
TEXT ·crossEntropySlopeAVX2(SB), NOSPLIT, $0-72
	EACHTWO(CROSSENTROPYSLOPE)

// func siluGradientAVX2(y, a, b []float32)
TEXT ·siluGradientAVX2(SB), NOSPLIT, $0-72
	EACHTWO(SILUGRADIENT)

// func sigmoidGradientAVX2(y, a, b []float32)
TEXT ·sigmoidGradientAVX2(SB), NOSPLIT, $0-72
	EACHTWO(SIGMOIDGRADIENT)

// func tanhGradientAVX2(y, a, b []float32)
TEXT ·tanhGradientAVX2(SB), NOSPLIT, $0-72
	EACHTWO(TANHGRADIENT)

// func squaredDifferenceAVX2(y, a, b []float32)
TEXT ·squaredDifferenceAVX2(SB), NOSPLIT, $0-72
	EACHTWO(SQUAREDDIFFERENCE)

// func gelusAVX2(y, x []float32)
TEXT ·gelusAVX2(SB), NOSPLIT, $0-48
	EACH(GELU)

// func geluGradientAVX2(y, a, b []float32)
TEXT ·geluGradientAVX2(SB), NOSPLIT, $0-72
	EACHTWO(GELUGRADIENT)

// func softplusGradientAVX2(y, a, b []float32)
TEXT ·softplusGradientAVX2(SB), NOSPLIT, $0-72
	EACHTWO(SOFTPLUSGRADIENT)

// func elusAVX2(y, x []float32, alpha float32)
TEXT ·elusAVX2(SB), NOSPLIT, $0-52
	VBROADCASTSS alpha+48(FP), Y6
	EACH(ELU)

// func leakyAVX2(y, x []float32, alpha float32)
TEXT ·leakyAVX2(SB), NOSPLIT, $0-52
	VBROADCASTSS alpha+48(FP), Y6
	EACH(LEAKY)

// func eluGradientAVX2(y, a, b []float32, alpha float32)
TEXT ·eluGradientAVX2(SB), NOSPLIT, $0-76
	VBROADCASTSS alpha+72(FP), Y9
	EACHTWO(ELUGRADIENT)

// func leakyGradientAVX2(y, a, b []float32, alpha float32)
TEXT ·leakyGradientAVX2(SB), NOSPLIT, $0-76
	VBROADCASTSS alpha+72(FP), Y9
	EACHTWO(LEAKYGRADIENT)
