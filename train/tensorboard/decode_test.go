package tensorboard

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields are what a message holds, by the numbers of its fields. Numbers of
// fixed size are as their bits.
type fields map[protowire.Number][]field

type field struct {
	bits  uint64
	bytes []byte
}

// decode takes a message apart.
func decode(t *testing.T, message []byte) fields {
	t.Helper()
	all := fields{}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			t.Fatalf("no field begins at %x", message)
		}
		message = message[n:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(message)
			f.bits = uint64(bits)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		}
		if n < 0 {
			t.Fatalf("field %d of type %d ends early", number, kind)
		}
		all[number], message = append(all[number], f), message[n:]
	}
	return all
}

func (f field) double() float64 { return math.Float64frombits(f.bits) }
func (f field) float() float64  { return float64(math.Float32frombits(uint32(f.bits))) }

// records takes an event file apart, and wants every checksum to be right.
func records(t *testing.T, file []byte) (all [][]byte) {
	t.Helper()
	for len(file) > 0 {
		if len(file) < 16 {
			t.Fatalf("%d bytes behind record %d", len(file), len(all))
		}
		length := binary.LittleEndian.Uint64(file)
		if sum := binary.LittleEndian.Uint32(file[8:]); sum != masked(file[:8]) || length > uint64(len(file)-16) {
			t.Fatalf("record %d has length %d and checksum %x", len(all), length, sum)
		}
		data := file[12 : 12+length]
		if sum := binary.LittleEndian.Uint32(file[12+length:]); sum != masked(data) {
			t.Fatalf("record %d has checksum %x, want %x", len(all), sum, masked(data))
		}
		all, file = append(all, data), file[16+length:]
	}
	return all
}

// value is one value of an event file.
type value struct {
	step int
	fields
}

// contents are the values of all event files of a folder by their tags, in the
// order in which a reader takes them, and the steps at which files begin.
func contents(t *testing.T, dir string) (values map[string][]value, begins []int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("event files %v, %v", files, err)
	}
	slices.Sort(files)
	values = map[string][]value{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, record := range records(t, text) {
			event := decode(t, record)
			if first := event[eventVersion]; (i == 0) != (len(first) == 1 && string(first[0].bytes) == version) {
				t.Errorf("record %d says version %v", i, first)
			}
			step := 0
			if s := event[eventStep]; len(s) == 1 {
				step = int(s[0].bits)
			}
			if len(event[eventSession]) > 0 {
				begins = append(begins, step)
			}
			for _, summary := range event[eventSummary] {
				for _, v := range decode(t, summary.bytes)[summaryValue] {
					one := decode(t, v.bytes)
					tag := string(one[valueTag][0].bytes)
					values[tag] = append(values[tag], value{step, one})
				}
			}
		}
	}
	return values, begins
}
