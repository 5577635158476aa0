package explorer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hourglass/graph"
	"hourglass/train"
)

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err == nil {
		_, err = io.WriteString(file, text)
		file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestHistory(t *testing.T) {
	e, metrics := explore(t, vae(t))
	type answer struct {
		Lines []struct {
			Kind string
			Step int
		}
		Offset  int64
		Running bool
	}
	if got := ask[answer](t, e, "/api/metrics", nil); len(got.Lines) != 0 || got.Running {
		t.Errorf("without a file: %v", got)
	}
	var text strings.Builder
	for step := 1; step <= 5000; step++ {
		fmt.Fprintf(&text, `{"kind":"step","step":%d}`+"\n", step)
		if step%1000 == 0 {
			fmt.Fprintf(&text, `{"kind":"epoch","step":%d}`+"\n", step)
		}
	}
	appendTo(t, metrics, text.String()+`{"kind":"step","ste`)
	written := time.Now().Add(time.Hour) // just now still, when a slow machine asks
	if err := os.Chtimes(metrics, written, written); err != nil {
		t.Fatal(err)
	}
	got := ask[answer](t, e, "/api/metrics", nil)
	if len(got.Lines) != mostSteps+5 || got.Lines[mostSteps-1].Step != 5000 || got.Lines[mostSteps].Step != 1000 || got.Offset != int64(text.Len()) || !got.Running {
		t.Errorf("%d lines up to %d of %d, running %v", len(got.Lines), got.Offset, text.Len(), got.Running)
	}
}

// What training really writes has lines of several kinds; the steps come first.
func TestHistoryOfARun(t *testing.T) {
	e, path := explore(t, vae(t))
	metrics, err := train.OpenMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	defer metrics.Close()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	training, test := glyphs(t)
	options := train.DefaultOptions()
	options.Epochs, options.Batch, options.Diagnose = 6, 32, true
	if _, err := train.Fit(t.Context(), device, vae(t), training, test, options, metrics); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, line := range ask[struct{ Lines []struct{ Kind string } }](t, e, "/api/metrics", nil).Lines {
		kinds = append(kinds, line.Kind)
	}
	behind := slices.IndexFunc(kinds, func(kind string) bool { return kind != "step" })
	if behind != 6*512/32 || !slices.Contains(kinds[behind:], "epoch") || !slices.Contains(kinds[behind:], "diagnosis") || slices.Contains(kinds[behind:], "step") {
		t.Errorf("the history has lines of the kinds %v", kinds)
	}
}

// A stream must bring each line once, from where the page had come, and say
// when lines are taken back.
func TestWatch(t *testing.T) {
	e, metrics := explore(t, vae(t))
	server := httptest.NewServer(e)
	defer server.Close()
	old := `{"kind":"step","step":1}` + "\n"
	appendTo(t, metrics, old)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/watch?from=7", nil)
	r.Header.Set("Last-Event-ID", fmt.Sprint(len(old)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the stream is of type %s", kind)
	}
	var seen string
	wait := func(what string) {
		t.Helper()
		buffer := make([]byte, 4096)
		for !strings.Contains(seen, what) {
			n, err := response.Body.Read(buffer)
			if seen += string(buffer[:n]); err != nil {
				t.Fatalf("%v before %q came; so far %q", err, what, seen)
			}
		}
	}
	wait("retry: 1000\n\n")
	appendTo(t, metrics, `{"kind":"step","step":2}`+"\n{no line}\n"+`{"kind":"st`)
	wait(`data: [{"kind":"step","step":2}]` + "\n\n")
	appendTo(t, metrics, `ep","step":3}`+"\n")
	wait(`data: [{"kind":"step","step":3}]` + "\n\n")
	if strings.Contains(seen, `"step":1}`) || strings.Count(seen, "data: [") != 2 || strings.Count(seen, "event: model\ndata: \"48\"\n\n") != 1 {
		t.Errorf("the stream has brought %q", seen)
	}
	if err := os.Truncate(metrics, int64(len(old))); err != nil {
		t.Fatal(err)
	}
	wait("event: restart\nid: 0\n")
	wait(`data: [{"kind":"step","step":1}]`)
}
