package explorer

import (
	"bytes"
	"net/http"

	"hourglass/internal/picture"
	"hourglass/internal/serving"
	"hourglass/models/latent"
)

// paths are the ways from one code to another, by the name that a page uses.
var paths = map[string]latent.Path{"linear": latent.Linear, "spherical": latent.Spherical}

// between returns steps codes from one to another, both included.
func between(from, to []float32, steps int, way string) ([][]float32, error) {
	path := paths[way]
	if path == nil {
		return nil, serving.Refuse(http.StatusBadRequest, "the way %.20q is unknown; choose linear or spherical", way)
	}
	codes := make([][]float32, steps)
	for s := range codes {
		codes[s] = path(from, to, float64(s)/float64(max(steps-1, 1)))
	}
	return codes, nil
}

// walk is what a request says of a way, as codes, and the class told with all of
// them.
func (s *Subject) walk(r *http.Request) (codes [][]float32, label int, err error) {
	const mostSteps = 61
	var asked struct {
		From  []float32 `json:"from"`
		To    []float32 `json:"to"`
		Steps int       `json:"steps"`
		Way   string    `json:"way"`
		Label int       `json:"label"`
	}
	if err := serving.ReadJSON(r, &asked); err != nil {
		return nil, 0, err
	}
	if err := s.checkCode("the code from which to go", asked.From); err != nil {
		return nil, 0, err
	}
	if err := s.checkCode("the code to which to go", asked.To); err != nil {
		return nil, 0, err
	}
	if asked.Steps < 2 || asked.Steps > mostSteps {
		return nil, 0, serving.Refuse(http.StatusBadRequest, "the way has %d steps, want 2 to %d", asked.Steps, mostSteps)
	}
	codes, err = between(asked.From, asked.To, asked.Steps, asked.Way)
	return codes, asked.Label, err
}

func (s *Subject) morph(w http.ResponseWriter, r *http.Request) error {
	codes, label, err := s.walk(r)
	if err != nil {
		return err
	}
	shown, err := s.show(r.Context(), codes, label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, map[string]any{"frames": shown})
}

// animation answers with a morph, there and back, as a GIF.
func (s *Subject) animation(w http.ResponseWriter, r *http.Request) error {
	const delay, rest = 8, 6 // hundredths of a second a frame, and frames at either end
	codes, label, err := s.walk(r)
	if err != nil {
		return err
	}
	images, _, err := s.images(r.Context(), codes, label)
	if err != nil {
		return err
	}
	a := picture.Animation{Order: picture.ThereAndBack(len(images), rest), Delay: delay}
	for _, image := range images {
		a.Frames = append(a.Frames, []picture.Row{{Images: []picture.Image{s.asPicture(image)}}})
	}
	var file bytes.Buffer
	if err := a.GIF(&file); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/gif")
	_, err = w.Write(file.Bytes())
	return err
}
