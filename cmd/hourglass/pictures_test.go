package main

import (
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
)

// treeOfPictures writes pictures in two subfolders, one of them below another,
// with a damaged one before them all, and returns the paths of the whole ones.
func treeOfPictures(t *testing.T) []string {
	t.Helper()
	must(t, "data", "export", "glyphs:1x16x10,n=6", "drawn")
	drawn, err := data.Pictures("drawn")
	if err != nil || len(drawn) != 6 {
		t.Fatalf("pictures %q: %v", drawn, err)
	}
	whole := []string{"b/1.png", "b/deep/1.png", "b/deep/er/2.png", "c/3.png"}
	for i, name := range whole {
		content, err := os.ReadFile(filepath.Join("drawn", drawn[i]))
		if err != nil {
			t.Fatal(err)
		}
		writeAll(t, filepath.Join("tree", filepath.FromSlash(name)), content)
		writeAll(t, filepath.Join("tree", "b", "0.png"), content[:len(content)-20])
	}
	return whole
}

func writeAll(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestFolderOfPictures gives each command that takes pictures a folder of folders
// in which one is damaged: it is left out and told of, and a file that is named
// and damaged is an error.
func TestFolderOfPictures(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	whole := treeOfPictures(t)
	const warning = "warning: 1 damaged picture left out, the first because of: "
	damaged := filepath.Join("tree", "b", "0.png")
	for _, test := range []struct{ args, says string }{
		{"score a tree -o scores.csv", "of 4 images are above the threshold"},
		{"encode a tree -o codes.csv", "4 codes of 8 numbers"},
		{"recon a tree", "4 images, squared error"},
		{"denoise a tree -o clean", "4 pictures written to clean"},
		{"compress a tree -o tree.hgz", "4 images of 1x12x12 in tree.hgz"},
	} {
		wants(t, must(t, strings.Fields(test.args)...), test.says, warning, damaged)
		named := strings.Replace(test.args, "tree", damaged, 1)
		code, _, stderr := call(t, strings.Fields(named)...)
		if code != exitFailed || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, damaged) {
			t.Errorf("hourglass %s: exit %d: %s", named, code, stderr)
		}
	}
	t.Run("left out", func(t *testing.T) {
		for _, args := range []string{"score a tree", "encode a tree", "denoise a tree -o again", "compress a tree"} {
			o := object(t, must(t, strings.Fields(args+" --json -q")...))
			if left, _ := o["left_out"].([]any); len(left) != 1 || !strings.Contains(left[0].(string), damaged) {
				t.Errorf("%s: left out %v", args, o["left_out"])
			}
		}
	})
	t.Run("labels are subfolders", func(t *testing.T) {
		content, err := os.ReadFile("codes.csv")
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
		if err != nil || len(rows) != 5 {
			t.Fatalf("%d rows: %v", len(rows), err)
		}
		for i, name := range whole {
			row := rows[i+1]
			if row[0] != filepath.Join("tree", filepath.FromSlash(name)) || row[1] != name[:1] {
				t.Errorf("row %d is of %s, label %s; want %s", i, row[0], row[1], name)
			}
		}
	})
	t.Run("the tree comes back", func(t *testing.T) {
		must(t, "decompress", "a", "tree.hgz", "-o", "back")
		for _, tree := range []string{"back", "clean"} {
			back, err := data.Pictures(tree)
			if err != nil {
				t.Fatal(err)
			}
			for i := range back {
				back[i] = filepath.ToSlash(back[i])
			}
			if !slices.Equal(back, whole) {
				t.Errorf("%s holds %q, want %q", tree, back, whole)
			}
		}
	})
	t.Run("nothing whole", func(t *testing.T) {
		for _, name := range whole {
			if err := os.WriteFile(filepath.Join("tree", filepath.FromSlash(name)), []byte("no picture"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range []string{"score a tree", "encode a tree", "recon a tree", "denoise a tree -o none", "compress a tree -o none.hgz"} {
			code, _, stderr := call(t, strings.Fields(args)...)
			if code != exitFailed || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "none of the pictures can be read") {
				t.Errorf("hourglass %s: exit %d: %s", args, code, stderr)
			}
		}
		for _, path := range []string{"none", "none.hgz"} {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("%s was written: %v", path, err)
			}
		}
	})
}

// TestFolderWithParts scores the test part of a folder, and encodes all of it.
func TestFolderWithParts(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	must(t, "data", "export", "glyphs:1x12x12,n=5", "drawn/train/x")
	must(t, "data", "export", "glyphs:1x12x12,n=3,seed=2", "drawn/test/x")
	wants(t, must(t, "score", "a", "drawn"), "of 3 images are above")
	wants(t, must(t, "encode", "a", "drawn", "-o", "codes.csv"), "8 codes of 8 numbers")
	content, err := os.ReadFile("codes.csv")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := strings.Count(string(content), ",training,"), strings.Count(string(content), ",test,"); a != 5 || b != 3 {
		t.Errorf("%d codes of training images and %d of test images", a, b)
	}
	var kept []string
	must(t, "compress", "a", "drawn", "-o", "all.hgz")
	must(t, "decompress", "a", "all.hgz", "-o", "all")
	err = filepath.WalkDir("all", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			kept = append(kept, path)
		}
		return err
	})
	if err != nil || len(kept) != 8 {
		t.Errorf("pictures that come back: %q, %v", kept, err)
	}
}
