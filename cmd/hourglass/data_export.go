package main

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hourglass/data"
)

type dataExport struct {
	opened
	Folder string `arg:"" help:"Folder to write to, which is made: a subfolder for each class."`
	Count  int    `short:"n" default:"0" placeholder:"N" help:"How many images, the first ones; 0 for all."`
}

func (dataExport) Help() string {
	return "Examples:\n\n    hourglass data export glyphs pictures -n 4000\n    hourglass data export mnist digits --part test"
}

func (c dataExport) Run(s *session) error {
	if c.Count < 0 {
		return usage{fmt.Errorf("--count is %d; give a number of images, or 0 for all", c.Count)}
	}
	if entries, err := os.ReadDir(c.Folder); err == nil && len(entries) > 0 {
		return usage{fmt.Errorf("%s is not empty; name another folder, so that old and new pictures do not mix", c.Folder)}
	}
	ds, err := c.open()
	if err != nil {
		return err
	}
	count := ds.Len()
	if c.Count > 0 {
		count = min(c.Count, count)
	}
	folders := classFolders(data.Classes(ds))
	made := make(map[string]bool) // folders
	image := make([]float32, ds.Shape().Size())
	var file bytes.Buffer
	for i := range count {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := ds.Image(i, image); err != nil {
			return err
		}
		file.Reset()
		if err := png.Encode(&file, drawing(image, ds.Shape())); err != nil {
			return fmt.Errorf("writing image %d as a PNG: %w", i, err)
		}
		// Thousands of small files are written plainly: making each of them
		// safe against a power cut would take most of the time.
		folder := filepath.Join(c.Folder, folderOf(ds.Label(i), folders))
		if !made[folder] {
			if err := os.MkdirAll(folder, 0o777); err != nil {
				return fmt.Errorf("making the folder of the pictures: %w", err)
			}
			made[folder] = true
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%05d.png", i)), file.Bytes(), 0o666); err != nil {
			return fmt.Errorf("writing image %d: %w", i, err)
		}
	}
	s.print("%d pictures of %v written to %s%s", count, ds.Shape(), c.Folder, inClasses(folders))
	return s.give(map[string]any{"output": c.Folder, "images": count, "shape": ds.Shape().String(), "folders": folders})
}

func inClasses(folders []string) string {
	const most = 12 // names in the line
	switch n := len(folders); {
	case n == 0:
		return ""
	case n > most:
		return fmt.Sprintf(", in %d subfolders from %s to %s", n, folders[0], folders[n-1])
	}
	return ", in the subfolders " + strings.Join(folders, ", ")
}

// unsafe is what not every file system takes in a name.
var unsafe = regexp.MustCompile(`[^\pL\pN_+-]+`)

// classFolders names a subfolder for each class: as the class, or, where names
// differ in case alone, hold what no folder's name may, or would be taken for a
// part of a set, with its number before it.
func classFolders(classes []string) []string {
	clean := true
	seen := make(map[string]bool)
	for _, name := range classes {
		folded := strings.ToLower(name)
		clean = clean && name != "" && !unsafe.MatchString(name) && !seen[folded] && !data.NamesPart(name)
		seen[folded] = true
	}
	if clean {
		return classes
	}
	folders := make([]string, len(classes))
	for i, name := range classes {
		folders[i] = fmt.Sprintf("%0*d-%s", len(fmt.Sprint(len(classes)-1)), i, unsafe.ReplaceAllString(name, "-"))
	}
	return folders
}

// folderOf is the subfolder of a label; none for an image without a label.
func folderOf(label int, folders []string) string {
	switch {
	case label < 0:
		return ""
	case label < len(folders):
		return folders[label]
	}
	return fmt.Sprint(label)
}
