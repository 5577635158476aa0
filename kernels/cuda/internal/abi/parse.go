package abi

import (
	"fmt"
	"regexp"
	"strings"
)

// Header is what cuda.h declares, in its order.
type Header struct {
	Functions []Function
	Constants []Constant
	Structs   []Struct
	Types     []Type // enumerations, handles, numbers and callbacks
}

// Function is a driver call; every one returns a CUresult.
type Function struct {
	Name       string // as the driver exports it
	Parameters string // as declared, without the brackets
	Arguments  string // the parameters' names, to pass them on
}

// Constant is an enumerator or a numeric macro.
type Constant struct{ Name, Value string }

// Struct is a structure with its fields in memory order.
type Struct struct {
	Name   string
	Fields []Field
}

// Field is one declared field; Declaration is its C text.
type Field struct{ Name, Declaration string }

// Type is a typedef other than a structure. Declaration is its C text with %s
// where the name stands; it is empty for handles, which point to structures
// that nobody sees, and for enumerations.
type Type struct{ Name, Declaration string }

var (
	comments   = regexp.MustCompile(`//.*`)
	functions  = regexp.MustCompile(`(?m)^CUresult (cu\w+)\((.+)\);\s*$`)
	macros     = regexp.MustCompile(`(?m)^#define (CU_\w+) (\d+)\s*$`)
	enums      = regexp.MustCompile(`typedef enum \w+ \{([^}]*)\} (\w+);`)
	enumerator = regexp.MustCompile(`(\w+) = (\d+)\b`)
	structs    = regexp.MustCompile(`typedef struct \w+ \{([^}]*)\} (\w+);`)
	field      = regexp.MustCompile(`(\w+)(\[\d+\])?$`)
	handles    = regexp.MustCompile(`(?m)^typedef struct \w+ \*(\w+);`)
	numbers    = regexp.MustCompile(`(?m)^typedef ((?:unsigned |long |int |uint32_t )+)(\w+);`)
	callbacks  = regexp.MustCompile(`(?m)^typedef void \(\*(\w+)\)\((.*)\);`)
)

// Parse reads the text of cuda.h. It understands only the form that the
// header's first lines prescribe, and counts to be sure that it overlooked
// nothing.
func Parse(text string) (*Header, error) {
	text = comments.ReplaceAllString(text, "")
	h := new(Header)
	for _, match := range functions.FindAllStringSubmatch(text, -1) {
		arguments, err := names(match[2])
		if err != nil {
			return nil, fmt.Errorf("abi: %s: %w", match[1], err)
		}
		h.Functions = append(h.Functions, Function{match[1], match[2], arguments})
	}
	for _, match := range enums.FindAllStringSubmatch(text, -1) {
		h.Types = append(h.Types, Type{Name: match[2]})
		for _, value := range enumerator.FindAllStringSubmatch(match[1], -1) {
			h.Constants = append(h.Constants, Constant{value[1], value[2]})
		}
	}
	for _, match := range macros.FindAllStringSubmatch(text, -1) {
		h.Constants = append(h.Constants, Constant{match[1], match[2]})
	}
	for _, match := range structs.FindAllStringSubmatch(text, -1) {
		h.Structs = append(h.Structs, Struct{match[2], fields(match[1])})
	}
	for _, match := range handles.FindAllStringSubmatch(text, -1) {
		h.Types = append(h.Types, Type{Name: match[1]})
	}
	for _, match := range numbers.FindAllStringSubmatch(text, -1) {
		h.Types = append(h.Types, Type{match[2], match[1] + "%s"})
	}
	for _, match := range callbacks.FindAllStringSubmatch(text, -1) {
		h.Types = append(h.Types, Type{match[1], "void (*%s)(" + match[2] + ")"})
	}
	return h, h.check(text)
}

// check compares what was read with plain counts of the keywords.
func (h *Header) check(text string) error {
	fieldCount, constants := 0, strings.Count(text, "#define CU_")
	for _, s := range h.Structs {
		fieldCount += len(s.Fields)
	}
	for _, match := range enums.FindAllStringSubmatch(text, -1) {
		constants += strings.Count(match[1], ",") + 1
	}
	for _, count := range []struct {
		what        string
		read, there int
	}{
		{"functions", len(h.Functions), strings.Count(text, "\nCUresult ")},
		{"typedefs", len(h.Types) + len(h.Structs), strings.Count(text, "\ntypedef ")},
		{"constants", len(h.Constants), constants},
		{"fields", fieldCount, strings.Count(text, ";\n  ") + len(h.Structs)},
	} {
		if count.read != count.there || count.read == 0 {
			return fmt.Errorf("abi: read %d of %d %s in cuda.h; write each as the header's first lines say", count.read, count.there, count.what)
		}
	}
	return nil
}

// names returns the names of the declared parameters, as arguments of a call.
func names(parameters string) (string, error) {
	if parameters == "void" {
		return "", nil
	}
	var list []string
	for parameter := range strings.SplitSeq(parameters, ", ") {
		match := field.FindStringSubmatch(parameter)
		if match == nil || match[0] == parameter {
			return "", fmt.Errorf("parameter %q has no name; give it one", parameter)
		}
		list = append(list, match[1])
	}
	return strings.Join(list, ", "), nil
}

func fields(body string) []Field {
	var list []Field
	for declaration := range strings.SplitSeq(body, ";") {
		declaration = strings.TrimSpace(declaration)
		if match := field.FindStringSubmatch(declaration); match != nil {
			list = append(list, Field{match[1], declaration})
		}
	}
	return list
}
