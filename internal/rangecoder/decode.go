package rangecoder

import "errors"

// ErrDamaged is what decoding ends in when a stream is not one that an Encoder
// wrote with the same tables.
var ErrDamaged = errors.New("the stream of symbols is damaged")

// Decoder reads the symbols of a stream. It must be asked for them with the
// tables with which they were written, in the same order.
type Decoder struct {
	offset, width uint64 // of the stream's number within the interval
	in            []byte
	at            int // bytes read, zeros behind the end included
	err           error
}

// NewDecoder returns a decoder of a stream.
func NewDecoder(stream []byte) *Decoder {
	d := &Decoder{width: 1 << stateBits, in: stream}
	for range stateBytes {
		d.shift()
	}
	return d
}

// Decode returns the next symbol, or 0 after an error.
func (d *Decoder) Decode(t *Table) int {
	v := d.find()
	symbol := t.at(v)
	start := t.starts[symbol]
	d.narrow(uint64(start), uint64(t.starts[symbol+1]-start))
	if d.err != nil {
		return 0
	}
	return symbol
}

// DecodeBits returns the next n bits, at most 20, or 0 after an error.
func (d *Decoder) DecodeBits(n int) uint32 {
	n = min(max(n, 0), tableBits)
	value := d.find() >> (tableBits - n)
	d.narrow(uint64(value)<<(tableBits-n), total>>n)
	if d.err != nil {
		return 0
	}
	return value
}

// find returns the place of the number in a table.
func (d *Decoder) find() uint32 {
	v := d.offset / (d.width >> tableBits)
	if v >= total { // in what rounding left over, where no encoder goes
		d.err = ErrDamaged
		v = total - 1
	}
	return uint32(v)
}

func (d *Decoder) narrow(start, size uint64) {
	if d.err != nil {
		return
	}
	share := d.width >> tableBits
	d.offset -= share * start
	for d.width = share * size; d.width < leastWidth; d.width <<= 8 {
		d.shift()
	}
	if d.at > len(d.in)+stateBytes {
		d.err = ErrDamaged
	}
}

func (d *Decoder) shift() {
	d.offset <<= 8
	if d.at < len(d.in) {
		d.offset |= uint64(d.in[d.at])
	}
	d.at++
}

// Err is ErrDamaged if the stream has turned out not to hold the symbols asked
// for, or nil.
func (d *Decoder) Err() error { return d.err }

// Close returns Err, or ErrDamaged if the stream goes on behind the symbols
// asked for by seven bytes or more, which is how far a decoder looks ahead.
func (d *Decoder) Close() error {
	if d.err == nil && d.at < len(d.in) {
		d.err = ErrDamaged
	}
	return d.err
}
