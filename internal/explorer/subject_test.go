package explorer

import (
	"errors"
	"net/http"
	"testing"

	"hourglass/internal/serving"
)

// replace shows a model of another step.
func replace(t *testing.T, e *Explorer, step, epochs int) {
	t.Helper()
	if err := e.Show(subjectOf(t, devices[e], trained(t, vae(t), epochs), step)); err != nil {
		t.Fatal(err)
	}
}

// A newer model answers what is asked from then on; what is under way ends with
// the one that it began with, whose engine is closed behind it and not before.
func TestShow(t *testing.T) {
	e, _ := explore(t, vae(t))
	code := map[string]any{"code": make([]float32, 6)}
	before, first := ask[decoded](t, e, "/api/decode", code), e.subject()
	underWay := e.of(func(s *Subject, _ http.ResponseWriter, r *http.Request) error {
		replace(t, e, 96, 4)
		if _, err := s.engine.Decode(r.Context(), make([]float32, 6), 1); err != nil || s != first {
			t.Errorf("a request under way: %v", err)
		}
		return nil
	})
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "/", nil)
	if err := underWay(nil, r); err != nil {
		t.Fatal(err)
	}
	if _, err := first.engine.Decode(t.Context(), make([]float32, 6), 1); !errors.Is(err, serving.ErrClosed) {
		t.Errorf("the first engine is not closed: %v", err)
	}
	if after := ask[decoded](t, e, "/api/decode", code); after.Image == before.Image {
		t.Error("the first model still decodes")
	}
	if step := ask[struct{ Model struct{ Step int } }](t, e, "/api/model", nil).Model.Step; step != 96 {
		t.Errorf("the page hears of step %d, want 96", step)
	}
}
