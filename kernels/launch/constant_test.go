package launch_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
)

// access says, by their numbers, through which parameters a function reads what the
// compiler takes for constant (ld.global.nc, by a cache that sees no writes), and through
// which it writes.
type access struct{ constant, written map[int]bool }

// function is one in PTX: the names of its parameters, and its instructions.
type function struct {
	parameters []string
	body       string
}

var (
	ptxFunction  = regexp.MustCompile(`(?m)^(?:\.visible )?\.(?:entry|func)\s+(?:\([^)]*\)\s*)?([\w$]+)\s*\(([^)]*)\)[^{;]*\{`)
	ptxParameter = regexp.MustCompile(`\.param\s+(?:\.align\s+\d+\s+)?\.\w+\s+([\w$]+)`)
	ptxRegisters = regexp.MustCompile(`%rd\d+`)
	readsNC      = regexp.MustCompile(`ld\.global\.nc\.[\w.]+\s+[^\[]*\[(%rd\d+)`)
	writes       = regexp.MustCompile(`(?:st|st\.global|st\.v\d|st\.global\.v\d|atom\.global\.inc)\.[fub]\d+\s+[^\[\n]*\[(%rd\d+)`)
	readsPointer = regexp.MustCompile(`ld\.param\.u64\s+(%rd\d+), \[([\w$]+)\]`)
	movesPointer = regexp.MustCompile(`(?:mov|add|sub|cvta|mad|selp)[\w.:]*\s+(%rd\d+), ([^;]*);`)
	callSequence = regexp.MustCompile(`(?s)\{ // callseq .*?\} // callseq`)
	givesPointer = regexp.MustCompile(`st\.param\.b64\s+\[(\w+)\], (%rd\d+)`)
	callOf       = regexp.MustCompile(`(?s)call\.uni\s*(?:\([^)]*\),\s*)?([\w$]+)(?:,\s*\(([^)]*)\))?`)
)

// accesses are those of every function of a module, with what it calls. An address belongs
// to the parameters from which it is computed.
func accesses(text string) map[string]access {
	functions := map[string]function{}
	for _, at := range ptxFunction.FindAllStringSubmatchIndex(text, -1) {
		var f function
		for _, found := range ptxParameter.FindAllStringSubmatch(text[at[4]:at[5]], -1) {
			f.parameters = append(f.parameters, found[1])
		}
		f.body, _, _ = strings.Cut(text[at[1]:], "\n}\n")
		functions[text[at[2]:at[3]]] = f
	}
	all := map[string]access{}
	for name := range functions {
		follow(name, functions, all)
	}
	return all
}

// follow finds the accesses of one function.
func follow(name string, functions map[string]function, all map[string]access) access {
	if known, ok := all[name]; ok {
		return known
	}
	f := functions[name]
	sources := map[string][]string{} // of each register: parameters and registers
	for _, found := range readsPointer.FindAllStringSubmatch(f.body, -1) {
		sources[found[1]] = append(sources[found[1]], found[2])
	}
	for _, found := range movesPointer.FindAllStringSubmatch(f.body, -1) {
		sources[found[1]] = append(sources[found[1]], ptxRegisters.FindAllString(found[2], -1)...)
	}
	found := access{map[int]bool{}, map[int]bool{}}
	add := func(to map[int]bool, register string) {
		seen := map[string]bool{}
		for todo := []string{register}; len(todo) > 0; {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[next] {
				continue
			}
			seen[next] = true
			if k := slices.Index(f.parameters, next); k >= 0 {
				to[k] = true
			}
			todo = append(todo, sources[next]...)
		}
	}
	for _, read := range readsNC.FindAllStringSubmatch(f.body, -1) {
		add(found.constant, read[1])
	}
	for _, write := range writes.FindAllStringSubmatch(f.body, -1) {
		add(found.written, write[1])
	}
	all[name] = found // PTX has no recursion here
	for _, sequence := range callSequence.FindAllString(f.body, -1) {
		given := map[string]string{}
		for _, pointer := range givesPointer.FindAllStringSubmatch(sequence, -1) {
			given[pointer[1]] = pointer[2]
		}
		call := callOf.FindStringSubmatch(sequence)
		callee := follow(call[1], functions, all)
		for k, argument := range strings.Split(call[2], ",") {
			register := given[strings.TrimSpace(argument)]
			if callee.constant[k] {
				add(found.constant, register)
			}
			if callee.written[k] {
				add(found.written, register)
			}
		}
	}
	return found
}

// conflict is a parameter that a kernel reads as constant although the launch, with the
// operands that its result may lie over, writes the same buffer through another; "" if
// there is none.
func conflict(a access, args []launch.Arg, over []int) string {
	for _, i := range slices.Sorted(maps.Keys(a.constant)) {
		for j := range a.written {
			read, write := args[i], args[j]
			if read.Null || write.Null {
				continue
			}
			same := i == j || read.Place == write.Place && read.Index == write.Index && read.Offset == write.Offset
			if same || write.Place == launch.Result && read.Place == launch.Operand && slices.Contains(over, read.Index) {
				return fmt.Sprintf("parameter %d, %v, is read as constant, and written as parameter %d, %v", i, read, j, write)
			}
		}
	}
	return ""
}

// TestWhatIsConstantIsNotWritten: no launch writes what its kernel reads by instructions
// for what stays as it is; on a GPU such a read may see the old number or the new one.
func TestWhatIsConstantIsNotWritten(t *testing.T) {
	modules, err := ptx.Modules(launch.Warpgroups)
	if err != nil {
		t.Fatal(err)
	}
	kernels := map[string]access{}
	for _, m := range modules {
		maps.Copy(kernels, accesses(m.Text))
	}
	constant := 0
	for _, p := range programs(t) {
		for _, l := range p.Launches {
			a := kernels[l.Kernel]
			if len(a.written) == 0 {
				t.Errorf("%s writes nothing, as its PTX is read here", l.Kernel)
			}
			constant += len(a.constant)
			if found := conflict(a, l.Args, p.Over); found != "" {
				t.Errorf("%v, whose result may lie over operands %v: %s", l, p.Over, found)
			}
		}
	}
	if constant == 0 {
		t.Error("no kernel reads constants, as the PTX is read here")
	}
}

const called = `.func helper(
	.param .b64 helper_param_0,
	.param .b32 helper_param_1
)
{
	ld.param.u64 	%rd1, [helper_param_0];
	st.f32 	[%rd1+4], %f1;
	ret;
}
.visible .entry kernel(
	.param .u64 kernel_param_0,
	.param .u32 kernel_param_1,
	.param .u64 kernel_param_2,
	.param .u64 kernel_param_3
)
.maxntid 256, 1, 1
{
	ld.param.u64 	%rd1, [kernel_param_0];
	ld.param.u64 	%rd2, [kernel_param_2];
	ld.param.u64 	%rd3, [kernel_param_3];
	cvta.to.global.u64 	%rd4, %rd1;
	add.s64 	%rd5, %rd4, %rd9;
	ld.global.nc.v4.f32 	{%f1, %f2, %f3, %f4}, [%rd5+16];
	cvta.to.global.u64 	%rd6, %rd3;
	st.global.f32 	[%rd6], %f1;
	{ // callseq 0, 0
	.param .b64 param0;
	st.param.b64 	[param0], %rd2;
	.param .b32 param1;
	st.param.b32 	[param1], %r1;
	call.uni 
	helper, 
	(
	param0, 
	param1
	);
	} // callseq 0
	ret;
}
`

func TestAccessesAreFound(t *testing.T) {
	got := accesses(called)["kernel"]
	if !maps.Equal(got.constant, map[int]bool{0: true}) || !maps.Equal(got.written, map[int]bool{2: true, 3: true}) {
		t.Fatalf("%+v, want parameter 0 read as constant, and 2 and 3 written", got)
	}
	number, operand, result := launch.Arg{Place: launch.Int32}, launch.Arg{Place: launch.Operand, Index: 1}, launch.Arg{Place: launch.Result}
	workspace, none := launch.Arg{Place: launch.Workspace, Offset: 256}, launch.Arg{Place: launch.Operand, Index: 1, Null: true}
	for _, c := range []struct {
		args     []launch.Arg
		over     []int
		conflict bool
	}{
		{[]launch.Arg{operand, number, workspace, result}, nil, false},
		{[]launch.Arg{operand, number, workspace, result}, []int{0}, false},
		{[]launch.Arg{operand, number, workspace, result}, []int{1}, true},
		{[]launch.Arg{none, number, workspace, result}, []int{1}, false},
		{[]launch.Arg{operand, number, operand, result}, nil, true},
		{[]launch.Arg{workspace, number, workspace, result}, nil, true},
	} {
		if found := conflict(got, c.args, c.over); (found != "") != c.conflict {
			t.Errorf("%v over %v: %q, want a conflict: %v", c.args, c.over, found, c.conflict)
		}
	}
}
