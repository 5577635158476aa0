package cpu

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// askForLargePages asks for large pages within floats, which nothing has written to
// yet. A system without them refuses, and floats are as good as before.
func askForLargePages(floats []float32) {
	const page = 2 << 20
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(floats))), 4*len(floats))
	before := int(-uintptr(unsafe.Pointer(unsafe.SliceData(memory))) % page)
	_ = unix.Madvise(memory[before:before+(len(memory)-before)/page*page], unix.MADV_HUGEPAGE)
}
