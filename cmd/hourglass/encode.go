package main

import (
	"fmt"
	"slices"

	"hourglass/data"
	"hourglass/internal/embedding"
	"hourglass/internal/picture"
)

type encodeCommand struct {
	chosenRun
	Images []string `arg:"" optional:"" help:"Picture files, or a folder of them, whose subfolders are labels; without any, images of the run."`
	Output string   `short:"o" default:"codes.npy" help:"File to write: .npy (labels beside it in .labels.npy), .npz (arrays codes, labels, classes) or .csv (image, label, z0, z1, ...)."`
	Split  string   `enum:",test,training,validation,all" default:"" placeholder:"test" help:"Which images: test, training, validation or all."`
	Source string   `placeholder:"SOURCE" help:"Encode all images of another source."`
	Map    string   `placeholder:"PNG" help:"Draw the codes in the plane, coloured by label."`
	By     string   `enum:"pca,tsne" default:"pca" help:"How codes get their place in the map: pca or tsne."`
	Points int      `default:"2000" help:"Codes in the map, at most."`
	conditioned
	machine
}

func (encodeCommand) Help() string {
	return `Examples:

    hourglass encode last                               test images, to codes.npy
    hourglass encode last --split all -o codes.npz      np.load("codes.npz")["codes"], ["labels"]
    hourglass encode last cat.jpg dog.png -o pets.csv
    hourglass encode last ./pets -o pets.npz --map map.png
    hourglass encode last --source folder:./others -o others.csv
    hourglass encode last --map map.png --by tsne`
}

func (c encodeCommand) check() error {
	if err := checkCodesFile(c.Output); err != nil {
		return usage{err}
	}
	switch {
	case len(c.Images) > 0 && (c.Split != "" || c.Source != ""):
		return usage{fmt.Errorf("pictures are named, and --split or --source; choose one of them")}
	case c.Points < 3 || c.Points > embedding.MostTSNE:
		return usage{fmt.Errorf("--points is %d; give a number from 3 to %d", c.Points, embedding.MostTSNE)}
	case c.Map != "":
		return checkPicture("--map", c.Map)
	}
	return nil
}

func (c encodeCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	from, err := c.open(s, t)
	if err != nil {
		return err
	}
	r, err := t.on(s, c.machine)
	if err != nil {
		return err
	}
	defer r.Close()
	all := &codes{size: t.model.CodeSize()}
	for _, p := range from.parts {
		if p.images, err = c.told(t, p.images); err != nil {
			return err
		}
		if err := all.add(s, r, p); err != nil {
			return err
		}
	}
	for _, p := range from.parts {
		if damaged := data.Corrupt(p.images); len(damaged) > 0 && from.leftOut == nil {
			s.say("warning: %s encoded as the next of the class, the first because of: %v", plural(len(damaged), "damaged picture"), damaged[0])
			break // parts of a folder tell of all of it
		}
	}
	files, err := all.write(c.Output)
	if err != nil {
		return err
	}
	s.print("%d codes of %d numbers, written to %s", all.len(), all.size, files[0])
	if len(files) > 1 {
		s.print("their labels, written to %s", files[1])
	}
	result := map[string]any{"output": files, "count": all.len(), "size": all.size, "labelled": all.labelled(), "checkpoint": t.path}
	if from.leftOut != nil {
		result["left_out"] = from.leftOut
	}
	if c.Map != "" {
		drawn, err := c.draw(s, all)
		if err != nil {
			return err
		}
		result["map"] = drawn
	}
	return s.give(result)
}

// part is a set of images and what it is called.
type part struct {
	name   string
	images data.Dataset
}

// open opens the images to encode.
func (c encodeCommand) open(s *session, t *trained) (named, error) {
	if len(c.Images) > 0 {
		return s.openPictures(c.Images, t.shape)
	}
	parts, err := c.parts(t)
	return named{parts: parts}, err
}

// parts are images of the run, or of another source.
func (c encodeCommand) parts(t *trained) ([]part, error) {
	if c.Source != "" { // of which nothing is put apart
		t.config.Data.Source, t.config.Data.Validation, t.config.Data.Test = c.Source, 0, 0
	}
	all, err := t.openSets()
	if err != nil {
		return nil, err
	}
	every := []part{{"training", all.training}, {"validation", all.validation}, {"test", all.test}}
	switch {
	case c.Split != "":
	case c.Source != "":
		c.Split = "all"
	default:
		_, c.Split = all.held()
	}
	chosen := slices.DeleteFunc(every, func(p part) bool { return p.images == nil || c.Split != "all" && p.name != c.Split })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%s has no %s images; choose another --split", t.config.Data.Source, c.Split)
	}
	return chosen, nil
}

// drawn describes a map.
type drawn struct {
	Output          string   `json:"output"`
	By              string   `json:"by"`
	Points          int      `json:"points"`
	Trustworthiness *float64 `json:"trustworthiness,omitempty"`
	Explained       *float64 `json:"explained,omitempty"` // share of the variance, of PCA
}

// neighbours is how many of each point the trustworthiness looks at.
const neighbours = 10

// draw writes the map.
func (c encodeCommand) draw(s *session, all *codes) (*drawn, error) {
	some := all.some(data.Spread(all.len(), c.Points))
	d := &drawn{Output: c.Map, By: c.By, Points: some.len()}
	var points []embedding.Point
	var err error
	caption := fmt.Sprintf("%d codes of %d numbers", d.Points, all.size)
	if c.By == "tsne" {
		s.say("placing %d codes by t-SNE ...", d.Points)
		points, err = embedding.TSNE(some.values, all.size, 0)
		caption += ", t-SNE"
	} else {
		var explained float64
		points, explained, err = embedding.PCA(some.values, all.size)
		d.Explained = &explained
		caption += fmt.Sprintf(", first two principal components: %.0f%% of the variance", 100*explained)
	}
	if err != nil {
		return nil, err
	}
	if d.Points > 2*neighbours {
		trust, err := embedding.Trustworthiness(some.values, all.size, points, neighbours)
		if err != nil {
			return nil, err
		}
		d.Trustworthiness = &trust
		caption += fmt.Sprintf(", trustworthiness %.3f", trust)
	}
	scatter := picture.Scatter{Caption: caption, Classes: some.classes}
	for _, p := range points {
		scatter.Points = append(scatter.Points, p)
	}
	if some.labelled() {
		scatter.Labels = some.labels
	}
	if err := writeFile(c.Map, scatter.PNG); err != nil {
		return nil, err
	}
	s.print("map: %s, written to %s", caption, c.Map)
	return d, nil
}
