package explorer

import (
	"bytes"
	"encoding/json"
	"image/gif"
	"math"
	"net/http"
	"slices"
	"testing"

	"hourglass/internal/embedding"
)

// mapped is the answer to a request for the map.
type mapped struct {
	Pending bool
	Places  [][2]float64
	Labels  []int
	Errors  []float64
}

// neighbours waits for the t-SNE.
func neighbours(t *testing.T, e *Explorer) mapped {
	t.Helper()
	m := ask[mapped](t, e, "/api/map?by=tsne", nil)
	for m.Pending {
		m = ask[mapped](t, e, "/api/map?by=tsne", nil)
	}
	return m
}

// The t-SNE of the gallery is that of package embedding, with the same labels
// and errors as the map of principal directions. A place there decodes to what
// lies around it.
func TestNeighbourMap(t *testing.T) {
	e, _ := explore(t, trained(t, vae(t), 4))
	made, straight := neighbours(t, e), ask[mapped](t, e, "/api/map", nil)
	want, err := embedding.TSNE(slices.Concat(e.shown.gallery.codes...), 6, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range want {
		if made.Places[i] != p {
			t.Fatalf("image %d is at %v, want %v", i, made.Places[i], p)
		}
	}
	if !slices.Equal(made.Labels, straight.Labels) || !slices.Equal(made.Errors, straight.Errors) || slices.Equal(made.Places, straight.Places) {
		t.Error("the two maps have other images, or the same places")
	}
	for _, i := range []int{0, 17, 79} {
		at := made.Places[i]
		shown := ask[decoded](t, e, "/api/place", map[string]any{"x": at[0], "y": at[1], "by": byNeighbours})
		distance := func(j int) float64 { // on the map
			return math.Hypot(made.Places[j][0]-at[0], made.Places[j][1]-at[1])
		}
		closer := 0
		for j := range made.Places {
			if distance(j) < distance(shown.Near) {
				closer++
			}
		}
		if closer > 2*neighbourhood {
			t.Errorf("at image %d is decoded what is most like image %d; %d images are closer on the map", i, shown.Near, closer)
		}
	}
	request(t, e, "GET", "/api/map?by=umap", "", nil, http.StatusBadRequest)
	request(t, e, "POST", "/api/place", "application/json", []byte(`{"x":0,"y":0,"by":"umap"}`), http.StatusBadRequest)
	e.shown.gallery.n = embedding.MostTSNE + 1
	request(t, e, "GET", "/api/map?by=tsne", "", nil, http.StatusBadRequest)
}

// The image whose code is nearest to the code of an image is that image.
func TestNear(t *testing.T) {
	e, _ := explore(t, vae(t))
	for _, i := range []int{3, 42} {
		if shown := ask[decoded](t, e, "/api/decode", map[string]any{"code": e.shown.gallery.codes[i]}); shown.Near != i {
			t.Errorf("the code of image %d is nearest to image %d", i, shown.Near)
		}
	}
}

// A morph goes there and back in a GIF of the frames that the page shows.
func TestAnimation(t *testing.T) {
	e, _ := explore(t, trained(t, vae(t), 4))
	way := map[string]any{"from": e.shown.gallery.codes[0], "to": e.shown.gallery.codes[1], "steps": 5, "way": "linear"}
	body, err := json.Marshal(way)
	if err != nil {
		t.Fatal(err)
	}
	animation, err := gif.DecodeAll(bytes.NewReader(request(t, e, "POST", "/api/animation", "application/json", body, http.StatusOK)))
	if err != nil {
		t.Fatal(err)
	}
	n := len(animation.Image)
	if n != 2*6+2*3 {
		t.Fatalf("the animation has %d frames", n)
	}
	first, second, last := animation.Image[0].Pix, animation.Image[6].Pix, animation.Image[9].Pix
	if bytes.Equal(first, second) || bytes.Equal(first, last) || !bytes.Equal(second, animation.Image[n-1].Pix) {
		t.Error("the animation does not go there and back")
	}
	way["way"] = "crooked"
	if body, err = json.Marshal(way); err != nil {
		t.Fatal(err)
	}
	request(t, e, "POST", "/api/animation", "application/json", body, http.StatusBadRequest)
}
