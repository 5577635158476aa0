package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"hourglass/kernels/ptx"
)

func main() {
	ptxas := flag.String("ptxas", "ptxas", "NVIDIA's assembler")
	folder := flag.String("ptx", "kernels/ptx", "folder of the .ptx files")
	flag.Parse()
	if err := compile(*ptxas, *folder); err != nil {
		fmt.Fprintln(os.Stderr, "compile:", err)
		os.Exit(1)
	}
}

func compile(ptxas, folder string) error {
	manifest, err := ptx.Committed()
	if err != nil {
		return err
	}
	report := ptx.Compiled{Modules: map[string]ptx.CompiledModule{}}
	if report.Compiler, err = version(ptxas); err != nil {
		return err
	}
	for name, module := range manifest.Modules {
		target := ptx.CompileTarget(name)
		var said bytes.Buffer
		command := exec.Command(ptxas, "-v", "-arch="+target, filepath.Join(folder, name), "-o", os.DevNull)
		command.Stdout, command.Stderr = &said, &said
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s for %s: %w: %s", name, target, err, said.String())
		}
		kernels, err := ptx.ReadCompiler(said.String())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		report.Modules[name] = ptx.CompiledModule{SHA256: module.SHA256, Target: target, Kernels: kernels}
	}
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(text, '\n'))
	return err
}

// version is the last line but one of what ptxas says of itself.
func version(ptxas string) (string, error) {
	said, err := exec.Command(ptxas, "--version").Output()
	lines := bytes.Split(bytes.TrimSpace(said), []byte("\n"))
	if err != nil || len(lines) < 2 {
		return "", fmt.Errorf("%s does not say its version: %v", ptxas, err)
	}
	return string(lines[len(lines)-2]), nil
}
