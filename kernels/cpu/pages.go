package cpu

// largePagesFrom is the number of floats from which on memory is worth large pages:
// 4 MiB are half of what the second-level translation buffer of a recent processor
// holds in pages of 4 KiB.
const largePagesFrom = 1 << 20

// Floats returns n zeros, in pages of 2 MiB where they are many and the system has
// such pages to give. What kernels stream through is worth that: a row of an image, or
// the next panel of weights, is often on another page than the last one.
func Floats(n int) []float32 {
	floats := make([]float32, n)
	if n >= largePagesFrom {
		askForLargePages(floats)
	}
	return floats
}
