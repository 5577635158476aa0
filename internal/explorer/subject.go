package explorer

import (
	"fmt"
	"net/http"

	"hourglass/internal/serving"
	"hourglass/models/latent"
)

// Subject is one model to explore, as one checkpoint has it, with its codes for
// the gallery's images.
type Subject struct {
	engine      *serving.Engine
	gallery     *Gallery
	description serving.Description
	sampler     latent.Sampler // fitted to the codes; nil for a model that has a distribution of its own
	entries     *entryPrior    // of a model whose codes are entries of a codebook; nil for others
	pictures    *serving.Pictures
	neighbours  neighbourMap

	// The explorer's, under its mutex:
	users   int
	retired bool
}

// NewSubject makes one of an engine, which it closes when it is no longer shown.
func NewSubject(engine *serving.Engine, d serving.Description, g *Gallery) (*Subject, error) {
	s := &Subject{engine: engine, gallery: g, description: d, neighbours: neighbourMap{done: make(chan struct{})}}
	if err := s.fit(); err != nil {
		return nil, fmt.Errorf("fitting a distribution to the codes: %w", err)
	}
	return s, nil
}

// fit finds a distribution of the gallery's codes, where the model has none.
func (s *Subject) fit() error {
	_, prior, err := s.engine.Draw(0, 0)
	if err != nil || prior {
		return err
	}
	if q, quantised := s.engine.Quantised(); quantised {
		s.entries, err = s.gallery.entryPrior(s.engine, q)
		return err
	}
	s.sampler, err = s.gallery.sampler()
	return err
}

// Show replaces the model that is explored, and tells the pages that watch.
// Requests that are under way end with the model they began with, whose engine is
// closed behind the last of them.
func (e *Explorer) Show(next *Subject) error {
	next.pictures = serving.NewPictures(next.description.Input, e.options.Limits.Pixels)
	e.mutex.Lock()
	last := e.shown
	e.shown = next
	e.mutex.Unlock()
	if last == nil {
		return nil
	}
	return e.leave(last, func() { last.retired = true })
}

// Close closes the engine of the model that is shown.
func (e *Explorer) Close() error {
	return e.leave(e.subject(), func() { e.shown.retired = true })
}

// Busy reports whether a layout of the present map is being made, which takes
// seconds and would have been in vain if another model were shown now.
func (e *Explorer) Busy() bool { return e.subject().neighbours.underWay() }

// subject is the model that is shown now.
func (e *Explorer) subject() *Subject {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.shown
}

// leave changes how a subject is used, and closes its engine if it is retired and
// nobody uses it any more.
func (e *Explorer) leave(s *Subject, change func()) error {
	e.mutex.Lock()
	change()
	over := s.retired && s.users == 0
	e.mutex.Unlock()
	if !over {
		return nil
	}
	return s.engine.Close()
}

// of makes an action of the explorer of one of the model that is shown when a
// request comes.
func (e *Explorer) of(action func(*Subject, http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		e.mutex.Lock()
		s := e.shown
		s.users++
		e.mutex.Unlock()
		err := action(s, w, r)
		if closed := e.leave(s, func() { s.users-- }); closed != nil && e.options.Report != nil {
			e.options.Report(closed)
		}
		return err
	}
}
