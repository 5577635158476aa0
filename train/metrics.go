package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

// MetricsFile is an [Observer] that appends one line of JSON to a file for each
// step and each epoch:
//
//	{"kind":"step","epoch":1,"step":7,"loss":0.0712,"rate":0.001,"gradient_norm":0.33,"images_per_second":5120}
//	{"kind":"epoch","epoch":1,"step":468,"train_loss":0.031,"loss":0.021,"mse":0.021,"psnr":16.8,"n":10000,"best":true,"seconds":3.1}
//	{"kind":"diagnosis","epoch":1,"step":468,"explained_variance":0.69,"diversity":0.66,"code_use":5.2,"active":32}
//
// If the loss is a sum, its terms follow it under their own names, such as
// reconstruction_loss and kl. In the line of an epoch, loss, its terms, mse, psnr and n
// are those of the validation, and missing where there was none; psnr is missing where
// it is infinite. Each line is written at once. When a run starts, lines beyond its first
// step are cut off, so that a resumed run leaves no step twice.
type MetricsFile struct {
	file *os.File
	line []byte
}

// OpenMetrics opens the file, or creates it. The caller closes it.
func OpenMetrics(path string) (*MetricsFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("opening the file of metrics: %w", err)
	}
	return &MetricsFile{file: file}, nil
}

// Close closes the file.
func (m *MetricsFile) Close() error { return m.file.Close() }

// Observe implements [Observer].
func (m *MetricsFile) Observe(e Event) error {
	var err error
	switch e := e.(type) {
	case *Started:
		err = m.truncate(e)
	case *StepDone:
		m.begin(e.Kind(), e.Epoch, e.Step)
		m.number("loss", e.Loss)
		m.terms(e.Terms)
		m.number("rate", e.Rate)
		m.number("gradient_norm", e.GradientNorm)
		m.number("images_per_second", e.ImagesPerSecond)
		err = m.end()
	case *EpochDone:
		m.begin(e.Kind(), e.Epoch, e.Step)
		m.number("train_loss", e.TrainLoss)
		if e.Validated {
			m.number("loss", e.Validation.Loss)
			m.terms(e.Validation.Terms)
			m.number("mse", e.Validation.MSE)
			m.number("psnr", e.Validation.PSNR())
			m.integer("n", e.Validation.N)
		}
		m.line = strconv.AppendBool(append(m.line, `,"best":`...), e.Best)
		m.number("seconds", e.Duration.Seconds())
		err = m.end()
	case *Diagnosed:
		m.begin(e.Kind(), e.Epoch, e.Step)
		m.number("explained_variance", e.Report.ExplainedVariance)
		m.number("diversity", e.Report.Diversity)
		m.number("code_use", e.Report.CodeUse)
		m.integer("active", e.Report.Active)
		if e.Report.Copying != nil {
			m.number("copying", *e.Report.Copying)
		}
		err = m.end()
	}
	if err != nil {
		return fmt.Errorf("the file of metrics: %w", err)
	}
	return nil
}

func (m *MetricsFile) begin(kind string, epoch, step int) {
	m.line = append(append(append(m.line[:0], `{"kind":"`...), kind...), '"')
	m.integer("epoch", epoch)
	m.integer("step", step)
}

func (m *MetricsFile) integer(key string, value int) {
	m.line = strconv.AppendInt(m.key(key), int64(value), 10)
}

// number appends a number; JSON has none that are not finite.
func (m *MetricsFile) number(key string, value float64) {
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		m.line = strconv.AppendFloat(m.key(key), value, 'g', -1, 64)
	}
}

func (m *MetricsFile) terms(terms []Term) {
	for _, t := range terms {
		m.number(t.Name, t.Value)
	}
}

func (m *MetricsFile) key(key string) []byte {
	return append(append(append(m.line, `,"`...), key...), `":`...)
}

func (m *MetricsFile) end() error {
	m.line = append(m.line, "}\n"...)
	_, err := m.file.Write(m.line)
	return err
}

// truncate keeps the lines of what the run had done when it starts: a line that
// is not whole, such as that of a killed process, ends them.
func (m *MetricsFile) truncate(s *Started) error {
	if _, err := m.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	kept := int64(0)
	for lines := bufio.NewReader(m.file); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		var place struct {
			Kind        string
			Epoch, Step int
		}
		if err == io.EOF || json.Unmarshal(bytes.TrimSpace(line), &place) != nil || place.Step > s.Step ||
			place.Kind == (*EpochDone)(nil).Kind() && place.Epoch > s.EpochsDone {
			break
		}
		kept += int64(len(line))
	}
	if err := m.file.Truncate(kept); err != nil {
		return err
	}
	_, err := m.file.Seek(kept, io.SeekStart)
	return err
}
