package gradcheck

import (
	"math/rand/v2"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// Table checks every row of the case table that build knows how to make: its
// value against the reference kernel, its gradient against difference
// quotients. It fails if fewer than least rows were made, so that a table or a
// build gone empty is seen.
func Table(t *testing.T, table []cases.Case, build func(kernels.Operation) (Build, bool), least int) {
	made := 0
	for _, row := range table {
		f, ok := build(row.Op)
		if !ok {
			continue
		}
		made++
		t.Run(row.Name, func(t *testing.T) { checkRow(t, row, f) })
	}
	if made < least {
		t.Errorf("%d rows of the table were checked, want at least %d", made, least)
	}
}

func checkRow(t *testing.T, row cases.Case, f Build) {
	data := row.Inputs(1)
	inputs := make([]Input, len(data))
	for i, shape := range row.Op.Operands() {
		inputs[i] = Input{Shape: shape, Data: data[i], Constant: fixed(row.Op, i)}
		if !inputs[i].Constant {
			offKinks(data[i])
		}
	}
	if o, ok := row.Op.(kernels.NormForward); ok { // the statistics are those of the moved x
		if err := reference.Run(kernels.NormStatistics{Normalisation: o.Normalisation}, kernels.Clock{}, data[1], data[:1]); err != nil {
			t.Fatal(err)
		}
	}
	want := make([]float64, row.Op.Result().Size())
	if err := reference.Run(row.Op, kernels.Clock{}, want, data); err != nil {
		t.Fatal(err)
	}
	got, err := Check(f, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if err := cases.Compare(row.Op, got, want); err != nil {
		t.Error(err)
	}
}

// fixed reports operands to which no gradient flows: targets of losses and
// statistics of normalisations.
func fixed(op kernels.Operation, operand int) bool {
	switch op.(type) {
	case kernels.LossSum, kernels.LossEach, kernels.NormForward:
		return operand == 1
	}
	return false
}

// offKinks moves values away from ties and zeros, where maxima and absolute
// values have no derivative, by different multiples of one small number.
func offKinks(data []float64) {
	random := rand.New(rand.NewPCG(5, 6))
	for i, rank := range random.Perm(len(data)) {
		data[i] += 0.1 * float64(rank+1) / float64(len(data)+1)
	}
}
