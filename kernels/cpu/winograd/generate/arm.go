package main

import (
	"fmt"
	"strings"
)

// arm writes for NEON, whose registers hold a quarter of a vector: a loop goes through
// the four of them.
//
//	R0 the transform, R1..R4 rows of X, R5 a column of it, R6 the row of Y,
//	R7 a column and R8 a row of it, R9 an address, R10 the bias,
//	R11 quarters, R12 vectors and R13 matrices that are left, R14 bytes of X that are
//	behind, R15 where a matrix Y begins, R16 from the last row of a quarter to the first of the next,
//	R17 and R19 from behind a vector to the next
type arm struct{ text *strings.Builder }

func (m *arm) line(format string, a ...any) { fmt.Fprintf(m.text, format+"\n", a...) }

func (m *arm) parts() int { return 1 }

// Registers of the constant ½ and of what is loaded to be added.
const (
	halfARM   = 31
	loadedARM = 30
)

func (m *arm) head() {
	m.line("#include \"textflag.h\"\n#include \"neon_arm64.h\"\n")
	m.line("// Offsets of the fields of matrixTransform.")
	for i, field := range fields {
		m.line("#define transform_%s %d", field, 8*i)
	}
}

func (m *arm) begin(name string, r routine) {
	m.line("\n// func %sNEON(t *matrixTransform)", name)
	m.line("TEXT ·%sNEON(SB), NOSPLIT, $0-8", name)
	m.line("\tMOVD t+0(FP), R0")
	m.line("\tMOVD $0, R14")
	m.line("\tMOVD transform_to(R0), R15")
	m.line("\tMOVD transform_fromColumn(R0), R5")
	m.line("\tMOVD transform_toColumn(R0), R7")
	m.line("\tMOVD transform_toRow(R0), R8")
	m.line("\tMOVD transform_matrices(R0), R13")
	m.line("\tMOVD $16, R16")
	for range r.rows() - 1 {
		m.line("\tSUB  R8, R16")
	}
	m.line("\tMOVD transform_fromVector(R0), R17")
	m.line("\tSUB  $64, R17")
	m.line("\tMOVD transform_toVector(R0), R19")
	m.line("\tSUB  $64, R19")
	if r.halves() {
		m.line("\tFMOVS $0.5, F%d", halfARM)
		m.line("\tVDUP  V%d.S[0], V%[1]d.S4", halfARM)
	}
	m.line("\nmatrix:")
	for row := range r.rowsOfX() {
		m.line("\tMOVD transform_row%d(R0), R%d", row, 1+row)
		m.line("\tADD  R14, R%d", 1+row)
	}
	m.line("\tMOVD R15, R6")
	if r.bias {
		m.line("\tMOVD transform_bias(R0), R10")
	}
	m.line("\tMOVD transform_vectors(R0), R12")
	m.line("\nvector:")
	m.line("\tMOVD $4, R11")
	m.line("\nquarter:")
}

func (m *arm) end(r routine) {
	m.line("\n\tADD  R16, R6")
	for row := range r.rowsOfX() {
		m.line("\tADD  $16, R%d", 1+row)
	}
	if r.bias {
		m.line("\tADD  $16, R10")
	}
	m.line("\tSUBS $1, R11")
	m.line("\tBNE  quarter")
	for row := range r.rowsOfX() {
		m.line("\tADD  R17, R%d", 1+row)
	}
	m.line("\tADD  R19, R6")
	m.line("\tSUBS $1, R12")
	m.line("\tBNE  vector")
	m.line("\tMOVD transform_fromMatrix(R0), R9")
	m.line("\tADD  R9, R14")
	m.line("\tMOVD transform_toMatrix(R0), R9")
	m.line("\tADD  R9, R15")
	m.line("\tSUBS $1, R13")
	m.line("\tBNE  matrix")
	m.line("\tRET")
}

// at puts base + column·stride into a register, and returns which.
func (m *arm) at(base, stride string, column int) string {
	for i := range column {
		if i == 0 {
			m.line("\tADD  %s, %s, R9", stride, base)
		} else {
			m.line("\tADD  %s, R9", stride)
		}
	}
	if column > 0 {
		return "R9"
	}
	return base
}

func (m *arm) load(_, row, column, register int) {
	m.line("\tVLD1 (%s), [V%d.S4]", m.at(fmt.Sprintf("R%d", 1+row), "R5", column), register)
}

func (m *arm) loadAndAdd(_, row, column int, negative bool, register int) {
	m.load(0, row, column, loadedARM)
	m.add(register, loadedARM, negative, register)
}

func (m *arm) add(a, b int, negative bool, register int) {
	name := "VFADD_S4"
	if negative {
		name = "VFSUB_S4"
	}
	m.line("\t%s(%d, %d, %d)", name, b, a, register)
}

func (m *arm) halve(from, register int) {
	m.line("\tVFMUL_S4(%d, %d, %d)", halfARM, from, register)
}

func (m *arm) addBias(_, from, register int) {
	m.line("\tVLD1 (R10), [V%d.S4]", loadedARM)
	m.add(from, loadedARM, false, register)
}

func (m *arm) store(_, column, register int) {
	m.line("\tVST1 [V%d.S4], (%s)", register, m.at("R6", "R7", column))
}

func (m *arm) nextRow() { m.line("\tADD  R8, R6") }
