package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
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

// contentType is the media type of the body.
func contentType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// ReadJSON reads the body, one JSON value without unknown keys.
func ReadJSON(r *http.Request, into any) error {
	if kind := contentType(r); kind != "application/json" {
		return Refuse(http.StatusUnsupportedMediaType, "the body is of type %.50q, want application/json", kind)
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more behind the first value")
			var tooLong *http.MaxBytesError
			if errors.As(more, &tooLong) {
				err = more
			}
		}
	}
	var tooLong *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLong) {
		return Refuse(http.StatusBadRequest, "the body is not the JSON that is wanted: %v", err)
	}
	return err
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		var notFinite *json.UnsupportedValueError
		if errors.As(err, &notFinite) {
			return Refuse(http.StatusUnprocessableEntity, "the model's answer is not finite; are the numbers of the request within what it was trained on?")
		}
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(text, '\n'))
	return err
}
