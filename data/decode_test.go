package data

import (
	"bytes"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"
)

func TestDecodePicture(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 3, 2))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(51 * i)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	got, err := DecodePicture(file.Bytes(), Shape{C: 1, H: 2, W: 3}, 6)
	if want := []float32{0, 0.2, 0.4, 0.6, 0.8, 1}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	inColour, err := DecodePicture(file.Bytes(), Shape{C: 3, H: 4, W: 4}, 6)
	if err != nil || len(inColour) != 48 {
		t.Errorf("in another shape: %d values, %v", len(inColour), err)
	}
	for want, c := range map[string]struct {
		file  []byte
		shape Shape
		most  int
	}{
		"3 x 2 pixels are more than the 5": {file.Bytes(), Shape{1, 2, 3}, 5},
		"TIFF is not read here":            {[]byte("MM\x00*"), Shape{1, 2, 3}, 6},
		"not a PNG, JPEG":                  {[]byte("hello"), Shape{1, 2, 3}, 6},
		"2 channels":                       {file.Bytes(), Shape{2, 2, 3}, 6},
	} {
		if _, err := DecodePicture(c.file, c.shape, c.most); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
