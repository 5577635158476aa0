package train

import (
	"fmt"

	"hourglass/graph"
	"hourglass/models"
)

// condition fills the rows of the input [models.Condition] by labels, if the
// model is conditional: 1 at an image's class, 0 elsewhere. Rows beyond the
// labels are of no class.
func condition(model models.Model, program *graph.Program, labels []int) error {
	conditional, ok := model.(models.Conditional)
	if !ok {
		return nil
	}
	return markClasses(program.Input(models.Condition), conditional.Classes(), labels)
}

// markClasses puts 1 at the class of each row, (n,classes), and 0 elsewhere.
func markClasses(rows []float32, classes int, labels []int) error {
	clear(rows)
	for i, label := range labels {
		if label < 0 || label >= classes {
			return fmt.Errorf("an image has label %d, and the model knows classes 0 to %d; give each image's class", label, classes-1)
		}
		rows[i*classes+label] = 1
	}
	return nil
}

// labelled refuses a number of labels that does not fit n images: one each for
// a conditional model, none for any other.
func labelled(model models.Model, labels []int, n int) error {
	want := 0
	if _, ok := model.(models.Conditional); ok {
		want = n
	}
	if len(labels) != want {
		return fmt.Errorf("%d labels are given with %d images; the model takes %d", len(labels), n, want)
	}
	return nil
}
