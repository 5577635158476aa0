package abi

import (
	"fmt"
	"strings"
)

// Assertions returns a C source that compiles only where the cuda.h on the
// include path agrees with h: the value of every constant, the layout of every
// structure, every type, and the signature of every function under the name
// that the driver exports. The macro makes NVIDIA's header declare the former
// versions of functions as well, which drivers keep exporting.
func Assertions(h *Header) string {
	var b strings.Builder
	b.WriteString("#define __CUDA_API_VERSION_INTERNAL\n#include <cuda.h>\n#include <stddef.h>\n")
	b.WriteString("#define SAME(a, b) __builtin_types_compatible_p(a, b)\n")
	b.WriteString("_Static_assert(sizeof(void *) == 8, \"a 64-bit machine\");\n")
	for _, c := range h.Constants {
		fmt.Fprintf(&b, "_Static_assert(%s == %s, \"%[1]s\");\n", c.Name, c.Value)
	}
	for _, t := range h.Types {
		if t.Declaration == "" {
			fmt.Fprintf(&b, "typedef %s our_%[1]s;\n", t.Name)
			continue
		}
		fmt.Fprintf(&b, "typedef "+t.Declaration+";\n", "our_"+t.Name)
		fmt.Fprintf(&b, "_Static_assert(SAME(%s, our_%[1]s), \"%[1]s\");\n", t.Name)
	}
	for _, s := range h.Structs {
		b.WriteString("typedef struct {\n")
		for _, f := range s.Fields {
			fmt.Fprintf(&b, "  %s;\n", f.Declaration)
		}
		fmt.Fprintf(&b, "} our_%s;\n", s.Name)
		fmt.Fprintf(&b, "_Static_assert(sizeof(%s) == sizeof(our_%[1]s), \"%[1]s\");\n", s.Name)
		for _, f := range s.Fields {
			fmt.Fprintf(&b, "_Static_assert(offsetof(%s, %s) == offsetof(our_%[1]s, %[2]s), \"%[1]s.%[2]s\");\n", s.Name, f.Name)
			fmt.Fprintf(&b, "_Static_assert(SAME(__typeof__(((%s *)0)->%s), __typeof__(((our_%[1]s *)0)->%[2]s)), \"type of %[1]s.%[2]s\");\n", s.Name, f.Name)
		}
	}
	for _, f := range h.Functions {
		fmt.Fprintf(&b, "_Static_assert(SAME(__typeof__(%s), CUresult(%s)), \"%[1]s\");\n", f.Name, f.Parameters)
	}
	return b.String()
}
