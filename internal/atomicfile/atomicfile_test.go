package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

func filling(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func expect(t *testing.T, folder string, contents map[string]string) {
	t.Helper()
	var want []string
	for name, text := range contents {
		want = append(want, name)
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != text {
			t.Errorf("%s holds %q (%v), want %q", name, got, err, text)
		}
	}
	slices.Sort(want)
	if got := names(t, folder); !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestWriteReplaces(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "latest")
	for _, text := range []string{"first", "second, longer", "3"} {
		if err := Write(path, filling(text)); err != nil {
			t.Fatal(err)
		}
		expect(t, folder, map[string]string{"latest": text})
	}
}

func TestWriteInTheCurrentFolder(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := Write("latest", filling("here")); err != nil {
		t.Fatal(err)
	}
	expect(t, folder, map[string]string{"latest": "here"})
}

func TestTheOldFileStandsUntilTheNewIsWhole(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "latest")
	if err := Write(path, filling("old")); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(w io.Writer) error {
		if err := filling("new, half")(w); err != nil {
			return err
		}
		if got, _ := os.ReadFile(path); string(got) != "old" {
			t.Errorf("while writing, the file holds %q, want the old contents", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, folder, map[string]string{"latest": "new, half"})
}

func TestFailureLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "latest")
	if err := Write(path, filling("old")); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("the disk is on fire")
	half := func(end func()) func(io.Writer) error {
		return func(w io.Writer) error {
			io.WriteString(w, "half")
			end()
			return failure
		}
	}
	if err := Write(path, half(func() {})); !errors.Is(err, failure) {
		t.Errorf("got error %v, want the writer's own", err)
	}
	expect(t, folder, map[string]string{"latest": "old"})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the writer's panic was swallowed")
			}
		}()
		Write(path, half(func() { panic("bug") }))
	}()
	expect(t, folder, map[string]string{"latest": "old"})
	closed := func(w io.Writer) error { return w.(io.Closer).Close() }
	if err := Write(path, closed); err == nil {
		t.Error("a file that cannot be synced passed")
	}
	expect(t, folder, map[string]string{"latest": "old"})
}

func TestFailureToRenameLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "busy", "inside"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(folder, "busy"), filling("x")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if got := names(t, folder); !slices.Equal(got, []string{"busy"}) {
		t.Errorf("the folder holds %q, want only the one that was there", got)
	}
}

func TestBadPaths(t *testing.T) {
	folder := t.TempDir()
	if err := Write(folder+"/", filling("x")); err == nil {
		t.Error("a path that ends in a slash passed")
	}
	if err := Write(filepath.Join(folder, "absent", "x"), filling("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder gave %v, want fs.ErrNotExist", err)
	}
	expect(t, folder, nil)
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "latest")
	ordinary := filepath.Join(folder, "ordinary")
	if err := os.WriteFile(ordinary, nil, 0o666); err != nil { // through the umask
		t.Fatal(err)
	}
	want, _ := os.Stat(ordinary)
	if err := Write(path, filling("x")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.Stat(path); got.Mode() != want.Mode() {
		t.Errorf("a new file has mode %v, want %v like any other", got.Mode(), want.Mode())
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, filling("y")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.Stat(path); got.Mode() != 0o640 {
		t.Errorf("a replaced file has mode %v, want its old 0640", got.Mode())
	}
}

func TestStaleTemporariesGo(t *testing.T) {
	folder := t.TempDir()
	plant := func(name string, age time.Duration) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("t"), 0o666); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	plant(".latest.tmp-0123456789abcdef", 2*time.Hour)       // ours, abandoned
	plant(".latest.tmp-0123456789abcde0", time.Minute)       // ours, perhaps live
	plant(".other.tmp-0123456789abcdef", 2*time.Hour)        // another file's
	plant(".latest.tmp-x.tmp-0123456789abcdef", 2*time.Hour) // another file's, odd name
	plant(".latest.tmp-notes", 2*time.Hour)                  // not ours at all
	plant(".latest.tmp-0123456789abcdeg", 2*time.Hour)       // not ours: no digit
	plant("latest.tmp-0123456789abcdef", 2*time.Hour)        // not ours: visible
	if err := Write(filepath.Join(folder, "latest"), filling("x")); err != nil {
		t.Fatal(err)
	}
	rest := map[string]string{
		"latest":                             "x",
		".latest.tmp-0123456789abcde0":       "t",
		".other.tmp-0123456789abcdef":        "t",
		".latest.tmp-x.tmp-0123456789abcdef": "t",
		".latest.tmp-notes":                  "t",
		".latest.tmp-0123456789abcdeg":       "t",
		"latest.tmp-0123456789abcdef":        "t",
	}
	expect(t, folder, rest)
	if err := Clean(folder, time.Hour); err != nil {
		t.Fatal(err)
	}
	delete(rest, ".other.tmp-0123456789abcdef")
	delete(rest, ".latest.tmp-x.tmp-0123456789abcdef")
	expect(t, folder, rest)
	if err := Clean(folder, 0); err != nil {
		t.Fatal(err)
	}
	delete(rest, ".latest.tmp-0123456789abcde0")
	expect(t, folder, rest)
	if err := Clean(filepath.Join(folder, "absent"), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cleaning a missing folder gave %v, want fs.ErrNotExist", err)
	}
}
