package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hourglass/internal/repository"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// content is a file to fetch, longer than the buffers on the way.
var content = []byte(strings.Repeat("0123456789abcdef", 40000))

// fileTime is unknown to the server.
var fileTime time.Time

func publishedContent() publishedFile {
	sum := sha256.Sum256(content)
	return publishedFile{"file.gz", hex.EncodeToString(sum[:])}
}

// served starts a server that serves content through a handler told how many
// requests came before.
func served(t *testing.T, serve func(w http.ResponseWriter, r *http.Request, request int)) string {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, int(requests.Add(1))-1)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// whole serves the content with ranges.
func whole(w http.ResponseWriter, r *http.Request, _ int) {
	http.ServeContent(w, r, "", fileTime, strings.NewReader(string(content)))
}

// breaking sends a part of what is asked for and hangs up, a few times.
func breaking(times int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, request int) {
		if request >= times {
			whole(w, r, request)
			return
		}
		if start := 100000 * request; r.Header.Get("Range") == fmt.Sprintf("bytes=%d-", start) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content[start : start+100000])
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:100000])
		}
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func fetchContent(mirrors ...string) func(dir string) error {
	return func(dir string) error {
		return publishedContent().fetch(context.Background(), mirrors, dir, nil)
	}
}

func wantContent(t *testing.T, dir string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, "file.gz"))
	if err != nil || string(got) != string(content) {
		t.Errorf("the file has %d bytes, %v; want %d", len(got), err, len(content))
	}
	if _, err := os.Stat(filepath.Join(dir, "file.gz.part")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the .part file is left")
	}
}

func TestFetchGoesOn(t *testing.T) {
	local := t.TempDir()
	if err := os.WriteFile(filepath.Join(local, "file.gz"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	missing := served(t, func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) })
	for name, c := range map[string]struct {
		part    []byte
		mirrors []string
	}{
		"from the start":           {nil, []string{served(t, whole)}},
		"half":                     {content[:300000], []string{served(t, whole)}},
		"half, local":              {content[:300000], []string{local}},
		"all but its name":         {content, []string{missing}},
		"too long":                 {append(content[:len(content):len(content)], 'x'), []string{served(t, whole)}},
		"damaged":                  {[]byte("another beginning"), []string{served(t, whole)}},
		"breaking off":             {nil, []string{served(t, breaking(5))}},
		"not found elsewhere":      {nil, []string{missing, filepath.Join(local, "none"), served(t, whole)}},
		"server without ranges":    {content[:9], []string{served(t, func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = w.Write(content) })}},
		"busy at first":            {nil, []string{served(t, busyOnce)}},
		"wrong content elsewhere":  {nil, []string{served(t, func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, "<html>") }), local}},
		"range of another place":   {content[:9], []string{served(t, wrongRange), local}},
		"no server at the address": {nil, []string{"http://127.0.0.1:1/", local}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.part != nil {
				if err := os.WriteFile(filepath.Join(dir, "file.gz.part"), c.part, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := fetchContent(c.mirrors...)(dir); err != nil {
				t.Fatal(err)
			}
			wantContent(t, dir)
			if err := fetchContent("http://127.0.0.1:1/")(dir); err != nil {
				t.Errorf("a whole file is fetched again: %v", err)
			}
		})
	}
}

func busyOnce(w http.ResponseWriter, r *http.Request, request int) {
	if request == 0 {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	whole(w, r, request)
}

func wrongRange(w http.ResponseWriter, _ *http.Request, _ int) {
	w.Header().Set("Content-Range", "bytes 0-1/2")
	w.WriteHeader(http.StatusPartialContent)
}

func TestFetchFails(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(http.ResponseWriter, *http.Request, int)
		want  string
	}{
		"404":            {func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) }, "404"},
		"wrong checksum": {func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, "something else") }, "checksum"},
		"always broken":  {func(w http.ResponseWriter, _ *http.Request, _ int) { panic(http.ErrAbortHandler) }, "file.gz"},
	} {
		dir := t.TempDir()
		err := fetchContent(served(t, c.serve))(dir)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "file.gz") {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
}

func TestFetchStopped(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	address := served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:200000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	err := publishedContent().fetch(ctx, []string{address}, dir, func(_ string, done, total int64) {
		if total != int64(len(content)) {
			t.Errorf("total is %d, want %d", total, len(content))
		}
		if done == 200000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if size := fileSize(filepath.Join(dir, "file.gz.part")); size != 200000 {
		t.Errorf("%d bytes are kept, want 200000", size)
	}
	if err := fetchContent(served(t, whole))(dir); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dir)
}

func TestFetchPublishedFiles(t *testing.T) {
	for name, set := range publishedSets {
		if len(set.mirrors) < 2 || len(set.files) == 0 {
			t.Errorf("%s has %d mirrors and %d files", name, len(set.mirrors), len(set.files))
		}
		for _, file := range set.files {
			if _, err := hex.DecodeString(file.sum); err != nil || len(file.sum) != 32 && len(file.sum) != 64 {
				t.Errorf("%s: %s has the checksum %q", name, file.name, file.sum)
			}
		}
	}
	if _, err := Fetch(context.Background(), "imagenet", Options{}); err == nil {
		t.Error("an unknown set is not refused")
	}
}

// TestFetchFromMirror takes the published files themselves, if they are at
// hand, from a folder and from a server, and opens them.
func TestFetchFromMirror(t *testing.T) {
	mirror := repository.Dataset(t)
	server := httptest.NewServer(http.FileServer(http.Dir(mirror)))
	defer server.Close()
	for name, mirror := range map[string]string{
		"mnist": filepath.Join(mirror, "mnist"), "fashion-mnist": server.URL + "/",
	} {
		o := Options{Dir: t.TempDir(), Mirror: mirror}
		if _, _, err := Open(name, o); err == nil || !strings.Contains(err.Error(), "hourglass data fetch "+name) {
			t.Errorf("before it is fetched: %v", err)
		}
		dir, err := Fetch(context.Background(), name, o)
		if err != nil || dir != filepath.Join(o.Dir, name) {
			t.Fatalf("%s: %q, %v", name, dir, err)
		}
		if train, test, err := Open(name, o); err != nil || train.Len() != 60000 || test.Len() != 10000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
