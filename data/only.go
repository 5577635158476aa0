package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hourglass/internal/nearest"
)

// Only returns the images of a set whose label is among those given, in their
// order: names of classes, or numbers from 0.
func Only(ds Dataset, labels []string) (Dataset, error) {
	keep, err := Labels(ds, labels)
	if err != nil {
		return nil, err
	}
	var indices []int
	for i := range ds.Len() {
		if slices.Contains(keep, ds.Label(i)) {
			indices = append(indices, i)
		}
	}
	if len(indices) == 0 {
		return nil, fmt.Errorf("none of the %d images has a label among %s", ds.Len(), strings.Join(labels, ", "))
	}
	return Subset(ds, indices)
}

// Labels returns the numbers of labels given by the names of a set's classes
// or by numbers from 0. A name that is a number is taken for a name.
func Labels(ds Dataset, labels []string) ([]int, error) {
	classes := Classes(ds)
	var numbers []int
	for _, label := range labels {
		number := slices.Index(classes, label)
		if number < 0 {
			var err error
			if number, err = strconv.Atoi(label); err != nil || number < 0 || len(classes) > 0 && number >= len(classes) {
				return nil, unknownLabel(label, classes)
			}
		}
		numbers = append(numbers, number)
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("no label is given; name at least one")
	}
	return numbers, nil
}

func unknownLabel(label string, classes []string) error {
	if near, ok := nearest.Of(label, classes); ok {
		return fmt.Errorf("the images have no label %q; did you mean %s?", label, near)
	}
	if len(classes) == 0 {
		return fmt.Errorf("%q is no label; the classes of these images have no names: give numbers from 0", label)
	}
	const most = 20 // names in a message
	return fmt.Errorf("the images have no label %q; choose among %s", label, strings.Join(classes[:min(most, len(classes))], ", "))
}
