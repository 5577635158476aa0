package main

import (
	"image/gif"
	"os"
	"slices"
	"testing"

	"hourglass/data"
	"hourglass/internal/picture"
)

func testInterpolate(t *testing.T) {
	wants(t, must(t, "interpolate", "v", "-n", "3", "--steps", "4", "-o", "walk.png"), "3 walks of 4 images on the spherical path")
	sheet := readPNG(t, "walk.png")
	images, made := heldBack(t, "v", 64)
	const left, top = 12, 32 // its margin, and the captions of the columns
	chosen := data.Spread(64, 6)
	for row := range 3 {
		from, to := 144*chosen[row], 144*chosen[3+row]
		for column, want := range map[int][]float32{0: images[from:][:144], 1: made[from:][:144], 4: made[to:][:144], 5: images[to:][:144]} {
			if !slices.Equal(cell(sheet, left, top, column, row), levels(want)) {
				t.Errorf("row %d: image %d is not that of the end of the walk", row, column)
			}
		}
	}
	o := object(t, must(t, "interpolate", "a", "--json", "-q", "-o", "w.png"))
	if o["path"] != "linear" || o["steps"] != 10.0 || len(o["pairs"].([]any)) != 8 {
		t.Errorf("the walks of an autoencoder are %v", o)
	}

	// Black and white have codes of different directions, also of a model that
	// has hardly learned.
	for i, name := range []string{"ends/0001.png", "ends/0002.png"} {
		m := picture.Image{H: 12, W: 12, C: 1, Pixels: slices.Repeat([]float32{float32(i)}, 144)}
		if err := writeFile(name, m.PNG); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(path string) string {
		wants(t, must(t, "interpolate", "a", "ends/0001.png", "ends/0002.png", "--path", path, "-o", "pair.png"), "1 walks of 10 images")
		text, err := os.ReadFile("pair.png")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if walk("linear") == walk("spherical") {
		t.Error("both paths are the same")
	}

	must(t, "interpolate", "v", "-n", "2", "--steps", "5", "-o", "walk.gif")
	file, err := os.Open("walk.gif")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g, err := gif.DecodeAll(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2*restAtEnds + 2*3; len(g.Image) != want || g.LoopCount != 0 {
		t.Fatalf("%d frames, want %d, for ever", len(g.Image), want)
	}
	for _, there := range []int{1, 2, 3} { // steps between the ends
		back := len(g.Image) - there
		if !slices.Equal(g.Image[restAtEnds-1+there].Pix, g.Image[back].Pix) {
			t.Errorf("step %d is another on the way back", there)
		}
	}
	if slices.Equal(g.Image[0].Pix, g.Image[restAtEnds+1].Pix) {
		t.Error("nothing moves")
	}
	must(t, "interpolate", "c", "--label", "2")
	refuses(t, exitUsage, map[string]string{
		"interpolate c":               "add --label",
		"interpolate v ends/0001.png": "a walk from 1 picture; name its two ends",
		"interpolate v --steps 1":     "--steps is 1",
		"interpolate v -o walk.mp4":   "walk.mp4 is neither a PNG nor a GIF",
		"interpolate v --pairs 0":     "--pairs is 0",
		"interpolate v --path curved": "--path",
	})
	refuses(t, exitFailed, map[string]string{"interpolate v ends/0001.png nowhere.png": "nowhere.png"})
}
