package picture

import (
	"bytes"
	"errors"
	"image/color"
	"image/gif"
	"slices"
	"strings"
	"testing"
)

func decoded(t *testing.T, a Animation) *gif.GIF {
	t.Helper()
	var file bytes.Buffer
	if err := a.GIF(&file); err != nil {
		t.Fatal(err)
	}
	g, err := gif.DecodeAll(&file)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func frame(images ...Image) []Row { return []Row{{Images: images}} }

// TestGreyIsExact shows 200 levels in two frames, back and forth.
func TestGreyIsExact(t *testing.T) {
	dark, bright := plain(10, 10, 1, 0), plain(10, 10, 1, 0)
	for i := range dark.Pixels {
		dark.Pixels[i], bright.Pixels[i] = float32(i)/255, float32(i+100)/255
	}
	g := decoded(t, Animation{Frames: [][]Row{frame(dark), frame(bright)}, Order: []int{0, 1, 0}, Delay: 7})
	if len(g.Image) != 3 || g.Delay[1] != 7 || g.LoopCount != 0 {
		t.Fatalf("%d frames of %v, loops %d; want 3 of 7 for ever", len(g.Image), g.Delay, g.LoopCount)
	}
	for f, m := range []Image{dark, bright, dark} {
		side := (g.Image[f].Rect.Dx() - 2*margin) / 10
		for i := range m.Pixels {
			want := m.colour(i/10, i%10)
			if got := color.RGBAModel.Convert(g.Image[f].At(margin+i%10*side, margin+i/10*side)); got != want {
				t.Fatalf("frame %d: pixel %d is %v, want %v", f, i, got, want)
			}
		}
	}
	if got := color.RGBAModel.Convert(g.Image[0].At(0, 0)); got != paper {
		t.Errorf("the paper is %v, want %v", got, paper)
	}
}

// TestColoursAreMixed shows thousands of colours: their mean over an area must
// be right, though no pixel is.
func TestColoursAreMixed(t *testing.T) {
	m := plain(90, 90, 3, 0)
	for i := range 90 * 90 {
		m.Pixels[3*i], m.Pixels[3*i+1], m.Pixels[3*i+2] = float32(i%90)/89, float32(i/90)/89, 0.5
	}
	g := decoded(t, Animation{Frames: [][]Row{frame(m)}, Delay: 1})
	for y := 0; y < 90; y += 10 {
		for x := 0; x < 90; x += 10 {
			var got, want [3]float64
			for i := range 100 {
				c := color.RGBAModel.Convert(g.Image[0].At(margin+x+i%10, margin+y+i/10)).(color.RGBA)
				d := m.colour(y+i/10, x+i%10)
				for k, v := range []uint8{c.R, c.G, c.B} {
					got[k] += float64(v) / 100
					want[k] += float64([]uint8{d.R, d.G, d.B}[k]) / 100
				}
			}
			for k := range got {
				if d := got[k] - want[k]; d < -6 || d > 6 {
					t.Errorf("about %d,%d channel %d is %.1f, want %.1f", x, y, k, got[k], want[k])
				}
			}
		}
	}
}

func TestBadAnimationsAreRefused(t *testing.T) {
	for want, a := range map[string]Animation{
		"an animation of 0 frames": {Delay: 1},
		"with a delay of 0":        {Frames: [][]Row{frame(checker())}},
		"(frame 1)":                {Frames: [][]Row{frame(checker()), {}}, Delay: 1},
		"frame 1 is of size":       {Frames: [][]Row{frame(checker()), frame(checker(), checker())}, Delay: 1},
		"names frame 1 of 1":       {Frames: [][]Row{frame(checker())}, Order: []int{0, 1}, Delay: 1},
		"more than 64 million":     {Frames: slices.Repeat([][]Row{frame(plain(250, 250, 1, 0))}, 1000), Delay: 1},
	} {
		if err := a.GIF(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
	failure := errors.New("disk full")
	if err := (Animation{Frames: [][]Row{frame(checker())}, Delay: 1}).GIF(broken{failure}); !errors.Is(err, failure) {
		t.Errorf("a failing writer gave %v", err)
	}
}
