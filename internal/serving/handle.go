package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits bound what a request may ask for.
type Limits struct {
	Body    int64         // bytes
	Pixels  int           // of one picture, by its header
	Images  int           // of a request
	Timeout time.Duration // from the end of the headers to the answer
}

// DefaultLimits are for pictures as cameras make them.
var DefaultLimits = Limits{Body: 16 << 20, Pixels: 4096 * 4096, Images: 256, Timeout: 30 * time.Second}

// statusGone is what counts requests whose sender went away, as nginx does. Nobody
// reads the answer.
const statusGone = 499

// refusal is an error with its HTTP status.
type refusal struct {
	status int
	retry  time.Duration // after which to try again; 0 does not say
	error
}

// Refuse makes an error that is answered with a status.
func Refuse(status int, format string, values ...any) error {
	return refusal{status, 0, fmt.Errorf(format, values...)}
}

// RefuseFor makes an error that asks to try again after some time.
func RefuseFor(status int, retry time.Duration, format string, values ...any) error {
	return refusal{status, retry, fmt.Errorf(format, values...)}
}

// WrongMethod answers a request whose path is right and whose method is not.
func WrongMethod(want string) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", want)
		return Refuse(http.StatusMethodNotAllowed, "the method is %.20q, want %s", r.Method, want)
	}
}

// classify finds the status of an error.
func classify(err error) refusal {
	var r refusal
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &tooLong):
		return refusal{http.StatusRequestEntityTooLarge, 0, fmt.Errorf("the request has more than %d bytes; send less at once", tooLong.Limit)}
	case errors.Is(err, ErrBusy):
		return refusal{http.StatusTooManyRequests, time.Second, ErrBusy}
	case errors.Is(err, ErrClosed):
		return refusal{http.StatusServiceUnavailable, time.Second, ErrClosed}
	case errors.Is(err, context.Canceled):
		return refusal{statusGone, 0, errors.New("the request was given up before its answer")}
	case errors.Is(err, context.DeadlineExceeded):
		return refusal{http.StatusServiceUnavailable, time.Second, errors.New("the request took too long; send fewer images at once, or try again")}
	}
	return refusal{http.StatusInternalServerError, 0, err}
}

// Fail answers with an error: {"error": "one sentence"}.
func Fail(w http.ResponseWriter, err error) {
	r := classify(err)
	if r.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.retry+time.Second-1)/time.Second)))
	}
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	text, _ := json.Marshal(map[string]string{"error": strings.Join(strings.Fields(r.Error()), " ")}) // a string always can be
	w.Write(append(text, '\n'))
}

// Actions makes handlers of functions that return errors.
type Actions struct {
	Limits Limits
	// Noted is told of every request that was answered; err is nil if it went
	// well.
	Noted func(name string, status int, took time.Duration, err error)
}

// Handler bounds body and time of requests, answers errors, and makes an answer
// of a panic, unless another was begun.
func (a Actions) Handler(name string, action func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), a.Limits.Timeout)
		defer cancel()
		watched := &watched{ResponseWriter: w}
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(watched, r.Body, a.Limits.Body)
		err := guarded(watched, r, action)
		if err != nil && watched.status == 0 {
			Fail(watched, err)
		}
		if a.Noted != nil {
			a.Noted(name, max(watched.status, http.StatusOK), time.Since(begun), err)
		}
	})
}

func guarded(w http.ResponseWriter, r *http.Request, action func(w http.ResponseWriter, r *http.Request) error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = faulty(fault)
		}
	}()
	return action(w, r)
}

// watched remembers the status of an answer, 0 before it is begun.
type watched struct {
	http.ResponseWriter
	status int
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController through.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
