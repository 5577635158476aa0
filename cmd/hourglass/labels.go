package main

import (
	"fmt"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/models"
)

// tellClasses sets how many classes a conditional model is told of to those of
// its training images, unless the configuration says so.
func tellClasses(c *config.Config, ds data.Dataset) error {
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
	c.Model.Classes = max(highest+1, len(data.Classes(ds)))
	return nil
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
