//go:build gpu

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"regexp"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// Module is loaded PTX. It lives as long as its device.
type Module struct {
	device  *Device
	module  cu.Module
	entries map[string]string // kernels and the text of their parameters
}

// Kernels in PTX look like
//
//	.visible .entry scale(
//		.param .u64 scale_param_0,
//		.param .align 8 .b8 scale_param_1[24]
//	)
//
// where the second parameter is a structure of 24 bytes.
var (
	entry     = regexp.MustCompile(`\.entry\s+([\w$]+)\s*\(([^)]*)\)`)
	aggregate = regexp.MustCompile(`\.b8\s+\S+\[`)
)

// Load lets the driver compile PTX for this GPU. Where the PTX has a mistake,
// the error quotes the compiler.
func (d *Device) Load(ptx string) (m *Module, err error) {
	if strings.ContainsRune(ptx, 0) {
		return nil, fmt.Errorf("cuda: the PTX contains a zero byte; Load takes the text of a .ptx file")
	}
	entries := map[string]string{}
	for _, match := range entry.FindAllStringSubmatch(ptx, -1) {
		entries[match[1]] = match[2]
	}
	err = d.Do(func() error {
		text := C.CString(ptx)
		defer C.free(unsafe.Pointer(text))
		var log [8192]C.char
		var module C.CUmodule
		code := C.hourglass_load(&module, text, &log[0], C.uint(len(log)))
		if code != 0 {
			failed := newError(Code(code), "cuModuleLoadData of PTX with %d kernels", len(entries))
			if said := strings.TrimSpace(C.GoString(&log[0])); said != "" {
				failed.Text += ": " + said
			}
			return failed
		}
		m = &Module{d, *(*cu.Module)(unsafe.Pointer(&module)), entries}
		d.modules = append(d.modules, m.module)
		return nil
	})
	return m, err
}

// Function is a kernel of a module.
type Function struct {
	device     *Device
	function   cu.Function
	name       string
	parameters int
}

// Function finds a kernel by its name in the PTX.
func (m *Module) Function(name string) (f *Function, err error) {
	parameters, ok := m.entries[name]
	if !ok {
		return nil, fmt.Errorf("cuda: the module has no kernel %q; it has %d others", name, len(m.entries))
	}
	if aggregate.MatchString(parameters) {
		return nil, fmt.Errorf("cuda: kernel %s takes a structure by value, and an argument here has 8 bytes; pass its fields one by one or its address", name)
	}
	err = m.device.Do(func() error {
		function, err := m.module.Function(name)
		f = &Function{m.device, function, name, strings.Count(parameters, ".param")}
		return check(err, "cuModuleGetFunction of %s", name)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Name is the kernel's name in the PTX.
func (f *Function) Name() string { return f.name }

// Parameters is how many arguments a launch must have.
func (f *Function) Parameters() int { return f.parameters }

// handle is the C handle: cu keeps it as the only field of its type.
func (f *Function) handle() C.CUfunction { return *(*C.CUfunction)(unsafe.Pointer(&f.function)) }

// SetDynamicShared allows launches with up to so many bytes of dynamic shared
// memory. Beyond 48 KiB less the static part nothing is allowed without it.
func (f *Function) SetDynamicShared(bytes int) error {
	return f.device.Do(func() error {
		return checkCode(C.cuFuncSetAttribute(f.handle(), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)),
			"cuFuncSetAttribute of %s, to allow %d bytes of dynamic shared memory where a block can have %d,", f.name, bytes, f.device.gpu.MaxShared)
	})
}

// Attributes asks what the driver's compiler made of the kernel.
func (f *Function) Attributes() (a Attributes, err error) {
	err = f.device.Do(func() error {
		for _, wanted := range []struct {
			attribute cu.FunctionAttribute
			value     *int
		}{
			{C.CU_FUNC_ATTRIBUTE_NUM_REGS, &a.Registers},
			{C.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, &a.Local},
			{C.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &a.Shared},
			{C.CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES, &a.Constant},
			{C.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &a.MaxThreads},
			{C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, &a.MaxDynamicShared},
		} {
			if *wanted.value, err = f.function.Attribute(wanted.attribute); err != nil {
				return check(err, "cuFuncGetAttribute %d of %s", wanted.attribute, f.name)
			}
		}
		return nil
	})
	return a, err
}

// Occupancy is how many blocks of so many threads, with so many bytes of
// dynamic shared memory, a multiprocessor runs at a time.
func (f *Function) Occupancy(threads, shared int) (blocks int, err error) {
	err = f.device.Do(func() (err error) {
		blocks, err = f.function.MaxActiveBlocksPerMultiProcessor(threads, int64(shared))
		return check(err, "cuOccupancyMaxActiveBlocksPerMultiprocessor of %s with %d threads", f.name, threads)
	})
	return blocks, err
}
