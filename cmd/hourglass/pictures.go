package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hourglass/data"
)

// pictureFile is one that was named, or found below a folder that was.
type pictureFile struct {
	path  string
	below string // its path in the folder, or its own name
	found bool   // in a folder
}

// listPictures finds the picture files that arguments name, and all below the
// folders among them.
func listPictures(arguments []string) ([]pictureFile, error) {
	var all []pictureFile
	for _, path := range arguments {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("reading the picture: %w", err)
		}
		if !info.IsDir() {
			all = append(all, pictureFile{path, filepath.Base(path), false})
			continue
		}
		below, err := data.Pictures(path)
		if err != nil {
			return nil, err
		}
		for _, name := range below {
			all = append(all, pictureFile{filepath.Join(path, name), name, true})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no pictures", strings.Join(arguments, ", "))
	}
	return all, nil
}

// leaveOut says which pictures of a folder are damaged, and returns it for the
// result. It is an error if none are whole.
func (s *session) leaveOut(damaged []error, whole int) ([]string, error) {
	if whole == 0 {
		return nil, fmt.Errorf("none of the pictures can be read: %w", damaged[0])
	}
	var texts []string
	for _, err := range damaged {
		texts = append(texts, err.Error())
	}
	if len(texts) > 0 {
		s.say("warning: %s left out, the first because of: %s", plural(len(texts), "damaged picture"), texts[0])
	}
	return texts, nil
}

// pictureSet are pictures that were named, in the shape that a model takes.
type pictureSet struct {
	shape  data.Shape
	files  []pictureFile
	images []float32
	// leftOut says why others are not among them.
	leftOut []string
}

func (p *pictureSet) Len() int          { return len(p.files) }
func (p *pictureSet) Shape() data.Shape { return p.shape }
func (p *pictureSet) Label(int) int     { return -1 }
func (p *pictureSet) Classes() []string { return nil }
func (p *pictureSet) Name(i int) string { return p.files[i].path }
func (p *pictureSet) Image(i int, dst []float32) error {
	copy(dst, p.images[i*len(dst):])
	return nil
}

// readPictures reads picture files in the shape that a model takes. A damaged one
// is left out if it was found in a folder, and an error if it was named.
func (s *session) readPictures(files []pictureFile, shape data.Shape) (*pictureSet, error) {
	set := &pictureSet{shape: shape}
	var damaged []error
	for _, file := range files {
		image, err := readPicture(file.path, shape)
		switch {
		case err == nil:
			set.files, set.images = append(set.files, file), append(set.images, image...)
		case file.found:
			damaged = append(damaged, err)
		default:
			return nil, err
		}
	}
	var err error
	set.leftOut, err = s.leaveOut(damaged, set.Len())
	return set, err
}

// named are the pictures that arguments name, in the parts that a folder has, and
// why others are not among them.
type named struct {
	parts   []part
	leftOut []string
}

// openPictures opens what was named on the command line in the shape that a
// model takes: one folder, whose subfolders are labels and which may have parts,
// or picture files and folders.
func (s *session) openPictures(arguments []string, shape data.Shape) (named, error) {
	if len(arguments) == 1 && isFolder(arguments[0]) {
		return s.openFolder(arguments[0], shape)
	}
	files, err := listPictures(arguments)
	if err != nil {
		return named{}, err
	}
	set, err := s.readPictures(files, shape)
	if err != nil {
		return named{}, err
	}
	return named{[]part{{"", set}}, set.leftOut}, nil
}

// openFolder opens the pictures of a folder, the training part before the test
// part if it has parts, and leaves damaged ones out.
func (s *session) openFolder(path string, shape data.Shape) (named, error) {
	all, test, err := data.Open("folder:"+path, data.Options{Shape: shape, OnCorrupt: data.Fail})
	if err != nil {
		return named{}, err
	}
	parts := []part{{"", all}}
	if test != nil {
		parts = []part{{"training", all}, {"test", test}}
	}
	var (
		found   named
		damaged []error
		left    int
	)
	for _, p := range parts {
		whole, bad := data.Whole(p.images)
		damaged, left = append(damaged, bad...), left+len(whole)
		if len(bad) > 0 {
			if p.images, err = data.Subset(p.images, whole); err != nil {
				return named{}, err
			}
		}
		if len(whole) > 0 {
			found.parts = append(found.parts, p)
		}
	}
	found.leftOut, err = s.leaveOut(damaged, left)
	return found, err
}

// readPicture reads one picture file in the shape that the model takes.
func readPicture(path string, shape data.Shape) ([]float32, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name the picture files, as in %s", path, filepath.Join(path, "*.png"))
	}
	ds, _, err := data.Open(path, data.Options{Shape: shape, OnCorrupt: data.Fail})
	if err != nil {
		return nil, err
	}
	image := make([]float32, shape.Size())
	return image, ds.Image(0, image)
}
