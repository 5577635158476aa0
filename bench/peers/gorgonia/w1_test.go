package gorgonia

import "testing"

// TestTheSameModel wants as many parameters as W1 has, and a falling loss.
func TestTheSameModel(t *testing.T) {
	trainer, err := Open(2)
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	if n := trainer.Parameters(); n != 241441 {
		t.Errorf("the model has %d parameters, want the 241441 of W1", n)
	}
	var losses []float64
	for range 6 {
		loss, err := trainer.Step()
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
	}
	if first, last := losses[0], losses[len(losses)-1]; !(last < 0.9*first) {
		t.Errorf("losses %v do not fall", losses)
	}
}
