package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hourglass/internal/repository"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// idxBytes writes an IDX file of bytes that count up.
func idxBytes(dims ...int) []byte {
	file, total := []byte{0, 0, 8, byte(len(dims))}, 1
	for _, dim := range dims {
		file = binary.BigEndian.AppendUint32(file, uint32(dim))
		total *= dim
	}
	for i := range total {
		file = append(file, byte(i))
	}
	return file
}

func gzipped(file []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(file)
	_ = w.Close()
	return b.Bytes()
}

// writeFiles fills a new folder.
func writeFiles(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestIDXFolders(t *testing.T) {
	labels := idxBytes(5)
	for name, files := range map[string]map[string][]byte{
		"mnist": {
			"train-images-idx3-ubyte": idxBytes(5, 4, 3), "train-labels-idx1-ubyte": labels,
			"t10k-images-idx3-ubyte.gz": gzipped(idxBytes(2, 4, 3)), "t10k-labels-idx1-ubyte.gz": gzipped(idxBytes(2)),
		},
		"emnist": {
			"emnist-train-images-idx3-ubyte.gz": idxBytes(5, 4, 3), "emnist-train-labels-idx1-ubyte": labels,
			"emnist-test-images-idx3-ubyte": gzipped(idxBytes(2, 4, 3)), "emnist-test-labels-idx1-ubyte": idxBytes(2),
		},
		"plain before gz": {
			"train-images-idx4-ubyte": idxBytes(5, 4, 3, 1), "train-images-idx4-ubyte.gz": []byte("damaged"),
			"train-labels-idx1-ubyte": labels, "test-images-idx3-ubyte": idxBytes(2, 4, 3), "test-labels-idx1-ubyte": idxBytes(2),
		},
	} {
		dir := writeFiles(t, files)
		for _, spec := range []string{"idx:" + dir, "mnist:" + dir, dir} {
			train, test, err := Open(spec, Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if train.Len() != 5 || test.Len() != 2 || train.Shape() != (Shape{1, 4, 3}) || train.Label(3) != 3 || test.Label(1) != 1 {
				t.Errorf("%s: %d and %d images of %v, label %d", name, train.Len(), test.Len(), train.Shape(), train.Label(3))
			}
			if got := pixelsOf(t, train, 2); got[5] != unit[29] {
				t.Errorf("%s: pixel %g, want %g", name, got[5], unit[29])
			}
		}
	}
}

func TestIDXFolderRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"labels": {map[string][]byte{"train-images-idx3-ubyte": idxBytes(5, 4, 3), "train-labels-idx1-ubyte": idxBytes(4)}, "4 labels"},
		"shapes": {map[string][]byte{"train-images-idx3-ubyte": idxBytes(5, 4, 3), "t10k-images-idx3-ubyte": idxBytes(5, 3, 3)}, "1x3x3"},
		"many":   {map[string][]byte{"a-images-idx3-ubyte": idxBytes(5, 4, 3), "b-images-idx3-ubyte": idxBytes(5, 4, 3)}, "2 files"},
		"empty":  {nil, "0 files"},
		"class":  {map[string][]byte{"train-images-idx3-ubyte": idxBytes(11, 4, 3), "train-labels-idx1-ubyte": idxBytes(11)}, "label 10"},
		"none":   {map[string][]byte{"train-images-idx3-ubyte": idxBytes(2, 4, 4, 2)}, "2 channels"},
	} {
		if _, _, err := Open("mnist:"+writeFiles(t, c.files), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// wholeIDX are the files of the folder of broken ones that are as they should
// be; every other is refused.
var wholeIDX = []string{
	"OK-100-images-idx3-ubyte", "OK-100-images-idx3-ubyte.gz", "OK-100-labels-idx1-ubyte", "OK-100-labels-idx1-ubyte.gz",
	"OK-4dim-100x28x28x1-idx4-ubyte", "OK-multi-member-images-idx3-ubyte.gz",
	"gz-without-suffix-images-idx3-ubyte", "not-gz-named-images-idx3-ubyte.gz",
	// Whole by themselves; what is wrong shows beside the images.
	"labels-99-idx1-ubyte", "labels-value-255-idx1-ubyte",
}

func TestIDXBroken(t *testing.T) {
	dir := repository.Dataset(t, "odd", "idx-broken")
	table, err := os.ReadFile(repository.Dataset(t, "odd", "EXPECTED-idx-broken.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	images := filepath.Join(dir, "OK-100-images-idx3-ubyte")
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		name, _, _ := strings.Cut(line, "\t")
		path := filepath.Join(dir, name)
		t.Run(name, func(t *testing.T) {
			var err error
			spent := allocated(func() { _, err = readFile(path, parseIDX) })
			if spent > 4<<20+int64(3*100*784) {
				t.Errorf("%d bytes were allocated", spent)
			}
			if whole := slices.Contains(wholeIDX, name); whole != (err == nil) {
				t.Fatalf("error %v, want a whole file: %v", err, whole)
			}
			if err != nil {
				checkSentence(t, err, name)
				return
			}
			if strings.Contains(name, "labels") {
				_, err := readIDXImages(images, path, strings.Split(digits, ""))
				if good := strings.HasPrefix(name, "OK"); good != (err == nil) {
					t.Errorf("beside 100 images: %v", err)
				}
			} else if ds, err := readIDXImages(path, "", nil); err != nil || ds.Len() != 100 || ds.Shape() != (Shape{1, 28, 28}) {
				t.Errorf("images: %v", err)
			}
		})
	}
}

// checkSentence holds that an error is one line, names the file and is short.
func checkSentence(t *testing.T, err error, name string) {
	t.Helper()
	if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, name) || len(text) > 400 {
		t.Errorf("the error is not one sentence with the name %s: %s", name, text)
	}
}

func TestRealMNIST(t *testing.T) {
	train, test, err := Open("mnist:"+repository.Dataset(t, "mnist"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	mean, err := MeanImage(train)
	if err != nil {
		t.Fatal(err)
	}
	var loss float64 // of the mean image as the answer to every test image
	for i := range test.Len() {
		for p, v := range pixelsOf(t, test, i) {
			loss += float64(v-mean[p]) * float64(v-mean[p])
		}
	}
	if loss /= float64(test.Len() * 784); loss < 0.0670 || loss > 0.0680 {
		t.Errorf("the mean image has test MSE %.4f, want 0.0675", loss)
	}
	if train.Label(0) != 5 || test.Label(0) != 7 {
		t.Errorf("first labels %d and %d, want 5 and 7", train.Label(0), test.Label(0))
	}
}
