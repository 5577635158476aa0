package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"hourglass/kernels/ptx"
)

func main() {
	compiler := flag.String("compiler", "", "compiler that made the modules, with its version")
	flags := flag.String("flags", "", "flags that it was given")
	sources := flag.String("sources", "kernels", "folder of the .cu and .cuh files")
	modules := flag.String("ptx", "kernels/ptx", "folder of the .ptx files")
	flag.Parse()
	if err := write(*compiler, *flags, *sources, *modules); err != nil {
		fmt.Fprintln(os.Stderr, "manifest:", err)
		os.Exit(1)
	}
}

func write(compiler, flags, sources, modules string) error {
	m, err := ptx.Describe(compiler, flags, os.DirFS(sources), os.DirFS(modules))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(text, '\n'))
	return err
}
