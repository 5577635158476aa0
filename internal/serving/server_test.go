package serving

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hourglass/data"
	"hourglass/models"
)

// openServer serves a model with limits that a test can reach.
func openServer(t testing.TB, model models.Model) *Server {
	t.Helper()
	in := model.Input()
	return NewServer(openEngine(t, model, Batching{Rows: 8, Queue: 64}),
		Description{Run: "small", Kind: "vae", Input: data.Shape{C: in.C, H: in.H, W: in.W}, Code: model.CodeSize(), SHA256: "0f"},
		Limits{Body: 64 << 10, Pixels: 100 * 100, Images: 12, Timeout: time.Hour}, nil)
}

// send posts a body and returns status, header and body of the answer.
func send(t testing.TB, h http.Handler, path, kind, accept string, body []byte) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequest("POST", path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), w.Body.Bytes()
}

// postJSON posts a value and reads the answer, which must be good.
func postJSON[T any](t testing.TB, h http.Handler, path string, value any) (answer T) {
	t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	response, text := send(t, h, path, jsonType, "", body)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", path, response.Status, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s: %v in %s", path, err, text)
	}
	return answer
}

func get(t testing.TB, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

// drawing is a picture file of a gradient.
func drawing(t testing.TB, w, h int, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, w, h))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i * 255 / len(picture.Pix))
	}
	var file bytes.Buffer
	if err := encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func asPNG(t testing.TB, w, h int) []byte { return drawing(t, w, h, png.Encode) }

type codesAnswer struct{ Codes [][]float32 }

func TestJSONInAndOut(t *testing.T) {
	model := variational(t)
	s := openServer(t, model)
	images := split(noise(3, shape.Size()), shape.Size())
	want, err := s.engine.Inspect(t.Context(), slices.Concat(images...), 3)
	if err != nil {
		t.Fatal(err)
	}
	codes := postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": images}).Codes
	if !slices.Equal(slices.Concat(codes...), want.Codes) {
		t.Error("the codes are not the model's")
	}
	var nested [][][]float32
	for _, row := range split(images[0], shape.W) {
		nested = append(nested, split(row, 1))
	}
	again := postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": []any{nested, split(images[1], shape.W)}}).Codes
	if !slices.Equal(again[0], codes[0]) || !slices.Equal(again[1], codes[1]) {
		t.Error("nested numbers give other codes")
	}
	decoded := postJSON[struct{ Images [][][][]float32 }](t, s, "/v1/decode", map[string]any{"codes": codes}).Images
	made := postJSON[struct{ Images [][][][]float32 }](t, s, "/v1/reconstruct", map[string]any{"images": images}).Images
	for i := range images {
		var a, b []float32
		for y := range shape.H {
			a, b = append(a, slices.Concat(decoded[i][y]...)...), append(b, slices.Concat(made[i][y]...)...)
		}
		if !slices.Equal(a, b) || !slices.Equal(a, want.Reconstructions[i*shape.Size():(i+1)*shape.Size()]) {
			t.Errorf("image %d: decoded codes, reconstruction and the model's differ", i)
		}
	}
	scores := postJSON[struct{ Scores []Score }](t, s, "/v1/score", map[string]any{"images": images}).Scores
	for i, score := range scores {
		sum := 0.0
		for j, v := range images[i] {
			d := float64(v) - float64(want.Reconstructions[i*shape.Size()+j])
			sum += d * d / float64(shape.Size())
		}
		if math.Abs(score.MSE-sum) > 1e-12 || score.KL == nil || *score.KL <= 0 {
			t.Errorf("image %d has the score %v, want an MSE of %g", i, score, sum)
		}
	}
	for _, score := range scores {
		if score.Anomaly != nil {
			t.Error("an image is called an anomaly or none without a threshold")
		}
	}
	s.description.Threshold = &scores[0].MSE
	for i, score := range postJSON[struct{ Scores []Score }](t, s, "/v1/score", map[string]any{"images": images}).Scores {
		if score.Anomaly == nil || *score.Anomaly != (scores[i].MSE > scores[0].MSE) {
			t.Errorf("image %d of error %g is an anomaly: %v, above %g", i, score.MSE, score.Anomaly, scores[0].MSE)
		}
	}
	plain := openServer(t, deterministic(t))
	if score := postJSON[struct{ Scores []Score }](t, plain, "/v1/score", map[string]any{"images": images}).Scores[0]; score.KL != nil {
		t.Errorf("a code without a distribution has the divergence %g", *score.KL)
	}
}

func TestFilesInAndOut(t *testing.T) {
	s := openServer(t, variational(t))
	exact := asPNG(t, shape.W, shape.H)
	response, npy := send(t, s, "/v1/encode", pngType, "*/*", exact)
	array, err := data.ParseArray(npy)
	code := array.Values
	if err != nil || !slices.Equal(array.Shape, []int{1, 5}) || response.Header.Get("Content-Type") != npyType {
		t.Fatalf("encode gave %v, %v, %v", response.Header, array.Shape, err)
	}
	inJSON := postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": []string{
		base64.StdEncoding.EncodeToString(exact), "data:image/png;base64," + base64.StdEncoding.EncodeToString(exact)}}).Codes
	if !slices.Equal(inJSON[0], code) || !slices.Equal(inJSON[1], code) {
		t.Error("the same file gives another code in JSON")
	}
	response, file := send(t, s, "/v1/decode", npyType, "", npy)
	if picture, err := png.Decode(bytes.NewReader(file)); err != nil || picture.Bounds() != image.Rect(0, 0, shape.W, shape.H) || response.Header.Get("Content-Type") != pngType {
		t.Errorf("decode gave %v, %v", response.Header, err)
	}
	if _, made := send(t, s, "/v1/reconstruct", pngType, "", exact); !bytes.Equal(made, file) {
		t.Error("the reconstruction is not the decoded code")
	}
	large := drawing(t, 60, 80, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
	if response, text := send(t, s, "/v1/reconstruct", "image/jpeg", jsonType, large); response.StatusCode != 200 || !bytes.HasPrefix(text, []byte(`{"images":[[[[`)) {
		t.Errorf("a JPEG, JSON accepted: %s %.80s", response.Status, text)
	}
	asText := postJSON[struct{ Images []string }](t, s, "/v1/decode", map[string]any{"codes": inJSON, "format": "png"}).Images
	if decoded, err := base64.StdEncoding.DecodeString(asText[1]); err != nil || !bytes.Equal(decoded, file) {
		t.Errorf("PNG in JSON is another: %v", err)
	}
	both, _ := json.Marshal(map[string]any{"codes": inJSON})
	if response, file := send(t, s, "/v1/decode", jsonType, npyType, both); response.StatusCode != 200 || !bytes.Contains(file, []byte("(2, 9, 7, 1")) {
		t.Errorf("two images as NPY: %s %.90q", response.Status, file)
	}
}

func TestRefusals(t *testing.T) {
	s := openServer(t, variational(t))
	flat := func(v string) string {
		return `{"images":[[` + strings.TrimSuffix(strings.Repeat(v+",", shape.Size()), ",") + `]]}`
	}
	nan := &bytes.Buffer{}
	if err := data.WriteNPY(nan, data.Array{Shape: []int{1, 5}, Values: []float32{1, 2, float32(math.NaN()), 4, 5}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, kind, accept, body string
		status                   int
		want                     string
	}{
		{"encode", jsonType, "", `{"images":[]}`, 400, "0 images, want 1 to 12"},
		{"encode", jsonType, "", `{"images":[` + strings.Repeat("1,", 12) + `1]}`, 400, "13 images"},
		{"encode", jsonType, "", `{"images":[[1,2]]}`, 400, "image 0: it is no image of 9 rows of 7 pixels of 1 numbers"},
		{"encode", jsonType, "", `{"images":[[[1,2],[1]]]}`, 400, "no image"},
		{"encode", jsonType, "", flat("255"), 400, "divide bytes by 255"},
		{"encode", jsonType, "", flat("1e99"), 400, "no image"},
		{"encode", jsonType, "", `{"images":["!"]}`, 400, "not base64"},
		{"encode", jsonType, "", `{"images":["aGVsbG8="]}`, 400, "not a PNG, JPEG"},
		{"encode", jsonType, "", `{"images":[],"imges":[]}`, 400, "imges"},
		{"encode", jsonType, "", `{"codes":[[1,2,3,4,5]]}`, 400, "want images"},
		{"encode", jsonType, "", `{"images":`, 400, "not the JSON that is wanted: it ends within a value"},
		{"encode", jsonType, "", `{"images":[]} {}`, 400, "more behind"},
		{"encode", jsonType, "", ``, 400, "it is empty"},
		{"encode", jsonType, "", `{"image":[]}`, 400, "unknown field image; there are images, codes, labels, label, format"},
		{"encode", jsonType, "", `[1]`, 400, "found array, want an object"},
		{"encode", jsonType, "", `{"images":[1],"label":1.5}`, 400, "label: found number 1.5, want a whole number"},
		{"decode", jsonType, "", `{"codes":"x"}`, 400, "codes: found string, want an array"},
		{"decode", jsonType, "", `{"codes":[["x"]]}`, 400, "codes: found string, want a number"},
		{"decode", jsonType, "", `{"codes":[[1]],"format":1}`, 400, "format: found number, want a string"},
		{"encode", "text/plain", "", `{}`, 415, "want application/json or a picture's, such as image/png"},
		{"decode", pngType, "", `{}`, 415, "want application/json or application/x-npy"},
		{"encode", "image/tiff", "", "II*\x00", 400, "TIFF is not read"},
		{"encode", pngType, "", string(asPNG(t, 101, 100)), 400, "101 x 100 pixels are more than the 10000"},
		{"encode", pngType, pngType, string(asPNG(t, 5, 5)), 406, "no picture"},
		{"encode", pngType, "", strings.Repeat("x", 65<<10), 413, "more than 65536 bytes"},
		{"encode", jsonType, "", `{"images":[` + strings.Repeat(" ", 65<<10), 413, "more than 65536 bytes"},
		{"decode", jsonType, "", `{"codes":[[1,2,3]]}`, 400, "code 0 has 3 numbers, want 5"},
		{"decode", jsonType, "", `{"codes":[[1,2,3,4,1e39]]}`, 400, "not the JSON"},
		{"decode", jsonType, "", `{"images":[1]}`, 400, "want codes"},
		{"decode", jsonType, "", `{"codes":[[1,2,3,4,5]],"format":"gif"}`, 400, "choose array or png"},
		{"decode", jsonType, pngType, `{"codes":[[1,2,3,4,5],[1,2,3,4,5]]}`, 406, "no one picture"},
		{"decode", npyType, "", nan.String(), 400, "row 0, column 2 is NaN"},
		{"decode", npyType, "", "\x93NUMPY", 400, "cannot be read"},
		{"rot13", jsonType, "", ``, 404, "there is nothing at /v1/rot13"},
	} {
		response, text := send(t, s, "/v1/"+c.path, c.kind, c.accept, []byte(c.body))
		var said struct{ Error string }
		if err := json.Unmarshal(text, &said); err != nil || response.StatusCode != c.status || !strings.Contains(strings.Trim(strings.ReplaceAll(said.Error, `"`, ""), " "), c.want) || bytes.Count(text, []byte("\n")) != 1 {
			t.Errorf("%s %.60q: %s %s, want %d and %q", c.path, c.body, response.Status, text, c.status, c.want)
		}
	}
	plain := openServer(t, deterministic(t)) // whose pixels have no bounds
	if response, text := send(t, plain, "/v1/decode", jsonType, "", []byte(`{"codes":[[3e38,3e38,-3e38,3e38,3e38,3e38]]}`)); response.StatusCode != 422 || !strings.Contains(string(text), "not finite") {
		t.Errorf("codes beyond all measure: %s %s", response.Status, text)
	}
	if status, text := get(t, s, "/v1/encode"); status != 405 || !strings.Contains(text, "want POST") {
		t.Errorf("GET gave %d %s", status, text)
	}
	for _, path := range []string{"/v1/model", "/healthz", "/readyz", "/metrics"} {
		if response, text := send(t, s, path, "", "", nil); response.StatusCode != 405 || response.Header.Get("Allow") != "GET" || !strings.Contains(string(text), "want GET") {
			t.Errorf("POST to %s gave %s %s", path, response.Status, text)
		}
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	s := openServer(t, variational(t))
	var reported []error
	s.report = func(err error) { reported = append(reported, err) }
	inner := s.engine.encode.run
	s.engine.encode.run = func(rows []float32, n int) (answer, error) {
		if n == 2 {
			var nowhere []float32
			nowhere[n] = 1
		}
		return inner(rows, n)
	}
	h := s.actions.Handler("planted", func(http.ResponseWriter, *http.Request) error { panic("planted") })
	if response, text := send(t, h, "/", "", "", nil); response.StatusCode != 500 || !strings.Contains(string(text), "not in the request: planted") {
		t.Errorf("got %s %s", response.Status, text)
	}
	images := split(noise(2, shape.Size()), shape.Size())
	body, _ := json.Marshal(map[string]any{"images": images})
	if response, _ := send(t, s, "/v1/encode", jsonType, "", body); response.StatusCode != 500 {
		t.Errorf("a panic of the model gave %s", response.Status)
	}
	postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": images[:1]})
	if _, text := get(t, s, "/metrics"); !strings.Contains(text, "hourglass_faults_total 2\n") || len(reported) != 2 {
		t.Errorf("%d reports, and\n%s", len(reported), text)
	}
}

var sample = regexp.MustCompile(`^([a-z_]+)(?:\{([a-z]+="[^"\\]*",?)+\})? (\S+)$`)

// A sender that goes away is no fault of the server's.
func TestASenderGoesAway(t *testing.T) {
	s := openServer(t, variational(t))
	s.report = func(err error) { t.Errorf("reported: %v", err) }
	ctx, leave := context.WithCancel(t.Context())
	body, _ := json.Marshal(map[string]any{"images": split(noise(1, shape.Size()), shape.Size())})
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/encode", bytes.NewReader(body))
	request.Header.Set("Content-Type", jsonType)
	leave()
	s.ServeHTTP(httptest.NewRecorder(), request)
	if _, text := get(t, s, "/metrics"); !strings.Contains(text, `hourglass_requests_total{endpoint="encode",status="499"} 1`) {
		t.Errorf("the request is not counted as given up:\n%s", text)
	}
}

func TestMetrics(t *testing.T) {
	s := openServer(t, variational(t))
	images := split(noise(3, shape.Size()), shape.Size())
	postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": images})
	send(t, s, "/v1/encode", "text/plain", "", nil)
	status, text := get(t, s, "/metrics")
	if status != 200 {
		t.Fatal(text)
	}
	declared := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			declared[strings.Fields(name)[0]] = true
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("no sample: %q", line)
		}
		base := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !declared[base] && !declared[m[1]] {
			t.Errorf("%s has no type", m[1])
		}
	}
	for _, want := range []string{
		`hourglass_requests_total{endpoint="encode",status="200"} 1`, `hourglass_requests_total{endpoint="encode",status="415"} 1`,
		`hourglass_request_seconds_count{endpoint="encode"} 2`, `hourglass_request_seconds_bucket{endpoint="encode",le="+Inf"} 2`,
		`hourglass_batch_images_bucket{graph="encode",le="2"} 0`, `hourglass_batch_images_bucket{graph="encode",le="4"} 1`, `hourglass_batch_images_sum{graph="encode"} 3`,
		`hourglass_queue_images{graph="encode"} 0`, "hourglass_requests_in_flight 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if _, text := get(t, s, "/v1/model"); !strings.Contains(text, `"input":{"channels":1,"height":9,"width":7}`) || !strings.Contains(text, `"code_size":5`) || !strings.Contains(text, `"sha256":"0f"`) {
		t.Errorf("the model is %s", text)
	}
}

func TestGuard(t *testing.T) {
	loop := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	wide := &net.TCPAddr{IP: net.IPv4zero, Port: 8080}
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	for _, c := range []struct {
		hosts        func(string) bool
		host, origin string
		status       int
	}{
		{Hosts(loop), "127.0.0.1:8080", "", 200},
		{Hosts(loop), "localhost", "http://localhost", 200},
		{Hosts(loop), "[::1]:8080", "", 200},
		{Hosts(loop), "LOCALHOST:8080", "", 200},
		{Hosts(loop), "192.168.0.7:8080", "", 421},
		{Hosts(loop), "evil.example", "", 421},
		{Hosts(loop), "localhost.evil.example", "", 421},
		{Hosts(loop), "", "", 421},
		{Hosts(loop, "box"), "box:8080", "http://box:8080", 200},
		{Hosts(wide), "192.168.0.7:8080", "", 200},
		{Hosts(wide), "evil.example:8080", "", 421},
		{nil, "any.example", "https://any.example", 200},
		{Hosts(loop), "127.0.0.1:8080", "http://127.0.0.1:9090", 403},
		{Hosts(loop), "127.0.0.1:8080", "http://evil.example", 403},
		{Hosts(loop), "127.0.0.1:8080", "null", 403},
		{Hosts(loop), "127.0.0.1:8080", "ftp://127.0.0.1:8080", 403},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		Guard(c.hosts, ok).ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("host %q, origin %q: %d, want %d", c.host, c.origin, w.Code, c.status)
		}
	}
	r := httptest.NewRequest("POST", "http://127.0.0.1/", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if Guard(nil, ok).ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("a cross-site request gave %d", w.Code)
	}
}

// While a server drains, what it has is finished, what comes is refused, and
// then it ends.
func TestDrain(t *testing.T) {
	s := openServer(t, variational(t))
	release, started := make(chan struct{}), make(chan struct{}, 1)
	inner := s.engine.encode.run
	s.engine.encode.run = func(rows []float32, n int) (answer, error) {
		started <- struct{}{}
		<-release
		return inner(rows, n)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Listen(ctx, listener, s, s.actions.Limits, time.Hour, s.Drain) }()
	url := "http://" + listener.Addr().String()
	body, _ := json.Marshal(map[string]any{"images": split(noise(1, shape.Size()), shape.Size())})
	post := func() (int, string) {
		response, err := http.Post(url+"/v1/encode", jsonType, bytes.NewReader(body))
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, fmt.Sprint(response.Header.Get("Retry-After"), string(text))
	}
	var status int
	var first sync.WaitGroup
	first.Go(func() { status, _ = post() })
	<-started
	if code, _ := get(t, s, "/readyz"); code != 200 {
		t.Errorf("before, /readyz gave %d", code)
	}
	end()
	for !s.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	if status, text := post(); status != 503 || !strings.HasPrefix(text, `1{"error":`) {
		t.Errorf("while draining: %d %s", status, text)
	}
	if code, _ := get(t, s, "/readyz"); code != 503 {
		t.Errorf("while draining, /readyz gave %d", code)
	}
	if code, _ := get(t, s, "/healthz"); code != 200 {
		t.Errorf("while draining, /healthz gave %d", code)
	}
	close(release)
	if first.Wait(); status != 200 {
		t.Errorf("the request in flight got %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it still listens: %v", err)
	}
}

func TestABusyServerSaysWhen(t *testing.T) {
	w := httptest.NewRecorder()
	Fail(w, fmt.Errorf("encoding: %w", ErrBusy))
	if w.Code != 429 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("busy: %d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	Fail(w, context.DeadlineExceeded)
	if w.Code != 503 {
		t.Errorf("too late: %d", w.Code)
	}
	if w = httptest.NewRecorder(); true {
		Fail(w, errors.New("two\nlines"))
		if got := w.Body.String(); got != `{"error":"two lines"}`+"\n" {
			t.Errorf("got %q", got)
		}
	}
}

func FuzzRequests(f *testing.F) {
	s := openServer(f, variational(f))
	s.report = func(err error) { f.Errorf("a fault: %v", err) }
	f.Add("encode", jsonType, []byte(`{"images":[[1]]}`))
	f.Add("decode", npyType, []byte("\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 5), }"))
	f.Add("score", pngType, asPNG(f, 7, 9))
	f.Fuzz(func(t *testing.T, path, kind string, body []byte) {
		if path != "encode" && path != "decode" && path != "score" && path != "reconstruct" {
			return
		}
		response, text := send(t, s, "/v1/"+path, kind, "", body)
		if response.StatusCode >= 500 {
			t.Errorf("%d %s", response.StatusCode, text)
		}
	})
}
