package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hourglass/internal/runs"
	"hourglass/internal/serving"
	"hourglass/train"
)

// started runs a command that serves until it is told to end.
func started(t *testing.T, args ...string) (url string, end func() (code int, stderr string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	var errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append(args, "--json", "--listen", "127.0.0.1:0"), writer, &errs)
		writer.Close()
	}()
	var said struct{ URL string }
	if err := json.NewDecoder(reader).Decode(&said); err != nil {
		cancel()
		t.Fatalf("%s: %v; %s", strings.Join(args, " "), err, errs.String())
	}
	end = func() (int, string) {
		cancel()
		return <-done, errs.String()
	}
	t.Cleanup(cancel)
	return said.URL, end
}

// fetch gets a page, or posts a body.
func fetch(t *testing.T, url, kind, body string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if body != "" {
		response, err = http.Post(url, kind, strings.NewReader(body))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestServeAndExplore(t *testing.T) {
	limits := serving.DefaultLimits
	t.Cleanup(func() { serving.DefaultLimits = limits })
	serving.DefaultLimits.Timeout = 24 * time.Hour // no request takes too long, however slow the machine
	t.Chdir(t.TempDir())
	trainSmall(t, "a")
	must(t, "recon", "a", "-n", "1", "-o", "one.png")
	picture, err := os.ReadFile("one.png")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("serve", func(t *testing.T) {
		url, end := started(t, "serve", "a", "--threads", "2", "--batch", "4", "--queue", "8", "--timeout", "24h", "--drain", "24h")
		if status, text := fetch(t, url+"/v1/model", "", ""); status != 200 || object(t, text)["code_size"] != 8.0 || object(t, text)["run"] != "a" || len(object(t, text)["sha256"].(string)) != 64 {
			t.Errorf("the model: %d %s", status, text)
		}
		if status, text := fetch(t, url+"/v1/score", "image/png", string(picture)); status != 200 || !strings.Contains(text, `{"scores":[{"mse":`) {
			t.Errorf("score: %d %s", status, text)
		}
		if status, _ := fetch(t, url+"/readyz", "", ""); status != 200 {
			t.Errorf("not ready: %d", status)
		}
		r, _ := http.NewRequest("GET", url+"/v1/model", nil)
		r.Host = "evil.example"
		if response, err := http.DefaultClient.Do(r); err != nil || response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("another host: %v, %v", response, err)
		}
		if code, stderr := end(); code != exitDone {
			t.Errorf("the end: exit %d, %s", code, stderr)
		}
	})
	t.Run("threshold", func(t *testing.T) {
		anomaly := func(args ...string) (said any, stderr string) {
			t.Helper()
			url, end := started(t, append([]string{"serve", "a", "--threads", "2"}, args...)...)
			status, text := fetch(t, url+"/v1/score", "image/png", string(picture))
			if status != 200 {
				t.Fatalf("score: %d %s", status, text)
			}
			_, stderr = end()
			return object(t, text)["scores"].([]any)[0].(map[string]any)["anomaly"], stderr
		}
		found := object(t, must(t, "score", "a", "--quantile", "0.5", "--json", "-q"))
		must(t, "score", "a", "--by", "mahalanobis", "-q") // whose threshold is no squared error
		kept, err := readThreshold(runs.Run{Path: "runs/a"})
		if err != nil || kept.Threshold != found["threshold"] || kept.Quantile != 0.5 {
			t.Fatalf("the run keeps %+v, %v; score found %v", kept, err, found["threshold"])
		}
		// Of a sheet of an original, its reconstruction and what is between them.
		if said, stderr := anomaly(); said != true || !strings.Contains(stderr, "which 50% of the validation images do not pass") {
			t.Errorf("by the run's threshold an anomaly: %v; %s", said, stderr)
		}
		if said, _ := anomaly("--threshold", "1e6"); said != false {
			t.Errorf("by a threshold of a million an anomaly: %v", said)
		}
		kept.Model = "of another checkpoint"
		if err := kept.write(runs.Run{Path: "runs/a"}); err != nil {
			t.Fatal(err)
		}
		if said, stderr := anomaly(); said != nil || !strings.Contains(stderr, "`hourglass score a` finds that of this one") {
			t.Errorf("by the threshold of another checkpoint an anomaly: %v; %s", said, stderr)
		}
		writeAll(t, "runs/a/threshold.json", []byte("{"))
		if code, _, stderr := call(t, "serve", "a"); code != exitFailed || !strings.Contains(stderr, "threshold.json is damaged") {
			t.Errorf("a damaged threshold: exit %d: %s", code, stderr)
		}
		for _, text := range []string{"0", "-1", "NaN", "+Inf"} {
			if code, _, stderr := call(t, "serve", "a", "--threshold="+text); code != exitUsage || !strings.Contains(stderr, "give a squared error above 0") {
				t.Errorf("--threshold %s: exit %d: %s", text, code, stderr)
			}
		}
		must(t, "score", "a", "-q")
	})
	t.Run("explore", func(t *testing.T) {
		url, end := started(t, "explore", "a", "--threads", "2", "-n", "20")
		if status, text := fetch(t, url, "", ""); status != 200 || !strings.Contains(text, "<title>Hourglass explorer") {
			t.Errorf("the page: %d %.200s", status, text)
		}
		if _, text := fetch(t, url+"/api/model", "", ""); object(t, text)["images"] != 20.0 || object(t, text)["prior"] != false {
			t.Errorf("the model: %.300s", text)
		}
		if _, text := fetch(t, url+"/api/metrics", "", ""); !strings.Contains(text, `"kind":"epoch"`) {
			t.Errorf("the metrics: %.300s", text)
		}
		if status, text := fetch(t, url+"/api/picture", "image/png", string(picture)); status != 200 || !strings.Contains(text, `"neighbours":[{`) {
			t.Errorf("a picture: %d %.300s", status, text)
		}
		stream, err := http.Get(url + "/api/watch") // must not keep it from ending
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Body.Close()
		if code, stderr := end(); code != exitDone {
			t.Errorf("the end: exit %d, %s", code, stderr)
		}
	})
	t.Run("a run goes on while it is explored", func(t *testing.T) {
		url, end := started(t, "explore", "a", "--checkpoint", "latest", "--threads", "1", "-n", "20")
		told := func() map[string]any {
			_, text := fetch(t, url+"/api/model", "", "")
			return object(t, text)["model"].(map[string]any)
		}
		first := told()
		must(t, "train", "--resume", "a", "--epochs", "4")
		latest, err := train.LatestCheckpoint("runs/a/checkpoints")
		if err != nil {
			t.Fatal(err)
		}
		now := told()
		for now["checkpoint"] != filepath.Base(latest) { // as soon as the page has noticed, however slow the machine is
			time.Sleep(50 * time.Millisecond)
			now = told()
		}
		if now["step"].(float64) <= first["step"].(float64) || now["sha256"] == first["sha256"] {
			t.Errorf("the page shows %v, which was %v and should be of %s", now, first, latest)
		}
		if code, stderr := end(); code != exitDone || strings.Contains(stderr, "warning") {
			t.Errorf("the end: exit %d, %s", code, stderr)
		}
	})
	t.Run("what is typed wrongly", func(t *testing.T) {
		for want, args := range map[string][]string{
			"a batch of at most 0":      {"serve", "a", "--batch", "0"},
			"give a time above 0s":      {"serve", "a", "--timeout", "0s"},
			"a queue of 3 images":       {"serve", "a", "--queue", "3"},
			"--images takes 3 to 20000": {"explore", "a", "-n", "2"},
		} {
			if code, _, stderr := call(t, args...); code != exitUsage || !strings.Contains(stderr, want) {
				t.Errorf("%v: exit %d, %q, want %q", args, code, stderr, want)
			}
		}
		if code, _, stderr := call(t, "serve", "a", "--listen", "127.0.0.1:99999"); code != exitFailed || !strings.Contains(stderr, "--listen") {
			t.Errorf("an address that is none: exit %d, %q", code, stderr)
		}
	})
}
