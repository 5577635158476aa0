package explorer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"

	"hourglass/internal/serving"
)

const (
	watchEvery = 300 * time.Millisecond
	// running is how long after its last line a run counts as one that trains.
	running = 15 * time.Second
	// mostStreams bounds the pages that watch at a time.
	mostStreams = 8
	// mostRead bounds what is read of a file of metrics at once.
	mostRead = 4 << 20
	// mostSteps is how many steps of a run's history are sent.
	mostSteps = 600
)

// history is what a file of metrics holds, thinned out.
type history struct {
	Lines   []json.RawMessage `json:"lines"`
	Offset  int64             `json:"offset"` // behind the last line
	Running bool              `json:"running"`
	Follows bool              `json:"follows"` // the page shows newer checkpoints as they come
}

// metrics answers with the history of the run: of the steps so many as a page
// shows, and every line of another kind, as epochs and diagnoses are.
func (e *Explorer) metrics(w http.ResponseWriter, r *http.Request) error {
	h := history{Follows: e.options.Follows}
	var steps []json.RawMessage
	var others []json.RawMessage
	for {
		lines, next, err := readLines(e.options.Metrics, h.Offset)
		if err != nil {
			return err
		}
		if next == h.Offset {
			break
		}
		h.Offset = next
		for _, line := range lines {
			if bytes.Contains(line, []byte(`"kind":"step"`)) {
				steps = append(steps, line)
			} else {
				others = append(others, line)
			}
		}
		if len(steps) > 4*mostSteps {
			steps = thin(steps, 2*mostSteps)
		}
	}
	h.Lines = append(append([]json.RawMessage{}, thin(steps, mostSteps)...), others...)
	if info, err := os.Stat(e.options.Metrics); err == nil {
		h.Running = time.Since(info.ModTime()) < running
	}
	return serving.WriteJSON(w, h)
}

// thin leaves at most so many lines, from all over, with the last.
func thin(lines []json.RawMessage, most int) []json.RawMessage {
	if len(lines) <= most {
		return lines
	}
	var kept []json.RawMessage
	for i := 1; i <= most; i++ {
		kept = append(kept, lines[i*len(lines)/most-1])
	}
	return kept
}

// watch streams the lines that training writes as server-sent events, each with
// the offset behind it, from which a page that comes again goes on:
//
//	id: 5120
//	data: [{"kind":"step",…},…]
//
// An event of the name restart says that lines have been taken back, as a
// resumed run does; one of the name model tells which model is shown, at first and
// whenever it is another:
//
//	event: model
//	data: "CHECKSUM"
func (e *Explorer) watch(w http.ResponseWriter, r *http.Request) error {
	if e.streams.Add(1) > mostStreams {
		e.streams.Add(-1)
		return serving.RefuseFor(http.StatusTooManyRequests, 5*time.Second, "%d pages watch already; close one", mostStreams)
	}
	defer e.streams.Add(-1)
	offset, err := watchFrom(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	if _, err := io.WriteString(w, "retry: 1000\n\n"); err != nil {
		return err
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for told := "\x00"; ; {
		if told, err = e.tell(w, told); err != nil {
			return err
		}
		if offset, err = e.send(w, offset); err != nil {
			return err
		}
		if err := control.Flush(); err != nil {
			return fmt.Errorf("streaming the metrics: %w", err)
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done(): // at the latest when its time is up; the page comes again
			return nil
		case <-e.ended.Done():
			return nil
		}
	}
}

// tell writes an event of the model that is shown, unless it is the one told last.
func (e *Explorer) tell(w io.Writer, last string) (string, error) {
	now := e.subject().description.SHA256
	if now == last {
		return last, nil
	}
	_, err := fmt.Fprintf(w, "event: model\ndata: %q\n\n", now)
	return now, err
}

// watchFrom is where a page goes on.
func watchFrom(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("from")
	}
	if text == "" {
		return 0, nil
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	if err != nil || offset < 0 {
		return 0, serving.Refuse(http.StatusBadRequest, "the place %.30q in the metrics is no offset; leave it out to begin at the beginning", text)
	}
	return offset, nil
}

// send writes an event of the lines behind an offset, if there are any.
func (e *Explorer) send(w io.Writer, offset int64) (int64, error) {
	lines, next, err := readLines(e.options.Metrics, offset)
	switch {
	case errors.Is(err, errTakenBack):
		_, err = io.WriteString(w, "event: restart\nid: 0\ndata: {}\n\n")
		return 0, err
	case err != nil || len(lines) == 0:
		return offset, err
	}
	text, err := json.Marshal(lines)
	if err == nil {
		_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", next, text)
	}
	return next, err
}

var errTakenBack = errors.New("the file of metrics is shorter than it was")

// readLines reads whole lines from an offset on, no more than mostRead bytes,
// and leaves out what is no JSON object. A file that is not there is empty.
func readLines(path string, offset int64) (lines []json.RawMessage, next int64, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && offset == 0 {
		return nil, 0, nil
	}
	if err != nil {
		return nil, offset, fmt.Errorf("reading the metrics: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, offset, fmt.Errorf("reading the metrics: %w", err)
	}
	if info.Size() < offset {
		return nil, 0, errTakenBack
	}
	text, err := io.ReadAll(io.NewSectionReader(file, offset, mostRead))
	if err != nil {
		return nil, offset, fmt.Errorf("reading the metrics: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range bytes.Lines(whole) {
		if line = bytes.TrimSpace(line); json.Valid(line) && bytes.HasPrefix(line, []byte("{")) {
			lines = append(lines, json.RawMessage(line))
		}
	}
	return lines, offset + int64(len(whole)), nil
}
