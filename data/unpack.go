package data

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// deflateRatio is the most bytes that one byte of a deflate stream can
	// stand for.
	deflateRatio = 1032
	// unpackedBytes bounds what any file may unpack to.
	unpackedBytes = 8 << 30
	// firstRead is how much is read before anything has come that would
	// justify more memory.
	firstRead = 1 << 20
)

// stream is a file being read, unpacked where it is gzip, whatever its name.
// It allocates no more than its bounds and 100 kB.
type stream struct {
	io.Reader
	// most is the largest number of bytes that can still come.
	most int64
	gzip bool
}

// unpack recognises gzip by its first two bytes. The size is that of the file.
func unpack(r io.Reader, size int64) (*stream, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return &stream{buffered, size, false}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, damaged(err)
	}
	return &stream{unzipped, min(size, unpackedBytes/deflateRatio) * deflateRatio, true}, nil
}

// exactly reads n bytes. It refuses at once where so many cannot come, and
// otherwise lets memory grow with what has come: it allocates at most 3n or
// 3·firstRead bytes, whichever is more, and nothing that is not soon filled.
func (s *stream) exactly(n int64) ([]byte, error) {
	if n > s.most {
		return nil, fmt.Errorf("%d bytes are promised, but only %d can come", n, s.most)
	}
	buffer := make([]byte, min(n, firstRead))
	for filled := int64(0); ; {
		count, err := io.ReadFull(s.Reader, buffer[filled:])
		filled += int64(count)
		s.most -= int64(count)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, fmt.Errorf("%d bytes are promised, but only %d came: the file is cut short", n, filled)
		}
		if err != nil {
			return nil, damaged(err)
		}
		if filled == n {
			return buffer, nil
		}
		larger := make([]byte, min(n, 2*filled))
		copy(larger, buffer)
		buffer = larger
	}
}

// end refuses bytes after the promised ones; of a bomb it reads one byte. A
// gzip stream checks its sum here.
func (s *stream) end() error {
	switch n, err := io.ReadFull(s.Reader, make([]byte, 1)); {
	case n > 0:
		return errors.New("more bytes follow than the header promises")
	case err != io.EOF:
		return damaged(err)
	}
	return nil
}

// damaged says what an error of a decompressor means.
func damaged(err error) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return errors.New("the compressed data are cut short; fetch the file again")
	}
	return fmt.Errorf("the compressed data are damaged (%w); fetch the file again", err)
}

// readFile hands an open file and its size to a parser and puts the file's
// name before what the parser says.
func readFile[T any](path string, parse func(r io.Reader, size int64) (T, error)) (T, error) {
	var none T
	file, err := os.Open(path)
	if err != nil {
		return none, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return none, err
	}
	if !info.Mode().IsRegular() {
		return none, fmt.Errorf("%s is not a regular file", path)
	}
	parsed, err := parse(file, info.Size())
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	return parsed, nil
}
