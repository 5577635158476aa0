package cpu

import "unsafe"

// transposeEight writes column j of eight rows, stride bytes apart from src
// on, as eight floats at dst + offsets[j], for j in n columns, n a multiple
// of eight.
var transposeEight = transposeEightPortable

func transposeEightPortable(dst, offsets, src unsafe.Pointer, stride, n int) {
	for j, offset := range unsafe.Slice((*int32)(offsets), n) {
		to := (*[8]float32)(unsafe.Add(dst, int(offset)))
		for i := range to {
			to[i] = *(*float32)(unsafe.Add(src, 4*j+stride*i))
		}
	}
}

// transposeRows is transposeEight for any number of rows and columns: column
// j of the rows, stride floats apart, goes to dst[offsets[j]/4:][:rows].
func transposeRows(dst, src []float32, offsets []int32, rows, stride int) {
	whole := len(offsets) &^ 7
	for i := 0; i < rows; i += 8 {
		done := 0
		if i+8 <= rows && whole > 0 {
			transposeEight(at(dst, i), unsafe.Pointer(&offsets[0]), at(src, i*stride), 4*stride, whole)
			done = whole
		}
		for row := i; row < min(i+8, rows); row++ {
			line := src[row*stride:]
			for j := done; j < len(offsets); j++ {
				dst[int(offsets[j]/4)+row] = line[j]
			}
		}
	}
}
