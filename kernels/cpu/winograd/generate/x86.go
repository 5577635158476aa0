package main

import (
	"fmt"
	"strings"
)

// x86 writes for AVX2 or AVX-512, which differ in the name and length of registers.
//
//	AX the transform, R8..R11 rows of X, CX and DX one and three columns of it,
//	BX the row of Y, SI and DI one and three columns of it, BP the bias,
//	R12 vectors and R13 matrices that are left, R14 bytes of X that are behind,
//	R15 where a matrix Y begins
type x86 struct {
	text  *strings.Builder
	name  string
	kind  string
	width int // bytes
}

func (m *x86) line(format string, a ...any) { fmt.Fprintf(m.text, format+"\n", a...) }

func (m *x86) parts() int { return 64 / m.width }

// halfX86 is the register of the constant ½.
const halfX86 = 15

func (m *x86) head() {
	m.line("#include \"textflag.h\"\n")
	m.line("// Offsets of the fields of matrixTransform.")
	for i, field := range fields {
		m.line("#define transform_%s %d", field, 8*i)
	}
	m.line("\nDATA half%s<>+0(SB)/4, $0.5", m.name)
	m.line("GLOBL half%s<>(SB), NOPTR|RODATA, $4", m.name)
}

// fields are those of matrixTransform in their order.
var fields = []string{
	"row0", "row1", "row2", "row3", "to", "bias",
	"fromColumn", "fromVector", "fromMatrix",
	"toRow", "toColumn", "toVector", "toMatrix",
	"vectors", "matrices",
}

func (m *x86) begin(name string, r routine) {
	m.line("\n// func %s%s(t *matrixTransform)", name, m.name)
	m.line("TEXT ·%s%s(SB), NOSPLIT, $8-8", name, m.name)
	m.line("\tMOVQ t+0(FP), AX")
	m.line("\tXORQ R14, R14")
	m.line("\tMOVQ transform_to(AX), R15")
	m.line("\tMOVQ transform_fromColumn(AX), CX")
	m.line("\tLEAQ (CX)(CX*2), DX")
	m.line("\tMOVQ transform_toColumn(AX), SI")
	m.line("\tLEAQ (SI)(SI*2), DI")
	m.line("\tMOVQ transform_matrices(AX), R13")
	m.line("\n\t// From the last row of a vector to the first of the next.")
	m.line("\tMOVQ  transform_toRow(AX), R12")
	m.line("\tIMULQ $%d, R12", r.rows()-1)
	m.line("\tNEGQ  R12")
	m.line("\tADDQ  transform_toVector(AX), R12")
	m.line("\tMOVQ  R12, 0(SP)")
	if r.halves() {
		m.line("\tVBROADCASTSS half%s<>(SB), %s", m.name, m.vector(halfX86))
	}
	m.line("\nmatrix:")
	for row := range r.rowsOfX() {
		m.line("\tMOVQ transform_row%d(AX), R%d", row, 8+row)
		m.line("\tADDQ R14, R%d", 8+row)
	}
	m.line("\tMOVQ R15, BX")
	if r.bias {
		m.line("\tMOVQ transform_bias(AX), BP")
	}
	m.line("\tMOVQ transform_vectors(AX), R12")
	m.line("\nvector:")
}

func (m *x86) end(r routine) {
	m.line("\n\tADDQ 0(SP), BX")
	if r.bias {
		m.line("\tADDQ $64, BP")
	}
	for row := range r.rowsOfX() {
		m.line("\tADDQ transform_fromVector(AX), R%d", 8+row)
	}
	m.line("\tDECQ R12")
	m.line("\tJNZ  vector")
	m.line("\tADDQ transform_fromMatrix(AX), R14")
	m.line("\tADDQ transform_toMatrix(AX), R15")
	m.line("\tDECQ R13")
	m.line("\tJNZ  matrix")
	m.line("\tVZEROUPPER")
	m.line("\tRET")
}

// vector is the name of a register.
func (m *x86) vector(register int) string { return fmt.Sprint(m.kind, register) }

// x is the address of an element of X.
func (m *x86) x(part, row, column int) string {
	return address(m.width*part, fmt.Sprintf("R%d", 8+row), [...]string{"", "CX*1", "CX*2", "DX*1"}[column])
}

// address is base + displacement + index.
func address(displacement int, base, index string) string {
	text := "(" + base + ")"
	if displacement != 0 {
		text = fmt.Sprint(displacement) + text
	}
	if index != "" {
		text += "(" + index + ")"
	}
	return text
}

func (m *x86) load(part, row, column, register int) {
	m.line("\tVMOVUPS %s, %s", m.x(part, row, column), m.vector(register))
}

func (m *x86) loadAndAdd(part, row, column int, negative bool, register int) {
	m.line("\t%s  %s, %s, %[3]s", sign(negative), m.x(part, row, column), m.vector(register))
}

func (m *x86) add(a, b int, negative bool, register int) {
	m.line("\t%s  %s, %s, %s", sign(negative), m.vector(b), m.vector(a), m.vector(register))
}

func sign(negative bool) string {
	if negative {
		return "VSUBPS"
	}
	return "VADDPS"
}

func (m *x86) halve(from, register int) {
	m.line("\tVMULPS  %s, %s, %s", m.vector(halfX86), m.vector(from), m.vector(register))
}

func (m *x86) addBias(part, from, register int) {
	m.line("\tVADDPS  %s, %s, %s", address(m.width*part, "BP", ""), m.vector(from), m.vector(register))
}

func (m *x86) store(part, column, register int) {
	m.line("\tVMOVUPS %s, %s", m.vector(register), address(m.width*part, "BX", [...]string{"", "SI*1", "SI*2", "DI*1"}[column]))
}

func (m *x86) nextRow() { m.line("\tADDQ transform_toRow(AX), BX") }
