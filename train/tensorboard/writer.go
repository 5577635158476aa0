package tensorboard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Writer writes one event file. Values are added one by one, and
// [Writer.Write] makes an event of them.
type Writer struct {
	file    *os.File
	out     *bufio.Writer
	flushed time.Time
	now     func() time.Time

	summary, event, message, record []byte // of the event under way; kept for the next
	histogram                       histogram
}

// flushInterval is how long an event may wait in memory.
const flushInterval = 2 * time.Second

// Create begins a new event file in a folder, which it makes if need be. The
// caller closes it.
func Create(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("making the folder of the event file: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	began := time.Now()
	for number := 0; ; number++ { // readers take files in the order of their names
		name := fmt.Sprintf("events.out.tfevents.%010d.%s.%02d", began.Unix(), host, number)
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("making the event file: %w", err)
		}
		w := &Writer{file: file, out: bufio.NewWriter(file), now: time.Now}
		w.event = appendText(appendDouble(w.event[:0], eventTime, seconds(began)), eventVersion, version)
		return w, w.put()
	}
}

// seconds is a time as TensorBoard counts it.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Scalar adds a number.
func (w *Writer) Scalar(tag string, x float64) {
	w.add(tag, func(dst []byte) []byte { return appendFloat(dst, valueNumber, x) })
}

// Histogram adds the distribution of some numbers; what is not finite is left
// out.
func (w *Writer) Histogram(tag string, values []float32) {
	w.histogram.count(values)
	if w.histogram.number == 0 {
		return
	}
	w.message = appendHistogram(w.message[:0], &w.histogram)
	w.add(tag, func(dst []byte) []byte { return appendMessage(dst, valueHistogram, w.message) })
}

// Image adds a picture without transparency.
func (w *Writer) Image(tag string, picture image.Image) error {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		return fmt.Errorf("the picture %s of the event file: %w", tag, err)
	}
	colours := 3
	if picture.ColorModel() == color.GrayModel {
		colours = 1
	}
	w.encoded(tag, encoded.Bytes(), picture.Bounds().Size(), colours)
	return nil
}

func (w *Writer) encoded(tag string, picture []byte, size image.Point, colours int) {
	m := appendInteger(w.message[:0], imageHeight, size.Y)
	m = appendInteger(m, imageWidth, size.X)
	m = appendInteger(m, imageColours, colours)
	w.message = appendMessage(m, imageEncoded, picture)
	w.add(tag, func(dst []byte) []byte { return appendMessage(dst, valueImage, w.message) })
}

// Hyperparameters adds the settings of the run, under the name by which
// TensorBoard groups runs.
func (w *Writer) Hyperparameters(group string, all []Hyperparameter) error {
	var start []byte
	for _, p := range all {
		switch p.Value.(type) {
		case float64, bool, string:
		default:
			return fmt.Errorf("hyperparameter %s is a %T; give a string, a bool or a float64", p.Name, p.Value)
		}
		start = p.appendEntry(start, startParameters)
	}
	start = appendDouble(appendText(start, startGroup, group), startTime, seconds(w.now()))
	w.add("_hparams_/session_start_info", func(dst []byte) []byte {
		return appendMessage(dst, valueMetadata, inHparams(hparamsStart, start))
	})
	return nil
}

// Succeeded adds that the run, whose hyperparameters were added, has come to
// its end.
func (w *Writer) Succeeded() {
	end := appendDouble(appendInteger(nil, endStatus, statusSuccess), endTime, seconds(w.now()))
	w.add("_hparams_/session_end_info", func(dst []byte) []byte {
		return appendMessage(dst, valueMetadata, inHparams(hparamsEnd, end))
	})
}

// add appends a Summary.Value to the event under way.
func (w *Writer) add(tag string, content func([]byte) []byte) {
	w.event = content(appendText(w.event[:0], valueTag, tag))
	w.summary = appendMessage(w.summary, summaryValue, w.event)
}

// Begin says that the run begins or goes on with a step. TensorBoard then
// forgets what earlier files of the run say of this step and of later ones, if
// those files too begin so.
func (w *Writer) Begin(step int) error {
	w.begin(step)
	w.event = appendMessage(w.event, eventSession, appendInteger(w.message[:0], sessionStatus, sessionStart))
	return w.put()
}

// Write writes an event of the values that were added since the last one.
func (w *Writer) Write(step int) error {
	w.begin(step)
	w.event = appendMessage(w.event, eventSummary, w.summary)
	w.summary = w.summary[:0]
	if err := w.put(); err != nil {
		return err
	}
	if now := w.now(); now.Sub(w.flushed) >= flushInterval {
		w.flushed = now
		return w.Flush()
	}
	return nil
}

func (w *Writer) begin(step int) {
	w.event = appendInteger(appendDouble(w.event[:0], eventTime, seconds(w.now())), eventStep, step)
}

// put writes the event as a record.
func (w *Writer) put() error {
	w.record = appendRecord(w.record[:0], w.event)
	if _, err := w.out.Write(w.record); err != nil {
		return fmt.Errorf("the event file: %w", err)
	}
	return nil
}

// Flush hands everything to the operating system, where readers find it.
func (w *Writer) Flush() error {
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("the event file: %w", err)
	}
	return nil
}

// Close ends the file.
func (w *Writer) Close() error { return errors.Join(w.Flush(), w.file.Close()) }
