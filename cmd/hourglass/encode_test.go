package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hourglass/data"
)

func testEncode(t *testing.T) {
	wants(t, must(t, "encode", "v"), "64 codes of 8 numbers, written to codes.npy", "codes.labels.npy")
	array, err := data.ReadArray("codes.npy", "")
	if err != nil || !slices.Equal(array.Shape, []int{64, 8}) {
		t.Fatalf("codes.npy is %v (%v), want 64x8", array.Shape, err)
	}
	labels, err := data.ReadArray("codes.labels.npy", "")
	if err != nil || !slices.Equal(labels.Shape, []int{64}) {
		t.Fatalf("the labels are %v (%v), want 64", labels.Shape, err)
	}

	must(t, "encode", "v", "--split", "test", "-o", "codes.npz")
	for name, want := range map[string]data.Array{"codes": array, "labels": labels} {
		if got, err := data.ReadArray("codes.npz", name); err != nil || !slices.Equal(got.Values, want.Values) {
			t.Errorf("%s of the archive differ from those of the array (%v)", name, err)
		}
	}

	must(t, "encode", "v", "-o", "codes.csv", "--threads", "1")
	if got, err := readCodes("codes.csv", 8); err != nil || !slices.Equal(got, array.Values) {
		t.Errorf("the codes of the table differ (%v)", err)
	}
	lines := table(t, "codes.csv")
	if len(lines) != 65 || !slices.Equal(lines[0][:3], []string{"image", "label", "z0"}) || len(lines[0]) != 10 || lines[1][1] != string(rune('0'+int(labels.Values[0]))) {
		t.Errorf("the table begins with %v, %v, the first label being %g", lines[0], lines[1], labels.Values[0])
	}

	must(t, "encode", "v", "--split", "all", "-o", "all.csv")
	splits := make(map[string]int)
	for _, line := range table(t, "all.csv")[1:] {
		splits[line[1]]++
	}
	if splits["training"] != 224 || splits["validation"] != 32 || splits["test"] != 64 {
		t.Errorf("the parts of the run are %v", splits)
	}

	wants(t, must(t, "encode", "c", "-o", "c.npz"), "64 codes of 8 numbers") // of a model that is told the labels

	must(t, "recon", "v", "-o", "sheet.png")
	must(t, "encode", "v", "sheet.png", "sheet.png", "-o", "two.csv")
	if lines := table(t, "two.csv"); len(lines) != 3 || lines[1][0] != "sheet.png" || lines[0][1] != "z0" || !slices.Equal(lines[1], lines[2]) {
		t.Errorf("the table of two equal pictures is %v", lines)
	}
	for split, want := range map[string]int{"": 14, "test": 5, "training": 9} {
		must(t, "encode", "v", "--source", "glyphs:n=9,test=5", "--split", split, "-o", "others.npy")
		if array, err := data.ReadArray("others.npy", ""); err != nil || array.Shape[0] != want {
			t.Errorf("%v codes of the %s images of another source (%v), want %d", array.Shape, split, err, want)
		}
	}

	for by, says := range map[string]string{"pca": "% of the variance", "tsne": "t-SNE"} {
		wants(t, must(t, "encode", "v", "--map", "map.png", "--by", by), "map: 64 codes of 8 numbers", says, "trustworthiness 0.")
		readPNG(t, "map.png")
	}
	drawn := object(t, must(t, "encode", "v", "--map", "map.png", "--points", "15", "--json", "-q"))["map"].(map[string]any)
	if drawn["points"] != 15.0 || drawn["trustworthiness"] != nil || !(drawn["explained"].(float64) > 0) {
		t.Errorf("the map is %v", drawn)
	}

	refuses(t, exitUsage, map[string]string{
		"encode v -o codes.txt":          "ends in .npy, .npz or .csv",
		"encode v sheet.png --split all": "choose one of them",
		"encode v --by umap":             "--by",
		"encode v --split half":          "--split",
		"encode v --points 1":            "--points is 1",
	})
	refuses(t, exitFailed, map[string]string{
		"encode v --source folder:nowhere":     "nowhere",
		"encode v nowhere.png":                 "nowhere.png",
		"encode v sheet.png --map m.png":       "want at least 3 codes",
		"encode v --source t.png --split test": "has no test images",
	})
}

// table reads a CSV file.
func table(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestEncodeTellsOfDamage: of the run's own images a damaged one is encoded as its
// neighbour, as it was trained on, which is said.
func TestEncodeTellsOfDamage(t *testing.T) {
	t.Chdir(t.TempDir())
	treeOfPictures(t)
	trainSmall(t, "a", "--source", "./tree", "--shape", "1x12x12", "--validation", "0", "--test", "0", "--batch", "2")
	wants(t, must(t, "encode", "a", "--split", "all", "-o", "codes.csv"), "5 codes of 8 numbers", "warning: 1 damaged picture encoded as the next of the class", filepath.Join("tree", "b", "0.png"))
}
