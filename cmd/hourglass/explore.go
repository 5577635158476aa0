package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/explorer"
	"hourglass/internal/runs"
	"hourglass/internal/serving"
)

type exploreCommand struct {
	chosenRun
	listening
	Images int `short:"n" default:"2000" help:"How many images that the run held back the map shows."`
	machine
}

func (exploreCommand) Help() string {
	return `Examples:

    hourglass explore last
    hourglass explore last --checkpoint latest --listen 127.0.0.1:0

It serves a page to the browsers of this machine until Ctrl-C. The page watches
the run if it still trains, and takes up every checkpoint that is better than the
last or, with --checkpoint latest, every one.`
}

func (c exploreCommand) Run(s *session) error {
	if c.Images < 3 || c.Images > 20000 {
		return usage{errors.New("--images takes 3 to 20000")}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	listener, err := c.listening.open(s) // before the work, for a port may be taken
	if err != nil {
		return err
	}
	defer listener.Close()
	device, err := c.machine.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	all, err := t.openSets()
	if err != nil {
		return err
	}
	held, judged := all.held()
	s.say("encoding %d of the %s images", min(c.Images, held.Len()), judged)
	x := exploration{c, s, run, device, held}
	subject, err := x.subject(t)
	if err != nil {
		return err
	}
	handler, err := explorer.New(s.ctx, subject, explorer.Options{Metrics: run.Metrics(), Follows: c.moves(), Limits: serving.DefaultLimits, Report: s.fault})
	if err != nil {
		return err
	}
	defer handler.Close()
	url := "http://" + listener.Addr().String()
	s.print("exploring %s at %s (Ctrl-C ends)", run.Name(), url)
	if err := s.give(map[string]any{"run": run.Path, "checkpoint": t.path, "url": url}); err != nil {
		return err
	}
	if c.moves() {
		ctx, stop := context.WithCancel(s.ctx)
		var following sync.WaitGroup
		following.Go(func() { x.follow(ctx, handler, t) })
		defer following.Wait()
		defer stop()
	}
	guarded := serving.Guard(serving.Hosts(listener.Addr(), c.Host...), handler)
	return serving.Listen(s.ctx, listener, guarded, serving.DefaultLimits, serving.DefaultLimits.Timeout, nil)
}

// exploration is a run with what its models are explored with.
type exploration struct {
	exploreCommand
	s      *session
	run    runs.Run
	device *graph.Device
	held   data.Dataset // images that the run held back
}

// subject makes a model ready.
func (x exploration) subject(t *trained) (*explorer.Subject, error) {
	description, err := t.describe(x.run)
	if err != nil {
		return nil, err
	}
	engine, err := newEngine(x.device, t.model, serving.Batching{Rows: 64, Queue: 4096})
	if err != nil {
		return nil, err
	}
	gallery, err := explorer.NewGallery(x.s.ctx, engine, x.held, x.Images)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	subject, err := explorer.NewSubject(engine, description, gallery)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return subject, nil
}

// follow shows every newer checkpoint of the run, until the context ends. It rests
// so long after each that at most a fifth of the machine is taken from a run that
// trains on it.
func (x exploration) follow(ctx context.Context, e *explorer.Explorer, shown *trained) {
	const look, rests = 500 * time.Millisecond, 4
	refused := "" // a checkpoint that cannot be shown
	for wait := look; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = look
		path, err := x.path(x.run)
		if err != nil || path == shown.path || path == refused || e.Busy() {
			continue // a run that begins anew has no checkpoint for a while
		}
		begun := time.Now()
		next, err := loadTrained(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a newer one has taken its place
		}
		var subject *explorer.Subject
		if err == nil && next.shape != shown.shape {
			err = fmt.Errorf("checkpoint %s takes images of %v, and those of %v are shown; start the explorer again", path, next.shape, shown.shape)
		}
		if err == nil {
			subject, err = x.subject(next)
		}
		if err == nil {
			shown, err = next, e.Show(subject)
		}
		if err != nil && ctx.Err() == nil {
			refused = path
			x.s.fault(fmt.Errorf("a newer checkpoint is not shown: %w", err))
		}
		wait += rests * time.Since(begun)
	}
}
