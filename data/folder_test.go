package data

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"hourglass/internal/repository"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// greyPNG is a picture of one tone.
func greyPNG(t testing.TB, w, h int, tone uint8) []byte {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = tone
	}
	return pngOf(t, m)
}

// withOrientation puts an EXIF segment into a JPEG file.
func withOrientation(file []byte, o uint16) []byte {
	body := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	body = binary.BigEndian.AppendUint16(body, o)
	body = append(body, 0, 0, 0, 0, 0, 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(body)+2))
	return slices.Concat(file[:2], segment, body, file[2:])
}

func TestFolderParts(t *testing.T) {
	tone := func(v uint8) []byte { return greyPNG(t, 2, 2, v) }
	classes := map[string][]byte{"a/1.png": tone(10), "b/deep/2.PNG": tone(20), "b/.hidden.png": nil, "notes.txt": []byte("x")}
	under := func(part string, files map[string][]byte) map[string][]byte {
		all := map[string][]byte{}
		for name, file := range files {
			all[part+name] = file
		}
		return all
	}
	both := under("train/", classes)
	for name, file := range under("VAL/", classes) {
		both[name] = file
	}
	for name, c := range map[string]struct {
		files   map[string][]byte
		classes []string
		test    bool
	}{
		"classes":        {classes, []string{"a", "b"}, false},
		"train and val":  {both, []string{"a", "b"}, true},
		"only test":      {under("test/", classes), []string{"a", "b"}, false},
		"no classes":     {map[string][]byte{"1.png": tone(10), "2.png": tone(20)}, nil, false},
		"some unlabeled": {map[string][]byte{"0.png": tone(10), "z/2.png": tone(20)}, []string{"z"}, false},
	} {
		train, test, err := Open("folder:"+writeFiles(t, c.files), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if train.Len() != 2 || !slices.Equal(Classes(train), c.classes) || (test != nil) != c.test {
			t.Errorf("%s: %d images, classes %q, test %v", name, train.Len(), Classes(train), test)
		}
		if train.Shape() != (Shape{1, 2, 2}) || pixelsOf(t, train, 1)[0] != unit[20] {
			t.Errorf("%s: shape %v", name, train.Shape())
		}
		if label := train.Label(1); label != len(c.classes)-1 {
			t.Errorf("%s: label %d", name, label)
		}
	}
	part, rest, err := Open(writeFiles(t, classes), Options{Test: 1})
	if err != nil || part.Len() != 1 || rest.Len() != 1 {
		t.Errorf("split: %v", err)
	}
	for name, files := range map[string]map[string][]byte{
		"empty": nil, "no pictures": {"a.txt": nil}, "other classes": {"train/a/1.png": tone(1), "test/b/1.png": tone(1)},
	} {
		if _, _, err := Open("folder:"+writeFiles(t, files), Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMistypedSource(t *testing.T) {
	for spec, want := range map[string]string{"mnits": "did you mean mnist?", "no such thing": "nor one of glyphs, mnist"} {
		if _, _, err := Open(spec, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}

func TestFolderCorrupt(t *testing.T) {
	whole := greyPNG(t, 9, 9, 70)
	dir := writeFiles(t, map[string][]byte{
		"a/0.png": greyPNG(t, 9, 9, 30), "a/1.png": whole[:len(whole)-20], "a/2.png": whole,
		"b/3.png": []byte("no picture"), "b/4.png": whole,
	})
	train, _, err := Open("folder:"+dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 1, 3} {
		if got := pixelsOf(t, train, i)[0]; got != unit[70] {
			t.Errorf("in the place of picture %d stands a tone of %g", i, got)
		}
	}
	summary, err := Inspect(train)
	if err != nil || len(summary.Corrupt) != 2 || !strings.Contains(summary.String(), filepath.Join("b", "3.png")) {
		t.Errorf("%v, summary:\n%v", err, summary)
	}
	if summary.Resized != 0 || strings.Contains(summary.String(), "of another size") {
		t.Errorf("%d of pictures of one size are resized, summary:\n%v", summary.Resized, summary)
	}
	sizes := writeFiles(t, map[string][]byte{"0.png": greyPNG(t, 4, 6, 30), "1.png": greyPNG(t, 6, 4, 30), "2.png": greyPNG(t, 4, 6, 50), "3.png": greyPNG(t, 9, 9, 50)})
	mixed, _, err := Open("folder:"+sizes, Options{})
	if err != nil {
		t.Fatal(err)
	}
	part, err := Subset(mixed, []int{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // each counts once, however often it is read
		summary, err := Inspect(part)
		if err != nil || summary.Resized != 2 || !strings.Contains(summary.String(), "2 of another size") {
			t.Errorf("%v, summary of pictures of three sizes:\n%v", err, summary)
		}
	}
	strict, _, err := Open("folder:"+dir, Options{OnCorrupt: Fail})
	if err != nil {
		t.Fatal(err)
	}
	if err := strict.Image(1, make([]float32, 81)); err == nil || !strings.Contains(err.Error(), "1.png") {
		t.Errorf("a damaged picture gives %v", err)
	}
	all := writeFiles(t, map[string][]byte{"a.png": {1}, "b.png": {2}})
	for _, o := range []Options{{}, {OnCorrupt: Fail}} {
		if _, _, err := Open("folder:"+all, o); err == nil || !strings.Contains(err.Error(), ".png") {
			t.Errorf("only damaged pictures: %v", err)
		}
	}
	headless := writeFiles(t, map[string][]byte{"a/1.png": whole[:len(whole)-20], "b/1.png": whole})
	train, _, err = Open("folder:"+headless, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := train.Image(0, make([]float32, 81)); err == nil {
		t.Error("a class without a whole picture gives one")
	}
}

func decoded(t *testing.T, file []byte, s Shape, background uint8) []byte {
	t.Helper()
	pixels := make([]byte, s.Size())
	if err := decodePicture(pixels, file, s, background, MaxPixels); err != nil {
		t.Fatal(err)
	}
	return pixels
}

func TestDecodeColourAndAlpha(t *testing.T) {
	m := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
	m.SetNRGBA64(0, 0, color.NRGBA64{0xFFFF, 0x8000, 0, 0xFFFF})
	m.SetNRGBA64(1, 0, color.NRGBA64{0xFFFF, 0xFFFF, 0xFFFF, 0x8000})
	file := pngOf(t, m)
	if got, want := decoded(t, file, Shape{3, 1, 2}, 0), []byte{255, 128, 0, 128, 128, 128}; !slices.Equal(got, want) {
		t.Errorf("over black %v, want %v", got, want)
	}
	// 0.299·255 + 0.587·128 is 151.4.
	if got, want := decoded(t, file, Shape{1, 1, 2}, 255), []byte{151, 255}; !slices.Equal(got, want) {
		t.Errorf("grey over white %v, want %v", got, want)
	}
}

func TestDecodeScalesAndCrops(t *testing.T) {
	// Three squares of one tone each, the middle one of which fits.
	m := image.NewGray(image.Rect(0, 0, 30, 10))
	for i := range m.Pix {
		m.Pix[i] = []uint8{0, 100, 200}[i%30/10]
	}
	for _, size := range []int{4, 10, 10, 20} {
		got := decoded(t, pngOf(t, m), Shape{1, size, size}, 0)
		for i, v := range got {
			if v != 100 {
				t.Fatalf("size %d: pixel %d is %d, want 100", size, i, v)
			}
		}
	}
	// A stripe pattern shrinks to its mean, not to one of its stripes.
	for i := range m.Pix {
		m.Pix[i] = uint8(i % 2 * 200)
	}
	for _, v := range decoded(t, pngOf(t, m), Shape{1, 2, 6}, 0)[2:4] {
		if v < 90 || v > 110 {
			t.Errorf("stripes of 0 and 200 shrink to %d", v)
		}
	}
}

// TestDecodeOrientation stores a picture whose upright form has its corners
// dark, grey, light and white, as each of the eight orientations stores it.
func TestDecodeOrientation(t *testing.T) {
	const w, h = 48, 32 // upright
	upright := func(x, y int) uint8 { return []uint8{20, 90, 160, 230}[2*(2*y/h)+2*x/w] }
	for o := uint16(1); o <= 8; o++ {
		stored := image.NewGray(image.Rect(0, 0, w, h))
		if o >= 5 {
			stored = image.NewGray(image.Rect(0, 0, h, w))
		}
		sw, sh := stored.Rect.Dx(), stored.Rect.Dy()
		for y := range sh {
			for x := range sw {
				// Where EXIF says that column x and row y stand.
				ux := []int{x, w - 1 - x, w - 1 - x, x, y, w - 1 - y, w - 1 - y, y}[o-1]
				uy := []int{y, y, h - 1 - y, h - 1 - y, x, x, h - 1 - x, h - 1 - x}[o-1]
				stored.SetGray(x, y, color.Gray{Y: upright(ux, uy)})
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, stored, &jpeg.Options{Quality: 95}); err != nil {
			t.Fatal(err)
		}
		file := withOrientation(b.Bytes(), o)
		p, err := parsePicture(file, MaxPixels)
		if err != nil || p.shape() != (Shape{1, h, w}) {
			t.Errorf("orientation %d: shape %v, %v", o, p.shape(), err)
		}
		got := decoded(t, file, Shape{1, h, w}, 0)
		for _, at := range [][2]int{{4, 4}, {w - 5, 4}, {4, h - 5}, {w - 5, h - 5}} {
			if v, want := got[at[1]*w+at[0]], upright(at[0], at[1]); v < want-6 || v > want+6 {
				t.Errorf("orientation %d: pixel %v is %d, want %d", o, at, v, want)
			}
		}
	}
}

// TestDecodeRefusesGiants changes the size in a header.
func TestDecodeRefusesGiants(t *testing.T) {
	for _, side := range []uint32{1 << 14, 1 << 30} {
		file := greyPNG(t, 8, 8, 0)
		binary.BigEndian.PutUint32(file[16:], side)
		binary.BigEndian.PutUint32(file[20:], side)
		binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
		var err error
		spent := allocated(func() { err = decodePicture(make([]byte, 64), file, Shape{1, 8, 8}, 0, MaxPixels) })
		if err == nil || spent > 1<<20 {
			t.Errorf("%d x %d: %d bytes allocated, error %v", side, side, spent, err)
		}
	}
}

func TestFit(t *testing.T) {
	ds, err := NewMemory("m", Shape{1, 2, 4}, []byte{9, 40, 40, 9, 9, 40, 40, 9}, []int{3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	small, err := Fit(ds, Shape{C: 3, W: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := pixelsOf(t, small, 0); small.Shape() != (Shape{3, 2, 2}) || slices.Max(got) != unit[40] || slices.Min(got) != unit[40] {
		t.Errorf("shape %v, pixels %v", small.Shape(), got)
	}
	if same, err := Fit(ds, Shape{}); err != nil || same != Dataset(ds) {
		t.Errorf("an empty shape gives %v, %v", same, err)
	}
	if _, err := Fit(ds, Shape{C: 2}); err == nil {
		t.Error("two channels are not refused")
	}
}

// brokenPictures are the odd pictures that are refused. (A progressive JPEG
// that was cut short is coarser, a palette that is too short ends in black.)
var brokenPictures = []string{"invalid-crc32.png", "invalid-noend.png", "invalid-trunc.png", "invalid-zlib.png"}

func TestOddPictures(t *testing.T) {
	for _, folder := range []string{"go", "pngsuite"} {
		dir := repository.Dataset(t, "odd", folder)
		paths, err := Pictures(dir)
		if err != nil || len(paths) < 30 {
			t.Fatalf("%d pictures, %v", len(paths), err)
		}
		for _, path := range paths {
			train, _, err := Open(filepath.Join(dir, path), Options{Shape: Shape{C: 3}})
			if err == nil {
				err = train.Image(0, make([]float32, train.Shape().Size()))
			}
			if broken := slices.Contains(brokenPictures, path); broken != (err != nil) {
				t.Errorf("%s: error %v", path, err)
			}
			if err != nil {
				checkSentence(t, err, path)
			}
		}
	}
}

func TestRealFolders(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		n       int
		classes int
		shape   Shape
	}{
		{"att-faces-png", Options{}, 400, 40, Shape{1, 100, 100}},
		{"kodak", Options{Shape: Shape{H: 64, W: 64}}, 24, 0, Shape{3, 64, 64}},
		{"cifar10-jpg", Options{}, 10000, 10, Shape{3, 32, 32}},
	} {
		train, test, err := Open(repository.Dataset(t, c.name), c.options)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if train.Len() != c.n || test != nil || len(Classes(train)) != c.classes || train.Shape() != c.shape {
			t.Errorf("%s: %d images of %v in %d classes", c.name, train.Len(), train.Shape(), len(Classes(train)))
		}
		first, err := Subset(train, []int{0, 1, 2, c.n - 1})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := Inspect(first); err != nil || s.Mean[0] < 0.05 || s.Std[0] < 0.05 || len(s.Corrupt) > 0 {
			t.Errorf("%s: %v, %v", c.name, s, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"imagenet":               "glyphs, mnist",
		"folder:/does/not/exist": "/does/not/exist",
		"idx:/does/not/exist":    "/does/not/exist",
		"npz:/does/not/exist":    "/does/not/exist",
		"cifar10:/not/there":     "/not/there",
		"npy:" + os.TempDir():    "not a regular file",
		"cifar100":               "hourglass data fetch cifar100",
	} {
		if _, _, err := Open(spec, Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", spec, err, want)
		}
	}
	for _, s := range Sources() {
		if s.About == "" || !strings.HasPrefix(s.Usage, s.Name) {
			t.Errorf("source %+v", s)
		}
	}
}

// TestDecodeFormats compares the seed pictures, two in each format, with the
// same ones in PNG.
func TestDecodeFormats(t *testing.T) {
	files := seedPictures(t)
	shapes := []Shape{{3, 4, 5}, {3, 6, 4}}
	for i, file := range files[:10] {
		want, got := decoded(t, files[i%2], shapes[i%2], 0), decoded(t, file, shapes[i%2], 0)
		off := 0
		for p := range want {
			off += max(int(want[p])-int(got[p]), int(got[p])-int(want[p]))
		}
		// GIF has a fixed palette here, JPEG averages colours, BMP knows no alpha.
		if off > 32*len(want) {
			t.Errorf("picture %d is off by %d in %d values", i, off, len(want))
		}
	}
	if got := decoded(t, files[11], Shape{1, 1, 1}, 0); len(got) != 1 {
		t.Errorf("WebP gives %v", got)
	}
}
