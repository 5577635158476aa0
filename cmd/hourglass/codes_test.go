package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/internal/runs"
	"hourglass/train"
)

// TestCodes trains an autoencoder and a variational one, and tries on them
// everything that is done with codes.
func TestCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "a", "--rate", "0.02")
	trainSmall(t, "v", "--rate", "0.02", "--kind", "vae", "--loss", "bernoulli")
	trainSmall(t, "c", "--kind", "cvae", "--loss", "bernoulli")
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"sample", testSample}, {"interpolate", testInterpolate}, {"traverse", testTraverse}, {"encode", testEncode}, {"decode", testDecode},
	} {
		t.Run(test.name, test.run)
	}
}

func TestCodesHelp(t *testing.T) {
	for _, command := range []string{"sample", "interpolate", "traverse", "encode", "decode"} {
		wants(t, must(t, command, "--help"), "Usage: hourglass "+command, "Examples:", "--device", "--output")
	}
}

// refuses fails unless each command line ends with the exit code and one line
// that says the text.
func refuses(t *testing.T, code int, commands map[string]string) {
	t.Helper()
	for args, says := range commands {
		got, _, stderr := call(t, strings.Fields(args)...)
		if got != code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, says) {
			t.Errorf("hourglass %s: exit %d, want %d, and one line with %q:\n%s", args, got, code, says, stderr)
		}
	}
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := png.Decode(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

// cell returns the grey levels of one image of 12x12 in a sheet, enlarged seven
// times, whose images begin at left, top.
func cell(m image.Image, left, top, column, row int) []uint8 {
	const scale, step = 7, 7*12 + 4
	var levels []uint8
	for y := range 12 {
		for x := range 12 {
			levels = append(levels, color.GrayModel.Convert(m.At(left+column*step+x*scale, top+row*step+y*scale)).(color.Gray).Y)
		}
	}
	return levels
}

// levels are pixels as a PNG has them.
func levels(pixels []float32) []uint8 {
	var all []uint8
	for _, x := range pixels {
		all = append(all, uint8(min(max(x, 0), 1)*255+0.5))
	}
	return all
}

// heldBack returns the first images that a run held back, and what its model
// makes of them.
func heldBack(t *testing.T, name string, n int) (images, made []float32) {
	t.Helper()
	path, err := train.BestCheckpoint(runs.Run{Path: "runs/" + name}.Checkpoints())
	if err != nil {
		t.Fatal(err)
	}
	model, err := loadTrained(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := model.openSets()
	if err != nil {
		t.Fatal(err)
	}
	if images, err = firstImages(all.test, n); err != nil {
		t.Fatal(err)
	}
	r, err := model.on(newTestSession(t), machine{Device: "cpu", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if made, err = r.Reconstruct(images, n); err != nil {
		t.Fatal(err)
	}
	return images, made
}

func newTestSession(t *testing.T) *session {
	return newSession(t.Context(), commands{Quiet: true}, nil, &strings.Builder{}, &strings.Builder{})
}

// TestReadCSV reads lines of numbers, with a heading or without.
func TestReadCSV(t *testing.T) {
	for text, want := range map[string][]float32{
		"1,2\n3,4.5\n": {1, 2, 3, 4.5},
		"-1e-3\n":      {-1e-3},
		"image,z0,label,z1\n\"a, b\",1,2,3\nc,4,x,6\n": {1, 3, 4, 6},
		" z0, z1\n 1, 2\n": {1, 2},
	} {
		array, err := readCSV(strings.NewReader(text))
		if err != nil || !slices.Equal(array.Values, want) || array.Shape[0]*array.Shape[1] != len(want) {
			t.Errorf("%q holds %v (%v), want %v", text, array, err, want)
		}
	}
	for text, says := range map[string]string{
		"":                 "empty",
		"z0,z1\n":          "no code below the heading",
		"image,label\na,1": "no column is called z0",
		"z0,z1\n1,2\n3,x":  `line 3: column 2 is "x"`,
		"1,2\n3\n":         "wrong number of fields",
	} {
		if _, err := readCSV(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: the error is %v, want one that says %q", text, err, says)
		}
	}
}

// writeArray writes an NPY file of numbers.
func writeArray(t *testing.T, path string, shape ...int) {
	t.Helper()
	size := 1
	for _, dim := range shape {
		size *= dim
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := data.WriteNPY(file, data.Array{Shape: shape, Values: make([]float32, size)}); err != nil {
		t.Fatal(err)
	}
}
