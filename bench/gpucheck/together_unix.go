//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// endTogether lets the end of a command be that of all its descendants: a program under
// compute-sanitizer would keep the GPU.
func endTogether(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
