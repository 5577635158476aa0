package main

import (
	"bytes"
	"image"
	"os"
	"testing"
)

func testSample(t *testing.T) {
	read := func(args ...string) string {
		t.Helper()
		must(t, append([]string{"sample", "a", "-n", "4", "-o", "s.png", "-q"}, args...)...)
		text, err := os.ReadFile("s.png")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	mixture := read("--from", "mixture", "--components", "3", "--threads", "1")
	if mixture != read("--from", "mixture", "--components", "3", "--threads", "2") {
		t.Error("the same seed drew other images from the mixture")
	}
	seen := map[string]string{mixture: "mixture"}
	for _, args := range [][]string{{"--from", "mixture"}, {"--from", "gaussian"}, {"--from", "normal"}, {"--from", "gaussian", "--seed", "2"}} {
		sheet := read(args...)
		if seen[sheet] != "" {
			t.Errorf("%v drew the same images as %s", args, seen[sheet])
		}
		seen[sheet] = args[1]
	}
	wants(t, must(t, "sample", "a", "--from", "mixture", "-n", "3", "-o", "new/"), "fitting to the codes of 224 training images", "mixture of 10, covariances full", "3 images")
	must(t, "sample", "a", "--from", "mixture", "-n", "2", "--seed", "5", "-o", "new") // which is there now
	for _, name := range []string{"new/0001.png", "new/0002.png", "new/0003.png"} {
		if m := readPNG(t, name); m.Bounds() != image.Rect(0, 0, 12, 12) {
			t.Errorf("%s is %v, want 12x12", name, m.Bounds())
		}
	}
	// The default of a variational model is its prior.
	prior := func(args ...string) []byte {
		must(t, append([]string{"sample", "v", "-n", "4", "-o", "p.png", "-q"}, args...)...)
		text, err := os.ReadFile("p.png")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if !bytes.Equal(prior(), prior("--from", "normal")) {
		t.Error("a vae is not sampled from its prior")
	}
	if from := object(t, must(t, "sample", "v", "--json", "-q", "--from", "gaussian"))["from"]; from != "gaussian" {
		t.Errorf("the JSON says %v", from)
	}
	out := must(t, "sample", "v", "-n", "2", "--distance", "20", "--json", "-q")
	distances := map[string]float64{}
	for _, d := range object(t, out)["distances"].([]any) {
		one := d.(map[string]any)
		distances[one["name"].(string)] = one["distance"].(float64)
	}
	if drawn, near, far := distances["images drawn"], distances["training images"], distances["mean image"]; len(distances) != 3 || !(near < drawn && near < far/4) {
		t.Errorf("distances %v", distances)
	}
	wants(t, must(t, "sample", "a", "--from", "gaussian", "-n", "70", "--distance", "9"), "70 images drawn", "distance of 9 images drawn from 9 test images", "mean image")
	refuses(t, exitFailed, map[string]string{"sample a": "by --from mixture", "sample a --from mixture --components 300": "300 components for 224 codes"})
	must(t, "sample", "c", "-n", "20")
	must(t, "sample", "c", "--label", "2", "-n", "4")
	must(t, "recon", "c")
	refuses(t, exitUsage, map[string]string{
		"sample c --label 1000":                   "told of classes 0 to",
		"sample v --distance 1":                   "from 2 to 10000",
		"sample c --distance 9 --label 1":         "leave out --label",
		"sample v --from uniform":                 "--from",
		"sample v -o drawn":                       "drawn is neither a PNG nor a folder",
		"sample v --components 3":                 "add --from mixture",
		"sample v --from mixture --components -1": "--components is -1",
		"sample v --from mixture --components 0":  "--components is 0",
		"sample v -n 1001":                        "name a folder, as in -o samples/",
	})
}
