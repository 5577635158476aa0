package cpu

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The assembly is used where the processor has what it is written in.
func init() {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return
	}
	multiplyRows = multiplyRowsAVX2
	multiplyPanels = multiplyPanelsAVX2
	transposeEight = transposeEightAVX2
	packStrided = packStridedAVX2
	packPatches = packPatchesAVX2
}

// Features names the vector extensions of the processor that matter here, and
// last the path that is taken.
func Features() []string {
	var features []string
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2},
		{"fma", cpu.X86.HasFMA},
		{"avx512f", cpu.X86.HasAVX512F},
	} {
		if f.has {
			features = append(features, f.name)
		}
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		return append(features, "path: assembly (avx2, fma)")
	}
	return append(features, "path: portable Go")
}

//go:noescape
func multiplyRowsAVX2(t *rowTiles)

//go:noescape
func multiplyPanelsAVX2(t *panelTile)

//go:noescape
func transposeEightAVX2(dst, offsets, src unsafe.Pointer, stride, n int)

//go:noescape
func packStridedAVX2(to, from unsafe.Pointer, stride, n, width int)

//go:noescape
func packPatchesAVX2(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int)
