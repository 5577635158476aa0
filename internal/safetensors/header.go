package safetensors

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"hourglass/kernels"
)

// metadataKey stands in the header where a tensor's name would.
const metadataKey = "__metadata__"

// entry is a tensor and the place of its data, counted from the header's end.
type entry struct {
	Tensor
	begin, end int64
}

// header is what the JSON of a file says, in the order of the data.
type header struct {
	entries  []entry
	index    map[string]int // name to position in entries
	metadata map[string]string
}

// parse reads a header and checks it against the bytes of data that follow it.
func parse(source []byte, data int64) (*header, error) {
	if !utf8.Valid(source) {
		return nil, errors.New("the header is not UTF-8")
	}
	h, s := &header{}, &scanner{source: source}
	seen := false
	err := s.object(func(key string) error {
		if key != metadataKey {
			e, err := s.entry(key)
			h.entries = append(h.entries, e)
			return err
		}
		if seen {
			return s.errorf("%s stands twice", metadataKey)
		}
		seen = true
		var err error
		h.metadata, err = s.metadata()
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.peek(); s.at != len(source) {
		return nil, s.errorf("something follows the JSON")
	}
	return h, h.check(data)
}

func (s *scanner) metadata() (map[string]string, error) {
	metadata := map[string]string{}
	err := s.object(func(key string) error {
		if _, twice := metadata[key]; twice {
			return s.errorf("the metadata has %s twice", quote(key))
		}
		value, err := s.text()
		metadata[key] = value
		return err
	})
	return metadata, err
}

// members are what the description of a tensor consists of, each once.
var members = [...]struct {
	key  string
	read func(*scanner, *entry) error
}{
	{"dtype", (*scanner).dtype},
	{"shape", (*scanner).shape},
	{"data_offsets", (*scanner).offsets},
}

// entry reads the description of one tensor.
func (s *scanner) entry(name string) (entry, error) {
	e := entry{Tensor: Tensor{Name: name}}
	var seen [len(members)]bool
	err := s.object(func(key string) error {
		for i, member := range members {
			if key != member.key {
				continue
			}
			if seen[i] {
				return fmt.Errorf("%s stands twice", key)
			}
			seen[i] = true
			return member.read(s, &e)
		}
		return fmt.Errorf("it has an unknown key %s", quote(key))
	})
	for i, member := range members {
		if err == nil && !seen[i] {
			err = fmt.Errorf("it lacks %s", member.key)
		}
	}
	if err != nil {
		return e, e.errorf("%w", err)
	}
	return e, nil
}

func (s *scanner) dtype(e *entry) error {
	text, err := s.text()
	e.DType = DType(text)
	return err
}

func (s *scanner) shape(e *entry) error {
	axes, err := s.integers()
	e.Shape = make(kernels.Shape, len(axes))
	for i, axis := range axes {
		if axis > math.MaxInt {
			return errors.New("its shape is too large for this machine")
		}
		e.Shape[i] = int(axis)
	}
	return err
}

func (s *scanner) offsets(e *entry) error {
	offsets, err := s.integers()
	if err == nil && len(offsets) != 2 {
		err = fmt.Errorf("it has %d data_offsets, want 2", len(offsets))
	}
	if err == nil {
		e.begin, e.end = offsets[0], offsets[1]
	}
	return err
}

// check proves that the names are unique and that the tensors fill the data
// exactly, each as large as its type and shape say.
func (h *header) check(data int64) error {
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	h.index = make(map[string]int, len(h.entries))
	at := int64(0)
	for i, e := range h.entries {
		if _, twice := h.index[e.Name]; twice {
			return e.errorf("the header has it twice")
		}
		h.index[e.Name] = i
		size, err := e.bytes()
		if err != nil {
			return err
		}
		switch {
		case e.begin > e.end || e.end > data:
			return e.errorf("its data_offsets are %d to %d, but the file holds %d bytes of data", e.begin, e.end, data)
		case e.end-e.begin != size:
			return e.errorf("%s %v has %d bytes, but its data_offsets span %d", e.DType, e.Shape, size, e.end-e.begin)
		case e.begin < at:
			return e.errorf("it begins at byte %d, inside the tensor before it, which ends at %d", e.begin, at)
		case e.begin > at:
			return e.errorf("it begins at byte %d, but nothing stands from byte %d on", e.begin, at)
		}
		at = e.end
	}
	if at != data {
		return fmt.Errorf("the tensors end at byte %d, but the file holds %d bytes of data", at, data)
	}
	return nil
}
