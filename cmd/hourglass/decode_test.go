package main

import (
	"fmt"
	"image"
	"os"
	"slices"
	"testing"

	"hourglass/data"
)

// testDecode holds that decoding codes gives what recon shows, bit for bit,
// whatever format they went through.
func testDecode(t *testing.T) {
	for _, run := range []string{"a", "v"} {
		_, want := heldBack(t, run, 64)
		for _, file := range []string{"c.npy", "c.npz", "c.csv"} {
			must(t, "encode", run, "-o", file)
			wants(t, must(t, "decode", run, file, "-o", "images.npy"), "64 images")
			got, err := data.ReadArray("images.npy", "")
			if err != nil || !slices.Equal(got.Shape, []int{64, 12, 12, 1}) || !slices.Equal(got.Values, want) {
				t.Errorf("run %s: decoding %s differs from the reconstructions (%v)", run, file, err)
			}
		}
		must(t, "decode", run, "c.npy", "-o", "decoded/")
		for i := range 64 {
			m := readPNG(t, fmt.Sprintf("decoded/%04d.png", i+1)).(*image.Gray)
			if !slices.Equal(m.Pix, levels(want[144*i:][:144])) {
				t.Fatalf("run %s: picture %d differs from the reconstruction", run, i)
			}
		}
		must(t, "decode", run, "c.csv")
		if !slices.Equal(cell(readPNG(t, "decoded.png"), 12, 12, 1, 2), levels(want[144*17:][:144])) {
			t.Errorf("run %s: the sheet of 8x8 images does not show number 17 in its third row", run)
		}
	}
	if o := object(t, must(t, "decode", "v", "c.npy", "--json", "-q")); o["count"] != 64.0 {
		t.Errorf("the JSON says %v", o)
	}
	writeArray(t, "wide.npy", 3, 9)
	writeArray(t, "one.npy", 8)
	writeArray(t, "deep.npy", 2, 2, 4)
	writeArray(t, "many.npy", 1001, 8)
	for file, content := range map[string]string{"nan.csv": "1,2,3,4,5,6,7,NaN\n", "text.csv": "z0\nhello\n", "bad.npy": "no array"} {
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, must(t, "decode", "v", "one.npy"), "1 image,")
	wants(t, must(t, "decode", "v", "deep.npy"), "2 images")
	refuses(t, exitFailed, map[string]string{
		"decode v wide.npy":    "wide.npy has 9 columns, and a code of this model has 8 numbers",
		"decode v nan.csv":     "nan.csv: number 7 of code 0 is NaN",
		"decode v text.csv":    "text.csv: line 2: column 1 is \"hello\"",
		"decode v bad.npy":     "bad.npy: the file does not begin as NPY does",
		"decode v nowhere.npz": "nowhere.npz",
	})
	must(t, "decode", "c", "c.npy", "--label", "3")
	refuses(t, exitUsage, map[string]string{
		"decode c c.npy": "add --label", "decode c c.npy --label 99": "told of classes 0 to", "decode v c.npy --label 1": "told no class",
		"decode c c.npy --label seven": "has no class",
		"decode v codes.txt":           "ends in .npy, .npz or .csv",
		"decode v one.npy -o x.jpg":    "x.jpg is neither a PNG nor a folder",
		"decode v many.npy":            "1001 images are too many for the one picture decoded.png; name a folder, as in -o decoded/",
		"decode v":                     "the command lacks <",
	})
}
