package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Listen answers requests until the context ends. Then it calls end, if given,
// which may keep it listening, and finishes the requests that it has; after drain
// it breaks them off.
func Listen(ctx context.Context, listener net.Listener, handler http.Handler, limits Limits, drain time.Duration, end func(context.Context)) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: max(5*time.Second, limits.Timeout/6),
		ReadTimeout:       limits.Timeout,
		WriteTimeout:      2 * limits.Timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // of connections that break, which is no fault of ours
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("listening at %v: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if end != nil {
		end(ending)
	}
	if err := server.Shutdown(ending); err != nil {
		server.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were still unanswered after %v and have been broken off", drain)
		}
		return err
	}
	return nil
}

// Drain refuses new requests from now on, and returns when those before are
// answered or the context ends.
func (s *Server) Drain(ctx context.Context) {
	s.draining.Store(true)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.inFlight.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
