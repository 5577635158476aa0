#include "textflag.h"
#include "functions_amd64.h"

// The elementary functions of functions_amd64.s that take time, of sixteen float32
// at a time: the same formulas, with 2ⁿ multiplied by its own instruction.

// Z0 = e to the Z0; uses Z1 to Z3.
#define EXP \
	VBROADCASTSS highest<>(SB), Z1          \
	VMINPS Z0, Z1, Z0                       \
	VBROADCASTSS lowest<>(SB), Z1           \
	VMAXPS Z0, Z1, Z0                       \
	VMULPS.BCST log2e<>(SB), Z0, Z1         \
	VRNDSCALEPS $0, Z1, Z1                  \
	VFNMADD231PS.BCST ln2high<>(SB), Z1, Z0 \
	VFNMADD231PS.BCST ln2low<>(SB), Z1, Z0  \
	VBROADCASTSS exp0<>(SB), Z2             \
	VFMADD213PS.BCST exp1<>(SB), Z0, Z2     \
	VFMADD213PS.BCST exp2<>(SB), Z0, Z2     \
	VFMADD213PS.BCST exp3<>(SB), Z0, Z2     \
	VFMADD213PS.BCST exp4<>(SB), Z0, Z2     \
	VFMADD213PS.BCST exp5<>(SB), Z0, Z2     \
	VMULPS Z0, Z0, Z3                       \
	VFMADD213PS Z0, Z3, Z2                  \
	VADDPS.BCST one<>(SB), Z2, Z0           \
	VSCALEFPS Z1, Z0, Z0

// Z0 = 1/(1 + e to the −Z0)
#define SIGMOID \
	VPXORD.BCST signs<>(SB), Z0, Z0 \
	EXP                             \
	VBROADCASTSS one<>(SB), Z1      \
	VADDPS Z1, Z0, Z0               \
	VDIVPS Z0, Z1, Z0

// Z0 = tanh Z0; uses Z1 to Z5.
#define TANH \
	VMOVAPS Z0, Z5                           \
	VBROADCASTSS signs<>(SB), Z4             \
	VPANDND Z0, Z4, Z0                       \
	VADDPS Z0, Z0, Z0                        \
	EXP                                      \
	VADDPS.BCST one<>(SB), Z0, Z0            \
	VBROADCASTSS two<>(SB), Z1               \
	VDIVPS Z0, Z1, Z0                        \
	VBROADCASTSS one<>(SB), Z1               \
	VSUBPS Z0, Z1, Z0                        \
	VPANDD Z4, Z5, Z1                        \
	VPORD Z1, Z0, Z0                         \
	VMULPS Z5, Z5, Z1                        \
	VBROADCASTSS tanh0<>(SB), Z2             \
	VFMADD213PS.BCST tanh1<>(SB), Z1, Z2     \
	VFMADD213PS.BCST tanh2<>(SB), Z1, Z2     \
	VFMADD213PS.BCST tanh3<>(SB), Z1, Z2     \
	VFMADD213PS.BCST tanh4<>(SB), Z1, Z2     \
	VMULPS Z1, Z2, Z2                        \
	VFMADD213PS Z5, Z5, Z2                   \
	VPANDND Z5, Z4, Z5                       \
	VCMPPS.BCST $1, tanhSeries<>(SB), Z5, K2 \
	VMOVAPS Z2, K2, Z0

// Z0 = log(1 + Z0) for Z0 in [0,1]; uses Z1 and Z2.
#define LOG1P \
	VADDPS.BCST two<>(SB), Z0, Z1       \
	VDIVPS Z1, Z0, Z0                   \
	VMULPS Z0, Z0, Z1                   \
	VBROADCASTSS log0<>(SB), Z2         \
	VFMADD213PS.BCST log1<>(SB), Z1, Z2 \
	VFMADD213PS.BCST log2<>(SB), Z1, Z2 \
	VFMADD213PS.BCST log3<>(SB), Z1, Z2 \
	VFMADD213PS.BCST log4<>(SB), Z1, Z2 \
	VFMADD213PS.BCST log5<>(SB), Z1, Z2 \
	VFMADD213PS.BCST log6<>(SB), Z1, Z2 \
	VFMADD213PS.BCST two<>(SB), Z1, Z2  \
	VMULPS Z2, Z0, Z0

// Z0 = max(Z0, 0) + log(1 + e to the −|Z0|); uses Z1 to Z5.
#define SOFTPLUS \
	VPXORD Z1, Z1, Z1              \
	VMAXPS Z0, Z1, Z5              \
	VPORD.BCST signs<>(SB), Z0, Z0 \
	EXP                            \
	LOG1P                          \
	VADDPS Z5, Z0, Z0

// Z0 = Z0·σ(Z0)
#define SILU \
	VMOVAPS Z0, Z5 \
	SIGMOID        \
	VMULPS Z5, Z0, Z0

// Z0 = softplus Z0 − Z0·Z6, the product being 0 where Z6 is.
#define CROSSENTROPY \
	VPXORD Z1, Z1, Z1       \
	VCMPPS $4, Z1, Z6, K2   \
	VMULPS.Z Z6, Z0, K2, Z8 \
	SOFTPLUS                \
	VSUBPS Z8, Z0, Z0

// Z0 = σ(Z0) − Z6
#define CROSSENTROPYSLOPE \
	SIGMOID \
	VSUBPS Z6, Z0, Z0

// Z0 = σ(Z0)·(1 + Z0·(1 − σ(Z0)))·Z6
#define SILUGRADIENT \
	VMOVAPS Z0, Z5             \
	SIGMOID                    \
	VBROADCASTSS one<>(SB), Z1 \
	VSUBPS Z0, Z1, Z2          \
	VFMADD213PS Z1, Z5, Z2     \
	VMULPS Z2, Z0, Z0          \
	VMULPS Z6, Z0, Z0

// K1 selects what is left over, fewer than sixteen.
#define REST \
	ADDQ $16, CX \
	JZ done      \
	MOVL $1, R8  \
	SHLL CX, R8  \
	DECL R8      \
	KMOVW R8, K1

// y = F(x), sixteen at a time.
#define UNARY(F) \
	MOVQ y_base+0(FP), DI        \
	MOVQ y_len+8(FP), CX         \
	MOVQ x_base+24(FP), SI       \
	XORQ AX, AX                  \
	SUBQ $16, CX                 \
	JLT rest                     \
turn:                         \
	VMOVUPS (SI)(AX*4), Z0       \
	F                            \
	VMOVUPS Z0, (DI)(AX*4)       \
	ADDQ $16, AX                 \
	SUBQ $16, CX                 \
	JGE turn                     \
rest:                         \
	REST                         \
	VMOVUPS.Z (SI)(AX*4), K1, Z0 \
	F                            \
	VMOVUPS Z0, K1, (DI)(AX*4)   \
done:                         \
	VZEROUPPER                   \
	RET

// y = F(a, b), of which the second is in Z6.
#define BINARY(F) \
	MOVQ y_base+0(FP), DI        \
	MOVQ y_len+8(FP), CX         \
	MOVQ a_base+24(FP), SI       \
	MOVQ b_base+48(FP), DX       \
	XORQ AX, AX                  \
	SUBQ $16, CX                 \
	JLT rest                     \
turn:                         \
	VMOVUPS (SI)(AX*4), Z0       \
	VMOVUPS (DX)(AX*4), Z6       \
	F                            \
	VMOVUPS Z0, (DI)(AX*4)       \
	ADDQ $16, AX                 \
	SUBQ $16, CX                 \
	JGE turn                     \
rest:                         \
	REST                         \
	VMOVUPS.Z (SI)(AX*4), K1, Z0 \
	VMOVUPS.Z (DX)(AX*4), K1, Z6 \
	F                            \
	VMOVUPS Z0, K1, (DI)(AX*4)   \
done:                         \
	VZEROUPPER                   \
	RET

// func exponentialsAVX512(y, x []float32)
TEXT ·exponentialsAVX512(SB), NOSPLIT, $0-48
	UNARY(EXP)

// func sigmoidsAVX512(y, x []float32)
TEXT ·sigmoidsAVX512(SB), NOSPLIT, $0-48
	UNARY(SIGMOID)

// func tanhsAVX512(y, x []float32)
TEXT ·tanhsAVX512(SB), NOSPLIT, $0-48
	UNARY(TANH)

// func softplusesAVX512(y, x []float32)
TEXT ·softplusesAVX512(SB), NOSPLIT, $0-48
	UNARY(SOFTPLUS)

// func silusAVX512(y, x []float32)
TEXT ·silusAVX512(SB), NOSPLIT, $0-48
	UNARY(SILU)

// func crossEntropyAVX512(y, a, b []float32)
TEXT ·crossEntropyAVX512(SB), NOSPLIT, $0-72
	BINARY(CROSSENTROPY)

// func crossEntropySlopeAVX512(y, a, b []float32)
TEXT ·crossEntropySlopeAVX512(SB), NOSPLIT, $0-72
	BINARY(CROSSENTROPYSLOPE)

// func siluGradientAVX512(y, a, b []float32)
TEXT ·siluGradientAVX512(SB), NOSPLIT, $0-72
	BINARY(SILUGRADIENT)
