package cpu

import "unsafe"

// transposeEight writes column j of eight rows, stride bytes apart from src
// on, as eight floats at dst + offsets[j], for j in n columns, n a multiple
// of eight.

func transposeEightPortable(dst, offsets, src unsafe.Pointer, stride, n int) {
	for j, offset := range unsafe.Slice((*int32)(offsets), n) {
		to := (*[8]float32)(unsafe.Add(dst, int(offset)))
		for i := range to {
			to[i] = *(*float32)(unsafe.Add(src, 4*j+stride*i))
		}
	}
}

// packStrided copies n runs of width floats, 4, 6 or 16 and with AVX-512 any
// number up to 16, that stand stride
// bytes apart, one after another.

func packStridedPortable(to, from unsafe.Pointer, stride, n, width int) {
	for i := range n {
		copy(floatsAt(unsafe.Add(to, 4*width*i), width), floatsAt(unsafe.Add(from, stride*i), width))
	}
}

// packColumns packs n rows, stride floats apart, of so many columns each, as rows of
// width floats, filled up with zeros.
func packColumns(to, from []float32, width, columns, stride, n int) {
	if columns == width {
		routines.packStrided(at(to, 0), at(from, 0), 4*stride, n, width)
		return
	}
	for i := range n {
		row := to[i*width:][:width]
		clear(row[copy(row, from[i*stride:][:columns]):])
	}
}

// patchRun is a run of consecutive floats of a patch, source bytes from where
// the patch begins, that stands target bytes from the first of the sixteen
// columns of a panel.
type patchRun struct{ source, target, length int }

// packPatches packs sixteen columns of the patches that begin at base + src[i]
// as row i of a panel. It reads up to fifteen floats behind a run, and writes
// as many behind the panel.

func packPatchesPortable(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int) {
	for i, offset := range unsafe.Slice((*int32)(src), pixels) {
		for _, r := range unsafe.Slice((*patchRun)(runs), count) {
			row := floatsAt(unsafe.Add(to, 4*tileColumns*i+r.target), r.length)
			copy(row, floatsAt(unsafe.Add(base, int(offset)+r.source), r.length))
		}
	}
}

// fetch asks for lines cache lines from an address on to be brought into the
// second-level cache, and does not wait for them. In Go there is no such wish.

func fetchPortable(from unsafe.Pointer, lines int) {}

// transposeRows is transposeEight for any number of rows and columns: column
// j of the rows, stride floats apart, goes to dst[offsets[j]/4:][:rows]. Where
// the last eight rows or columns are not whole, some are written twice.
func transposeRows(dst, src []float32, offsets []int32, rows, stride int) {
	columns := len(offsets)
	if rows < 8 || columns < 8 {
		for row := range rows {
			for j, v := range src[row*stride:][:columns] {
				dst[int(offsets[j]/4)+row] = v
			}
		}
		return
	}
	whole := columns &^ 7
	for next := 0; next < rows; next += 8 {
		row := min(next, rows-8)
		routines.transposeEight(at(dst, row), unsafe.Pointer(&offsets[0]), at(src, row*stride), 4*stride, whole)
		if whole < columns {
			last := columns - 8
			routines.transposeEight(at(dst, row), unsafe.Pointer(&offsets[last]), at(src, row*stride+last), 4*stride, 8)
		}
	}
}
