package main

import (
	"fmt"
	"strings"

	"hourglass/data"
	"hourglass/internal/picture"
	"hourglass/internal/terminal"
)

type dataCommands struct {
	List    dataList    `cmd:"" help:"List the sources of images."`
	Inspect dataInspect `cmd:"" help:"Read all images of a source, and sum them up."`
	Fetch   dataFetch   `cmd:"" help:"Download a published set."`
	Preview dataPreview `cmd:"" help:"Write a contact sheet of a source."`
	Export  dataExport  `cmd:"" help:"Write the images of a source as PNG files, a subfolder for each class."`
}

type dataList struct{}

func (dataList) Run(s *session) error {
	table := terminal.Table{Head: []string{"source", "images"}}
	var all []map[string]string
	for _, source := range data.Sources() {
		table.Rows = append(table.Rows, []string{source.Usage, source.About})
		all = append(all, map[string]string{"name": source.Name, "usage": source.Usage, "about": source.About})
	}
	s.table(table)
	s.print("")
	s.print("The path of a folder or file of these kinds will do as well.")
	return s.give(map[string]any{"sources": all})
}

// opened are the arguments of commands that read a source.
type opened struct {
	Source string `arg:"" help:"Source, as in 'hourglass data list', or a path."`
	Shape  string `placeholder:"CxHxW" help:"Shape to which images are scaled and cut."`
	Part   string `default:"train" enum:"train,test" help:"Which images: train or test."`
}

func (o opened) open() (data.Dataset, error) {
	var options data.Options
	if o.Shape != "" {
		var err error
		if options.Shape, err = data.ParseShape(o.Shape); err != nil {
			return nil, usage{err}
		}
	}
	training, test, err := data.Open(o.Source, options)
	if err != nil || o.Part == "train" {
		return training, err
	}
	if test == nil {
		return nil, fmt.Errorf("%s has no test images of its own", o.Source)
	}
	return test, nil
}

type dataInspect struct{ opened }

func (dataInspect) Help() string {
	return "Examples:\n\n    hourglass data inspect mnist\n    hourglass data inspect folder:./pictures --shape 3x64x64"
}

func (c dataInspect) Run(s *session) error {
	ds, err := c.open()
	if err != nil {
		return err
	}
	summary, err := data.Inspect(ds)
	if err != nil {
		return err
	}
	s.print("%s", strings.TrimRight(summary.String(), "\n"))
	corrupt := []string{}
	for _, fault := range summary.Corrupt {
		corrupt = append(corrupt, fault.Error())
	}
	classes := make(map[string]int)
	for _, class := range summary.Classes {
		classes[class.Name] = class.Count
	}
	return s.give(map[string]any{
		"images": summary.N, "shape": summary.Shape.String(), "classes": classes, "unlabelled": summary.Unlabelled,
		"mean": summary.Mean, "std": summary.Std, "min": summary.Min, "max": summary.Max, "resized": summary.Resized, "corrupt": corrupt,
	})
}

type dataFetch struct {
	Name   string `arg:"" help:"Set: mnist, fashion-mnist, kmnist, cifar10 or cifar100."`
	To     string `placeholder:"DIR" help:"Folder for a subfolder of the set; by default the user's cache."`
	Mirror string `placeholder:"PLACE" help:"Folder or address to take the files from."`
}

func (c dataFetch) Run(s *session) error {
	announced := ""
	options := data.Options{Dir: c.To, Mirror: c.Mirror}
	options.Progress = func(file string, _, total int64) {
		if file != announced {
			announced = file
			s.say("fetching %s%s", file, sizeOf(total))
		}
	}
	dir, err := data.Fetch(s.ctx, c.Name, options)
	if err != nil {
		return err
	}
	s.print("%s is in %s, its checksums verified", c.Name, dir)
	return s.give(map[string]string{"name": c.Name, "dir": dir})
}

func sizeOf(total int64) string {
	if total < 0 {
		return ""
	}
	return ", " + terminal.Bytes(float64(total))
}

type dataPreview struct {
	opened
	Output  string `short:"o" default:"preview.png" help:"PNG to write."`
	Count   int    `short:"n" default:"64" help:"How many images."`
	Columns int    `default:"16" help:"Images in a row."`
	Seed    uint64 `default:"0" help:"Seed of which images; 0 takes the first of each class in turn."`
}

func (dataPreview) Help() string {
	return "Examples:\n\n    hourglass data preview glyphs -o glyphs.png\n    hourglass data preview cifar10 -n 100 --seed 3"
}

func (c dataPreview) Run(s *session) error {
	if c.Count < 1 || c.Columns < 1 {
		return usage{fmt.Errorf("--count is %d and --columns %d; give at least 1 of each", c.Count, c.Columns)}
	}
	if err := checkPicture("--output", c.Output); err != nil {
		return err
	}
	ds, err := c.open()
	if err != nil {
		return err
	}
	if c.Seed != 0 {
		if ds, err = data.Subset(ds, data.Permutation(ds.Len(), c.Seed, 0)[:min(c.Count, ds.Len())]); err != nil {
			return err
		}
	}
	if ds, err = data.InTurns(ds, c.Count); err != nil {
		return err
	}
	values, err := firstImages(ds, ds.Len())
	if err != nil {
		return err
	}
	images := pictures(values, ds.Shape())
	var rows []picture.Row
	for len(images) > 0 {
		n := min(c.Columns, len(images))
		rows = append(rows, picture.Row{Images: images[:n]})
		images = images[n:]
	}
	if err := writeSheet(c.Output, rows); err != nil {
		return err
	}
	s.print("%s of %v written to %s", plural(ds.Len(), "image"), ds.Shape(), c.Output)
	return s.give(map[string]any{"output": c.Output, "images": ds.Len(), "shape": ds.Shape().String()})
}
