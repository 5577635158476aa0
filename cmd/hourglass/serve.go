package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"time"

	"hourglass/graph"
	"hourglass/internal/runs"
	"hourglass/internal/serving"
	"hourglass/models"
	"hourglass/models/codec"
)

// listening are the flags of commands that answer over HTTP.
type listening struct {
	Listen string   `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Address and port; another address than 127.0.0.1 opens it to the network, port 0 takes any."`
	Host   []string `placeholder:"NAME" help:"Name by which it may be called besides its address; may be repeated."`
}

// open listens. It says what a stranger could reach.
func (l listening) open(s *session) (net.Listener, error) {
	listener, err := net.Listen("tcp", l.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening at %s: %w; choose another address or port with --listen", l.Listen, err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		s.say("warning: %v can be reached from the network; there is no password", listener.Addr())
	}
	return listener, nil
}

type serveCommand struct {
	chosenRun
	listening
	Batch   int           `default:"32" help:"Images at most in one run of the model."`
	Wait    time.Duration `default:"0s" help:"How long the first image of a batch waits for others; 0s takes those that are there."`
	Queue   int           `default:"1024" help:"Images at most that wait; beyond, requests are answered with 429."`
	Timeout time.Duration `default:"30s" help:"How long a request may take."`
	Drain   time.Duration `default:"30s" help:"How long requests may take to end after Ctrl-C or SIGTERM."`
	// Threshold, if nil, is the one that the run keeps.
	Threshold *float64 `placeholder:"ERROR" help:"Squared error of a reconstruction above which an image is an anomaly; if not given, the threshold that score --by reconstruction last found for the checkpoint."`
	machine
}

func (serveCommand) Help() string {
	return `Examples:

    hourglass serve last
    curl --data-binary @cat.png -H 'Content-Type: image/png' http://127.0.0.1:8080/v1/reconstruct -o out.png
    curl -H 'Content-Type: application/json' http://127.0.0.1:8080/v1/decode -d '{"codes": [[0, 0, …]], "format": "png"}'

POST /v1/encode, decode, reconstruct and score take JSON ({"images": […]} with
numbers or base64, {"codes": […]}), pictures, and codes as NPY; of a cvae also
"labels", or "label" and ?label= for all. What they answer
with follows the request or the header Accept. Scores say whether an image is an
anomaly once ` + "`hourglass score`" + ` has found the threshold, or it is given. GET
/v1/model, /healthz, /readyz and /metrics tell of the server.`
}

func (c serveCommand) Run(s *session) error {
	if c.Timeout <= 0 || c.Drain < 0 {
		return usage{fmt.Errorf("--timeout is %v and --drain %v; give a time above 0s and one of at least 0s", c.Timeout, c.Drain)}
	}
	if c.Threshold != nil && !(*c.Threshold > 0 && *c.Threshold < math.MaxFloat64) {
		return usage{fmt.Errorf("--threshold is %g; give a squared error above 0", *c.Threshold)}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	description, err := t.describe(run)
	if err != nil {
		return err
	}
	if description.Threshold, err = c.threshold(s, run, t); err != nil {
		return err
	}
	device, err := c.machine.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	engine, err := newEngine(device, t.model, serving.Batching{Rows: c.Batch, Wait: c.Wait, Queue: c.Queue})
	if err != nil {
		return err
	}
	defer engine.Close()
	listener, err := c.listening.open(s)
	if err != nil {
		return err
	}
	limits := serving.DefaultLimits
	limits.Timeout = c.Timeout
	server := serving.NewServer(engine, description, limits, s.fault)
	handler := serving.Guard(c.hosts(listener), server)
	s.print("serving %s at http://%v (Ctrl-C ends)", run.Name(), listener.Addr())
	if err := s.give(map[string]any{"run": run.Path, "checkpoint": t.path, "url": "http://" + listener.Addr().String()}); err != nil {
		return err
	}
	if err := serving.Listen(s.ctx, listener, handler, limits, c.Drain, server.Drain); err != nil {
		return err
	}
	s.print("ended; every request has been answered")
	return nil
}

// threshold is the one given, or the one that the run keeps for the model; nil if
// there is none.
func (c serveCommand) threshold(s *session, run runs.Run, t *trained) (*float64, error) {
	if c.Threshold != nil {
		return c.Threshold, nil
	}
	kept, err := readThreshold(run)
	if err != nil || kept == nil {
		return nil, err
	}
	if kept.Model != codec.Identity(t.model) {
		s.say("the threshold in %s is of another checkpoint; `hourglass score %s` finds that of this one", run.Threshold(), run.Name())
		return nil, nil
	}
	s.say("threshold: %s, which %.4g%% of the %s images do not pass", digits(kept.Threshold), 100*kept.Quantile, kept.Fitted)
	return &kept.Threshold, nil
}

// hosts says which names are right. A service in a network has names that it
// does not know, so that there all are, unless some are given.
func (c serveCommand) hosts(listener net.Listener) func(string) bool {
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() && len(c.Host) == 0 {
		return nil
	}
	return serving.Hosts(listener.Addr(), c.Host...)
}

// newEngine makes an engine; what it refuses was typed.
func newEngine(device *graph.Device, model models.Model, b serving.Batching) (*serving.Engine, error) {
	if err := b.Check(); err != nil {
		return nil, usage{err}
	}
	return serving.NewEngine(device, model, b)
}

// fault tells of an error that is the program's own.
func (s *session) fault(err error) { s.say("warning: %s", oneSentence(err)) }

// describe tells of a trained model.
func (t *trained) describe(run runs.Run) (serving.Description, error) {
	file, err := os.Open(t.path)
	if err != nil {
		return serving.Description{}, fmt.Errorf("reading the checkpoint: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return serving.Description{}, fmt.Errorf("reading the checkpoint %s: %w", t.path, err)
	}
	parameters := 0
	for _, p := range t.model.Store().Parameters {
		parameters += p.Shape.Size()
	}
	classes := 0
	if conditional, ok := t.model.(models.Conditional); ok {
		classes = conditional.Classes()
	}
	return serving.Description{Run: run.Name(), Kind: t.config.Model.Kind, Input: t.shape, Code: t.model.CodeSize(), Classes: classes, Unit: t.model.Unit(), Parameters: parameters,
		Step: t.state.Step, Checkpoint: filepath.Base(t.path), SHA256: fmt.Sprintf("%x", sum.Sum(nil))}, nil
}
