package data

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// npzKeys lists, in order of preference, how people name the arrays of an
// archive: images and labels for training (or all), and for test.
var npzKeys = []struct{ images, labels, testImages, testLabels string }{
	{"images", "labels", "test_images", "test_labels"},
	{"train_images", "train_labels", "test_images", "test_labels"},
	{"x_train", "y_train", "x_test", "y_test"},
	{"X_train", "y_train", "X_test", "y_test"},
	{"x", "y", "x_test", "y_test"},
	{"X", "y", "X_test", "y_test"},
	{"data", "labels", "", ""},
	{"data", "target", "", ""},
	{"arr_0", "arr_1", "", ""},
}

// openNPY opens an NPY file of images.
func openNPY(path string) (train, test Dataset, err error) {
	array, err := readFile(path, parseNPY)
	if err != nil {
		return nil, nil, err
	}
	if train, err = array.images(filepath.Base(path), nil); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return train, nil, nil
}

// openNPZ opens an archive of arrays as numpy.savez and savez_compressed
// write it.
func openNPZ(path string) (train, test Dataset, err error) {
	type parts struct{ train, test Dataset }
	both, err := readFile(path, func(r io.Reader, size int64) (parts, error) {
		train, test, err := parseNPZ(r.(io.ReaderAt), size, filepath.Base(path))
		return parts{train, test}, err
	})
	return both.train, both.test, err
}

// parseNPZ reads the arrays of images and labels. For each it allocates at
// most 12 times the bytes that its entry can unpack to, 1032 times its packed
// size, and 4 MB; the other entries are not read.
func parseNPZ(r io.ReaderAt, size int64, name string) (train, test Dataset, err error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("the file is not a whole zip archive: %w", err)
	}
	entries := map[string]*zip.File{}
	var names []string
	for _, file := range archive.File {
		if key, ok := strings.CutSuffix(file.Name, ".npy"); ok {
			entries[key] = file
			names = append(names, key)
		}
	}
	for _, keys := range npzKeys {
		if entries[keys.images] == nil {
			continue
		}
		if train, err = npzSet(entries, keys.images, keys.labels, name); err != nil {
			return nil, nil, err
		}
		if entries[keys.testImages] == nil {
			return train, nil, nil
		}
		if test, err = npzSet(entries, keys.testImages, keys.testLabels, name+" test"); err != nil {
			return nil, nil, err
		}
		if test.Shape() != train.Shape() {
			return nil, nil, fmt.Errorf("training images are %v, but test images are %v", train.Shape(), test.Shape())
		}
		return train, test, nil
	}
	slices.Sort(names)
	return nil, nil, fmt.Errorf("no array is named as images are (images, x_train, x, data, arr_0, ...), only %.200q", names)
}

// npzSet makes a set of an array of images and, if there is one, of labels.
func npzSet(entries map[string]*zip.File, images, labels, name string) (Dataset, error) {
	array, err := npzEntry(entries[images])
	if err != nil {
		return nil, err
	}
	var classOf []int
	if entry := entries[labels]; entry != nil {
		marks, err := npzEntry(entry)
		if err != nil {
			return nil, err
		}
		if classOf, err = marks.classLabels(); err != nil {
			return nil, fmt.Errorf("%s: %w", labels, err)
		}
	}
	set, err := array.images(name, classOf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", images, err)
	}
	return set, nil
}

// npzEntry reads one array. The size that the directory states is believed
// only as far as its packed bytes can make it true.
func npzEntry(entry *zip.File) (*npyArray, error) {
	reader, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", entry.Name, err)
	}
	defer reader.Close()
	size := entry.UncompressedSize64
	if size > unpackedBytes || size/deflateRatio > entry.CompressedSize64 {
		return nil, fmt.Errorf("%s: the archive promises %d bytes from %d", entry.Name, size, entry.CompressedSize64)
	}
	array, err := parseNPY(reader, int64(size))
	if errors.Is(err, zip.ErrChecksum) {
		return nil, fmt.Errorf("%s: the data do not match their checksum; fetch the file again", entry.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", entry.Name, err)
	}
	return array, nil
}
