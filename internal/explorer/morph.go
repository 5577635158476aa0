package explorer

import (
	"net/http"

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
