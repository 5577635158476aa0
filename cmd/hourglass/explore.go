package main

import (
	"errors"

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

It serves a page to the browsers of this machine until Ctrl-C; the page watches
the run, if it still trains.`
}

func (c exploreCommand) Run(s *session) error {
	if c.Images < 3 || c.Images > 20000 {
		return usage{errors.New("--images takes 3 to 20000")}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	description, err := t.describe(run)
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
	engine, err := newEngine(device, t.model, serving.Batching{Rows: 64, Queue: 4096})
	if err != nil {
		return err
	}
	defer engine.Close()
	handler, err := c.explorer(s, run, t, engine, description)
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	s.print("exploring %s at %s; Ctrl-C ends", run.Name(), url)
	if err := s.give(map[string]any{"run": run.Path, "checkpoint": t.path, "url": url}); err != nil {
		return err
	}
	guarded := serving.Guard(serving.Hosts(listener.Addr(), c.Host...), handler)
	return serving.Listen(s.ctx, listener, guarded, serving.DefaultLimits, serving.DefaultLimits.Timeout, nil)
}

// explorer encodes the images that the run held back.
func (c exploreCommand) explorer(s *session, run runs.Run, t *trained, engine *serving.Engine, d serving.Description) (*explorer.Explorer, error) {
	all, err := t.openSets()
	if err != nil {
		return nil, err
	}
	held, judged := all.held()
	n := min(c.Images, held.Len())
	s.say("encoding %d of the %s images", n, judged)
	gallery, err := explorer.NewGallery(s.ctx, engine, held, n)
	if err != nil {
		return nil, err
	}
	return explorer.New(s.ctx, engine, d, gallery, explorer.Options{Metrics: run.Metrics(), Limits: serving.DefaultLimits, Report: s.fault})
}
