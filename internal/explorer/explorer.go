package explorer

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hourglass/internal/embedding"
	"hourglass/internal/picture"
	"hourglass/internal/serving"
	"hourglass/models/latent"
)

//go:embed page
var embedded embed.FS

// page holds what the browser loads.
var page, _ = fs.Sub(embedded, "page") // a constant path that is there

// Options are what an [Explorer] is told besides model and images.
type Options struct {
	Metrics string // path of the run's file of metrics
	Limits  serving.Limits
	Report  func(error) // of faults
}

// Explorer answers the page and its requests. It is an http.Handler.
type Explorer struct {
	engine      *serving.Engine
	gallery     *Gallery
	description serving.Description
	options     Options
	pictures    *serving.Pictures
	sampler     latent.Sampler // fitted to the codes; nil for a model that has a distribution of its own
	entries     *entryPrior    // of a model whose codes are entries of a codebook; nil for others
	mux         *http.ServeMux
	ended       context.Context
	streams     atomic.Int32
	neighbours  neighbourMap
}

// magnified is how many times larger than they are differences are shown.
const magnified = 4

// csp lets the page load from where it came alone, and be framed by nobody.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New makes an explorer of an engine's model, whose streams end with the
// context.
func New(ctx context.Context, engine *serving.Engine, d serving.Description, g *Gallery, options Options) (*Explorer, error) {
	e := &Explorer{engine: engine, gallery: g, description: d, options: options, ended: ctx,
		pictures: serving.NewPictures(d.Input, options.Limits.Pixels), mux: http.NewServeMux(), neighbours: neighbourMap{done: make(chan struct{})}}
	if err := e.fit(); err != nil {
		return nil, fmt.Errorf("fitting a distribution to the codes: %w", err)
	}
	actions := serving.Actions{Limits: options.Limits, Noted: func(_ string, status int, _ time.Duration, err error) {
		if status == http.StatusInternalServerError && options.Report != nil {
			options.Report(err)
		}
	}}
	// A hand on a slider asks as often as a screen is drawn, pictures come singly.
	often, seldom := newRate(200, 400), newRate(4, 12)
	for pattern, endpoint := range map[string]struct {
		rate   *rate
		action func(http.ResponseWriter, *http.Request) error
	}{
		"GET /api/model":      {often, e.model},
		"GET /api/map":        {often, e.points},
		"GET /api/images/{i}": {often, e.image},
		"GET /api/looks/{i}":  {often, e.lookAt},
		"GET /api/metrics":    {often, e.metrics},
		"GET /api/watch":      {often, e.watch},
		"POST /api/decode":    {often, e.decode},
		"POST /api/place":     {often, e.place},
		"POST /api/morph":     {often, e.morph},
		"POST /api/animation": {seldom, e.animation},
		"POST /api/sample":    {often, e.sample},
		"POST /api/picture":   {seldom, e.picture},
	} {
		e.mux.Handle(pattern, actions.Handler(pattern, limited(endpoint.rate, endpoint.action)))
	}
	e.mux.Handle("GET /", http.FileServerFS(page))
	return e, nil
}

// fit finds a distribution of the gallery's codes, where the model has none.
func (e *Explorer) fit() error {
	_, prior, err := e.engine.Draw(0, 0)
	if err != nil || prior {
		return err
	}
	if q, quantised := e.engine.Quantised(); quantised {
		e.entries, err = e.gallery.entryPrior(e.engine, q)
		return err
	}
	e.sampler, err = e.gallery.sampler()
	return err
}

// ServeHTTP implements http.Handler.
func (e *Explorer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", csp)
	w.Header().Set("X-Frame-Options", "DENY")
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	e.mux.ServeHTTP(w, r)
}

func limited(r *rate, action func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, request *http.Request) error {
		if !r.allow(time.Now()) {
			return serving.RefuseFor(http.StatusTooManyRequests, time.Second, "that is more than %g requests a second; wait a little", r.perSecond)
		}
		return action(w, request)
	}
}

// direction is a principal one, from the mean of the codes.
type direction struct {
	Deviation float64   `json:"deviation"`
	Share     float64   `json:"share"` // of the variance of all codes
	Vector    []float64 `json:"vector"`
}

func (e *Explorer) model(w http.ResponseWriter, r *http.Request) error {
	g := e.gallery
	variances, total := g.pca.Variances(), 0.0
	for _, d := range g.dimensions {
		total += d.Deviation * d.Deviation
	}
	var directions []direction
	for i, vector := range g.pca.Components() {
		directions = append(directions, direction{math.Sqrt(variances[i]), variances[i] / max(total, 1e-300), vector})
	}
	return serving.WriteJSON(w, map[string]any{
		"model": e.description.Told(), "dimensions": g.dimensions, "mean": g.mean, "directions": directions,
		"classes": g.classes, "images": g.n, "most_tsne": embedding.MostTSNE, "prior": e.sampler == nil, "classes_told": e.engine.Classes(), "magnified": magnified,
	})
}

// index reads which of the images is meant.
func (e *Explorer) index(r *http.Request) (int, error) {
	i, err := strconv.Atoi(r.PathValue("i"))
	if err != nil || i < 0 || i >= e.gallery.n {
		return 0, serving.Refuse(http.StatusNotFound, "there is no image %.20q, want 0 to %d", r.PathValue("i"), e.gallery.n-1)
	}
	return i, nil
}

func (e *Explorer) image(w http.ResponseWriter, r *http.Request) error {
	i, err := e.index(r)
	if err != nil {
		return err
	}
	png, err := e.pictures.PNG(e.gallery.images[i])
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "private, max-age=600")
	_, err = w.Write(png)
	return err
}

// decoded is a code with its image.
type decoded struct {
	Code         []float32 `json:"code"`
	Image        string    `json:"image"`
	Near         int       `json:"near"`         // the gallery's image whose code is nearest
	Milliseconds float64   `json:"milliseconds"` // that the model took, and the queue
}

// labelled are the classes of n codes or images of which a request says that all
// are of one; none for a model that is told none.
func (e *Explorer) labelled(label, n int) ([]int, error) {
	classes := e.engine.Classes()
	if classes == 0 {
		return nil, nil
	}
	if label < 0 || label >= classes {
		return nil, serving.Refuse(http.StatusBadRequest, "the label is %d, want 0 to %d", label, classes-1)
	}
	return slices.Repeat([]int{label}, n), nil
}

// images decodes codes, all with one class if the model is told one, and says
// how many milliseconds that took.
func (e *Explorer) images(ctx context.Context, codes [][]float32, label int) (images [][]float32, took float64, err error) {
	labels, err := e.labelled(label, len(codes))
	if err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	all, err := e.engine.Decode(ctx, slices.Concat(codes...), len(codes), labels...)
	if err != nil {
		return nil, 0, err
	}
	return rows(all, len(codes)), float64(time.Since(begun).Microseconds()) / 1000, nil
}

// asPicture is an image of the model's shape.
func (e *Explorer) asPicture(pixels []float32) picture.Image {
	shape := e.pictures.Shape()
	return picture.Image{H: shape.H, W: shape.W, C: shape.C, Pixels: pixels}
}

// show decodes codes as images does, for the page.
func (e *Explorer) show(ctx context.Context, codes [][]float32, label int) ([]decoded, error) {
	images, took, err := e.images(ctx, codes, label)
	if err != nil {
		return nil, err
	}
	shown := make([]decoded, len(codes))
	for i, image := range images {
		png, err := e.pictures.PNG(image)
		if err != nil {
			return nil, err
		}
		shown[i] = decoded{codes[i], serving.DataURL(png), e.gallery.nearest(codes[i], 1)[0], took}
	}
	return shown, nil
}

// showOne answers with one code and its image.
func (e *Explorer) showOne(w http.ResponseWriter, r *http.Request, code []float32, label int) error {
	shown, err := e.show(r.Context(), [][]float32{code}, label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, shown[0])
}

func (e *Explorer) checkCode(what string, code []float32) error {
	if len(code) != len(e.gallery.mean) {
		return serving.Refuse(http.StatusBadRequest, "%s has %d numbers, want %d", what, len(code), len(e.gallery.mean))
	}
	return nil
}

func (e *Explorer) decode(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Code  []float32 `json:"code"`
		Label int       `json:"label"`
	}
	if err := serving.ReadJSON(r, &asked); err != nil {
		return err
	}
	if err := e.checkCode("the code", asked.Code); err != nil {
		return err
	}
	return e.showOne(w, r, asked.Code, asked.Label)
}

func (e *Explorer) sample(w http.ResponseWriter, r *http.Request) error {
	const most = 64
	var asked struct {
		Count int    `json:"count"`
		Seed  uint64 `json:"seed"`
		Label int    `json:"label"`
	}
	if err := serving.ReadJSON(r, &asked); err != nil {
		return err
	}
	if asked.Count < 1 || asked.Count > most {
		return serving.Refuse(http.StatusBadRequest, "%d samples, want 1 to %d", asked.Count, most)
	}
	codes, err := e.draw(asked.Count, asked.Seed)
	if err != nil {
		return err
	}
	shown, err := e.show(r.Context(), rows(codes, asked.Count), asked.Label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, map[string]any{"samples": shown})
}

// draw takes n codes from the model's own distribution, or else from the one that
// fits the gallery's.
func (e *Explorer) draw(n int, seed uint64) ([]float32, error) {
	switch {
	case e.entries != nil:
		return e.entries.sample(seed, n)
	case e.sampler != nil:
		return e.sampler.Sample(seed, n), nil
	}
	codes, _, err := e.engine.Draw(n, seed)
	return codes, err
}

// look is what a model makes of one image.
type look struct {
	serving.Score
	Code           []float32   `json:"code"`
	Original       string      `json:"original"`
	Reconstruction string      `json:"reconstruction"`
	Difference     string      `json:"difference"`
	Below          float64     `json:"below"` // share of the gallery with a smaller error
	Neighbours     []neighbour `json:"neighbours"`
	Name           string      `json:"name,omitempty"`
	Label          string      `json:"label,omitempty"`
}

type neighbour struct {
	Index int    `json:"index"`
	Label string `json:"label,omitempty"`
}

// look takes an image apart; label is its class where the model is told one.
func (e *Explorer) look(ctx context.Context, image []float32, label int) (*look, error) {
	labels, err := e.labelled(label, 1)
	if err != nil {
		return nil, err
	}
	made, err := e.engine.Inspect(ctx, image, 1, labels...)
	if err != nil {
		return nil, err
	}
	scores, err := serving.Scores(image, 1, made)
	if err != nil {
		return nil, err
	}
	l := &look{Score: scores[0], Code: made.Codes}
	l.Below = e.gallery.below(l.MSE)
	difference, err := picture.Difference(e.asPicture(image), e.asPicture(made.Reconstructions), magnified)
	if err != nil {
		return nil, err
	}
	for _, shown := range []struct {
		url   *string
		image picture.Image
	}{{&l.Original, e.asPicture(image)}, {&l.Reconstruction, e.asPicture(made.Reconstructions)}, {&l.Difference, difference}} {
		png, err := serving.PNG(shown.image)
		if err != nil {
			return nil, err
		}
		*shown.url = serving.DataURL(png)
	}
	for _, i := range e.gallery.nearest(l.Code, 8) {
		l.Neighbours = append(l.Neighbours, neighbour{i, e.gallery.label(i)})
	}
	return l, nil
}

// label is the name of the class of an image, or nothing.
func (g *Gallery) label(i int) string {
	if at := g.labels[i]; at >= 0 && at < len(g.classes) {
		return g.classes[at]
	}
	return ""
}

func (e *Explorer) lookAt(w http.ResponseWriter, r *http.Request) error {
	i, err := e.index(r)
	if err != nil {
		return err
	}
	l, err := e.look(r.Context(), e.gallery.images[i], e.gallery.labels[i])
	if err != nil {
		return err
	}
	l.Name, l.Label = e.gallery.names[i], e.gallery.label(i)
	return serving.WriteJSON(w, l)
}

func (e *Explorer) picture(w http.ResponseWriter, r *http.Request) error {
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "image/") {
		return serving.Refuse(http.StatusUnsupportedMediaType, "the body is of type %.50q, want a picture", kind)
	}
	file, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	image, err := e.pictures.Decode(r.Context(), file)
	if err != nil {
		return err
	}
	label := 0
	if text := r.URL.Query().Get("label"); text != "" {
		if label, err = strconv.Atoi(text); err != nil {
			return serving.Refuse(http.StatusBadRequest, "the label is %.20q, want the number of a class", text)
		}
	}
	l, err := e.look(r.Context(), image, label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, l)
}
