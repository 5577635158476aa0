package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"
)

var (
	black = color.RGBA{0, 0, 0, 255}
	white = color.RGBA{255, 255, 255, 255}
	red   = color.RGBA{255, 0, 0, 255}
)

// checker is black at the upper left and lower right, white elsewhere.
func checker() Image { return Image{H: 2, W: 2, C: 1, Pixels: []float32{0, 1, 1, 0}} }

func TestSheetPlacesImages(t *testing.T) {
	redPlain := Image{H: 2, W: 2, C: 3, Pixels: []float32{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0}}
	var file bytes.Buffer
	sheet := Sheet{Rows: []Row{{"", []Image{checker(), redPlain}}, {"", []Image{redPlain}}}, Scale: 5}
	if err := sheet.PNG(&file); err != nil {
		t.Fatal(err)
	}
	canvas, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	const side, step = 10, 10 + gap
	if got, want := canvas.Bounds(), image.Rect(0, 0, 2*margin+side+step, 2*margin+side+step); got != want {
		t.Fatalf("the sheet is %v, want %v", got, want)
	}
	for _, c := range []struct {
		x, y int // from the margin
		want color.RGBA
	}{
		{0, 0, black}, {4, 4, black}, {5, 4, white}, {4, 5, white}, {9, 9, black}, // enlarged, not smoothed
		{-1, 0, paper}, {0, -1, paper}, {10, 0, paper}, {13, 0, paper}, {0, 10, paper},
		{step, 0, red}, {step + 9, 9, red}, {step + 10, 9, paper},
		{0, step, red}, {step, step, paper},
	} {
		if got := color.RGBAModel.Convert(canvas.At(margin+c.x, margin+c.y)); got != c.want {
			t.Errorf("pixel %d, %d is %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

func TestCaptionsStandLeftOfTheirRows(t *testing.T) {
	rows := []Row{{"input", []Image{plain(40, 40, 1, 0)}}, {"", []Image{plain(40, 40, 1, 0)}}}
	canvas, err := Sheet{Rows: rows, Scale: 1}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	left := canvas.Bounds().Dx() - margin - 40
	if want := margin + 5*8 + margin; left != want {
		t.Errorf("the images begin at %d, want %d behind five letters of 8", left, want)
	}
	inked := func(top, bottom int) (count int) {
		for y := top; y < bottom; y++ {
			for x := range left {
				if canvas.RGBAAt(x, y) != paper {
					count++
				}
			}
		}
		return count
	}
	if inked(margin+10, margin+30) < 30 {
		t.Error("the first row has no caption at its middle")
	}
	if inked(0, margin+10)+inked(margin+30, canvas.Bounds().Dy()) > 0 {
		t.Error("there is ink besides the caption")
	}
}

func TestColumnCaptionsStandAbove(t *testing.T) {
	rows := []Row{{"", []Image{plain(40, 40, 1, 0), plain(40, 40, 1, 0)}}}
	canvas, err := Sheet{Rows: rows, Scale: 1, Columns: []string{"", "one", "beyond"}}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := canvas.Rect, image.Rect(0, 0, 2*margin+2*40+gap, 2*margin+head+40); got != want {
		t.Fatalf("the sheet is %v, want %v", got, want)
	}
	if canvas.RGBAAt(margin, margin+head-1) != paper || canvas.RGBAAt(margin, margin+head) != black {
		t.Error("the images do not begin below the captions")
	}
	inked := 0
	for y := range margin + head {
		for x := range canvas.Rect.Dx() {
			if canvas.RGBAAt(x, y) != paper {
				inked++
				if centre := margin + 40 + gap + 20; x < centre-12 || x >= centre+12 {
					t.Fatalf("there is ink at %d, %d, off the second column", x, y)
				}
			}
		}
	}
	if inked < 10 {
		t.Error("the second column has no caption")
	}
}

func TestSmallImagesAreEnlarged(t *testing.T) {
	for side, want := range map[int]int{1: 84, 28: 84, 16: 96, 32: 96, 83: 166, 84: 84, 500: 500} {
		canvas, err := Sheet{Rows: []Row{{"", []Image{plain(side, side, 1, 0)}}}}.Draw()
		if err != nil {
			t.Fatal(err)
		}
		if got := canvas.Bounds().Dx() - 2*margin; got != want {
			t.Errorf("an image of %d is shown at %d pixels, want %d", side, got, want)
		}
	}
}

func TestSheetLimits(t *testing.T) {
	rows := []Row{{"", []Image{checker()}}}
	for _, scale := range []int{-1, 5000, 1 << 30, 1 << 62} {
		if _, err := (Sheet{Rows: rows, Scale: scale}).Draw(); err == nil {
			t.Errorf("scale %d passed", scale)
		}
	}
	failure := errors.New("disk full")
	if err := (Sheet{Rows: rows}).PNG(broken{failure}); !errors.Is(err, failure) {
		t.Errorf("a failing writer gave %v", err)
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }
