package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// lengthBytes hold the length of the header, before it.
	lengthBytes = 8
	// headerLimit is the longest header that the format allows.
	headerLimit = 100_000_000
	// pieceBytes are read or written at once; a multiple of every width.
	pieceBytes = 64 << 10
)

// File is an open file whose header has been checked. Its methods and Read may
// be called at once from several goroutines.
type File struct {
	reader io.ReaderAt
	closer io.Closer
	data   int64 // where the data begins
	header *header
}

// Open opens the named file and checks its header. The caller closes it.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err // names the path already
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	f, err := Decode(file, info.Size())
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.closer = file
	return f, nil
}

// Decode checks the header of a file of size bytes and returns it with its
// tensors still to be read. It allocates at most a small multiple of the
// header that is there.
func Decode(r io.ReaderAt, size int64) (*File, error) {
	var length [lengthBytes]byte
	if size < lengthBytes {
		return nil, fmt.Errorf("this is no safetensors file: it has %d bytes, want at least %d", size, lengthBytes)
	}
	if err := readAt(r, length[:], 0); err != nil {
		return nil, fmt.Errorf("reading the length of the header: %w", err)
	}
	claimed := binary.LittleEndian.Uint64(length[:])
	if limit := min(uint64(size-lengthBytes), headerLimit); claimed > limit {
		if pickled(length[:]) {
			return nil, errors.New("this is no safetensors file but a pickle of torch.save; write one in PyTorch by safetensors.torch.save_file(module.state_dict(), path)")
		}
		return nil, fmt.Errorf("this is no safetensors file, or it is cut off: its header would have %d bytes, but at most %d are possible", claimed, limit)
	}
	source := make([]byte, claimed)
	if err := readAt(r, source, lengthBytes); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	data := lengthBytes + int64(claimed)
	header, err := parse(source, size-data)
	if err != nil {
		return nil, err
	}
	return &File{reader: r, data: data, header: header}, nil
}

// pickled tells PyTorch's own files by how they begin: an archive, or before
// PyTorch 1.6 a bare pickle.
func pickled(start []byte) bool {
	return bytes.HasPrefix(start, []byte("PK\x03\x04")) || bytes.HasPrefix(start, []byte("\x80\x02\x8a\x0a"))
}

// readAt fills the buffer, and says so if the file has been cut meanwhile.
func readAt(r io.ReaderAt, buffer []byte, at int64) error {
	n, err := r.ReadAt(buffer, at)
	if n == len(buffer) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close closes a file that Open opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Metadata returns the file's own copy of the strings in its header, nil if
// it has none.
func (f *File) Metadata() map[string]string { return f.header.metadata }

// Tensors lists the tensors in the order of their data.
func (f *File) Tensors() []Tensor {
	tensors := make([]Tensor, len(f.header.entries))
	for i, e := range f.header.entries {
		tensors[i] = e.Tensor
	}
	return tensors
}

// Tensor returns the description of the named tensor, and whether there is one.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, found := f.header.index[name]
	if !found {
		return Tensor{}, false
	}
	return f.header.entries[i].Tensor, true
}

// Read reads the named tensor into values, which must have its type and size.
func Read[T Element](f *File, name string, values []T) error {
	e, err := f.sized(name, len(values))
	if err != nil {
		return err
	}
	if want := dtypeOf[T](); e.DType != want {
		return e.errorf("the file holds it as %s, want %s", e.DType, want)
	}
	width := widths[e.DType]
	return f.pieces(e, func(piece []byte) error {
		n := len(piece) / width
		if _, err := binary.Decode(piece, binary.LittleEndian, values[:n]); err != nil {
			return e.errorf("decoding: %w", err)
		}
		values = values[n:]
		return nil
	})
}

// sized returns the entry of the named tensor if it has so many elements.
func (f *File) sized(name string, size int) (entry, error) {
	i, found := f.header.index[name]
	if !found {
		return entry{}, Tensor{Name: name}.errorf("the file has none of this name")
	}
	e := f.header.entries[i]
	if e.Shape.Size() != size {
		return e, e.errorf("the file holds it as %v, %d elements, want %d", e.Shape, e.Shape.Size(), size)
	}
	return e, nil
}

// pieces reads the data of an entry in pieces of whole elements.
func (f *File) pieces(e entry, use func([]byte) error) error {
	piece := make([]byte, min(pieceBytes, e.end-e.begin))
	for at := e.begin; at < e.end; at += int64(len(piece)) {
		piece = piece[:min(int64(len(piece)), e.end-at)]
		if err := readAt(f.reader, piece, f.data+at); err != nil {
			return e.errorf("reading byte %d of the data: %w", at, err)
		}
		if err := use(piece); err != nil {
			return err
		}
	}
	return nil
}
