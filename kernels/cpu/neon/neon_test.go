package main

import (
	"flag"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	assembler = flag.String("assembler", "", "llvm-mc (19 made the file), to compare testdata/encodings.txt with")
	accept    = flag.Bool("accept", false, "write what the assembler says to testdata/encodings.txt")
)

const encodings = "testdata/encodings.txt"

// sample is one use of a macro, and the same in Arm's syntax.
type sample struct{ macro, assembly string }

// samples use every instruction with registers of which each sets other bits,
// every lane and shifts from the least to the greatest.
func samples() (all []sample) {
	for _, i := range instructions {
		for turn := range 8 {
			var numbers []int
			var texts []string
			for k, operand := range i.form.operands {
				number := [...]int{0, 31, 1, 2, 4, 8, 16, 21}[(turn+3*k)%8]
				switch operand {
				case "i":
					number = turn % 4
				case "s":
					number = 1 + 31*turn/7
				}
				numbers, texts = append(numbers, number), append(texts, fmt.Sprint(number))
			}
			all = append(all, sample{i.name + "(" + strings.Join(texts, ", ") + ")", i.assembly(numbers)})
		}
	}
	return all
}

// TestEncodings evaluates the macros of the header that package cpu includes,
// and compares them with the words of an assembler.
func TestEncodings(t *testing.T) {
	if *assembler != "" {
		assembled(t)
	}
	golden, err := os.ReadFile(encodings)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../neon_arm64.h")
	if err != nil {
		t.Fatal(err)
	}
	macros := map[string][]string{} // name: arguments, expression
	for _, m := range regexp.MustCompile(`(?m)^#define (\w+)\((.*?)\) WORD \$\((.*)\)$`).FindAllStringSubmatch(string(file), -1) {
		macros[m[1]] = m[2:]
	}
	if len(macros) != len(instructions) {
		t.Errorf("the header has %d macros, the table %d instructions", len(macros), len(instructions))
	}
	words := map[string]string{}
	for line := range strings.Lines(string(golden)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		words[fields[0]] = fields[1]
	}
	for _, s := range samples() {
		want, known := words[s.assembly]
		if !known {
			t.Errorf("%s has no %q: run go test -assembler llvm-mc -accept", encodings, s.assembly)
			continue
		}
		if got := fmt.Sprintf("%08x", expand(t, macros, s.macro)); got != want {
			t.Errorf("%s is %s, the assembler's %s is %s", s.macro, got, s.assembly, want)
		}
	}
}

// expand is the word that a use of a macro makes.
func expand(t *testing.T, macros map[string][]string, use string) uint64 {
	t.Helper()
	name, numbers, _ := strings.Cut(strings.TrimSuffix(use, ")"), "(")
	macro, known := macros[name]
	if !known {
		t.Fatalf("the header has no %s", name)
	}
	values := strings.Split(numbers, ", ")
	expression := macro[1]
	for k, argument := range strings.Split(macro[0], ", ") {
		expression = strings.ReplaceAll(expression, "("+argument+")", "("+values[k]+")")
	}
	value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expression)
	if err != nil {
		t.Fatalf("%s: %v", use, err)
	}
	word, _ := constant.Uint64Val(value.Value)
	return word
}

// assembled asks the assembler for all samples.
func assembled(t *testing.T) {
	t.Helper()
	var source strings.Builder
	for _, s := range samples() {
		source.WriteString(s.assembly + "\n")
	}
	command := exec.Command(*assembler, "-triple=aarch64", "-show-encoding")
	command.Stdin, command.Stderr = strings.NewReader(source.String()), os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`encoding: \[0x(..),0x(..),0x(..),0x(..)\]`).FindAllStringSubmatch(string(out), -1)
	if len(found) != len(samples()) {
		t.Fatalf("the assembler made %d words of %d instructions", len(found), len(samples()))
	}
	var text strings.Builder
	for k, s := range samples() {
		word, err := strconv.ParseUint(found[k][4]+found[k][3]+found[k][2]+found[k][1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s\t%08x\n", s.assembly, word)
	}
	if *accept {
		if err := os.WriteFile(encodings, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if golden, err := os.ReadFile(encodings); err != nil || string(golden) != text.String() {
		t.Errorf("%s is not what the assembler makes (%v)", encodings, err)
	}
}

// TestEveryMacroIsUsed: the table holds what the assembly needs, no more.
func TestEveryMacroIsUsed(t *testing.T) {
	files, err := filepath.Glob("../*_arm64.s")
	if err != nil {
		t.Fatal(err)
	}
	var assembly []byte
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		assembly = append(assembly, text...)
	}
	for _, i := range instructions {
		if !strings.Contains(string(assembly), i.name+"(") {
			t.Errorf("nothing uses %s", i.name)
		}
	}
}

func TestHeaderIsGenerated(t *testing.T) {
	file, err := os.ReadFile("../neon_arm64.h")
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != header() {
		t.Error("neon_arm64.h is not what this generator writes: run go generate ./kernels/cpu/neon")
	}
}
