package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
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
		target, others := ptx.CompileTargets(name)
		compiled := ptx.CompiledModule{SHA256: module.SHA256, Target: target}
		if compiled.Kernels, err = kernels(ptxas, filepath.Join(folder, name), target); err != nil {
			return err
		}
		for _, other := range others {
			all, err := kernels(ptxas, filepath.Join(folder, name), other)
			if err != nil {
				return err
			}
			maps.DeleteFunc(all, func(_ string, k ptx.CompiledKernel) bool { return !k.Spills() })
			if compiled.Spilling == nil {
				compiled.Spilling = map[string]map[string]ptx.CompiledKernel{}
			}
			compiled.Spilling[other] = all
		}
		report.Modules[name] = compiled
	}
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(text, '\n'))
	return err
}

// kernels compiles a module for a GPU.
func kernels(ptxas, path, target string) (map[string]ptx.CompiledKernel, error) {
	said, err := exec.Command(ptxas, "-v", "-arch="+target, path, "-o", os.DevNull).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s for %s: %w: %s", path, target, err, said)
	}
	all, err := ptx.ReadCompiler(string(said))
	if err != nil {
		return nil, fmt.Errorf("%s for %s: %w", path, target, err)
	}
	return all, nil
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
