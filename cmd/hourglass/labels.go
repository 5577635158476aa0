package main

import (
	"fmt"
	"slices"
	"strconv"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/models"
)

// tellClasses sets how many classes a conditional model is told of to those of
// its training images, unless the configuration says so.
func tellClasses(settings *config.Settings, ds data.Dataset) error {
	c := settings.Config
	if c.Model.Kind != config.Conditional || c.Model.Classes > 0 {
		return nil
	}
	highest := -1
	for i := range ds.Len() {
		label := ds.Label(i)
		if label < 0 {
			return usage{fmt.Errorf("model.kind is %s and %s has no label; train it on labelled images, such as a folder with a subfolder a class", c.Model.Kind, data.Name(ds, i))}
		}
		highest = max(highest, label)
	}
	return settings.Observe("model.classes", strconv.Itoa(max(highest+1, len(data.Classes(ds)))))
}

// labelsFor are the labels of the first n images of a set, if the model is to be
// told them; none otherwise.
func labelsFor(model models.Model, ds data.Dataset, n int) []int {
	if _, conditional := model.(models.Conditional); !conditional {
		return nil
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = ds.Label(i)
	}
	return labels
}

// conditioned is the flag of commands that tell a conditional model a class.
type conditioned struct {
	Label string `placeholder:"CLASS" help:"Class that a model of kind cvae is told: its number, or its name in the run's data."`
}

// labels are the class asked for, n times; none for a model that is told none.
func (c conditioned) labels(t *trained, n int) ([]int, error) {
	conditional, ok := t.model.(models.Conditional)
	switch {
	case !ok && c.Label != "":
		return nil, usage{fmt.Errorf("the run is of kind %s, whose model is told no class; leave out --label", t.config.Model.Kind)}
	case !ok:
		return nil, nil
	case c.Label == "":
		return nil, usage{fmt.Errorf("the run is of kind %s, whose model is told the class of each image; add --label, from 0 to %d or by name", t.config.Model.Kind, conditional.Classes()-1)}
	}
	label, err := strconv.Atoi(c.Label)
	if err != nil {
		all, err := t.openSets()
		if err != nil {
			return nil, err
		}
		names := data.Classes(all.training)
		if label = slices.Index(names, c.Label); label < 0 {
			return nil, usage{fmt.Errorf("the run's data has no class %q%s", c.Label, suggestion(c.Label, names, fmt.Sprintf("; give a number from 0 to %d", conditional.Classes()-1)))}
		}
	}
	if label < 0 || label >= conditional.Classes() {
		return nil, usage{fmt.Errorf("--label is %d, and the model is told of classes 0 to %d", label, conditional.Classes()-1)}
	}
	return slices.Repeat([]int{label}, n), nil
}

// told are the images of a set as a model is told them: each of the class asked
// for or, without one, of its own. Other models take the set as it is.
func (c conditioned) told(t *trained, ds data.Dataset) (data.Dataset, error) {
	conditional, ok := t.model.(models.Conditional)
	if !ok || c.Label != "" {
		labels, err := c.labels(t, 1)
		if err != nil || labels == nil {
			return ds, err
		}
		return ofOneClass{ds, labels[0]}, nil
	}
	for i := range ds.Len() {
		if label := ds.Label(i); label < 0 || label >= conditional.Classes() {
			return nil, usage{fmt.Errorf("the run is of kind %s, whose model is told the class of each image, and %s has none that it knows; add --label, from 0 to %d or by name", t.config.Model.Kind, data.Name(ds, i), conditional.Classes()-1)}
		}
	}
	return ds, nil
}

// ofOneClass is a set all images of which count as of one class.
type ofOneClass struct {
	data.Dataset
	label int
}

func (o ofOneClass) Label(int) int     { return o.label }
func (o ofOneClass) Classes() []string { return data.Classes(o.Dataset) }
func (o ofOneClass) Name(i int) string { return data.Name(o.Dataset, i) }
