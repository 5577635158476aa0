package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// OnCorrupt says what a folder does about a picture that cannot be decoded.
type OnCorrupt int

const (
	// Skip puts the next whole picture of the same class in its place and
	// lists the damaged one under Corrupt.
	Skip OnCorrupt = iota
	// Fail makes it an error to ask for the picture.
	Fail
)

// pictureSuffixes are the names that a folder looks for; what is inside is
// recognised by content.
var pictureSuffixes = []string{".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}

// partNames are the subfolders that part a folder into training and test
// images, the preferred ones first.
var (
	trainNames = []string{"train", "training"}
	testNames  = []string{"test", "testing", "val", "valid", "validation"}
)

// folder is a set of picture files, sorted by path, decoded when asked for.
// The first subfolder on the way to a file is its class.
type folder struct {
	caption
	root       string
	paths      []string // below root
	shape      Shape
	background uint8
	onCorrupt  OnCorrupt

	bad    []atomic.Bool
	other  []atomic.Bool // of another size than the shape's
	mutex  sync.Mutex
	faults []error
}

// openFolder opens a folder with a subfolder for each class, or with none,
// either parted into train/ and test/ (or val/) or not. A lone part is the
// training part. Without a shape in the options the first picture sets it.
func openFolder(dir string, o Options) (train, test Dataset, err error) {
	roots, err := folderParts(dir)
	if err != nil {
		return nil, nil, err
	}
	sets := make([]Dataset, 2)
	for i, root := range roots {
		f, err := newFolder(root, o)
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && !slices.Equal(f.classes, Classes(sets[0])) {
			return nil, nil, fmt.Errorf("%s has the classes %.200q, but %s has %.200q; give both the same subfolders",
				roots[0], Classes(sets[0]), root, f.classes)
		}
		o.Shape = f.shape
		sets[i] = Cache(f)
	}
	return sets[0], sets[1], nil
}

// folderParts returns the folder itself, or its subfolder for training and
// that for test.
func folderParts(dir string) ([]string, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, names := range [][]string{trainNames, testNames} {
		for _, name := range names {
			at := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() && strings.EqualFold(e.Name(), name) })
			if at >= 0 {
				parts = append(parts, filepath.Join(dir, entries[at].Name()))
				break
			}
		}
	}
	if len(parts) == 0 {
		return []string{dir}, nil
	}
	return parts, nil
}

// NamesPart reports whether a subfolder of that name is taken for the training
// or the test images of a folder, and not for a class.
func NamesPart(name string) bool {
	return slices.Contains(slices.Concat(trainNames, testNames), strings.ToLower(name))
}

func newFolder(root string, o Options) (*folder, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, background: o.Background, onCorrupt: o.OnCorrupt}
	if f.paths, err = Pictures(root); err != nil {
		return nil, err
	}
	if len(f.paths) == 0 {
		return nil, fmt.Errorf("%s holds no pictures; want files named %s", root, strings.Join(pictureSuffixes, ", "))
	}
	f.bad, f.other = make([]atomic.Bool, len(f.paths)), make([]atomic.Bool, len(f.paths))
	f.nameClasses()
	if err := f.findShape(o.Shape); err != nil {
		return nil, err
	}
	return f, nil
}

// Pictures lists the picture files below a folder, or the file itself,
// sorted by path. Names that begin with a point are passed over.
func Pictures(root string) (paths []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == root && !entry.IsDir():
			paths = append(paths, ".")
		case path != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return filepath.SkipDir
			}
		case !entry.IsDir() && slices.Contains(pictureSuffixes, strings.ToLower(filepath.Ext(path))):
			below, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			paths = append(paths, below)
		}
		return nil
	})
	slices.Sort(paths)
	return paths, err
}

// nameClasses numbers the first subfolders in the order of their names.
func (f *folder) nameClasses() {
	class := func(path string) string {
		first, _, below := strings.Cut(path, string(filepath.Separator))
		if !below {
			return ""
		}
		return first
	}
	for _, path := range f.paths {
		if name := class(path); name != "" && !slices.Contains(f.classes[max(0, len(f.classes)-1):], name) {
			f.classes = append(f.classes, name)
		}
	}
	slices.Sort(f.classes)
	f.classes = slices.Compact(f.classes)
	if f.classes == nil {
		return
	}
	f.labels = make([]int, len(f.paths))
	for i, path := range f.paths {
		at, found := slices.BinarySearch(f.classes, class(path))
		if !found {
			at = -1
		}
		f.labels[i] = at
	}
}

// findShape completes the shape by the first picture whose header is whole. A
// whole shape needs none: what is damaged shows when it is asked for.
func (f *folder) findShape(wanted Shape) error {
	if f.onCorrupt == Fail && wanted.C > 0 && wanted.H > 0 && wanted.W > 0 {
		f.shape = wanted
		return f.shape.Check()
	}
	var last error
	for i := range f.paths {
		file, err := readPicture(f.Name(i))
		if err == nil {
			var p picture
			if p, err = parsePicture(file, MaxPixels); err == nil {
				f.shape = wanted.or(p.shape())
				return f.shape.Check()
			}
		}
		last = f.fault(i, err)
		if f.onCorrupt == Fail {
			return last
		}
	}
	return fmt.Errorf("none of the %d pictures below %s can be read: %w", len(f.paths), f.root, last)
}

// readPicture reads the file of one picture.
func readPicture(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > fileBytes || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the file is not a regular one of at most %d bytes", fileBytes)
	}
	bytes := make([]byte, info.Size())
	_, err = io.ReadFull(file, bytes)
	return bytes, err
}

// fault notes that picture i is damaged and returns the error with its name.
func (f *folder) fault(i int, err error) error {
	var path *fs.PathError
	if !errors.As(err, &path) { // which names the file itself
		err = fmt.Errorf("%s: %w", f.Name(i), err)
	}
	if !f.bad[i].Swap(true) {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.faults = append(f.faults, err)
	}
	return err
}

func (f *folder) Len() int          { return len(f.paths) }
func (f *folder) Shape() Shape      { return f.shape }
func (f *folder) Name(i int) string { return filepath.Join(f.root, f.paths[i]) }

// Corrupt implements [Faulty].
func (f *folder) Corrupt() []error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.faults)
}

// Image decodes picture i, or the next whole one of its class.
func (f *folder) Image(i int, dst []float32) error {
	if err := checkRequest(i, len(f.paths), f.shape, dst); err != nil {
		return err
	}
	pixels := make([]byte, len(dst))
	var first error
	for step := range f.paths {
		at := (i + step) % len(f.paths)
		if step > 0 && (f.bad[at].Load() || f.Label(at) != f.Label(i)) {
			continue
		}
		err := f.decode(at, pixels)
		if err == nil {
			toUnit(dst, pixels)
			return nil
		}
		if err = f.fault(at, err); first == nil {
			first = err
		}
		if f.onCorrupt == Fail {
			return err
		}
	}
	return fmt.Errorf("no picture of the class is whole: %w", first)
}

func (f *folder) decode(i int, pixels []byte) error {
	file, err := readPicture(f.Name(i))
	if err != nil {
		return err
	}
	p, err := parsePicture(file, MaxPixels)
	if err != nil {
		return err
	}
	if own := p.shape(); own.H != f.shape.H || own.W != f.shape.W {
		f.other[i].Store(true)
	}
	return decodePicture(pixels, file, f.shape, f.background, MaxPixels)
}

// Resized implements [Resizing].
func (f *folder) Resized() int {
	n := 0
	for i := range f.other {
		if f.other[i].Load() {
			n++
		}
	}
	return n
}
