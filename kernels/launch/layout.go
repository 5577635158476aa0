package launch

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"hourglass/kernels"
)

// Layout is an order of filters other than that in which they are stored: groups,
// filters, channels in, taps. Kernels read them so, see layout.cuh.
type Layout struct {
	Groups  int
	Sizes   [3]int // of a group: filters, channels in, taps
	Steps   [3]int // between neighbours of each in the copy, whose groups follow one another
	Rounded bool   // to tf32
}

// Size is how many numbers a copy has.
func (l Layout) Size() int { return l.Groups * l.Sizes[0] * l.Sizes[1] * l.Sizes[2] }

// numbers are those of Layout in layout.cuh.
func (l Layout) numbers() []int {
	rounded := 0
	if l.Rounded {
		rounded = 1
	}
	return append(append(append([]int{}, l.Sizes[:]...), l.Steps[:]...), rounded)
}

// Axes of filters, in the order of Sizes and Steps.
const (
	byFilter = iota
	byChannel
	byTap
)

// layoutOf is the order of g's filters by these axes.
func layoutOf(g kernels.Convolution, slow, middle, fast int) Layout {
	l := Layout{Groups: g.Groups, Sizes: [3]int{g.K / g.Groups, g.C / g.Groups, g.R * g.S}}
	l.Steps[fast], l.Steps[middle], l.Steps[slow] = 1, l.Sizes[fast], l.Sizes[fast]*l.Sizes[middle]
	return l
}

// Copy is an operand that the kernels of a Program read laid out anew.
type Copy struct {
	Operand int
	Layout  Layout
}

// copied is the address of filters, operand 1, in another order.
func (p *Program) copied(l Layout) Arg {
	p.Copies = append(p.Copies, Copy{1, l})
	return Arg{Place: Copied, Index: len(p.Copies) - 1}
}

// Alone is the program where nobody keeps copies for it: it makes them itself, in its
// workspace, by launches before the others.
func (p Program) Alone() Program {
	if p.Copies == nil {
		return p
	}
	first := Program{Workspace: p.Workspace}
	places := make([]Arg, len(p.Copies))
	for k, c := range p.Copies {
		size := c.Layout.Size()
		places[k] = first.reserve(size)
		args := append([]Arg{operand(c.Operand), places[k]}, integers(append([]int{size}, c.Layout.numbers()...)...)...)
		first.each("lay_out", size, cost{2 * size, 0}, args...)
	}
	launches := first.Launches
	for _, l := range p.Launches {
		l.Args = slices.Clone(l.Args)
		for i, a := range l.Args {
			if a.Place == Copied {
				l.Args[i] = places[a.Index]
			}
		}
		launches = append(launches, l)
	}
	p.Launches, p.Workspace, p.Copies = launches, first.Workspace, nil
	return p
}

// Kept is a copy that is kept of a parameter.
type Kept struct {
	From   int // of the parameter in the flat block of all
	To     int // from the first of all parameters to the first of the copy, in numbers
	Layout Layout
}

// Sizes of a Head, and of each of the Rows.
const (
	HeadBytes = 16
	RowBytes  = 48
)

// Head is the head of a table of copies, the bytes of Copies in layout.cuh: so many
// rows lie that many bytes behind it. Kernels whose argument is the Table read it,
// so that rows may be added once they are captured.
func Head(distance, rows int) []byte {
	head := binary.LittleEndian.AppendUint64(nil, uint64(distance))
	return binary.LittleEndian.AppendUint64(head, uint64(rows))
}

// Rows are those of a table, as Copy in layout.cuh.
func Rows(copies []Kept) []byte {
	sorted := slices.SortedStableFunc(slices.Values(copies), func(a, b Kept) int { return cmp.Compare(a.From, b.From) })
	var rows []byte
	for _, c := range sorted {
		rows = binary.LittleEndian.AppendUint64(rows, uint64(c.To))
		for _, n := range append(append([]int{c.From, c.Layout.Size()}, c.Layout.numbers()...), 0) {
			rows = binary.LittleEndian.AppendUint32(rows, uint32(n))
		}
	}
	return rows
}

// LayOut returns the launch that makes all copies that are kept of a flat block of so
// many parameters, its operand.
func LayOut(parameters int, copies []Kept) (Program, error) {
	if parameters < 1 || parameters > most {
		return Program{}, fmt.Errorf("launch: copies of %d parameters; kernels take 1 to %d", parameters, most)
	}
	var p Program
	words := parameters
	for _, c := range copies {
		words += c.Layout.Size()
	}
	p.each("lay_out_parameters", parameters, cost{words, 0}, operand(0), Arg{Place: Table}, integer(parameters))
	return p, nil
}
