package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Writer writes a file from front to back, holding one small piece of it in
// memory: the tensors are declared first and written in the same order.
type Writer struct {
	to      io.Writer
	entries []entry
	current int   // the entry being written
	at      int64 // bytes of data written
	piece   []byte
	err     error // the first failure; nothing is written after it
}

// NewWriter writes the header of a file with the given tensors, in the order
// given ([Arrange] gives one that suits all readers), and metadata, which may
// be nil.
func NewWriter(to io.Writer, metadata map[string]string, tensors []Tensor) (*Writer, error) {
	w := &Writer{to: to, piece: make([]byte, 0, pieceBytes)}
	at, seen := int64(0), map[string]bool{metadataKey: true}
	for _, t := range tensors {
		size, err := t.bytes()
		switch {
		case err != nil:
			return nil, err
		case seen[t.Name]:
			return nil, t.errorf("the name is taken; want each name once, and none called %s", metadataKey)
		case !utf8.ValidString(t.Name):
			return nil, t.errorf("the name is not UTF-8")
		case at%int64(widths[t.DType]) != 0:
			return nil, t.errorf("%s would begin at byte %d, no multiple of its width; Arrange the tensors", t.DType, at)
		case at+size < at:
			return nil, t.errorf("the file would be larger than any can be")
		}
		seen[t.Name] = true
		w.entries = append(w.entries, entry{t, at, at + size})
		at += size
	}
	header, err := encodeHeader(metadata, w.entries)
	if err != nil {
		return nil, err
	}
	_, err = to.Write(header)
	return w, err
}

// encodeHeader returns the length and the padded JSON.
func encodeHeader(metadata map[string]string, entries []entry) ([]byte, error) {
	header := append(make([]byte, lengthBytes), '{')
	member := func(name string, value any) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		text, err := json.Marshal(value) // sorts the keys of a map
		if header[len(header)-1] != '{' {
			header = append(header, ',')
		}
		header = append(append(append(header, key...), ':'), text...)
		return err
	}
	if metadata != nil {
		for key, value := range metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, fmt.Errorf("metadata %s: not UTF-8", quote(key))
			}
		}
		if err := member(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		shape := e.Shape
		if shape == nil {
			shape = []int{} // JSON [], not null
		}
		err := member(e.Name, struct {
			DType   DType    `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{e.DType, shape, [2]int64{e.begin, e.end}})
		if err != nil {
			return nil, err
		}
	}
	header = append(header, '}')
	for len(header)%8 != 0 { // the length itself has 8
		header = append(header, ' ')
	}
	if len(header)-lengthBytes > headerLimit {
		return nil, fmt.Errorf("the header would have %d bytes, but the format allows %d", len(header)-lengthBytes, headerLimit)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-lengthBytes))
	return header, nil
}

// Write appends values to the named tensor, which must be the next in order.
// A tensor may be written in several parts.
func Write[T Element](w *Writer, name string, values []T) error {
	if w.err == nil {
		w.err = write(w, name, values)
	}
	return w.err
}

func write[T Element](w *Writer, name string, values []T) error {
	for w.current < len(w.entries) && w.at == w.entries[w.current].end && w.entries[w.current].Name != name {
		w.current++ // the one before is complete
	}
	if w.current == len(w.entries) || w.entries[w.current].Name != name {
		want := "no further tensor"
		if w.current < len(w.entries) {
			want = quote(w.entries[w.current].Name)
		}
		return Tensor{Name: name}.errorf("out of order, want %s", want)
	}
	e := w.entries[w.current]
	if got := dtypeOf[T](); got != e.DType {
		return e.errorf("declared as %s, written as %s", e.DType, got)
	}
	width := widths[e.DType]
	if left := (e.end - w.at) / int64(width); int64(len(values)) > left {
		return e.errorf("%d elements written where %d are left of %v", len(values), left, e.Shape)
	}
	for len(values) > 0 {
		n := min(len(values), pieceBytes/width)
		piece, err := binary.Append(w.piece, binary.LittleEndian, values[:n])
		if err != nil {
			return e.errorf("encoding: %w", err)
		}
		if _, err := w.to.Write(piece); err != nil {
			return e.errorf("writing: %w", err)
		}
		w.at += int64(len(piece))
		values = values[n:]
	}
	return nil
}

// Close proves that every tensor was written whole. It closes nothing beneath.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("the file is closed")
	for _, e := range w.entries {
		if e.end > w.at {
			return e.errorf("%d of %d bytes written", max(0, w.at-e.begin), e.end-e.begin)
		}
	}
	return nil
}
