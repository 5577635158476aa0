package ptx

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed *.ptx manifest.json compiled.json
var files embed.FS

// Module is the PTX of one source file.
type Module struct {
	Name       string // of the source, such as "convolve"
	Capability int    // 75 for 7.5
	Text       string
}

// Has reports whether the module has a kernel.
func (m Module) Has(kernel string) bool { return strings.Contains(m.Text, ".entry "+kernel+"(") }

var isaVersion = regexp.MustCompile(`(?m)^\.version (\d+)\.(\d+)$`)

// CUDA is the version that a driver must know to take the module: PTX 7.0 came with
// CUDA 11.0, 7.5 with 11.5 and 8.0 with 12.0.
func (m Module) CUDA() (major, minor int) {
	found := isaVersion.FindStringSubmatch(m.Text)
	if found == nil {
		return 0, 0
	}
	return number(found[1]) + 4, number(found[2])
}

// Modules returns for each source the newest PTX that a GPU of the capability
// (75 for 7.5) can run, in alphabetical order.
func Modules(capability int) ([]Module, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("ptx: %w", err)
	}
	var modules []Module
	for _, entry := range entries { // sorted by name, and so by source and capability
		name, target, only, ok := split(entry.Name())
		if !ok || target > capability || only && target != capability {
			continue
		}
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("ptx: %w", err)
		}
		module := Module{name, target, string(text)}
		if last := len(modules) - 1; last >= 0 && modules[last].Name == name {
			modules[last] = module
			continue
		}
		modules = append(modules, module)
	}
	if len(modules) == 0 {
		return nil, fmt.Errorf("ptx: the GPU has compute capability %d.%d, the kernels need 7.5 or later", capability/10, capability%10)
	}
	return modules, nil
}

// Sum is the SHA-256 of the texts of modules, by which one set of kernels is told
// from another.
func Sum(modules []Module) string {
	sum := sha256.New()
	for _, m := range modules {
		sum.Write([]byte(m.Text))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// split takes "convolve.sm_75.ptx" apart; "a" behind the number says that the PTX
// is for this capability only.
func split(file string) (name string, capability int, only, ok bool) {
	name, ok = strings.CutSuffix(file, ".ptx")
	if !ok {
		return "", 0, false, false
	}
	target := path.Ext(name)
	number, only := strings.CutSuffix(strings.TrimPrefix(target, ".sm_"), "a")
	capability, err := strconv.Atoi(number)
	return strings.TrimSuffix(name, target), capability, only, err == nil
}

// Committed is the manifest of the modules.
func Committed() (Manifest, error) {
	var m Manifest
	text, err := files.ReadFile("manifest.json")
	if err != nil {
		return m, fmt.Errorf("ptx: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("ptx: manifest.json: %w", err)
	}
	return m, nil
}
