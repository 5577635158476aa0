package codec

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
)

// A file is
//
//	"HGZ" 1       magic and version
//	8 bytes       model: beginning of the SHA-256 of its weights
//	4 bytes       prior: CRC-32 of its integers
//	uvarints      step, C, H, W, number of images, bytes of names, bytes of codes
//	names         DEFLATE of the names, each ended by a zero byte; none if unnamed
//	codes         stream of the range coder: image by image, number by number
//	4 bytes       CRC-32 (IEEE) of all that is before
//
// with numbers of a fixed size in little-endian order.
const (
	magic     = "HGZ"
	version   = 1
	sumSize   = 4
	mostNames = 64 << 20 // bytes of names, unpacked
)

var errDamaged = errors.New("the file is damaged")

// header is what a file says of its codes.
type header struct {
	model  identity
	prior  uint32
	step   step
	shape  [3]int // C, H, W
	images int
	names  []string
}

// file puts header and payload together.
func (h *header) file(payload []byte) ([]byte, error) {
	names, err := packNames(h.names, h.images)
	if err != nil {
		return nil, err
	}
	f := append([]byte(magic), version)
	f = append(f, h.model[:]...)
	f = binary.LittleEndian.AppendUint32(f, h.prior)
	for _, x := range []int{int(h.step), h.shape[0], h.shape[1], h.shape[2], h.images, len(names), len(payload)} {
		f = binary.AppendUvarint(f, uint64(x))
	}
	f = append(append(f, names...), payload...)
	return binary.LittleEndian.AppendUint32(f, crc32.ChecksumIEEE(f)), nil
}

// parse takes a file apart. What it says of sizes is checked against the bytes
// that are there.
func parse(f []byte) (*header, []byte, error) {
	if len(f) < len(magic)+1 || string(f[:len(magic)]) != magic {
		return nil, nil, errors.New("it was not written by `hourglass compress`; it begins otherwise")
	}
	if got := f[len(magic)]; got != version {
		return nil, nil, fmt.Errorf("its format is %d and this program reads %d; use the program that wrote it", got, version)
	}
	body := f[:max(0, len(f)-sumSize)]
	if len(body) < len(magic)+1 || crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(f[len(body):]) {
		return nil, nil, fmt.Errorf("%w or cut short: its checksum does not agree with its contents; copy or compress it again", errDamaged)
	}
	h, payload, err := parseBody(body[len(magic)+1:])
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return h, payload, nil
}

var errShort = errors.New("it ends in its header")

// parseBody reads what stands between version and checksum.
func parseBody(body []byte) (*header, []byte, error) {
	h := &header{}
	if len(body) < len(h.model)+4 {
		return nil, nil, errShort
	}
	body = body[copy(h.model[:], body):]
	h.prior, body = binary.LittleEndian.Uint32(body), body[4:]
	var numbers [7]int
	for i := range numbers {
		x, n := binary.Uvarint(body)
		if n <= 0 || x > math.MaxInt32 {
			return nil, nil, errShort
		}
		numbers[i], body = int(x), body[n:]
	}
	h.step, h.shape, h.images = step(numbers[0]), [3]int(numbers[1:4]), numbers[4]
	names, payload := numbers[5], numbers[6]
	switch {
	case h.step < smallestStep || h.step > largestStep:
		return nil, nil, fmt.Errorf("its step is %v", h.step)
	case h.images < 1 || h.images > mostValues:
		return nil, nil, fmt.Errorf("it claims to hold %d images", h.images)
	case names > len(body) || payload != len(body)-names:
		return nil, nil, fmt.Errorf("it claims %d bytes of names and %d of codes, and has %d", names, payload, len(body))
	}
	var err error
	h.names, err = unpackNames(body[:names], h.images)
	return h, body[names:], err
}

// packNames compresses names, of which there are none or one for each image.
func packNames(names []string, images int) ([]byte, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if len(names) != images {
		return nil, fmt.Errorf("%d names for %d images", len(names), images)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, name := range names {
		if name == "" || strings.IndexByte(name, 0) >= 0 {
			return nil, fmt.Errorf("an image is named %q; a name has a letter at least, and no zero byte", name)
		}
		size += len(name) + 1
		io.WriteString(w, name+"\x00") // fails no more than the buffer beneath does
	}
	if size > mostNames {
		return nil, fmt.Errorf("the names of %d images take %d bytes, and %d are the most", images, size, mostNames)
	}
	err = w.Close() // which writes the rest
	return packed.Bytes(), err
}

func unpackNames(packed []byte, images int) ([]string, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), mostNames+1))
	if err != nil || len(text) > mostNames || len(text) == 0 || text[len(text)-1] != 0 {
		return nil, errors.New("the names of its images cannot be read")
	}
	if got := bytes.Count(text, []byte{0}); got != images {
		return nil, fmt.Errorf("it names %d images and holds %d", got, images)
	}
	return strings.Split(string(text[:len(text)-1]), "\x00"), nil
}
