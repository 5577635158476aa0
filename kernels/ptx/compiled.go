package ptx

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Compiled is what NVIDIA's compiler made of the committed modules, so that it is
// known without one, and without a GPU.
type Compiled struct {
	Compiler string                    `json:"compiler"`
	Modules  map[string]CompiledModule `json:"modules"` // by file name
}

// CompiledModule is one module for one GPU, and of others what does not fit them.
type CompiledModule struct {
	SHA256  string                    `json:"sha256"` // of the PTX
	Target  string                    `json:"target"` // such as sm_90
	Kernels map[string]CompiledKernel `json:"kernels"`
	// Spilling are the kernels that have too few registers on other GPUs that run the
	// module, by these; a GPU without any is there too.
	Spilling map[string]map[string]CompiledKernel `json:"spilling_elsewhere,omitempty"`
}

// CompiledKernel is what a thread, or a block, of a kernel takes.
type CompiledKernel struct {
	Registers   int `json:"registers"`             // of a thread
	SpillStores int `json:"spill_stores"`          // bytes of a thread that did not fit them
	SpillLoads  int `json:"spill_loads,omitempty"` //
	Stack       int `json:"stack,omitempty"`       // bytes
	Shared      int `json:"shared,omitempty"`      // static bytes of a block
}

// CompileTargets is the GPU that a module is compiled for in the report, and others of
// which spills are told. PTX of 7.5 is for itself, since newer ones have that of 8.0.
func CompileTargets(file string) (target string, others []string) {
	switch {
	case strings.HasSuffix(file, ".sm_90a.ptx"):
		return "sm_90a", nil
	case strings.HasSuffix(file, ".sm_80.ptx"):
		return "sm_90", []string{"sm_80", "sm_89", "sm_100", "sm_120"}
	}
	return "sm_75", nil
}

// Spills reports whether a thread has too few registers.
func (k CompiledKernel) Spills() bool { return max(k.SpillStores, k.SpillLoads) > 0 }

// The report of ptxas -v has for each kernel, with other lines between,
//
//	ptxas info    : Compiling entry function 'adam' for 'sm_90'
//	    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
//	ptxas info    : Used 16 registers, used 1 barriers, 4096 bytes smem
//
// and the second line for functions that it calls too.
var (
	compiling  = regexp.MustCompile(`Compiling entry function '([^']+)'`)
	stackFrame = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	usedOnes   = regexp.MustCompile(`Used (\d+) registers(?:.*?(\d+) bytes smem)?`)
)

// ReadCompiler reads that report.
func ReadCompiler(report string) (map[string]CompiledKernel, error) {
	kernels := map[string]CompiledKernel{}
	name := ""
	for line := range strings.Lines(report) {
		k := kernels[name]
		switch {
		case compiling.MatchString(line):
			name = compiling.FindStringSubmatch(line)[1]
			k = CompiledKernel{}
		case name != "" && stackFrame.MatchString(line):
			found := stackFrame.FindStringSubmatch(line)
			k.Stack += number(found[1])
			k.SpillStores += number(found[2])
			k.SpillLoads += number(found[3])
		case name != "" && usedOnes.MatchString(line):
			found := usedOnes.FindStringSubmatch(line)
			k.Registers, k.Shared = number(found[1]), number(found[2])
		default:
			continue
		}
		kernels[name] = k
	}
	if len(kernels) == 0 {
		return nil, fmt.Errorf("the compiler reports no kernel: %s", report)
	}
	return kernels, nil
}

// CommittedCompilation is the report beside the modules.
func CommittedCompilation() (Compiled, error) {
	var c Compiled
	text, err := files.ReadFile("compiled.json")
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("ptx: compiled.json: %w", err)
	}
	return c, nil
}
