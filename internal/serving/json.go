package serving

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
)

// contentType is the media type of the body.
func contentType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// ReadJSON reads the body, one JSON value without unknown keys. A body of another
// type is refused; others, if any, are words for those that would do besides.
func ReadJSON(r *http.Request, into any, others ...string) error {
	if kind := contentType(r); kind != jsonType {
		return Refuse(http.StatusUnsupportedMediaType, "the body is of the Content-Type %.50q, want %s", kind, strings.Join(append([]string{jsonType}, others...), " or "))
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
		return Refuse(http.StatusBadRequest, "the body is not the JSON that is wanted: %s", complaint(err, into))
	}
	return err
}

// complaint says what is wrong with JSON, in its own terms and not in Go's.
func complaint(err error, into any) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		text := fmt.Sprintf("found %s, want %s", wrong.Value, inWords(wrong.Type))
		if wrong.Field != "" {
			text = wrong.Field + ": " + text
		}
		return text
	}
	switch {
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends within a value"
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if fields := reflect.TypeOf(into).Elem(); strings.HasPrefix(text, "unknown field") && fields.Kind() == reflect.Struct {
		var known []string
		for i := range fields.NumField() {
			known = append(known, fields.Field(i).Tag.Get("json"))
		}
		text += "; there are " + strings.Join(known, ", ")
	}
	return text
}

// inWords is a Go type as JSON has it.
func inWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Float32:
		return "a number that float32 holds"
	case reflect.Int, reflect.Uint64:
		return "a whole number"
	case reflect.Slice:
		return "an array"
	case reflect.Struct:
		return "an object"
	}
	return "a " + t.Kind().String() // of those that JSON has too: bool, string
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
