package serving

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/train"
)

// TestConditional wants each row computed with its own class, whichever others
// share its batch, and each way to name classes.
func TestConditional(t *testing.T) {
	model := conditional(t)
	s := openServer(t, model)
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	runner, err := train.NewRunner(device, model, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	images, labels := noise(3, shape.Size()), []int{2, 0, 1}
	want, err := runner.Inspect(images, 3, labels...)
	if err != nil {
		t.Fatal(err)
	}
	rows := split(images, shape.Size())
	codes := postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": rows, "labels": labels}).Codes
	if !slices.Equal(slices.Concat(codes...), want.Codes) {
		t.Error("the codes are not the model's")
	}
	made := postJSON[struct{ Images [][][][]float32 }](t, s, "/v1/decode", map[string]any{"codes": codes, "labels": labels}).Images
	if got := slices.Concat(slices.Concat(slices.Concat(made...)...)...); !slices.Equal(got, want.Reconstructions) {
		t.Error("the images are not the model's")
	}
	// One class for all, in JSON and behind the address.
	alone := postJSON[codesAnswer](t, s, "/v1/encode", map[string]any{"images": rows[1:2], "label": 0}).Codes
	again := postJSON[codesAnswer](t, s, "/v1/encode?label=0", map[string]any{"images": rows[1:2]}).Codes
	if !slices.Equal(alone[0], codes[1]) || !slices.Equal(again[0], codes[1]) {
		t.Error("one label for all is not that of each")
	}
	if response, text := send(t, s, "/v1/reconstruct?label=2", pngType, "", asPNG(t, shape.W, shape.H)); response.StatusCode != http.StatusOK {
		t.Errorf("a picture with a label: %s", text)
	}
	for _, c := range []struct {
		server     *Server
		path, body string
		says       string
	}{
		{s, "/v1/decode", `{"codes":[[0,0]]}`, "told the class of each image; give a label from 0 to 2"},
		{s, "/v1/decode", `{"codes":[[0,0]],"labels":[0,1]}`, "there are 2 labels, want 1"},
		{s, "/v1/decode", `{"codes":[[0,0]],"label":3}`, "the label of row 0 is 3, want 0 to 2"},
		{s, "/v1/decode", `{"codes":[[0,0]],"label":1,"labels":[1]}`, "give one of them"},
		{s, "/v1/decode?label=x", `{"codes":[[0,0]]}`, "want the number of a class"},
		{openServer(t, deterministic(t)), "/v1/decode", `{"codes":[[0,0,0,0,0,0]],"label":1}`, "is told no class"},
	} {
		response, text := send(t, c.server, c.path, jsonType, "", []byte(c.body))
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), c.says) {
			t.Errorf("%s %s: %s %s; want %q", c.path, c.body, response.Status, text, c.says)
		}
	}
}
