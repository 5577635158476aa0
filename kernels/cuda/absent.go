//go:build !gpu

package cuda

import (
	"errors"
	"time"
)

// Built reports whether this build has CUDA support.
const Built = false

const absent = "this build has no CUDA support; `make gpu` builds one that has"

var errAbsent = errors.New(absent)

// Probe says that this build has no CUDA support.
func Probe() Status { return Status{Reason: absent} }

// DriverVersion is empty: this build calls no driver.
func DriverVersion() string { return "" }

// Knows is false: this build calls no driver.
func Knows(major, minor int) bool { return false }

// Open fails: this build has no CUDA support. So nobody ever has one of the
// types below; they let callers compile.
func Open(index int) (*Device, error) { return nil, errAbsent }

// Device is an open GPU.
type Device struct{}

// The methods of the other build, each with its error.

func (d *Device) GPU() GPU                                                     { return GPU{} }
func (d *Device) Usage() Usage                                                 { return Usage{} }
func (d *Device) Do(calls func() error) error                                  { return errAbsent }
func (d *Device) Synchronize() error                                           { return errAbsent }
func (d *Device) Close() error                                                 { return errAbsent }
func (d *Device) MemInfo() (free, total int64, err error)                      { return 0, 0, errAbsent }
func (d *Device) Alloc(bytes int) (Memory, error)                              { return Memory{}, errAbsent }
func (d *Device) Free(m Memory) error                                          { return errAbsent }
func (d *Device) Pin(bytes int) ([]byte, error)                                { return nil, errAbsent }
func (d *Device) Unpin(b []byte) error                                         { return errAbsent }
func (d *Device) CopyToDevice(to Memory, from []byte) error                    { return errAbsent }
func (d *Device) CopyToHost(to []byte, from Memory) error                      { return errAbsent }
func (d *Device) Load(ptx string) (*Module, error)                             { return nil, errAbsent }
func (d *Device) NewStream() (*Stream, error)                                  { return nil, errAbsent }
func (d *Device) NewEvent() (*Event, error)                                    { return nil, errAbsent }
func (d *Device) NewTimedEvent() (*Event, error)                               { return nil, errAbsent }
func (d *Device) Submit(s *Stream, launches []Launch) error                    { return errAbsent }
func (d *Device) Capture(s *Stream, record func() error) (*Graph, error)       { return nil, errAbsent }
func (d *Device) Elapsed(s *Stream, queue func() error) (time.Duration, error) { return 0, errAbsent }
func (d *Device) Time(s *Stream, launches []Launch, repeats int) (time.Duration, error) {
	return 0, errAbsent
}

// Module is loaded PTX.
type Module struct{}

func (m *Module) Function(name string) (*Function, error) { return nil, errAbsent }

// Function is a kernel of a module.
type Function struct{}

func (f *Function) Name() string                                          { return "" }
func (f *Function) Parameters() int                                       { return 0 }
func (f *Function) SetDynamicShared(bytes int) error                      { return errAbsent }
func (f *Function) Attributes() (Attributes, error)                       { return Attributes{}, errAbsent }
func (f *Function) Occupancy(threads, shared int) (blocks int, err error) { return 0, errAbsent }

// Stream is a queue of work.
type Stream struct{}

func (s *Stream) CopyToDevice(to Memory, from []byte) error { return errAbsent }
func (s *Stream) CopyToHost(to []byte, from Memory) error   { return errAbsent }
func (s *Stream) Copy(to, from Memory) error                { return errAbsent }
func (s *Stream) Memset(m Memory, value byte) error         { return errAbsent }
func (s *Stream) Record(e *Event) error                     { return errAbsent }
func (s *Stream) Wait(e *Event) error                       { return errAbsent }
func (s *Stream) Done() (bool, error)                       { return false, errAbsent }
func (s *Stream) Synchronize() error                        { return errAbsent }
func (s *Stream) Close() error                              { return errAbsent }

// Event is a mark in a stream.
type Event struct{}

func (e *Event) Done() (bool, error)                       { return false, errAbsent }
func (e *Event) Synchronize() error                        { return errAbsent }
func (e *Event) Since(start *Event) (time.Duration, error) { return 0, errAbsent }
func (e *Event) Close() error                              { return errAbsent }

// Graph is recorded work.
type Graph struct{}

func (g *Graph) Nodes() int             { return 0 }
func (g *Graph) Launch(s *Stream) error { return errAbsent }
func (g *Graph) Close() error           { return errAbsent }
