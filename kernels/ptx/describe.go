package ptx

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Manifest says where modules came from and what their kernels need.
type Manifest struct {
	Compiler string                       `json:"compiler"`
	Flags    string                       `json:"flags"`
	Sources  map[string]string            `json:"sources"` // SHA-256 of each .cu and .cuh
	Modules  map[string]ModuleDescription `json:"modules"` // by file name
}

// ModuleDescription is what a module holds.
type ModuleDescription struct {
	SHA256  string            `json:"sha256"`
	Kernels map[string]Kernel `json:"kernels"`
}

// Kernel is what one kernel needs, as its PTX says. Registers are virtual: how
// many of the GPU's they become, the driver's compiler decides.
type Kernel struct {
	Parameters []string       `json:"parameters"`       // types, such as u64
	Threads    int            `json:"threads"`          // of a block, at most
	Registers  map[string]int `json:"registers"`        // of each type
	Shared     int            `json:"shared"`           // bytes of a block
	Local      int            `json:"local"`            // bytes of a thread that did not fit registers
	Matrix     map[string]int `json:"matrix,omitempty"` // instructions for the matrix units by the type of their factors
}

// Describe makes the manifest of the sources and modules in two folders.
func Describe(compiler, flags string, sources, modules fs.FS) (Manifest, error) {
	m := Manifest{compiler, flags, map[string]string{}, map[string]ModuleDescription{}}
	for _, pattern := range []string{"*.cu", "*.cuh"} {
		err := each(sources, pattern, func(name string, text []byte) error {
			m.Sources[name] = hash(text)
			return nil
		})
		if err != nil {
			return m, err
		}
	}
	err := each(modules, "*.ptx", func(name string, text []byte) error {
		kernels, err := read(string(text))
		if err != nil {
			return fmt.Errorf("ptx: %s: %w", name, err)
		}
		m.Modules[name] = ModuleDescription{hash(text), kernels}
		return nil
	})
	return m, err
}

func each(folder fs.FS, pattern string, visit func(name string, text []byte) error) error {
	names, err := fs.Glob(folder, pattern)
	if err != nil {
		return fmt.Errorf("ptx: %w", err)
	}
	if len(names) == 0 {
		return fmt.Errorf("ptx: there is no %s", pattern)
	}
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return fmt.Errorf("ptx: %w", err)
		}
		if err := visit(path.Base(name), text); err != nil {
			return err
		}
	}
	return nil
}

func hash(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// Kernels look like this, shared arrays standing before them:
//
//	.shared .align 16 .b8 _ZZ…tile[17408];
//	.visible .entry transpose(
//		.param .u64 transpose_param_0,
//		.param .u32 transpose_param_1
//	)
//	.maxntid 256, 1, 1
//	{
//		.reg .pred 	%p<21>;
//		…
//	}
var (
	entryHead     = regexp.MustCompile(`\.entry\s+([\w$]+)\s*\(([^)]*)\)([^{]*)\{`)
	parameter     = regexp.MustCompile(`\.param\s+\.(\w+)`)
	maxThreads    = regexp.MustCompile(`\.maxntid\s+(\d+)`)
	registers     = regexp.MustCompile(`\.reg\s+\.(\w+)\s+%\w+<(\d+)>`)
	sharedArray   = regexp.MustCompile(`\.shared\s+(?:\.align\s+\d+\s+)?\.b8\s+([\w$]+)\[(\d+)\]`)
	localArray    = regexp.MustCompile(`\.local\s+(?:\.align\s+\d+\s+)?\.b8\s+[\w$]+\[(\d+)\]`)
	foreign       = regexp.MustCompile(`\.extern\s+\.(?:func|global|const)\b`)
	matrix        = regexp.MustCompile(`\b(?:mma\.sync|wgmma\.mma_async)\.\S*\.f32\.(\w+)\.\w+`)
	kernelEnd     = "\n}"
	registerExtra = 1 // %f<5> declares %f0 to %f4, of which clang leaves %f0 unused
)

// read finds the kernels of a module.
func read(text string) (map[string]Kernel, error) {
	if foreign.MatchString(text) {
		return nil, fmt.Errorf("it has .extern: something that the module does not define")
	}
	arrays := map[string]int{}
	for _, found := range sharedArray.FindAllStringSubmatch(text, -1) {
		arrays[found[1]] = number(found[2])
	}
	kernels := map[string]Kernel{}
	for _, at := range entryHead.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string { return text[at[2*i]:at[2*i+1]] }
		body := text[at[1]:]
		end := strings.Index(body, kernelEnd)
		if end < 0 {
			return nil, fmt.Errorf("kernel %s does not end", part(1))
		}
		kernels[part(1)] = describe(part(2), part(3), body[:end], arrays)
	}
	if len(kernels) == 0 {
		return nil, fmt.Errorf("it has no kernel")
	}
	return kernels, nil
}

func describe(parameters, directives, body string, arrays map[string]int) Kernel {
	k := Kernel{Registers: map[string]int{}}
	for _, found := range parameter.FindAllStringSubmatch(parameters, -1) {
		k.Parameters = append(k.Parameters, found[1])
	}
	if found := maxThreads.FindStringSubmatch(directives); found != nil {
		k.Threads = number(found[1])
	}
	for _, found := range matrix.FindAllStringSubmatch(body, -1) {
		if k.Matrix == nil {
			k.Matrix = map[string]int{}
		}
		k.Matrix[found[1]]++
	}
	for _, found := range registers.FindAllStringSubmatch(body, -1) {
		k.Registers[found[1]] = number(found[2]) - registerExtra
	}
	for name, size := range arrays {
		if regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(body) {
			k.Shared += size
		}
	}
	for _, found := range localArray.FindAllStringSubmatch(body, -1) {
		k.Local += number(found[1])
	}
	return k
}

// number is one that a regular expression has found.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
