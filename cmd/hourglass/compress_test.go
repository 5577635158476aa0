package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readable decodes a PNG and returns its width and height.
func readable(t *testing.T, path string) (width, height int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m.Bounds().Dx(), m.Bounds().Dy()
}

func TestCompress(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	trainSmall(t, "b", "--kind", "vae", "--loss", "bernoulli")
	out := must(t, "compress", "a", "-n", "40", "--threads", "1")
	wants(t, out, "40 images of 1x12x12 in images.hgz: ", "of header", "hourglass, step 0.5", "JPEG, all in one picture", "JPEG, a file for each", "codes not rounded", "decompress needs it")
	t.Run("the same bytes for any threads", func(t *testing.T) {
		again := must(t, "compress", "a", "-n", "40", "--threads", "3", "-o", "again.hgz")
		if strings.Contains(again, "decompress needs it") {
			t.Error("the distribution is fitted twice")
		}
		one, _ := os.ReadFile("images.hgz")
		three, _ := os.ReadFile("again.hgz")
		if len(one) == 0 || !bytes.Equal(one, three) {
			t.Errorf("%d bytes with one thread, %d others with three", len(one), len(three))
		}
	})
	t.Run("to a folder", func(t *testing.T) {
		wants(t, must(t, "decompress", "a", "images.hgz"), "40 images of 1x12x12, step 0.5, written to images")
		if w, h := readable(t, "images/0040.png"); w != 12 || h != 12 {
			t.Errorf("an image is %dx%d", w, h)
		}
		code, _, stderr := call(t, "decompress", "a", "images.hgz")
		if code != exitFailed || !strings.Contains(stderr, "the folder images is not empty") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
	t.Run("to a sheet", func(t *testing.T) {
		o := object(t, must(t, "decompress", "a", "images.hgz", "-o", "sheet.png", "--json", "-q"))
		if o["images"] != 40.0 || o["output"] != "sheet.png" {
			t.Errorf("the result is %v", o)
		}
		readable(t, "sheet.png")
	})
	t.Run("pictures of other shapes, by name", func(t *testing.T) {
		out := must(t, "compress", "b", "images/0001.png", "sheet.png", "-o", "two.hgz", "--step", "1")
		wants(t, out, "1 of 2 pictures are scaled and cut to the model's 1x12x12", "sheet.png is 3x")
		must(t, "decompress", "b", "two.hgz", "-o", "two")
		readable(t, "two/0001.png")
		if w, h := readable(t, "two/sheet.png"); w != 12 || h != 12 {
			t.Errorf("the sheet comes back as %dx%d", w, h)
		}
		must(t, "compress", "b", "images/0001.png", "-o", "one.hgz")
		must(t, "decompress", "b", "one.hgz", "-o", "one.png")
		if w, h := readable(t, "one.png"); w != 12 || h != 12 {
			t.Errorf("one image becomes a picture of %dx%d", w, h)
		}
	})
	t.Run("figures", func(t *testing.T) {
		o := object(t, must(t, "compress", "a", "-n", "40", "--step", "0.05", "--json", "-q"))
		codes := 8 * (o["bytes"].(float64) - o["header_bytes"].(float64))
		if expected := o["expected_bits"].(float64); codes > expected*1.01+8 || codes < expected*0.99 {
			t.Errorf("%g bits of codes, expected %g", codes, expected)
		}
		if fine, exact := o["mse"].(float64), o["model_mse"].(float64); fine > exact*1.05 || exact <= 0 {
			t.Errorf("the error is %g and the model's %g", fine, exact)
		}
	})
	t.Run("curve", func(t *testing.T) {
		wants(t, must(t, "compress", "a", "-n", "40", "--curve", "-o", "none.hgz"), "40 images of 1x12x12 at steps from 1/16 to 8", "JPEG quality", "the model, codes not rounded")
		if _, err := os.Stat("none.hgz"); !os.IsNotExist(err) {
			t.Errorf("a curve writes a file: %v", err)
		}
		points := object(t, must(t, "compress", "a", "-n", "40", "--curve", "--json", "-q"))["curve"].([]any)
		if len(points) != 8 {
			t.Fatalf("%d points", len(points))
		}
		file := object(t, must(t, "compress", "a", "-n", "40", "--step", "0.5", "--json", "-q"))
		for i := range points {
			p := points[i].(map[string]any)
			if p["step"] == 0.5 && (p["bytes"] != file["bytes"] || p["mse"] != file["mse"]) {
				t.Errorf("at a step of 0.5 the curve has %v, and the file %v", p, file)
			}
			if i == 0 {
				continue
			}
			if before := points[i-1].(map[string]any); p["bytes"].(float64) >= before["bytes"].(float64) {
				t.Errorf("a step of %v takes %v bytes, and one of %v %v", p["step"], p["bytes"], before["step"], before["bytes"])
			}
		}
		if finest, coarsest := points[0].(map[string]any), points[7].(map[string]any); coarsest["mse"].(float64) <= finest["mse"].(float64) {
			t.Errorf("the error goes from %v to %v", finest["mse"], coarsest["mse"])
		}
	})
	file, err := os.ReadFile("images.hgz")
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(file)
	damaged[len(file)/2] ^= 1
	for name, content := range map[string][]byte{"damaged.hgz": damaged, "short.hgz": file[:len(file)-9], "not.hgz": []byte("text"), "empty.hgz": nil} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"decompress b images.hgz", exitFailed, "name run a, which compressed it"},
		{"decompress a nowhere.hgz", exitFailed, "nowhere.hgz"},
		{"decompress a damaged.hgz", exitFailed, "damaged.hgz: the file is damaged or cut short"},
		{"decompress a short.hgz", exitFailed, "short.hgz: the file is damaged or cut short"},
		{"decompress a not.hgz", exitFailed, "was not written by `hourglass compress`"},
		{"decompress a empty.hgz", exitFailed, "was not written by `hourglass compress`"},
		{"decompress a images", exitFailed, "is a directory"},
		{"decompress a", exitUsage, "the command lacks <"},
		{"decompress a images.hgz --device cuda -o other", exitFailed, "device cuda"},
		{"compress a --step 0", exitUsage, "--step is 0"},
		{"compress a --step NaN", exitUsage, "--step is NaN"},
		{"compress a --curve --step 1", exitUsage, "leave out --step"},
		{"compress a -n 0", exitUsage, "--count is 0"},
		{"compress a --threads=-1", exitUsage, "--threads is -1"},
		{"compress a not.hgz", exitFailed, "not.hgz"},
	} {
		code, _, stderr := call(t, strings.Fields(test.args)...)
		if code != test.code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.says) {
			t.Errorf("hourglass %s: exit %d, want %d, and one line with %q:\n%s", test.args, code, test.code, test.says, stderr)
		}
	}
	kept, err := filepath.Glob("runs/a/checkpoints/codec-*.safetensors")
	if err != nil || len(kept) != 1 {
		t.Fatalf("distributions of codes: %v, %v", kept, err)
	}
	t.Run("a damaged distribution", func(t *testing.T) {
		content, err := os.ReadFile(kept[0])
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)-1] ^= 1
		if err := os.WriteFile(kept[0], content, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"compress", "decompress"} {
			code, _, stderr := call(t, command, "a", "images.hgz")
			if command == "compress" {
				code, _, stderr = call(t, command, "a")
			}
			if code != exitFailed || !strings.Contains(stderr, "is damaged") {
				t.Errorf("%s: exit %d: %s", command, code, stderr)
			}
		}
	})
	t.Run("no distribution", func(t *testing.T) {
		if err := os.Remove(kept[0]); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := call(t, "decompress", "a", "images.hgz", "-o", "again")
		if code != exitFailed || !strings.Contains(stderr, "copy it from where") {
			t.Errorf("exit %d: %s", code, stderr)
		}
		must(t, "compress", "a", "-n", "1", "-o", "one.hgz")
		must(t, "decompress", "a", "images.hgz", "-o", "again") // fitted again, it is the same
	})
}

func TestCompressionVerdict(t *testing.T) {
	each := jpegFiles{Quality: 1, Bytes: 90_000, MSE: 0.01}
	for want, r := range map[string]*compression{
		"its smallest is 10.00 times as large, and 3.01 dB worse":   {Bytes: 1000, MSE: 0.005, Each: each, Sheet: jpegFiles{1, 10_000, 0.01}},
		"its smallest is 10.00 times as large, and 10.00 dB better": {Bytes: 1000, MSE: 0.1, Each: each, Sheet: jpegFiles{1, 10_000, 0.01}},
		"beats JPEG of about this size by 10.00 dB":                 {Bytes: 1000, MSE: 0.001, Each: each, Sheet: jpegFiles{20, 1010, 0.01}},
		"loses to JPEG of about this size by 10.00 dB":              {Bytes: 1000, MSE: 0.1, Each: each, Sheet: jpegFiles{20, 1010, 0.01}},
		"Nothing is lost": {Bytes: 1000, MSE: 0, Each: each, Sheet: jpegFiles{20, 1010, 0.01}},
	} {
		if got := r.verdict(); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

// TestFileNames lets no name of a file lead out of the folder or hide.
func TestFileNames(t *testing.T) {
	got := fileNames([]string{"cat.jpg", "dir/cat.png", "CAT", "../../etc/passwd", `C:\x.bmp`, "..", ".hidden.png", "a\nb.png", "", strings.Repeat("x", 300), "cat-2"}, 11)
	want := []string{"cat.png", "dir/cat.png", "CAT-2.png", "etc/passwd.png", "x.png", "0006.png", "hidden.png", "a_b.png", "0009.png", "0010.png", "cat-2-2.png"}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	got = fileNames([]string{"a.jpg", "a.png/b.jpg", "A.PNG/B.gif", "/abs.png", "d/../e.png", "./f.png", "d//g.png", ".x/y.png", "d/"}, 9)
	want = []string{"a-2.png", "a.png/b.png", "A.PNG/B-2.png", "abs.png", "d/e.png", "f.png", "d/g.png", "x/y.png", "d/0009.png"}
	if !slices.Equal(got, want) {
		t.Errorf("files in folders %q, want %q", got, want)
	}
	if got := fileNames(nil, 12345); got[0] != "00001.png" || got[12344] != "12345.png" {
		t.Errorf("numbered files %s to %s", got[0], got[12344])
	}
	seen := make(map[string]bool)
	for i, file := range fileNames(slices.Repeat([]string{"a"}, 50), 50) {
		if seen[file] {
			t.Errorf("image %d has the name %s of another", i, file)
		}
		seen[file] = true
	}
}
