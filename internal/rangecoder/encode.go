package rangecoder

import "fmt"

// The state is an interval [low, low+width) of 56-bit fractions. Each symbol
// narrows it to the symbol's share; as soon as it is narrower than 2⁴⁸ its
// first byte is settled but for a carry, and moves out. A width of at least
// 2⁴⁸ over a total of 2²⁰ rounds a share by less than 2⁻²⁷ of itself.
const (
	stateBits  = 56
	stateMask  = 1<<stateBits - 1
	leastWidth = 1 << (stateBits - 8)
	stateBytes = stateBits / 8
)

// Encoder writes symbols. The zero value is not ready; see [NewEncoder].
type Encoder struct {
	low, width uint64
	out        []byte
	err        error
}

// NewEncoder returns an encoder of an empty stream.
func NewEncoder() *Encoder { return &Encoder{width: 1 << stateBits} }

// Encode appends a symbol. One that the table does not have is reported by
// Bytes.
func (e *Encoder) Encode(t *Table, symbol int) {
	if symbol < 0 || symbol >= t.Len() {
		if e.err == nil {
			e.err = fmt.Errorf("symbol %d is outside its table of %d", symbol, t.Len())
		}
		return
	}
	start := t.starts[symbol]
	e.narrow(uint64(start), uint64(t.starts[symbol+1]-start))
}

// EncodeBits appends the lowest n bits of value, n at most 20, all values being
// equally probable.
func (e *Encoder) EncodeBits(value uint32, n int) {
	if n < 0 || n > tableBits || value>>n != 0 {
		if e.err == nil {
			e.err = fmt.Errorf("%d does not fit into %d bits of at most %d", value, n, tableBits)
		}
		return
	}
	e.narrow(uint64(value)<<(tableBits-n), total>>n)
}

func (e *Encoder) narrow(start, size uint64) {
	share := e.width >> tableBits
	e.low += share * start
	e.carry()
	for e.width = share * size; e.width < leastWidth; e.width <<= 8 {
		e.shift()
	}
}

// carry adds what low has beyond its bits to the bytes that are out. They are a
// fraction below 1, so that one of them is below 255.
func (e *Encoder) carry() {
	if e.low>>stateBits == 0 {
		return
	}
	e.low &= stateMask
	i := len(e.out) - 1
	for ; e.out[i] == 255; i-- {
		e.out[i] = 0
	}
	e.out[i]++
}

func (e *Encoder) shift() {
	e.out = append(e.out, byte(e.low>>(stateBits-8)))
	e.low = e.low << 8 & stateMask
}

// Bytes ends the stream and returns it. Nothing can be appended afterwards.
func (e *Encoder) Bytes() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	// Any number of the interval will do: the one of the fewest bytes, for a
	// decoder reads zeros behind the end.
	for kept := range stateBytes + 1 {
		rest := uint64(1)<<(stateBits-8*kept) - 1
		if number := (e.low + rest) &^ rest; number < e.low+e.width {
			e.low = number
			e.carry()
			for range kept {
				e.shift()
			}
			break
		}
	}
	return e.out, nil
}
