# Everything here needs Go and make alone. `make help` lists the targets.

FUZZTIME ?= 10m
GO ?= go

.DEFAULT_GOAL := help
.PHONY: help run build test bench lint fmt fuzz gate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## train on the embedded images and show the result (about two minutes on two cores)
	@bin/hourglass

build: ## build bin/hourglass
	@mkdir -p bin
	$(GO) build -o bin/hourglass ./cmd/hourglass

test: ## run all tests
	$(GO) test ./...

bench: ## run the Go benchmarks; their output is for benchstat
	$(GO) test -run '^$$' -bench . -benchmem ./kernels/cpu ./bench

lint: ## check formatting, go vet and staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

fmt: ## format the sources
	gofmt -w .

fuzz: ## fuzz every parser of foreign bytes, FUZZTIME each (10m)
	@bench/fuzz.sh $(FUZZTIME)

gate: ## train workload W1 on MNIST and Fashion-MNIST in ../shared/datasets and check its error
	bench/gate.sh

clean: ## remove what the other targets made
	rm -rf bin runs
	$(GO) clean -testcache
