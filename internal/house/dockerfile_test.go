package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hourglass/internal/repository"
)

// TestDockerfile compares the Dockerfile with what it relies on: Go's version is
// go.mod's, its make target exists and writes the file that is copied, and both
// stages are of the same system, whose C library the program is linked with.
func TestDockerfile(t *testing.T) {
	root := repository.Root(t)
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	find := func(text, pattern string) string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("there is no %s", pattern)
		}
		return found[1]
	}
	docker, rules := read("Dockerfile"), read("Makefile")
	if image, module := find(docker, `(?m)^FROM golang:([0-9.]+)-`), find(read("go.mod"), `(?m)^go ([0-9]+\.[0-9]+)`); image != module {
		t.Errorf("the image is built with Go %s, and go.mod wants %s", image, module)
	}
	if built, runs := find(docker, `(?m)^FROM golang:[0-9.]+-(\w+) AS build$`), find(docker, `(?m)^FROM debian:(\w+)-slim$`); built != runs {
		t.Errorf("the program is built on %s and runs on %s", built, runs)
	}
	target := find(docker, `(?m)^RUN make (\w+)$`)
	recipe := find(rules, `(?m)^`+target+`:.*\n((?:\t.*\n)+)`)
	folder := find(docker, `(?m)^WORKDIR (/\w+)\nCOPY go`)
	copied, inside := strings.CutPrefix(find(docker, `(?m)^COPY --from=build (\S+) `), folder+"/")
	if !inside || !strings.Contains(recipe, " -o "+copied+" ") {
		t.Errorf("make %s does not write %s, which the image takes:\n%s", target, copied, recipe)
	}
	if entry := find(docker, `(?m)^ENTRYPOINT \["(\w+)"\]$`); find(docker, `(?m)^COPY --from=build \S+ /usr/local/bin/(\w+)$`) != entry {
		t.Errorf("the image starts %s, which nothing puts there", entry)
	}
}
