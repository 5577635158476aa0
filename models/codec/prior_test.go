package codec

import (
	"bytes"
	"slices"
	"testing"

	"hourglass/internal/rangecoder"
	"hourglass/models"
)

// FuzzReadPrior reads files of priors, and wants what a prior that is accepted
// writes to be read again. No model runs.
func FuzzReadPrior(f *testing.F) {
	entries := &Prior{images: 4}
	if err := entries.count([]float32{0, 1, 2, 0, 1, 2, 2, 2}, models.Lattice{Rows: 1, Columns: 2, Parts: 1}, 3); err != nil {
		f.Fatal(err)
	}
	for _, p := range []*Prior{steep(), entries} {
		var stored bytes.Buffer
		if err := p.Write(&stored); err != nil {
			f.Fatal(err)
		}
		f.Add(stored.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ReadPrior(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		c, err := p.coder(512)
		if err != nil {
			return
		}
		written := make([]float32, p.size())
		e := rangecoder.NewEncoder()
		if _, err := c.encode(e, written); err != nil { // and puts the numbers that the file holds in their place
			return
		}
		stream, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		d, read := rangecoder.NewDecoder(stream), make([]float32, p.size())
		if err := c.decode(d, read); err != nil || d.Close() != nil || !slices.Equal(read, written) {
			t.Fatalf("%v was written and %v read: %v", written, read, err)
		}
	})
}
