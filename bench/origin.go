package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Origin says where figures come from.
type Origin struct {
	Date    string `json:"date"`
	Commit  string `json:"commit"`
	Machine string `json:"machine"`
	Go      string `json:"go"`
}

// Here is where this process measures, in a checkout of the repository.
func Here() Origin {
	o := Origin{Date: time.Now().Format(time.DateOnly), Go: runtime.Version(), Machine: fmt.Sprintf("%d CPUs", runtime.NumCPU())}
	if text, err := exec.Command("git", "rev-parse", "--short=10", "HEAD").Output(); err == nil {
		o.Commit = strings.TrimSpace(string(text))
	}
	text, _ := os.ReadFile("/proc/cpuinfo") // on Linux alone; elsewhere the count must do
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			o.Machine += " of " + strings.TrimSpace(value)
			break
		}
	}
	return o
}
