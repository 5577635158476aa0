package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hourglass/internal/nearest"
)

// Options says how Open reads a set, and where Fetch puts one. The zero value
// is good.
type Options struct {
	// Shape is the shape that the images shall have; fields that are zero are
	// as the source has them. Larger or smaller pictures are scaled until they
	// cover it and cut at both sides.
	Shape Shape
	// Seed chooses what glyphs draws and what is put apart for Test.
	Seed uint64
	// Test is the part of the images put apart for test where the source has
	// no test part of its own: a fraction below 1, or a count; 0 for none.
	Test float64
	// OnCorrupt says what becomes of damaged pictures in a folder.
	OnCorrupt OnCorrupt
	// Background is the grey level laid under transparent pixels, 0 black to
	// 255 white.
	Background uint8
	// Binarise draws every value as 0 or 1, as Binarise does.
	Binarise bool

	// Dir is the folder that holds a subfolder for each set fetched by name;
	// if empty, hourglass in the user's cache folder.
	Dir string
	// Mirror is a folder or the address of one (http, https) from which Fetch
	// takes the files, in place of the published places.
	Mirror string
	// Progress, if not nil, hears of every file while it is fetched; total is
	// -1 where the size is unknown.
	Progress func(file string, done, total int64)
}

// Source is a kind of data that Open understands.
type Source struct {
	Name  string
	Usage string // what is typed
	About string // one line
	open  func(arg string, o Options) (train, test Dataset, err error)
}

// Sources lists what Open understands.
func Sources() []Source {
	return []Source{
		{"glyphs", "glyphs[:CxHxW][,n=60000][,test=10000][,seed=0][,set=digits]",
			"characters drawn on the spot; sets: digits, upper, lower, letters, all", openGlyphs},
		named("mnist", "handwritten digits, 60,000 + 10,000, 1x28x28", strings.Split(digits, "")),
		named("fashion-mnist", "articles of clothing, 60,000 + 10,000, 1x28x28", []string{
			"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}),
		named("kmnist", "handwritten hiragana, 60,000 + 10,000, 1x28x28", []string{
			"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}),
		cifarKinds[0].source("photographs of 10 classes, 50,000 + 10,000, 3x32x32"),
		cifarKinds[1].source("photographs of 100 classes, 50,000 + 10,000, 3x32x32"),
		{"idx", "idx:DIR or FILE", "files in the format of MNIST, plain or gzip",
			func(arg string, _ Options) (Dataset, Dataset, error) { return openIDX(arg, nil) }},
		{"folder", "folder:DIR", "PNG, JPEG, GIF, BMP, WebP, TIFF pictures; subfolders are classes", openFolder},
		{"npy", "npy:FILE", "a NumPy array of images, N,H,W or N,H,W,C or N,C,H,W",
			func(arg string, _ Options) (Dataset, Dataset, error) { return openNPY(arg) }},
		{"npz", "npz:FILE", "NumPy arrays named images and labels, x_train and y_train, ...",
			func(arg string, _ Options) (Dataset, Dataset, error) { return openNPZ(arg) }},
	}
}

// named is a set of the MNIST family, in a given folder or among the fetched.
func named(name, about string, classes []string) Source {
	return Source{name, name + "[:DIR]", about, func(arg string, o Options) (Dataset, Dataset, error) {
		dir, err := fetchedDir(name, arg, o)
		if err != nil {
			return nil, nil, err
		}
		return openIDX(dir, classes)
	}}
}

func (k cifarKind) source(about string) Source {
	return Source{k.name, k.name + "[:DIR]", about, func(arg string, o Options) (Dataset, Dataset, error) {
		dir, err := fetchedDir(k.name, arg, o)
		if err != nil {
			return nil, nil, err
		}
		return k.open(dir)
	}}
}

// fetchedDir returns the folder given, or the one that Fetch fills.
func fetchedDir(name, given string, o Options) (string, error) {
	if given != "" {
		return given, nil
	}
	dir, err := setDir(name, o)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not in %s; fetch it with `hourglass data fetch %s`, or name its folder as %s:DIR", name, dir, name, name)
	}
	return dir, nil
}

// setDir is the folder of a fetched set.
func setDir(name string, o Options) (string, error) {
	if o.Dir != "" {
		return filepath.Join(o.Dir, name), nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no cache folder (%w); name a folder for the data", err)
	}
	return filepath.Join(cache, "hourglass", name), nil
}

// Open opens a set by a source's name, or by a path whose content tells what
// it is. Test is nil if the source has no test part and the options ask for
// none.
func Open(spec string, o Options) (train, test Dataset, err error) {
	name, arg, _ := strings.Cut(spec, ":")
	open := func(string, Options) (Dataset, Dataset, error) { return openPath(spec, o) }
	for _, source := range Sources() {
		if source.Name == name {
			open = source.open
		}
	}
	if train, test, err = open(arg, o); err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	if train, err = reshape(train, o.Shape); err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	if o.Binarise {
		train = Binarise(train, o.Seed)
	}
	if test == nil && o.Test > 0 {
		if train, _, test, err = Split(train, o.Seed, 0, o.Test); err != nil {
			return nil, nil, fmt.Errorf("data: %w", err)
		}
	} else if test != nil {
		if test, err = reshape(test, train.Shape()); err != nil {
			return nil, nil, fmt.Errorf("data: %w", err)
		}
		if o.Binarise {
			test = Binarise(test, ^o.Seed) // not the numbers of the training images
		}
	}
	return train, test, nil
}

// reshape fits a set to a shape and keeps the result.
func reshape(ds Dataset, shape Shape) (Dataset, error) {
	if shape = shape.or(ds.Shape()); shape == ds.Shape() {
		return ds, nil
	}
	ds, err := Fit(ds, shape)
	if err != nil {
		return nil, err
	}
	return Cache(ds), nil
}

// openPath recognises a folder by the files in it, a file by its first bytes.
func openPath(path string, o Options) (train, test Dataset, err error) {
	info, err := os.Stat(path)
	if err != nil {
		var names []string
		for _, source := range Sources() {
			names = append(names, source.Name)
		}
		if near, ok := nearest.Of(path, names); ok {
			return nil, nil, fmt.Errorf("%q is neither a file or folder nor a source; did you mean %s?", path, near)
		}
		return nil, nil, fmt.Errorf("%q is neither a file or folder nor one of %s", path, strings.Join(names, ", "))
	}
	if info.IsDir() {
		return openDir(path, o)
	}
	start, err := readFile(path, func(r io.Reader, size int64) ([]byte, error) {
		s, err := unpack(r, size)
		if err != nil {
			return nil, err
		}
		start := make([]byte, len(npyMagic))
		n, err := io.ReadFull(s, start)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, damaged(err)
		}
		return start[:n], nil
	})
	if err != nil {
		return nil, nil, err
	}
	switch text := string(start); {
	case text == npyMagic:
		return openNPY(path)
	case strings.HasPrefix(text, "PK"):
		return openNPZ(path)
	case strings.HasPrefix(text, "\x00\x00\x08"), strings.Contains(filepath.Base(path), "-idx"):
		return openIDX(path, nil)
	}
	return openFolder(path, o)
}

// openDir recognises the folders of the MNIST family and of CIFAR; any other
// is one of pictures.
func openDir(dir string, o Options) (train, test Dataset, err error) {
	names, err := idxImageFiles(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(names) > 0 {
		return openIDX(dir, nil)
	}
	for _, kind := range cifarKinds {
		for _, mark := range []string{kind.train[0], kind.archive} {
			if _, err := os.Stat(filepath.Join(dir, mark)); err == nil {
				return kind.open(dir)
			}
		}
	}
	return openFolder(dir, o)
}
