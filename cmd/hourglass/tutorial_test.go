package main

import (
	"encoding/csv"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The page and what limits its pictures.
const (
	tutorialPage    = "tutorial.md"
	largestPicture  = 40 << 10 // bytes
	tutorialDivisor = 20       // of epochs and of exported images
	tutorialDrift   = 0.05     // of a printed number, between machines and versions
)

var wholeTutorial = flag.Bool("whole-tutorial", false, "run docs/tutorial.md unshortened and compare the numbers that it prints, five minutes")

var (
	tutorialBlock  = regexp.MustCompile("(?s)```(sh)?\n(.*?)```")
	tutorialNumber = regexp.MustCompile(`[0-9][0-9.]*`)
	tutorialSpeed  = regexp.MustCompile(`^(time|images/s) .*|\S+ img/s .*`)
	// tutorialVerdict begins lines that are others where a model has hardly learned, and
	// rows of images and filters, which are then not the same.
	tutorialVerdict = regexp.MustCompile(`^(The model|JPEG cannot|median|[#. ]+anomaly)`)
	pictureLink     = regexp.MustCompile(`!\[[^\]]*\]\(([^)]*)\)`)
	pageLink        = regexp.MustCompile(`[^!]\[[^\]]*\]\(([^):]*)\)`)
)

// TestTutorial runs every command of docs/tutorial.md, one after the other, in
// one folder, and looks for the lines that it prints. It differs from the page in this
// alone: epochs and exported images are a twentieth, and at least one epoch; batches are
// of 16 images, and two threads compute. With -whole-tutorial nothing is shortened, and
// the numbers of the page must be about those that are printed.
func TestTutorial(t *testing.T) {
	docs, err := filepath.Abs(filepath.Join("..", "..", "docs"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, tutorialPage))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	commands, printed := 0, 0
	var out string // of the commands of the last block
	for _, block := range tutorialBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "" {
			printed += comparePrinted(t, block[2], out)
			continue
		}
		out = ""
		for line := range strings.Lines(block[2]) {
			if line = strings.TrimSpace(line); line == "make build" || strings.HasPrefix(line, "export PATH=") {
				continue
			}
			command, ours := strings.CutPrefix(line, "hourglass ")
			if !ours {
				t.Fatalf("%q in a block of commands begins with no hourglass", line)
			}
			code, stdout, stderr := call(t, shortened(t, command)...)
			if code != exitDone || stderr != "" {
				t.Fatalf("%s: exit %d, %q", line, code, stderr)
			}
			out += stdout
			commands++
		}
	}
	if commands < 20 || printed < 30 {
		t.Fatalf("the page has %d commands and %d lines that they print", commands, printed)
	}
	for _, link := range pictureLink.FindAllStringSubmatch(string(text), -1) {
		if info, err := os.Stat(filepath.Join(docs, link[1])); err != nil {
			t.Error(err)
		} else if info.Size() > largestPicture {
			t.Errorf("%s has %d bytes, want at most %d", link[1], info.Size(), largestPicture)
		}
	}
	for _, link := range pageLink.FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(docs, link[1])); err != nil {
			t.Error(err)
		}
	}
}

// comparePrinted looks for lines of the page in what the commands before them printed,
// and returns how many it has looked for.
func comparePrinted(t *testing.T, page, out string) (lines int) {
	t.Helper()
	for want := range strings.Lines(page) {
		want = strings.TrimSpace(tutorialSpeed.ReplaceAllString(want, ""))
		if want == "" || want == "..." || strings.Trim(want, "─") == "" || !*wholeTutorial && tutorialVerdict.MatchString(wordsOf(want)) {
			continue
		}
		lines++
		var alike []string
		for got := range strings.Lines(out) {
			if got = tutorialSpeed.ReplaceAllString(got, ""); wordsOf(got) == wordsOf(want) {
				alike = append(alike, strings.TrimSpace(got))
			}
		}
		switch {
		case len(alike) == 0:
			t.Errorf("the page has the line %q, and nothing like it is printed:\n%s", want, out)
		case *wholeTutorial && !slices.ContainsFunc(alike, func(got string) bool { return nearNumbers(want, got) }):
			t.Errorf("the page has the line %q, and printed is\n%s", want, strings.Join(alike, "\n"))
		}
	}
	return lines
}

// wordsOf is a line without its numbers.
func wordsOf(line string) string {
	return strings.Join(strings.Fields(tutorialNumber.ReplaceAllString(line, "#")), " ")
}

// nearNumbers reports whether the numbers of two lines with the same words are about
// the same. Which image has a score makes no difference.
func nearNumbers(page, printed string) bool {
	a, b := tutorialNumber.FindAllString(page, -1), tutorialNumber.FindAllString(printed, -1)
	if strings.HasSuffix(page, ".png") && len(a) > 1 {
		a = a[:1]
	}
	for i := range a {
		x, _ := strconv.ParseFloat(strings.TrimRight(a[i], "."), 64)
		y, _ := strconv.ParseFloat(strings.TrimRight(b[i], "."), 64)
		if math.Abs(x-y) > tutorialDrift*math.Max(x, y) {
			return false
		}
	}
	return true
}

// TestNearNumbers: a twentieth apart is near, and which image it is makes no difference.
func TestNearNumbers(t *testing.T) {
	for _, c := range []struct {
		page, printed string
		near          bool
	}{
		{"PCA, 16 components   0.9199  0.9553", "PCA, 16 components   0.9201  0.9302", true},
		{"PCA, 16 components   0.9199  0.9553", "PCA, 17 components   0.9199  0.9553", false},
		{"229 of 400 images are above", "244 of 400 images are above", false},
		{"0.1226  anomaly      5  pictures/5/01365.png", "0.1236  anomaly      9  pictures/9/03819.png", true},
		{"0.1226  anomaly      5  pictures/5/01365.png", "0.1326  anomaly      5  pictures/5/01365.png", false},
	} {
		if near := nearNumbers(c.page, c.printed); near != c.near {
			t.Errorf("%q and %q are near: %v, want %v", c.page, c.printed, near, c.near)
		}
	}
}

// shortened are the words of a command of the page, with less to do.
func shortened(t *testing.T, command string) []string {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(command))
	reader.Comma = ' ' // words, between quotation marks where they hold blanks
	words, err := reader.Read()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	if *wholeTutorial {
		return words
	}
	for i, word := range words[:len(words)-1] {
		n, err := strconv.Atoi(words[i+1])
		if err == nil && (word == "--epochs" || words[0] == "data" && words[1] == "export" && word == "--count" && n > 1000) {
			words[i+1] = strconv.Itoa((n + tutorialDivisor - 1) / tutorialDivisor)
		}
	}
	if words[0] == "train" {
		words = append(words, "--batch", "16", "--threads", "2")
	}
	return words
}
