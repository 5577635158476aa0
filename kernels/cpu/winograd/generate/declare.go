package main

import (
	"fmt"
	"go/format"
	"strings"
)

// declarations is the Go file that declares the routines of some machines and gathers
// them in the sets of package cpu.
func declarations(machines ...string) string {
	text := &strings.Builder{}
	line := func(format string, a ...any) { fmt.Fprintf(text, format+"\n", a...) }
	line("%spackage cpu\n", generated)
	line("// Transforms of minimal filtering in assembly.\nvar (")
	for _, machine := range machines {
		for _, s := range sets() {
			line("%s%s = minimalFilter{", s.field, machine)
			line("taps: %d, points: %d,", s.whole.Taps, s.whole.Points)
			line("result: %s, slope: %s,", s.result.name+machine, s.slope.name+machine)
			line("phases: []phaseTransforms{")
			for _, p := range s.phases {
				line("{%d, %d, %s, %s, %s},", p.down.Taps, p.across.Taps, p.image.name+machine, p.filter.name+machine, p.gradient.name+machine)
			}
			line("},\n}")
		}
	}
	line(")")
	for _, machine := range machines {
		for _, s := range sets() {
			for _, r := range s.routines() {
				line("\n//go:noescape\nfunc %s%s(t *matrixTransform)", r.name, machine)
			}
		}
	}
	formatted, err := format.Source([]byte(text.String()))
	if err != nil {
		panic(err) // what is written here is Go
	}
	return string(formatted)
}
