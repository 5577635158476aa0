package emulator

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// Machine is a process that has loaded the emulated driver and runs Programs on
// it. One request at a time.
type Machine struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	request bytes.Buffer
}

// Failure is a result of the driver other than success.
type Failure struct {
	Result int    // such as 2, CUDA_ERROR_OUT_OF_MEMORY
	Report string // what the emulator has to say, a sentence a line
}

func (f *Failure) Error() string {
	return fmt.Sprintf("emulator: the driver answers %d: %s", f.Result, f.Report)
}

// Start builds the emulator and starts a machine; the test's end ends it.
func Start(tb testing.TB) *Machine {
	tb.Helper()
	return start(tb, Build(tb))
}

// start starts a machine with a library that build has made.
func start(tb testing.TB, library string) *Machine {
	tb.Helper()
	process := exec.Command(filepath.Join(filepath.Dir(library), "run"))
	var said strings.Builder
	process.Stderr = &said
	in, err := process.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := process.Start(); err != nil {
		tb.Fatal(err)
	}
	m := &Machine{process: process, in: in, out: bufio.NewReader(out)}
	tb.Cleanup(func() {
		in.Close()
		if err := process.Wait(); err != nil {
			tb.Errorf("the emulated machine ended with %v: %s", err, said.String())
		}
	})
	return m
}

// Load loads PTX.
func (m *Machine) Load(ptx string) error {
	m.begin('m')
	m.text(ptx)
	return m.send()
}

// Backwards lets threads and blocks run from the last to the first, or in
// order again: the result of a right kernel does not change.
func (m *Machine) Backwards(backwards bool) error {
	m.begin('o')
	order := uint32(0)
	if backwards {
		order = 1
	}
	m.number(order)
	return m.send()
}

// Fail plans that the nth call of a kind fails; hourglass_emulator_fail in
// source/driver.cc lists the kinds.
func (m *Machine) Fail(kind string, nth uint64) error {
	m.begin('f')
	m.text(kind)
	m.number(nth)
	return m.send()
}

// Buffers are the memory of a run.
type Buffers struct {
	Operands [][]float32
	Result   int // elements
	InPlace  bool
	Over     int // the operand that is the result too, with InPlace
	Clock    kernels.Clock
	Schedule [4]float32
	Table    []byte // of copies: launch.Head, and the rows behind it

	Gradients int // the operand that is all gradients
	Settled   int // the operand that is the state of an update
}

// Run runs the program, alone: once, or, with replays, captured and that often
// replayed. It returns the result, and the operands as they are afterwards.
func (m *Machine) Run(p launch.Program, b Buffers, replays int) (result []float32, operands [][]float32, err error) {
	p = p.Alone()
	if b.Table == nil {
		b.Table = launch.Head(0, 0)
	}
	n := len(b.Operands)
	workspace, counters, clock, schedule, table, out := n, n+1, n+2, n+3, n+4, n+5
	if b.InPlace {
		out = b.Over
	}
	m.begin('r')
	m.number(uint32(n + 6))
	for _, operand := range b.Operands {
		m.buffer(4*len(operand), operand)
	}
	m.buffer(max(4, p.Workspace), nil)
	m.buffer(max(4, p.Counters), make([]byte, max(4, p.Counters)))
	m.buffer(16, []uint64{b.Clock.Seed, b.Clock.Step})
	m.buffer(16, b.Schedule)
	m.buffer(len(b.Table), b.Table)
	m.buffer(max(4, 4*b.Result), nil)
	m.number(uint32(len(p.Launches)))
	for _, l := range p.Launches {
		m.text(l.Kernel)
		for axis := range 3 {
			m.number(uint32(l.Grid[axis]))
		}
		for axis := range 3 {
			m.number(uint32(l.Block[axis]))
		}
		m.number(uint32(l.Shared))
		m.number(uint32(len(l.Args)))
		for _, a := range l.Args {
			m.argument(a, map[launch.Place]int{
				launch.Operand: a.Index, launch.Result: out, launch.Workspace: workspace, launch.Counters: counters,
				launch.Clock: clock, launch.Schedule: schedule, launch.Table: table, launch.Gradients: b.Gradients, launch.Settled: b.Settled,
			})
		}
	}
	m.number(uint32(replays))
	m.number(uint32(n + 1))
	for i := range n {
		m.number(uint32(i))
	}
	m.number(uint32(out))

	failure := m.send()
	operands = make([][]float32, n)
	for i, operand := range b.Operands {
		operands[i] = make([]float32, len(operand))
		if err := m.floats(operands[i]); err != nil {
			return nil, nil, err
		}
	}
	result = make([]float32, max(1, b.Result))
	if b.InPlace {
		result = make([]float32, len(b.Operands[b.Over]))
	}
	if err := m.floats(result); err != nil {
		return nil, nil, err
	}
	return result, operands, failure
}

// Launches counts the runs of every kernel so far.
func (m *Machine) Launches() (map[string]int, error) {
	m.begin('c')
	if _, err := m.in.Write(m.request.Bytes()); err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	n, err := m.answer()
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for range n {
		name, err := m.answerText()
		if err != nil {
			return nil, err
		}
		count, err := m.answer()
		if err != nil {
			return nil, err
		}
		counts[name] = int(count)
	}
	return counts, nil
}

// ---- the request, see source/run.cc ----

func (m *Machine) begin(command byte) {
	m.request.Reset()
	m.request.WriteByte(command)
}

// number appends a number of fixed size, or an array of them.
func (m *Machine) number(v any) { binary.Write(&m.request, binary.LittleEndian, v) }

func (m *Machine) text(s string) {
	m.number(uint32(len(s)))
	m.request.WriteString(s)
}

// buffer describes one of so many bytes; without data it is left as it is.
func (m *Machine) buffer(bytes int, data any) {
	m.number(uint64(bytes))
	m.number(data != nil)
	if data != nil {
		m.number(data)
	}
}

func (m *Machine) argument(a launch.Arg, buffers map[launch.Place]int) {
	buffer, isAddress := buffers[a.Place]
	if !isAddress || a.Null {
		buffer = -1
	}
	m.number(int32(buffer))
	m.number(a.Cell(&launch.Binding{Operands: make([]uint64, a.Index+1)})) // the offset alone
}

// send writes the request and reads how it went.
func (m *Machine) send() error {
	if _, err := m.in.Write(m.request.Bytes()); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	result, err := m.answer()
	if err != nil {
		return err
	}
	report, err := m.answerText()
	if err != nil {
		return err
	}
	if result != 0 || report != "" {
		return &Failure{int(result), report}
	}
	return nil
}

func (m *Machine) answer() (uint64, error) {
	var eight [8]byte
	if _, err := io.ReadFull(m.out, eight[:]); err != nil {
		return 0, fmt.Errorf("emulator: the machine does not answer: %w", err)
	}
	return binary.LittleEndian.Uint64(eight[:]), nil
}

func (m *Machine) answerText() (string, error) {
	size, err := m.answer()
	if err != nil {
		return "", err
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(m.out, text); err != nil {
		return "", fmt.Errorf("emulator: the machine does not answer: %w", err)
	}
	return string(text), nil
}

func (m *Machine) floats(into []float32) error {
	data := make([]byte, 4*len(into))
	if _, err := io.ReadFull(m.out, data); err != nil {
		return fmt.Errorf("emulator: the machine does not answer: %w", err)
	}
	for i := range into {
		into[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}
