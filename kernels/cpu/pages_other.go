//go:build !linux

package cpu

// askForLargePages does nothing: other systems decide by themselves.
func askForLargePages([]float32) {}
