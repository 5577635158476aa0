package train

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"hourglass/models"
)

// TestReadHistory reads back what a MetricsFile has written, up to a line that
// was cut off.
func TestReadHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	file, err := OpenMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{
		&Started{},
		&StepDone{Epoch: 1, Step: 1, Loss: 0.5, Terms: []Term{{models.Term{Name: "kl"}, 2}}, Rate: 0.25, GradientNorm: math.Inf(1)},
		&EpochDone{Epoch: 1, Step: 1, TrainLoss: 0.5, Validated: true, Validation: Metrics{N: 3, Loss: 0.125}, Best: true},
	} {
		if err := file.Observe(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := file.file.WriteString(`{"kind":"step","epoch":1,"st`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadHistory(path)
	want := &History{
		Steps:  []Record{{1, 1, map[string]float64{"loss": 0.5, "kl": 2, "rate": 0.25, "images_per_second": 0}}},
		Epochs: []Record{{1, 1, map[string]float64{"train_loss": 0.5, "loss": 0.125, "mse": 0, "n": 3, "seconds": 0}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadHistory(path); err == nil {
		t.Error("a file that is not there was read")
	}
}
