//go:build gpu

package cuda

/*
#cgo CFLAGS: -I${SRCDIR}/include -fvisibility=hidden
#cgo LDFLAGS: -L${SRCDIR}/lib -Wl,--as-needed -ldl
#include "open.h"
*/
import "C"

import (
	"fmt"
	"reflect"
	"unsafe"
)

// lib holds an empty libcuda.a for the -lcuda of gorgonia.org/cu: everything
// that it would be asked for is in driver.c. Our -L comes first on the linker's
// command line, since cu is imported here alone. The functions are hidden, lest
// the driver take them for its own.

// driverError says why there is no driver to call; nil if there is one.
func driverError() error {
	var opened C.int
	var reason *C.char
	status := Code(C.hourglass_driver_status(&opened, &reason))
	switch {
	case opened == 0:
		return fmt.Errorf("cuda: no NVIDIA driver: %s; install one, or name its library in CUDA_DRIVER_LIBRARY", C.GoString(reason))
	case status != 0:
		return newError(status, "cuInit")
	}
	return nil
}

// missing lists the functions that the driver does not have.
func missing() []string {
	names := unsafe.Slice((**C.char)(unsafe.Pointer(&C.hourglass_driver_names)), C.hourglass_driver_count)
	addresses := unsafe.Slice((*unsafe.Pointer)(unsafe.Pointer(&C.hourglass_driver_functions)), C.hourglass_driver_count)
	var list []string
	for i, address := range addresses {
		if address == nil {
			list = append(list, C.GoString(names[i]))
		}
	}
	return list
}

// check gives an error of gorgonia.org/cu our form: cu's is an integer type of
// its own with the driver's code. A nil error stays nil.
func check(err error, op string, about ...any) error {
	if err == nil {
		return nil
	}
	code := reflect.ValueOf(err)
	if !code.CanInt() {
		return fmt.Errorf("cuda: %s: %w", fmt.Sprintf(op, about...), err)
	}
	return newError(Code(code.Int()), op, about...)
}

// checkCode does the same for the results of our own calls.
func checkCode(code C.CUresult, op string, about ...any) error {
	if code == 0 {
		return nil
	}
	return newError(Code(code), op, about...)
}

func newError(code Code, op string, about ...any) *Error {
	e := &Error{Op: fmt.Sprintf(op, about...), Code: code, Name: code.Error()}
	var text *C.char
	if C.cuGetErrorName(C.CUresult(code), &text) == 0 {
		e.Name = C.GoString(text)
	}
	if C.cuGetErrorString(C.CUresult(code), &text) == 0 {
		e.Text = C.GoString(text)
	}
	return e
}
