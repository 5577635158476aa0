package explorer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/serving"
	"hourglass/models"
	"hourglass/train"
)

// glyphs are drawn digits.
func glyphs(t testing.TB) (training, test data.Dataset) {
	t.Helper()
	training, test, err := data.Open("glyphs:1x12x12,n=512,test=96", data.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return training, test
}

var small = models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{64}, 6, models.ReLU)

// vae and ae are models of the digits, untrained.
func vae(t testing.TB) models.Model {
	t.Helper()
	m, err := models.NewVAE(models.VAESpec{Spec: small}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ae(t testing.TB) models.Model {
	t.Helper()
	m, err := models.New(small, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// trained is the same after some steps, so that pictures show something.
func trained(t testing.TB, m models.Model, epochs int) models.Model {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	training, _ := glyphs(t)
	options := train.DefaultOptions()
	options.Epochs, options.Batch, options.Rate = epochs, 32, 0.003
	_, err = train.Fit(t.Context(), device, m, training, nil, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// subjectOf is a model of the digits to explore, as of a step.
func subjectOf(t testing.TB, device *graph.Device, m models.Model, step int) *Subject {
	t.Helper()
	engine, err := serving.NewEngine(device, m, serving.Batching{Rows: 16, Queue: 1024})
	if err != nil {
		t.Fatal(err)
	}
	_, test := glyphs(t)
	g, err := NewGallery(t.Context(), engine, test, 80)
	if err != nil {
		t.Fatal(err)
	}
	kind := "ae"
	if _, prior := m.(models.Prior); prior {
		kind = "vae"
	}
	s, err := NewSubject(engine, serving.Description{Run: "digits", Kind: kind, Input: test.Shape(), Code: m.CodeSize(), Unit: m.Unit(), Step: step, SHA256: fmt.Sprint(step)}, g)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// devices are those of the explorers that tests have made.
var devices = map[*Explorer]*graph.Device{}

// explore makes an explorer of a model of the digits, and its file of metrics.
func explore(t testing.TB, m models.Model) (e *Explorer, metrics string) {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	metrics = filepath.Join(t.TempDir(), "metrics.jsonl")
	e, err = New(t.Context(), subjectOf(t, device, m, 48), Options{
		Metrics: metrics, Follows: true, Report: func(err error) { t.Error(err) },
		Limits: serving.Limits{Body: 256 << 10, Pixels: 300 * 300, Images: 64, Timeout: 24 * time.Hour}, // longer than any test, however slow the machine
	})
	if err != nil {
		t.Fatal(err)
	}
	devices[e] = device
	t.Cleanup(func() {
		delete(devices, e)
		if err := errors.Join(e.Close(), device.Close()); err != nil {
			t.Error(err)
		}
	})
	return e, metrics
}

// request makes one and wants a status.
func request(t testing.TB, e http.Handler, method, path, kind string, body []byte, status int) []byte {
	t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s %s: %d %.300s, want %d", method, path, w.Code, w.Body, status)
	}
	return w.Body.Bytes()
}

func ask[T any](t testing.TB, e http.Handler, path string, body any) (value T) {
	t.Helper()
	method, text := "GET", []byte(nil)
	if body != nil {
		method = "POST"
		text, _ = json.Marshal(body)
	}
	if err := json.Unmarshal(request(t, e, method, path, "application/json", text, 200), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// pixels decodes a data URL.
func pixels(t testing.TB, url string) image.Image {
	t.Helper()
	text, ok := strings.CutPrefix(url, "data:image/png;base64,")
	file, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		t.Fatalf("no data URL of a PNG: %.60s", url)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

type modelAnswer struct {
	Dimensions []dimension
	Directions []direction
	Mean       []float64
	Images     int
	Prior      bool
	Model      struct{ Input struct{ Width int } }
}

func TestModel(t *testing.T) {
	for name, m := range map[string]models.Model{"vae": vae(t), "ae": ae(t)} {
		e, _ := explore(t, m)
		got := ask[modelAnswer](t, e, "/api/model", nil)
		if len(got.Dimensions) != 6 || len(got.Directions) != 6 || got.Images != 80 || got.Prior != (name == "vae") || got.Model.Input.Width != 12 {
			t.Fatalf("%s: %+v", name, got)
		}
		seen, shares := map[int]bool{}, 0.0
		for i, d := range got.Dimensions {
			seen[d.Index] = true
			if (d.KL != nil) != (name == "vae") {
				t.Errorf("%s: number %d has a divergence: %v", name, d.Index, d.KL)
			}
			if i == 0 {
				continue
			}
			before := got.Dimensions[i-1]
			if d.KL != nil && *d.KL > *before.KL || d.KL == nil && d.Deviation > before.Deviation {
				t.Errorf("%s: number %d stands behind %d", name, d.Index, before.Index)
			}
		}
		for _, d := range got.Directions {
			shares += d.Share
		}
		if len(seen) != 6 || math.Abs(shares-1) > 1e-6 {
			t.Errorf("%s: %d numbers, shares of all directions add up to %g", name, len(seen), shares)
		}
	}
}

// The divergences of the numbers must add up to the one that the model itself
// computes.
func TestDivergencesAreTheModels(t *testing.T) {
	m := vae(t)
	e, _ := explore(t, m)
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	_, test := glyphs(t)
	part, err := data.AtMost(test, 80)
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := train.Evaluate(t.Context(), device, m, part, 16)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, d := range e.shown.gallery.dimensions {
		sum += *d.KL
	}
	if want := metrics.Terms[1].Value; math.Abs(sum-want) > 1e-5*want {
		t.Errorf("the divergences add up to %g, the model's is %g", sum, want)
	}
	mse := 0.0
	for _, s := range e.shown.gallery.scores {
		mse += s.MSE / 80
	}
	if math.Abs(mse-metrics.MSE) > 1e-6*mse {
		t.Errorf("the mean of the squared errors is %g, the model's %g", mse, metrics.MSE)
	}
}

func TestDecodeAndMap(t *testing.T) {
	e, _ := explore(t, trained(t, vae(t), 2))
	points := ask[struct {
		Places [][2]float64
		Labels []int
		Errors []float64
		Names  []string
	}](t, e, "/api/map", nil)
	if len(points.Places) != 80 || len(points.Labels) != 80 || len(points.Errors) != 80 || len(points.Names) != 80 {
		t.Fatalf("the map has %d, %d, %d, %d entries", len(points.Places), len(points.Labels), len(points.Errors), len(points.Names))
	}
	at := func(code []float32) []float32 {
		place := make([]float32, e.shown.gallery.pca.K())
		if err := e.shown.gallery.pca.Encode(place, code); err != nil {
			t.Fatal(err)
		}
		return place
	}
	for _, p := range [][2]float64{points.Places[3], {0, 0}, {1e3, -1e3}} {
		there := ask[decoded](t, e, "/api/place", map[string]any{"x": p[0], "y": p[1]})
		if place := at(there.Code); math.Abs(float64(place[0])-p[0]) > 1e-3*(1+math.Abs(p[0])) || math.Abs(float64(place[1])-p[1]) > 1e-3*(1+math.Abs(p[1])) {
			t.Errorf("the code for %v lies at %v", p, place[:2])
		}
		again := ask[decoded](t, e, "/api/decode", map[string]any{"code": there.Code})
		if again.Image != there.Image || pixels(t, again.Image).Bounds() != image.Rect(0, 0, 12, 12) {
			t.Errorf("the code for %v decodes to another image", p)
		}
	}
	l := ask[look](t, e, "/api/looks/3", nil)
	if l.Neighbours[0].Index != 3 || l.Label == "" || l.Below < 0 || l.Below > 1 || l.KL == nil {
		t.Errorf("image 3: %+v", l)
	}
	if ask[decoded](t, e, "/api/decode", map[string]any{"code": l.Code}).Image != l.Reconstruction {
		t.Error("the code of an image does not decode to its reconstruction")
	}
	if !bytes.Equal(request(t, e, "GET", "/api/images/3", "", nil, 200), mustPNG(t, e, e.shown.gallery.images[3])) {
		t.Error("the thumbnail is not the image")
	}
}

func mustPNG(t testing.TB, e *Explorer, pixels []float32) []byte {
	t.Helper()
	file, err := e.shown.pictures.PNG(pixels)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A picture that is one of the images must look as that does.
func TestPicture(t *testing.T) {
	e, _ := explore(t, ae(t))
	sent := request(t, e, "POST", "/api/picture", "image/png", mustPNG(t, e, e.shown.gallery.images[5]), 200)
	var l look
	if err := json.Unmarshal(sent, &l); err != nil {
		t.Fatal(err)
	}
	own := ask[look](t, e, "/api/looks/5", nil)
	if l.Original != own.Original || math.Abs(l.MSE-own.MSE) > 1e-4 || l.KL != nil || l.Neighbours[0].Index != 5 {
		t.Errorf("sent %v, %v; own %v, %v", l.MSE, l.Neighbours, own.MSE, own.Neighbours)
	}
	e, _ = explore(t, vae(t)) // whose pixels are in [0,1]
	own = ask[look](t, e, "/api/looks/5", nil)
	white := pixels(t, own.Original)
	difference := pixels(t, own.Difference)
	made := pixels(t, own.Reconstruction)
	for y := range 12 {
		for x := range 12 {
			a, _, _, _ := white.At(x, y).RGBA()
			b, _, _, _ := made.At(x, y).RGBA()
			d, _, _, _ := difference.At(x, y).RGBA()
			want := min(magnified*math.Abs(float64(a)-float64(b)), 0xffff)
			if math.Abs(float64(d)-want) > 0.04*0xffff {
				t.Fatalf("pixel %d, %d differs by %d, want %g", x, y, d, want)
			}
		}
	}
}

func TestMorph(t *testing.T) {
	for way, middle := range map[string][]float32{"linear": {1.5, 1.5}, "spherical": {2.1213203, 2.1213203}} {
		codes, err := between([]float32{3, 0}, []float32{0, 3}, 3, way)
		if err != nil || len(codes) != 3 || !slices.Equal(codes[0], []float32{3, 0}) || math.Abs(float64(codes[1][0]-middle[0])) > 1e-6 || math.Abs(float64(codes[2][1]-3)) > 1e-6 {
			t.Errorf("%s: %v, %v", way, codes, err)
		}
	}
	e, _ := explore(t, vae(t))
	zero, one := make([]float32, 6), []float32{1, 1, 1, 1, 1, 1}
	got := ask[struct{ Frames []decoded }](t, e, "/api/morph", map[string]any{"from": zero, "to": one, "steps": 7, "way": "linear"}).Frames
	if len(got) != 7 || got[6].Image != ask[decoded](t, e, "/api/decode", map[string]any{"code": one}).Image {
		t.Errorf("%d frames, of which the last is not the end", len(got))
	}
}

func TestSamples(t *testing.T) {
	e, _ := explore(t, vae(t))
	want, _, err := e.shown.engine.Draw(4, 9)
	if err != nil {
		t.Fatal(err)
	}
	got := ask[struct{ Samples []decoded }](t, e, "/api/sample", map[string]any{"count": 4, "seed": 9}).Samples
	if len(got) != 4 || !slices.Equal(slices.Concat(got[0].Code, got[1].Code, got[2].Code, got[3].Code), want) {
		t.Error("the samples of a prior are not its draws")
	}
	e, _ = explore(t, ae(t))
	var mean [6]float64
	const n = 64 * 8
	for seed := range 8 {
		for _, s := range ask[struct{ Samples []decoded }](t, e, "/api/sample", map[string]any{"count": 64, "seed": seed}).Samples {
			for i, v := range s.Code {
				mean[i] += float64(v) / n
			}
		}
	}
	for _, d := range e.shown.gallery.dimensions {
		if math.Abs(mean[d.Index]-d.Mean) > 5*d.Deviation/math.Sqrt(n) {
			t.Errorf("number %d has the mean %g, want that of the codes, %g ± %g", d.Index, mean[d.Index], d.Mean, d.Deviation/math.Sqrt(n))
		}
	}
}

func TestRefusals(t *testing.T) {
	e, _ := explore(t, vae(t))
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 301, 300))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, kind, body string
		status                   int
		want                     string
	}{
		{"POST", "/api/decode", "application/json", `{"code":[1]}`, 400, "the code has 1 numbers, want 6"},
		{"POST", "/api/decode", "text/plain", `{"code":[1]}`, 415, "want application/json"},
		{"POST", "/api/place", "application/json", `{"x":"a"}`, 400, "not the JSON"},
		{"POST", "/api/morph", "application/json", `{"from":[0,0,0,0,0,0],"to":[0]}`, 400, "to which to go has 1 numbers"},
		{"POST", "/api/morph", "application/json", `{"from":[0,0,0,0,0,0],"to":[0,0,0,0,0,0],"steps":1000,"way":"linear"}`, 400, "1000 steps, want 2 to 61"},
		{"POST", "/api/morph", "application/json", `{"from":[0,0,0,0,0,0],"to":[0,0,0,0,0,0],"steps":3,"way":"bent"}`, 400, "choose linear or spherical"},
		{"POST", "/api/sample", "application/json", `{"count":65}`, 400, "65 samples, want 1 to 64"},
		{"POST", "/api/picture", "text/html", `x`, 415, "want a picture"},
		{"POST", "/api/picture", "image/png", `x`, 400, "not a PNG, JPEG"},
		{"POST", "/api/picture", "image/png", large.String(), 400, "301 x 300 pixels are more than"},
		{"POST", "/api/picture", "image/png", strings.Repeat("x", 257<<10), 413, "more than 262144 bytes"},
		{"GET", "/api/images/80", "", "", 404, "want 0 to 79"},
		{"GET", "/api/looks/-1", "", "", 404, "want 0 to 79"},
		{"GET", "/api/watch?from=x", "", "", 400, "is no offset"},
		{"GET", "/api/decode", "", "", 405, "want POST"},
		{"GET", "/api/picture", "", "", 405, "want POST"},
	} {
		text := request(t, e, c.method, c.path, c.kind, []byte(c.body), c.status)
		var said struct{ Error string }
		if err := json.Unmarshal(text, &said); err != nil || !strings.Contains(said.Error, c.want) {
			t.Errorf("%s %.40s: %s, want %q", c.path, c.body, text, c.want)
		}
	}
	if _, err := NewGallery(t.Context(), e.shown.engine, tooFew{}, 10); err == nil || !strings.Contains(err.Error(), "at least 3") {
		t.Errorf("a gallery of two: %v", err)
	}
}

type tooFew struct{ data.Dataset }

func (tooFew) Len() int          { return 2 }
func (tooFew) Shape() data.Shape { return data.Shape{C: 1, H: 12, W: 12} }

func TestUploadsAreLimitedInRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where requests take no time
		e, _ := explore(t, vae(t))
		picture := mustPNG(t, e, e.shown.gallery.images[0])
		for range 12 {
			request(t, e, "POST", "/api/picture", "image/png", picture, 200)
		}
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/api/picture", bytes.NewReader(picture))
		r.Header.Set("Content-Type", "image/png")
		if e.ServeHTTP(w, r); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("too many: %d %v", w.Code, w.Header())
		}
		time.Sleep(time.Second)
		request(t, e, "POST", "/api/picture", "image/png", picture, 200)
	})
	r, now := newRate(10, 2), time.Now()
	got := fmt.Sprint(r.allow(now), r.allow(now), r.allow(now), r.allow(now.Add(99*time.Millisecond)), r.allow(now.Add(201*time.Millisecond)), r.allow(now.Add(time.Hour)), r.allow(now.Add(time.Hour)), r.allow(now.Add(time.Hour)))
	if want := "true true false false true true true false"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The page may load from its own server alone.
func TestPage(t *testing.T) {
	e, _ := explore(t, vae(t))
	for path, kind := range map[string]string{"/": "text/html", "/explorer.js": "text/javascript", "/server.js": "text/javascript", "/training.js": "text/javascript", "/explorer.css": "text/css", "/icon.svg": "image/svg"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Header().Get("Content-Security-Policy") != csp {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if text := strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", ""); strings.Contains(text, "http://") || strings.Contains(text, "https://") {
			t.Errorf("%s names an address outside", path)
		}
	}
	request(t, e, "GET", "/gallery.go", "", nil, 404)
}
