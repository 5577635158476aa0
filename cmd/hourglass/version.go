package main

import (
	"runtime"
	"runtime/debug"
)

// build says what program this is.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Changed bool   `json:"changed,omitempty"` // built from a tree that differs from the commit
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// version reads what the linker noted.
func version() build {
	b := build{Version: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.modified":
			b.Changed = setting.Value == "true"
		}
	}
	return b
}

type versionCommand struct{}

func (versionCommand) Run(s *session) error {
	b := version()
	s.print("hourglass %s, %s, %s/%s", b.Version, b.Go, b.OS, b.Arch)
	if b.Commit != "" {
		changed := ""
		if b.Changed {
			changed = ", changed since"
		}
		s.print("commit %.12s%s", b.Commit, changed)
	}
	return s.give(b)
}
