package main

import (
	"fmt"
	"os"

	"hourglass/kernels/cuda/internal/abi"
)

func main() {
	if err := generate("include/cuda.h", "driver.c"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(header, driver string) error {
	text, err := os.ReadFile(header)
	if err != nil {
		return fmt.Errorf("generate: run it in kernels/cuda: %w", err)
	}
	h, err := abi.Parse(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(driver, []byte(abi.Driver(h)), 0o644)
}
