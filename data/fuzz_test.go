package data

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// allocated counts the bytes that a call allocates.
func allocated(call func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// slack is what the engine and other goroutines may allocate beside a parser,
// and what a parser may take however small the file.
const slack = 4 << 20

// unpacked is the most bytes that a file can unpack to.
func unpackedSize(file []byte) int64 {
	if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		return deflateRatio * int64(len(file))
	}
	return int64(len(file))
}

func FuzzIDX(f *testing.F) {
	for _, file := range [][]byte{
		idxBytes(2, 3, 3), idxBytes(5), idxBytes(1, 2, 2, 3), idxBytes(0, 3, 3), idxBytes(2, 3, 3)[:20],
		{0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, {0, 0, 13, 1, 0, 0, 0, 1}, []byte("<html>"),
	} {
		f.Add(file)
		f.Add(gzipped(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var array *idxArray
		var err error
		spent := allocated(func() { array, err = parseIDX(bytes.NewReader(file), int64(len(file))) })
		if limit := 3*unpackedSize(file) + slack; spent > limit {
			t.Errorf("%d bytes allocated for a file of %d, want at most %d", spent, len(file), limit)
		}
		if err == nil {
			total := 1
			for _, dim := range array.dims {
				total *= dim
			}
			if total != len(array.data) || total == 0 {
				t.Errorf("sizes %v for %d bytes", array.dims, len(array.data))
			}
		}
	})
}

func FuzzCIFAR(f *testing.F) {
	for i, k := range cifarKinds {
		archive := tarred(f, cifarFiles(k, "cifar/"))
		f.Add(cifarRecords(k, 2), i == 1)
		f.Add(gzipped(cifarRecords(k, 1)), i == 1)
		f.Add(gzipped(archive), i == 1)
		f.Add(archive[:4000], i == 1)
	}
	f.Fuzz(func(t *testing.T, file []byte, hundred bool) {
		k := cifarKinds[0]
		if hundred {
			k = cifarKinds[1]
		}
		var got *records
		var err error
		spent := allocated(func() {
			got, err = k.parse(bytes.NewReader(file), int64(len(file)))
			_, _, _ = k.parseArchive(bytes.NewReader(file), int64(len(file)))
		})
		// Both ways of reading, and an archive can hold gzip files.
		limit := 2*6*unpackedSize(file) + slack
		if spent > limit && !bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
			limit *= deflateRatio
		}
		if spent > limit {
			t.Errorf("%d bytes allocated for a file of %d, want at most %d", spent, len(file), limit)
		}
		if err == nil && len(got.pixels) != len(got.labels)*cifarShape.Size() {
			t.Errorf("%d labels for %d pixels", len(got.labels), len(got.pixels))
		}
	})
}

func FuzzNPY(f *testing.F) {
	for _, file := range [][]byte{
		npyBytes("|u1", false, "(2, 3, 3)", countUp(18)), npyBytes("<f4", true, "(1, 3, 2, 2)", countUp(48)),
		npyBytes(">i8", false, "(3,)", countUp(24)), npyBytes("|b1", false, "(1, 9)", countUp(9)),
		npyBytes("<f8", false, "(9999999999, 28, 28)", nil), npyBytes("|u1", false, "(2, 3, 3)", countUp(18))[:40],
	} {
		f.Add(file)
		f.Add(gzipped(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var ds Dataset
		var err error
		spent := allocated(func() {
			array, failed := parseNPY(bytes.NewReader(file), int64(len(file)))
			if err = failed; err == nil {
				_, _ = array.classLabels()
				ds, err = array.images("fuzz", nil)
			}
		})
		// The array, 8 bytes for each label, 4 for each value of an image.
		if limit := 15*unpackedSize(file) + slack; spent > limit {
			t.Errorf("%d bytes allocated for a file of %d, want at most %d", spent, len(file), limit)
		}
		checkUnit(t, ds, err)
	})
}

func FuzzNPZ(f *testing.F) {
	images, labels := npyBytes("|u1", false, "(3, 2, 2)", countUp(12)), npyBytes("|u1", false, "(3,)", countUp(3))
	f.Add(npzBytes(f, map[string][]byte{"images": images, "labels": labels}))
	f.Add(npzBytes(f, map[string][]byte{"x_train": images, "y_train": labels, "x_test": images}))
	f.Add(npzBytes(f, map[string][]byte{"arr_0": images})[:150])
	f.Fuzz(func(t *testing.T, file []byte) {
		var train Dataset
		var err error
		spent := allocated(func() { train, _, err = parseNPZ(bytes.NewReader(file), int64(len(file)), "fuzz") })
		// Four arrays, whose packed bytes can be the same ones.
		if limit := 4 * (15*deflateRatio*int64(len(file)) + slack); spent > limit {
			t.Errorf("%d bytes allocated for a file of %d, want at most %d", spent, len(file), limit)
		}
		checkUnit(t, train, err)
	})
}

// checkUnit holds that what a parser lets through are images in [0,1].
func checkUnit(t *testing.T, ds Dataset, err error) {
	t.Helper()
	if err != nil {
		return
	}
	image := make([]float32, ds.Shape().Size())
	for i := range min(ds.Len(), 3) {
		if err := ds.Image(i, image); err != nil {
			t.Error(err)
		}
		for _, v := range image {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("a pixel is %g", v)
			}
		}
	}
}

// seedPictures are small pictures in all formats that can be written here, and
// a WebP file.
func seedPictures(t testing.TB) [][]byte {
	t.Helper()
	grey, colour := image.NewGray16(image.Rect(0, 0, 5, 4)), image.NewNRGBA(image.Rect(0, 0, 4, 6))
	for i := range 20 {
		grey.SetGray16(i%5, i/5, color.Gray16{Y: uint16(i * 3000)})
		colour.SetNRGBA(i%4, i/4, color.NRGBA{uint8(i * 9), uint8(255 - i), 40, uint8(200 + i)})
	}
	var files [][]byte
	for _, write := range []func(*bytes.Buffer, image.Image) error{
		func(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) },
		func(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) },
		func(b *bytes.Buffer, m image.Image) error { return gif.Encode(b, m, nil) },
		func(b *bytes.Buffer, m image.Image) error { return bmp.Encode(b, m) },
		func(b *bytes.Buffer, m image.Image) error {
			return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate})
		},
	} {
		for _, m := range []image.Image{grey, colour} {
			var b bytes.Buffer
			if err := write(&b, m); err != nil {
				t.Fatal(err)
			}
			files = append(files, b.Bytes())
		}
	}
	return append(files, withOrientation(files[3], 6), []byte(solidWebP))
}

// solidWebP is a lossless picture of one pixel.
const solidWebP = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

func FuzzImage(f *testing.F) {
	for _, file := range seedPictures(f) {
		f.Add(file)
	}
	shape, most := Shape{3, 6, 5}, 1<<16
	f.Fuzz(func(t *testing.T, file []byte) {
		pixels := make([]byte, shape.Size())
		var err error
		spent := allocated(func() { err = decodePicture(pixels, file, shape, 0, most) })
		p, header := parsePicture(file, most)
		limit := 32*int64(len(file)) + 24<<20
		if header == nil {
			limit += 64 * int64(p.w*p.h)
			if p.format == "tiff" { // strips that overlap
				limit += int64(p.h) * int64(len(file))
			}
		} else if err == nil {
			t.Error("a picture is decoded whose header is refused")
		}
		if spent > limit {
			t.Errorf("%d bytes allocated for %d x %d pixels in a file of %d, want at most %d", spent, p.w, p.h, len(file), limit)
		}
	})
}
