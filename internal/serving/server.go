package serving

import (
	"errors"
	"net/http"
	"path"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"hourglass/data"
)

// Description is what is told of a model.
type Description struct {
	Run        string     `json:"run"`
	Kind       string     `json:"kind"`
	Input      data.Shape `json:"-"`
	Code       int        `json:"code_size"`
	Classes    int        `json:"classes,omitempty"` // that a conditional model is told of
	Unit       string     `json:"unit"`              // of its loss
	Parameters int        `json:"parameters"`
	Step       int        `json:"step"`
	Checkpoint string     `json:"checkpoint"` // name of the file
	SHA256     string     `json:"sha256"`     // of the file
	// Threshold is the squared error of a reconstruction above which an image is an
	// anomaly; nil where none is known.
	Threshold *float64 `json:"threshold,omitempty"`
}

// Channels, height and width of images, as JSON has them.
type imageShape struct {
	Channels int `json:"channels"`
	Height   int `json:"height"`
	Width    int `json:"width"`
}

// Told is the description with everything that JSON has.
func (d Description) Told() any {
	return struct {
		Description
		Input imageShape `json:"input"`
	}{d, imageShape{d.Input.C, d.Input.H, d.Input.W}}
}

// Server answers requests about one model. It is an http.Handler.
type Server struct {
	engine      *Engine
	description Description
	pictures    *Pictures
	actions     Actions
	mux         *http.ServeMux
	begun       time.Time

	inFlight           atomic.Int64
	draining           atomic.Bool
	requests, duration *family
	faults             atomic.Int64
	report             func(error)
}

// NewServer serves an engine's model. Faults, which are ours and not of a
// request, are reported.
func NewServer(engine *Engine, d Description, limits Limits, report func(error)) *Server {
	s := &Server{engine: engine, description: d, pictures: NewPictures(d.Input, limits.Pixels), mux: http.NewServeMux(), begun: time.Now(), report: report,
		requests: newFamily("hourglass_requests_total", "Requests answered.", "endpoint status", nil),
		duration: newFamily("hourglass_request_seconds", "Time from a request's headers to its answer.", "endpoint",
			[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10})}
	s.actions = Actions{Limits: limits, Noted: s.note}
	for name, action := range map[string]func(http.ResponseWriter, *http.Request) error{
		"encode": s.encode, "decode": s.decode, "reconstruct": s.reconstruct, "score": s.score,
	} {
		s.handle(http.MethodPost, "/v1/"+name, s.counted(action))
	}
	s.handle(http.MethodGet, "/v1/model", s.model)
	s.handle(http.MethodGet, "/healthz", s.health)
	s.handle(http.MethodGet, "/readyz", s.ready)
	s.handle(http.MethodGet, "/metrics", s.metrics)
	s.mux.Handle("/", s.actions.Handler("other", nothingHere))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) note(endpoint string, status int, took time.Duration, err error) {
	s.requests.observe(endpoint+" "+strconv.Itoa(status), 1)
	s.duration.observe(endpoint, took.Seconds())
	var f fault
	if errors.As(err, &f) {
		s.faults.Add(1)
	}
	if status == http.StatusInternalServerError && s.report != nil {
		s.report(err)
	}
}

// counted is an action that a draining server refuses and waits for.
func (s *Server) counted(action func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.inFlight.Add(1) // before looking, so that none slips through
		defer s.inFlight.Add(-1)
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
			return ErrClosed
		}
		return action(w, r)
	}
}

// handle answers at a path, by one method alone. The last word of the path is
// its name.
func (s *Server) handle(method, at string, action func(http.ResponseWriter, *http.Request) error) {
	name := path.Base(at)
	s.mux.Handle(method+" "+at, s.actions.Handler(name, action))
	s.mux.Handle(at, s.actions.Handler(name, WrongMethod(method)))
}

func nothingHere(w http.ResponseWriter, r *http.Request) error {
	return Refuse(http.StatusNotFound, "there is nothing at %.100q; POST to /v1/encode, /v1/decode, /v1/reconstruct or /v1/score, GET /v1/model, /healthz, /readyz or /metrics", r.URL.Path)
}

func (s *Server) encode(w http.ResponseWriter, r *http.Request) error {
	q, err := s.readImages(r)
	if err != nil {
		return err
	}
	codes, err := s.engine.Encode(r.Context(), q.values, q.n, q.labels...)
	if err != nil {
		return err
	}
	return s.writeCodes(w, r, q, codes)
}

func (s *Server) decode(w http.ResponseWriter, r *http.Request) error {
	q, err := s.readCodes(r)
	if err != nil {
		return err
	}
	images, err := s.engine.Decode(r.Context(), q.values, q.n, q.labels...)
	if err != nil {
		return err
	}
	return s.writeImages(w, r, q, images)
}

func (s *Server) reconstruct(w http.ResponseWriter, r *http.Request) error {
	q, err := s.readImages(r)
	if err != nil {
		return err
	}
	made, err := s.engine.Inspect(r.Context(), q.values, q.n, q.labels...)
	if err != nil {
		return err
	}
	return s.writeImages(w, r, q, made.Reconstructions)
}

func (s *Server) score(w http.ResponseWriter, r *http.Request) error {
	q, err := s.readImages(r)
	if err != nil {
		return err
	}
	made, err := s.engine.Inspect(r.Context(), q.values, q.n, q.labels...)
	if err != nil {
		return err
	}
	scores, err := Scores(q.values, q.n, made)
	if err != nil {
		return err
	}
	if threshold := s.description.Threshold; threshold != nil {
		for i := range scores {
			anomaly := scores[i].MSE > *threshold
			scores[i].Anomaly = &anomaly
		}
	}
	return WriteJSON(w, map[string]any{"scores": scores})
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) error {
	return WriteJSON(w, s.description.Told())
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	return WriteJSON(w, map[string]string{"status": "alive"})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	if s.draining.Load() {
		return ErrClosed
	}
	return WriteJSON(w, map[string]string{"status": "ready"})
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.requests.write(w)
	s.duration.write(w)
	s.engine.batches.write(w)
	waiting := make(map[string]float64)
	for name, q := range map[string]*queue{"encode": s.engine.encode, "decode": s.engine.decode, "evaluate": s.engine.evaluate} {
		waiting[name] = float64(q.waiting.Load())
	}
	gauge(w, "hourglass_queue_images", "Images that wait for a run of the model.", "graph", waiting)
	single(w, "gauge", "hourglass_requests_in_flight", "Requests being answered.", float64(s.inFlight.Load()))
	single(w, "counter", "hourglass_faults_total", "Panics that were caught.", float64(s.faults.Load()))
	single(w, "gauge", "hourglass_uptime_seconds", "Time since the server began.", time.Since(s.begun).Seconds())
	single(w, "gauge", "hourglass_goroutines", "Goroutines of the process.", float64(runtime.NumGoroutine()))
	return nil
}
