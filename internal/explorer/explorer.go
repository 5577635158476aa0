package explorer

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hourglass/internal/embedding"
	"hourglass/internal/picture"
	"hourglass/internal/serving"
)

//go:embed page
var embedded embed.FS

// page holds what the browser loads.
var page, _ = fs.Sub(embedded, "page") // a constant path that is there

// Options are what an [Explorer] is told besides model and images.
type Options struct {
	Metrics string // path of the run's file of metrics
	Follows bool   // newer checkpoints will be shown as they come
	Limits  serving.Limits
	Report  func(error) // of faults
}

// Explorer answers the page and its requests. It is an http.Handler.
type Explorer struct {
	options Options
	mux     *http.ServeMux
	ended   context.Context
	streams atomic.Int32

	mutex sync.Mutex
	shown *Subject
}

// magnified is how many times larger than they are differences are shown.
const magnified = 4

// csp lets the page load from where it came alone, and be framed by nobody.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New makes an explorer of a model, whose streams end with the context.
func New(ctx context.Context, s *Subject, options Options) (*Explorer, error) {
	e := &Explorer{options: options, mux: http.NewServeMux(), ended: ctx}
	if err := e.Show(s); err != nil {
		return nil, err
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
		"GET /api/model":      {often, e.of((*Subject).model)},
		"GET /api/map":        {often, e.of((*Subject).points)},
		"GET /api/images/{i}": {often, e.of((*Subject).image)},
		"GET /api/looks/{i}":  {often, e.of((*Subject).lookAt)},
		"GET /api/metrics":    {often, e.metrics},
		"GET /api/watch":      {often, e.watch},
		"POST /api/decode":    {often, e.of((*Subject).decode)},
		"POST /api/place":     {often, e.of((*Subject).place)},
		"POST /api/morph":     {often, e.of((*Subject).morph)},
		"POST /api/animation": {seldom, e.of((*Subject).animation)},
		"POST /api/sample":    {often, e.of((*Subject).sample)},
		"POST /api/picture":   {seldom, e.of((*Subject).picture)},
	} {
		e.mux.Handle(pattern, actions.Handler(pattern, limited(endpoint.rate, endpoint.action)))
		if at, posted := strings.CutPrefix(pattern, "POST "); posted {
			// Which the page's files would answer: there is none of that name.
			e.mux.Handle("GET "+at, actions.Handler(pattern, serving.WrongMethod(http.MethodPost)))
		}
	}
	e.mux.Handle("GET /", http.FileServerFS(page))
	return e, nil
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

func (s *Subject) model(w http.ResponseWriter, r *http.Request) error {
	g := s.gallery
	variances, total := g.pca.Variances(), 0.0
	for _, d := range g.dimensions {
		total += d.Deviation * d.Deviation
	}
	var directions []direction
	for i, vector := range g.pca.Components() {
		directions = append(directions, direction{math.Sqrt(variances[i]), variances[i] / max(total, 1e-300), vector})
	}
	return serving.WriteJSON(w, map[string]any{
		"model": s.description.Told(), "dimensions": g.dimensions, "mean": g.mean, "directions": directions,
		"classes": g.classes, "images": g.n, "most_tsne": embedding.MostTSNE, "prior": s.sampler == nil, "classes_told": s.engine.Classes(), "magnified": magnified,
	})
}

// index reads which of the images is meant.
func (s *Subject) index(r *http.Request) (int, error) {
	i, err := strconv.Atoi(r.PathValue("i"))
	if err != nil || i < 0 || i >= s.gallery.n {
		return 0, serving.Refuse(http.StatusNotFound, "there is no image %.20q, want 0 to %d", r.PathValue("i"), s.gallery.n-1)
	}
	return i, nil
}

func (s *Subject) image(w http.ResponseWriter, r *http.Request) error {
	i, err := s.index(r)
	if err != nil {
		return err
	}
	png, err := s.pictures.PNG(s.gallery.images[i])
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
func (s *Subject) labelled(label, n int) ([]int, error) {
	classes := s.engine.Classes()
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
func (s *Subject) images(ctx context.Context, codes [][]float32, label int) (images [][]float32, took float64, err error) {
	labels, err := s.labelled(label, len(codes))
	if err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	all, err := s.engine.Decode(ctx, slices.Concat(codes...), len(codes), labels...)
	if err != nil {
		return nil, 0, err
	}
	return rows(all, len(codes)), float64(time.Since(begun).Microseconds()) / 1000, nil
}

// asPicture is an image of the model's shape.
func (s *Subject) asPicture(pixels []float32) picture.Image {
	shape := s.pictures.Shape()
	return picture.Image{H: shape.H, W: shape.W, C: shape.C, Pixels: pixels}
}

// show decodes codes as images does, for the page.
func (s *Subject) show(ctx context.Context, codes [][]float32, label int) ([]decoded, error) {
	images, took, err := s.images(ctx, codes, label)
	if err != nil {
		return nil, err
	}
	shown := make([]decoded, len(codes))
	for i, image := range images {
		png, err := s.pictures.PNG(image)
		if err != nil {
			return nil, err
		}
		shown[i] = decoded{codes[i], serving.DataURL(png), s.gallery.nearest(codes[i], 1)[0], took}
	}
	return shown, nil
}

// showOne answers with one code and its image.
func (s *Subject) showOne(w http.ResponseWriter, r *http.Request, code []float32, label int) error {
	shown, err := s.show(r.Context(), [][]float32{code}, label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, shown[0])
}

func (s *Subject) checkCode(what string, code []float32) error {
	if len(code) != len(s.gallery.mean) {
		return serving.Refuse(http.StatusBadRequest, "%s has %d numbers, want %d", what, len(code), len(s.gallery.mean))
	}
	return nil
}

func (s *Subject) decode(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Code  []float32 `json:"code"`
		Label int       `json:"label"`
	}
	if err := serving.ReadJSON(r, &asked); err != nil {
		return err
	}
	if err := s.checkCode("the code", asked.Code); err != nil {
		return err
	}
	return s.showOne(w, r, asked.Code, asked.Label)
}

func (s *Subject) sample(w http.ResponseWriter, r *http.Request) error {
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
	codes, err := s.draw(asked.Count, asked.Seed)
	if err != nil {
		return err
	}
	shown, err := s.show(r.Context(), rows(codes, asked.Count), asked.Label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, map[string]any{"samples": shown})
}

// draw takes n codes from the model's own distribution, or else from the one that
// fits the gallery's.
func (s *Subject) draw(n int, seed uint64) ([]float32, error) {
	switch {
	case s.entries != nil:
		return s.entries.sample(seed, n)
	case s.sampler != nil:
		return s.sampler.Sample(seed, n), nil
	}
	codes, _, err := s.engine.Draw(n, seed)
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
func (s *Subject) look(ctx context.Context, image []float32, label int) (*look, error) {
	labels, err := s.labelled(label, 1)
	if err != nil {
		return nil, err
	}
	made, err := s.engine.Inspect(ctx, image, 1, labels...)
	if err != nil {
		return nil, err
	}
	scores, err := serving.Scores(image, 1, made)
	if err != nil {
		return nil, err
	}
	l := &look{Score: scores[0], Code: made.Codes}
	l.Below = s.gallery.below(l.MSE)
	difference, err := picture.Difference(s.asPicture(image), s.asPicture(made.Reconstructions), magnified)
	if err != nil {
		return nil, err
	}
	for _, shown := range []struct {
		url   *string
		image picture.Image
	}{{&l.Original, s.asPicture(image)}, {&l.Reconstruction, s.asPicture(made.Reconstructions)}, {&l.Difference, difference}} {
		png, err := serving.PNG(shown.image)
		if err != nil {
			return nil, err
		}
		*shown.url = serving.DataURL(png)
	}
	for _, i := range s.gallery.nearest(l.Code, 8) {
		l.Neighbours = append(l.Neighbours, neighbour{i, s.gallery.label(i)})
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

func (s *Subject) lookAt(w http.ResponseWriter, r *http.Request) error {
	i, err := s.index(r)
	if err != nil {
		return err
	}
	l, err := s.look(r.Context(), s.gallery.images[i], s.gallery.labels[i])
	if err != nil {
		return err
	}
	l.Name, l.Label = s.gallery.names[i], s.gallery.label(i)
	return serving.WriteJSON(w, l)
}

func (s *Subject) picture(w http.ResponseWriter, r *http.Request) error {
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "image/") {
		return serving.Refuse(http.StatusUnsupportedMediaType, "the body is of type %.50q, want a picture", kind)
	}
	file, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	image, err := s.pictures.Decode(r.Context(), file)
	if err != nil {
		return err
	}
	label := 0
	if text := r.URL.Query().Get("label"); text != "" {
		if label, err = strconv.Atoi(text); err != nil {
			return serving.Refuse(http.StatusBadRequest, "the label is %.20q, want the number of a class", text)
		}
	}
	l, err := s.look(r.Context(), image, label)
	if err != nil {
		return err
	}
	return serving.WriteJSON(w, l)
}
