package data

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// cifarKind says how one of the CIFAR sets (Krizhevsky, "Learning multiple
// layers of features from tiny images", 2009) is stored: files of records,
// each of label bytes, the last being the class, and 3·32·32 pixels, C,H,W.
type cifarKind struct {
	name    string
	archive string
	labels  int // bytes before the pixels
	classes []string
	count   int    // of classes
	names   string // file with the names of the classes
	train   []string
	test    string
}

var cifarKinds = []cifarKind{
	{
		name: "cifar10", archive: "cifar-10-binary.tar.gz", labels: 1, count: 10, names: "batches.meta.txt",
		classes: []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
		train:   []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
		test:    "test_batch.bin",
	},
	{
		name: "cifar100", archive: "cifar-100-binary.tar.gz", labels: 2, count: 100, names: "fine_label_names.txt",
		train: []string{"train.bin"}, test: "test.bin",
	},
}

var cifarShape = Shape{3, 32, 32}

// records are the images of one file, H,W,C, and their labels.
type records struct {
	pixels []byte
	labels []int
}

// parse reads records until the end, plain or gzip. It allocates at most
// 6 times the bytes that the file can unpack to, 1032 times its size if it is
// gzip, and 4 MB.
func (k cifarKind) parse(r io.Reader, size int64) (*records, error) {
	s, err := unpack(r, size)
	if err != nil {
		return nil, err
	}
	record := make([]byte, k.labels+cifarShape.Size())
	got := &records{}
	for {
		switch n, err := io.ReadFull(s, record); {
		case err == io.EOF && len(got.labels) == 0:
			return nil, errors.New("the file is empty")
		case err == io.EOF:
			return got, nil
		case err == io.ErrUnexpectedEOF:
			return nil, fmt.Errorf("the file ends %d bytes into record %d; a record has %d", n, len(got.labels), len(record))
		case err != nil:
			return nil, damaged(err)
		}
		label := int(record[k.labels-1])
		if label >= k.count {
			return nil, fmt.Errorf("record %d has label %d, want a label below %d", len(got.labels), label, k.count)
		}
		if len(got.pixels) >= unpackedBytes {
			return nil, fmt.Errorf("there are more than %d bytes of records", int64(unpackedBytes))
		}
		got.labels = append(got.labels, label)
		got.pixels = appendInterleaved(got.pixels, record[k.labels:], cifarShape)
	}
}

// appendInterleaved appends an image given C,H,W in the order H,W,C.
func appendInterleaved(dst, planes []byte, s Shape) []byte {
	area := s.H * s.W
	for i := range area {
		for c := range s.C {
			dst = append(dst, planes[c*area+i])
		}
	}
	return dst
}

// open reads a set from a folder that holds the record files, or holds the
// folder of them, or from the archive as it is published.
func (k cifarKind) open(dir string) (train, test Dataset, err error) {
	files, names, err := k.read(dir)
	if err != nil {
		return nil, nil, err
	}
	classes := k.classes
	if len(names) == k.count {
		classes = names
	}
	all := &records{}
	for _, name := range k.train {
		part, ok := files[name]
		if !ok {
			return nil, nil, fmt.Errorf("%s: the file %s of %s is missing", dir, name, k.name)
		}
		all.pixels = append(all.pixels, part.pixels...)
		all.labels = append(all.labels, part.labels...)
		delete(files, name)
	}
	if train, err = NewMemory(k.name+" train", cifarShape, all.pixels, all.labels, classes); err != nil {
		return nil, nil, err
	}
	if part, ok := files[k.test]; ok {
		test, err = NewMemory(k.name+" test", cifarShape, part.pixels, part.labels, classes)
	}
	return train, test, err
}

// read finds and parses the files of the set, and the names of its classes.
func (k cifarKind) read(dir string) (map[string]*records, []string, error) {
	archive := dir
	if info, err := os.Stat(dir); err != nil {
		return nil, nil, err
	} else if info.IsDir() {
		for _, folder := range []string{".", "cifar-10-batches-bin", "cifar-100-binary"} {
			if _, err := os.Stat(filepath.Join(dir, folder, k.train[0])); err == nil {
				return k.readFolder(filepath.Join(dir, folder))
			}
		}
		archive = filepath.Join(dir, k.archive)
		if _, err := os.Stat(archive); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("%s holds neither %s nor %s", dir, k.train[0], k.archive)
		}
	}
	var names []string
	files, err := readFile(archive, func(r io.Reader, size int64) (files map[string]*records, err error) {
		files, names, err = k.parseArchive(r, size)
		return files, err
	})
	return files, names, err
}

func (k cifarKind) readFolder(dir string) (map[string]*records, []string, error) {
	files := map[string]*records{}
	for _, name := range append(slices.Clone(k.train), k.test) {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		part, err := readFile(file, k.parse)
		if err != nil {
			return nil, nil, err
		}
		files[name] = part
	}
	names, err := os.ReadFile(filepath.Join(dir, k.names))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	return files, strings.Fields(string(names)), nil
}

// parseArchive reads the set from its tar archive, gzip or plain.
func (k cifarKind) parseArchive(r io.Reader, size int64) (map[string]*records, []string, error) {
	s, err := unpack(r, size)
	if err != nil {
		return nil, nil, err
	}
	files, names := map[string]*records{}, []string(nil)
	for archive := tar.NewReader(io.LimitReader(s, unpackedBytes)); ; {
		entry, err := archive.Next()
		if err == io.EOF {
			// The padding after the archive; the sum of gzip is checked at its end.
			if _, err := io.Copy(io.Discard, io.LimitReader(s, 1<<20)); err != nil {
				return nil, nil, damaged(err)
			}
			return files, names, nil
		}
		if err != nil {
			return nil, nil, damaged(err)
		}
		switch name := path.Base(entry.Name); {
		case name == k.test || slices.Contains(k.train, name):
			if files[name], err = k.parse(archive, entry.Size); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", name, err)
			}
		case name == k.names:
			text, err := io.ReadAll(io.LimitReader(archive, 64<<10))
			if err != nil {
				return nil, nil, damaged(err)
			}
			names = strings.Fields(string(text))
		}
	}
}
