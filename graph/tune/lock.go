//go:build linux || darwin || freebsd

package tune

import (
	"os"
	"syscall"
)

// lock waits until nobody else holds the lock that a file stands for. The kernel
// frees it if the process dies.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return func() { file.Close() }, nil
}
