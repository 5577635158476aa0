package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The page and what limits its pictures.
const (
	tutorialPage    = "tutorial.md"
	largestPicture  = 40 << 10 // bytes
	tutorialDivisor = 20       // of epochs and of exported images
)

var (
	commandBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	pictureLink  = regexp.MustCompile(`!\[[^\]]*\]\(([^)]*)\)`)
	pageLink     = regexp.MustCompile(`[^!]\[[^\]]*\]\(([^):]*)\)`)
)

// TestTutorial runs every command of docs/tutorial.md, one after the other, in
// one folder. It differs from the page in this alone: epochs and exported
// images are a twentieth, and at least one epoch; batches are of 16 images, and two
// threads compute.
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
	var lines []string
	for _, block := range commandBlock.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if line = strings.TrimSpace(line); line != "make build" && !strings.HasPrefix(line, "export PATH=") {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) < 20 {
		t.Fatalf("the page has %d commands", len(lines))
	}
	for _, line := range lines {
		command, ours := strings.CutPrefix(line, "hourglass ")
		if !ours {
			t.Fatalf("%q in a block of commands begins with no hourglass", line)
		}
		code, _, stderr := call(t, shortened(t, command)...)
		if code != exitDone || stderr != "" {
			t.Fatalf("%s: exit %d, %q", line, code, stderr)
		}
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

// shortened are the words of a command of the page, with less to do.
func shortened(t *testing.T, command string) []string {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(command))
	reader.Comma = ' ' // words, between quotation marks where they hold blanks
	words, err := reader.Read()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
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
