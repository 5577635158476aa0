package repository

import (
	"os"
	"path/filepath"
	"testing"
)

// Root is the folder above the running test that holds go.mod.
func Root(tb testing.TB) string {
	tb.Helper()
	root, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return root
		}
		if root == filepath.Dir(root) {
			tb.Fatal("there is no go.mod above the test; run it inside the repository")
		}
		root = filepath.Dir(root)
	}
}

// Dataset is a file or folder of the real images in ../shared/datasets. The
// test is skipped where they are not.
func Dataset(tb testing.TB, parts ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{Root(tb), "..", "shared", "datasets"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skip("the real images are not beside the repository, in ../shared/datasets")
	}
	return path
}
