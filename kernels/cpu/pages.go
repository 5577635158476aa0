package cpu

// largePagesFrom is the number of floats from which on memory is worth large pages:
// 8 MiB, which as pages of 4 KiB are as many as the second-level translation buffer of
// a recent processor holds.
const largePagesFrom = 2 << 20

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
