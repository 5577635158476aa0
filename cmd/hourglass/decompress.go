package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"hourglass/internal/picture"
	"hourglass/internal/runs"
	"hourglass/models/codec"
)

type decompressCommand struct {
	chosenRun
	File    string `arg:"" help:"File that compress has written."`
	Output  string `short:"o" placeholder:"FOLDER" help:"Folder to write the images to, or a name that ends in .png, for the image or a sheet of all; the file's name without .hgz if not given."`
	Device  string `default:"cpu" placeholder:"DEVICE" help:"Where to decode: cpu, for the same pixels each time, or auto, cuda, cuda:1."`
	Threads int    `default:"0" help:"CPU threads; 0 for all."`
}

func (decompressCommand) Help() string {
	return `Examples:

    hourglass decompress last images.hgz
    hourglass decompress last images.hgz -o sheet.png`
}

func (c decompressCommand) Run(s *session) error {
	content, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("reading what was compressed: %w", err)
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	if err := c.checkModel(content, t); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	r, err := t.on(s, machine{c.Device, c.Threads})
	if err != nil {
		return err
	}
	defer r.Close()
	read, err := c.codes(content, t)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	images, err := r.Decode(read.Codes, read.N, read.Labels...)
	if err != nil {
		return err
	}
	to, err := c.write(pictures(images, t.shape), read.Names)
	if err != nil {
		return err
	}
	s.print("%s of %v%s, written to %s", plural(read.N, "image"), t.shape, atStep(read.Step), to)
	result := map[string]any{"file": c.File, "output": to, "images": read.N, "names": read.Names}
	if read.Step > 0 {
		result["step"] = read.Step
	}
	if read.Labels != nil {
		result["labels"] = read.Labels
	}
	return s.give(result)
}

// checkModel refuses a file of another model, and says whose it is if a run
// with it is at hand.
func (c decompressCommand) checkModel(content []byte, t *trained) error {
	by, err := codec.MadeBy(content)
	if err != nil {
		return err
	}
	mine := codec.Identity(t.model)
	if by == mine {
		return nil
	}
	advice := "name the run and --checkpoint that compressed it"
	if all, err := runs.List(c.Dir); err == nil {
		for _, run := range all {
			if _, err := os.Stat(filepath.Join(run.Checkpoints(), priorName(by))); err == nil {
				advice = fmt.Sprintf("name run %s, which compressed it, and --checkpoint if it has gone on since", run.Name())
				break
			}
		}
	}
	return fmt.Errorf("it was compressed by model %s, and checkpoint %s is model %s; %s", by, t.path, mine, advice)
}

// codes reads the codes, which are the same on every machine.
func (c decompressCommand) codes(content []byte, t *trained) (*codec.Contents, error) {
	prior, err := t.readPrior()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s, without which its codes cannot be read; copy it from where the file was compressed", t.priorPath())
	}
	if err != nil {
		return nil, err
	}
	k, err := codec.New(t.model, prior, c.Threads)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	return k.Decompress(content)
}

// write writes the images where they shall be, and returns where that is.
func (c decompressCommand) write(images []picture.Image, names []string) (string, error) {
	to := c.Output
	if to == "" {
		to = strings.TrimSuffix(c.File, ".hgz")
		if to == c.File {
			to += "-images"
		}
	}
	if strings.EqualFold(filepath.Ext(to), ".png") {
		if len(images) == 1 {
			return to, writeFile(to, images[0].PNG)
		}
		if len(images) > mostInSheet {
			return "", usage{fmt.Errorf("%d images are too many for the one picture %s; name a folder with -o", len(images), to)}
		}
		return to, writeSheet(to, grid(images))
	}
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("the folder %s is not empty, and nothing in it shall be overwritten; name another with -o", to)
	}
	for i, name := range fileNames(names, len(images)) {
		if err := writeFile(filepath.Join(to, filepath.FromSlash(name)), images[i].PNG); err != nil {
			return "", err
		}
	}
	return to, nil
}

// fileNames are the names of n PNG files below one folder: those that images had,
// in the subfolders that they had, without whatever leads out of the folder or
// hides, each once, or numbers.
func fileNames(names []string, n int) []string {
	files, taken := make([]string, n), make(map[string]bool)
	width := max(4, len(fmt.Sprint(n)))
	for i := range files {
		files[i] = fmt.Sprintf("%0*d", width, i+1)
		if names != nil {
			files[i] = safePath(names[i], files[i])
		}
		for folder := path.Dir(files[i]); folder != "."; folder = path.Dir(folder) {
			taken[strings.ToLower(folder)] = true // which no file may be called
		}
	}
	for i, stem := range files {
		file := stem + ".png"
		for again := 2; taken[strings.ToLower(file)]; again++ {
			file = fmt.Sprintf("%s-%d.png", stem, again)
		}
		taken[strings.ToLower(file)] = true
		files[i] = file
	}
	return files
}

// safePath is a slash-separated path without the file's ending, of names that are
// fit for files and folders, or the other name if nothing is left of the last.
func safePath(name, otherwise string) string {
	elements := strings.Split(name, "/")
	last := len(elements) - 1
	stem := safeName(strings.TrimSuffix(elements[last], path.Ext(elements[last])))
	if stem == "" {
		stem = otherwise
	}
	var safe []string
	for _, folder := range elements[:last] {
		if folder = safeName(folder); folder != "" {
			safe = append(safe, folder)
		}
	}
	return path.Join(append(safe, stem)...)
}

// safeName is what of a name is fit for a file or folder on every system; empty
// if nothing is.
func safeName(name string) string {
	if i := strings.LastIndexAny(name, `\:`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>"|?*`, r) {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "."))
	if len(name) > 200 {
		return ""
	}
	return name
}
