package train

import (
	"math"
	"testing"
)

func TestScheduleRate(t *testing.T) {
	const total, perEpoch = 100, 10
	for _, c := range []struct {
		text string
		step int
		want float64
	}{
		{"constant", 1, 1},
		{"constant", 100, 1},
		{"step 3 0.5", 30, 1},
		{"step 3 0.5", 31, 0.5},
		{"step 3 0.5", 60, 0.5},
		{"step 3 0.5", 100, 0.125},
		{"cosine", 1, 1},
		{"cosine", 51, 0.5},
		{"cosine", 101, 0},
		{"cosine 0.2", 51, 0.6},
		{"cosine 0.2", 101, 0.2},
		{"cosine 0.2", 1000, 0.2}, // a run made longer than its total
		{"warmup 20, constant", 1, 0.05},
		{"warmup 20, constant", 10, 0.5},
		{"warmup 20, constant", 20, 1},
		{"warmup 20, constant", 21, 1},
		{"warmup 20, step 1 0.5", 15, 0.375},
		{"warmup 20, step 1 0.5", 21, 0.25},
		{"warmup 20, cosine", 20, 1},
		{"warmup 20, cosine", 21, 1},
		{"warmup 20, cosine", 61, 0.5},
		{"warmup 100, cosine", 100, 1},
		{"warmup 200, cosine", 100, 0.5},
	} {
		s, err := ParseSchedule(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Rate(c.step, total, perEpoch); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s at step %d: factor %g, want %g", c.text, c.step, got, c.want)
		}
	}
}

func TestScheduleTextForm(t *testing.T) {
	for _, text := range []string{"constant", "step 30 0.1", "step 1 1", "cosine", "cosine 1e-05", "warmup 500, constant", "warmup 1, cosine 0.25", "warmup 9, step 2 0.5"} {
		if s, err := ParseSchedule(text); err != nil || s.String() != text {
			t.Errorf("%q is read as %q (%v)", text, s, err)
		}
	}
	for _, text := range []string{
		"", "linear", "constant 1", "step", "step 30", "step 0 0.1", "step 2 0", "step 2 1.5", "step 2 NaN", "step 1.5 0.1",
		"cosine 2", "cosine -1", "cosine 0 0", "cosine x", "warmup 5", "warmup 0, cosine", "warmup -1, cosine", "warmup x, cosine",
		"warmup 5, warmup 5, cosine", "warmup 5,", "cosine, warmup 5", "step 99999999999999999999 0.1",
	} {
		if s, err := ParseSchedule(text); err == nil {
			t.Errorf("%q is read as %q, want an error", text, s)
		}
	}
	if got := (Schedule{}).String(); got != "constant" {
		t.Errorf("the zero schedule prints as %q, want constant", got)
	}
}

func FuzzParseSchedule(f *testing.F) {
	f.Add("warmup 500, cosine 0.01")
	f.Add("step 30 0.1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		if again, err := ParseSchedule(s.String()); err != nil || again != s {
			t.Errorf("%q is read as %q, which is read as %q (%v)", text, s, again, err)
		}
	})
}
