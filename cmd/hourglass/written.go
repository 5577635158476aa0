package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hourglass/data"
	"hourglass/internal/picture"
	"hourglass/internal/runs"
)

// mostInSheet is how many images one picture still shows.
const mostInSheet = 1000

// writeFile writes what fill gives to a file, whole or not at all.
func writeFile(path string, fill func(io.Writer) error) error {
	var content bytes.Buffer
	if err := fill(&content); err != nil {
		return err
	}
	return runs.Write(path, content.Bytes())
}

// isFolder reports whether a path names a folder: one that is there, or one to
// be made, with a slash at its end.
func isFolder(path string) bool {
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// checkPicture refuses to write a PNG to what has the name of something else.
func checkPicture(flag, path string) error {
	if !strings.EqualFold(filepath.Ext(path), ".png") {
		return usage{fmt.Errorf("%s is no PNG; end the name of %s in .png", path, flag)}
	}
	return nil
}

// checkImagesFile refuses what is neither a PNG nor a folder.
func checkImagesFile(path string) error {
	if isFolder(path) || strings.EqualFold(filepath.Ext(path), ".png") {
		return nil
	}
	return usage{fmt.Errorf("%s is neither a PNG nor a folder; end the name in .png, or in / for one PNG an image", path)}
}

// writeImages writes images as one sheet, or into a folder as one PNG each,
// numbered from 1.
func writeImages(path string, values []float32, shape data.Shape) error {
	images := pictures(values, shape)
	if !isFolder(path) {
		if len(images) > mostInSheet {
			return usage{fmt.Errorf("%d images are too many for the one picture %s; name a folder, as in -o %s/", len(images), path, strings.TrimSuffix(path, filepath.Ext(path)))}
		}
		return writeSheet(path, grid(images))
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("making the folder for the images: %w", err)
	}
	digits := max(4, len(fmt.Sprint(len(images))))
	for i, m := range images {
		var content bytes.Buffer
		if err := m.PNG(&content); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(path, fmt.Sprintf("%0*d.png", digits, i+1)), content.Bytes(), 0o666); err != nil {
			return fmt.Errorf("writing image %d: %w", i+1, err)
		}
	}
	return nil
}

// grid lays images out in rows, as many in a row as there are rows or one more.
func grid(images []picture.Image) []picture.Row {
	across := 1
	for across*across < len(images) {
		across++
	}
	var rows []picture.Row
	for len(images) > 0 {
		n := min(across, len(images))
		rows = append(rows, picture.Row{Images: images[:n]})
		images = images[n:]
	}
	return rows
}
