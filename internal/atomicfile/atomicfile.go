package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// mark stands between the name of a file and the random digits of its
	// temporaries.
	mark = ".tmp-"
	// digits is the length of the random part of a temporary's name.
	digits = 16
	// stale is the time without a write after which a temporary is taken to
	// be abandoned: no live writer pauses that long.
	stale = time.Hour
)

// Write calls fill with a new temporary file and gives it the name path when
// fill, and everything after it, succeeds; otherwise path is as it was. A file
// that is there keeps its permissions, a symbolic link is replaced. fill's
// writes are not buffered.
func Write(path string, fill func(io.Writer) error) (err error) {
	folder, name := filepath.Split(path)
	if name == "" {
		return fmt.Errorf("atomic write: %q names no file", path)
	}
	folder = filepath.Clean(folder) // "" becomes "."
	if err := clean(folder, name, stale); err != nil {
		return fmt.Errorf("atomic write of %s: %w", path, err)
	}
	temporary, err := create(folder, name)
	if err != nil {
		return fmt.Errorf("atomic write of %s: %w", path, err)
	}
	renamed := false
	defer func() { // also when fill panics
		if !renamed {
			temporary.Close()
			os.Remove(temporary.Name())
		}
	}()
	if err := fill(temporary); err != nil {
		return err // fill's own words need no wrapping
	}
	if err := finish(temporary, path); err != nil {
		return fmt.Errorf("atomic write of %s: %w", path, err)
	}
	renamed = true
	if err := syncFolder(folder); err != nil {
		return fmt.Errorf("atomic write of %s: the file is in place, but a power failure may undo it: %w", path, err)
	}
	return nil
}

// create opens a new temporary for name. It is not os.CreateTemp, which makes
// every file private to its owner, whatever the user's umask says.
func create(folder, name string) (*os.File, error) {
	random := make([]byte, digits/2)
	rand.Read(random)
	temporary := filepath.Join(folder, "."+name+mark+hex.EncodeToString(random))
	return os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// finish brings the temporary's bytes to disk, then its name to path.
func finish(temporary *os.File, path string) error {
	if old, err := os.Lstat(path); err == nil && old.Mode().IsRegular() {
		if err := temporary.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := temporary.Sync(); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be opened for syncing there
	}
	handle, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer handle.Close()
	return handle.Sync()
}

// Clean removes from folder the temporaries of killed writers: those not
// written to for at least age, which is 0 when the caller knows that nobody
// else is writing there.
func Clean(folder string, age time.Duration) error {
	if err := clean(folder, "", age); err != nil {
		return fmt.Errorf("cleaning %s of temporary files: %w", folder, err)
	}
	return nil
}

// clean removes the old temporaries of the named file, or of every file if
// name is "".
func clean(folder, name string, age time.Duration) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		target, ours := targetOf(entry.Name())
		if !ours || name != "" && target != name || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // its writer has just finished
		}
		if err != nil {
			return err
		}
		if time.Since(info.ModTime()) < age {
			continue
		}
		err = os.Remove(filepath.Join(folder, entry.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// targetOf returns the name of the file that a temporary was to become, and
// whether the name is that of a temporary at all.
func targetOf(temporary string) (string, bool) {
	end := len(temporary) - digits - len(mark)
	if end < 2 || temporary[0] != '.' || temporary[end:end+len(mark)] != mark ||
		strings.Trim(temporary[end+len(mark):], "0123456789abcdef") != "" {
		return "", false
	}
	return temporary[1:end], true
}
