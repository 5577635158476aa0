package main

import (
	"fmt"
	"os"

	"hourglass/data"
)

// pictureSet are pictures that were named one by one, or found in folders.
type pictureSet struct {
	shape  data.Shape
	images [][]float32
	names  []string
}

func (p *pictureSet) Len() int          { return len(p.images) }
func (p *pictureSet) Shape() data.Shape { return p.shape }
func (p *pictureSet) Label(int) int     { return -1 }
func (p *pictureSet) Classes() []string { return nil }
func (p *pictureSet) Name(i int) string { return p.names[i] }
func (p *pictureSet) Image(i int, dst []float32) error {
	copy(dst, p.images[i])
	return nil
}

// openPictures opens what was named on the command line in the shape that a
// model takes: one folder, whose subfolders are labels, or picture files.
func openPictures(paths []string, shape data.Shape) (data.Dataset, error) {
	set := &pictureSet{shape: shape}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("reading the picture: %w", err)
		}
		if info.IsDir() {
			if len(paths) > 1 {
				return nil, usage{fmt.Errorf("%s is a folder among several arguments; name one folder, or only picture files", path)}
			}
			return openFolder(path, shape)
		}
		image, err := readPicture(path, shape)
		if err != nil {
			return nil, err
		}
		set.images, set.names = append(set.images, image), append(set.names, path)
	}
	return set, nil
}

// openFolder opens the pictures of a folder: its test part if it has parts.
func openFolder(path string, shape data.Shape) (data.Dataset, error) {
	all, test, err := data.Open("folder:"+path, data.Options{Shape: shape, OnCorrupt: data.Fail})
	if err != nil {
		return nil, err
	}
	if test != nil {
		return test, nil
	}
	return all, nil
}
