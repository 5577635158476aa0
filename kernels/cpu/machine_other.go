//go:build !amd64

package cpu

// Features names the path that is taken.
func Features() []string { return []string{"path: portable Go"} }
