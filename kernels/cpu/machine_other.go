//go:build !amd64 && !arm64

package cpu

// Features names the vector extensions of the processor that matter here: none,
// where there is no assembly.
func Features() []string { return nil }

// Path names the implementation that this processor runs.
func Path() string { return "portable Go" }
