package runs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// folder makes runs of the given names, each begun an hour after the one
// before.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range names {
		run := Run{Path: filepath.Join(dir, name)}
		if err := Write(run.Config(), []byte("{}\n")); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(1e9, 0).Add(time.Duration(i) * time.Hour)
		if err := os.Chtimes(run.Config(), when, when); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	dir := folder(t, "2026-11-22_mnist-conv_aaaa", "2026-11-23_mnist-conv_bbbb", "2026-11-21_glyphs-mlp_cccc", "x", "x2")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ meant, want, problem string }{
		{meant: "last", want: "x2"},
		{meant: "x", want: "x"}, // a whole name, although it begins another
		{meant: "2026-11-22", want: "2026-11-22_mnist-conv_aaaa"},
		{meant: filepath.Join(dir, "x"), want: "x"},
		{meant: "2026-11-2", problem: "begins the names of 3 runs"},
		{meant: "", problem: "no run is named"},
		{meant: "nowhere", problem: `there is no run "nowhere", neither`},
		{meant: "2026-11-22_mnist-conv_aaba", problem: "did you mean 2026-11-22_mnist-conv_aaaa?"},
		{meant: filepath.Join(dir, "empty"), problem: "holds no config.yaml"},
	} {
		run, err := Find(dir, test.meant)
		switch {
		case test.problem == "" && (err != nil || run.Name() != test.want):
			t.Errorf("Find(%q) = %s, %v; want %s", test.meant, run.Path, err, test.want)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("Find(%q) = %s, %v; want an error with %q", test.meant, run.Path, err, test.problem)
		}
	}
	if _, err := Find(filepath.Join(dir, "none"), "last"); err == nil || !strings.Contains(err.Error(), "hourglass train") {
		t.Errorf("last of no runs: %v", err)
	}
}

func TestNewName(t *testing.T) {
	day := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	for source, want := range map[string]string{
		"mnist":                  "2026-11-23_mnist-conv_",
		"glyphs:1x16x16,n=256":   "2026-11-23_glyphs-conv_",
		"folder:./pictures/cats": "2026-11-23_cats-conv_",
		"../arrays/faces.npz":    "2026-11-23_faces-conv_",
		"folder:..":              "2026-11-23_data-conv_",
		"mnist:/data/mnist":      "2026-11-23_mnist-conv_",
	} {
		name := NewName(day, source, "conv")
		if !strings.HasPrefix(name, want) || len(name) != len(want)+4 {
			t.Errorf("NewName(%q) = %q, want %q and four letters", source, name, want)
		}
		if again := NewName(day, source, "conv"); again == name {
			t.Errorf("NewName(%q) gave %q twice", source, name)
		}
	}
}

// TestCheckWritable leaves nothing behind, and nothing of others away.
func TestCheckWritable(t *testing.T) {
	dir := t.TempDir()
	deep := Run{Path: filepath.Join(dir, "a", "b", "run")}
	if err := deep.CheckWritable(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder is left behind: %v", err)
	}
	there := Run{Path: filepath.Join(dir, "there")}
	if err := os.Mkdir(there.Path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := there.CheckWritable(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(there.Path); err != nil || len(entries) != 0 {
		t.Errorf("a folder that was there holds %v: %v", entries, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"file", "file/run"} {
		if err := (Run{Path: filepath.Join(dir, path)}).CheckWritable(); err == nil || !strings.Contains(err.Error(), "choose another --dir") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
