package data

import (
	"archive/tar"
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
)

// cifarRecords makes n records whose labels and pixels count up.
func cifarRecords(k cifarKind, n int) []byte {
	var file []byte
	for i := range n {
		for range k.labels {
			file = append(file, byte(i%10))
		}
		for p := range cifarShape.Size() {
			file = append(file, byte(p/1024*64+p%32))
		}
	}
	return file
}

func cifarFiles(k cifarKind, folder string) map[string][]byte {
	files := map[string][]byte{folder + k.test: cifarRecords(k, 2)}
	for _, name := range k.train {
		files[folder+name] = cifarRecords(k, 3)
	}
	return files
}

func tarred(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := files[name]
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(file)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCIFAR(t *testing.T) {
	for _, k := range cifarKinds {
		archive := tarred(t, cifarFiles(k, "cifar/"))
		for name, files := range map[string]map[string][]byte{
			"files":   cifarFiles(k, ""),
			"folder":  cifarFiles(k, map[int]string{10: "cifar-10-batches-bin/", 100: "cifar-100-binary/"}[k.count]),
			"archive": {k.archive: gzipped(archive)},
			"tar":     {k.archive: archive},
		} {
			dir := writeFiles(t, files)
			train, test, err := Open(k.name+":"+dir, Options{})
			if err != nil {
				t.Errorf("%s in %s: %v", k.name, name, err)
				continue
			}
			if train.Len() != 3*len(k.train) || test.Len() != 2 || train.Shape() != cifarShape || train.Label(1) != 1 {
				t.Errorf("%s in %s: %d and %d images of %v", k.name, name, train.Len(), test.Len(), train.Shape())
			}
			// Row 0, column 7: channel c has the byte 64·c + 7.
			if got := pixelsOf(t, test, 1)[3*7:]; got[0] != unit[7] || got[1] != unit[71] || got[2] != unit[135] {
				t.Errorf("%s in %s: pixel %v", k.name, name, got[:3])
			}
			if _, _, err := Open(dir, Options{}); err != nil && name != "folder" {
				t.Errorf("%s in %s is not recognised: %v", k.name, name, err)
			}
		}
	}
}

func TestCIFARRefused(t *testing.T) {
	k := cifarKinds[0]
	change := func(name string, file []byte) map[string][]byte {
		files := cifarFiles(k, "")
		delete(files, name)
		if file != nil {
			files[name] = file
		}
		return files
	}
	wrongLabel := cifarRecords(k, 2)
	wrongLabel[3073] = 10
	archive := gzipped(tarred(t, cifarFiles(k, "")))
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"none":    {nil, "neither"},
		"missing": {change("data_batch_3.bin", nil), "data_batch_3.bin"},
		"empty":   {change("data_batch_2.bin", []byte{}), "data_batch_2.bin: the file is empty"},
		"cut":     {change("test_batch.bin", cifarRecords(k, 2)[:5000]), "1927 bytes into record 1"},
		"label":   {change("test_batch.bin", wrongLabel), "record 1 has label 10"},
		"tar cut": {map[string][]byte{k.archive: archive[:len(archive)/2]}, "ends 2193 bytes into record 2"},
		"tar sum": {map[string][]byte{k.archive: append(archive[:len(archive)-8:len(archive)-8], 1, 2, 3, 4, 5, 6, 7, 8)}, "damaged"},
	} {
		if _, _, err := Open("cifar10:"+writeFiles(t, c.files), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
