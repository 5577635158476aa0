# Everything here needs Go and make alone. `make help` lists the targets.

FUZZTIME ?= 10m
GO ?= go
PYTHON ?= python3

# Tests end when they are done; the limit is for those that hang, not for slow machines.
TEST := $(GO) test -timeout 1h

.DEFAULT_GOAL := help
.PHONY: help run build release gpu test test-gpu race test-arm64 gpu-check bench loadtest lint fmt check-header check-tensorboard check-pages kernels fuzz gate gates tutorial models interop peers browser clean

# What a build with CUDA support needs besides a C compiler: our own header of
# the driver's functions, for gorgonia.org/cu finds it by no other way.
GPU_BUILD := CGO_ENABLED=1 CGO_CFLAGS="$(CGO_CFLAGS) -I$(CURDIR)/kernels/cuda/include"
GPU_PACKAGES := ./graph ./train ./kernels/cuda/... ./bench/gpucheck

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## train on the embedded images and show the result (about two minutes on two cores)
	@bin/hourglass

build: ## build bin/hourglass
	@mkdir -p bin
	$(GO) build -o bin/hourglass ./cmd/hourglass

RELEASES := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

release: ## build for Linux, macOS and Windows into bin/release, with manual pages and completions
	rm -rf bin/release && mkdir -p bin/release/completion
	for target in $(RELEASES); do \
		suffix=; [ "$${target%/*}" = windows ] && suffix=.exe; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -trimpath -ldflags '-s -w' -o bin/release/hourglass-$${target%/*}-$${target#*/}$$suffix ./cmd/hourglass || exit 1; \
	done
	$(GO) run ./cmd/hourglass manual -o bin/release/man
	for shell in bash zsh fish; do $(GO) run ./cmd/hourglass completion $$shell >bin/release/completion/hourglass.$$shell || exit 1; done
	cd bin/release && sha256sum hourglass-* >SHA256SUMS

gpu: ## build bin/hourglass with CUDA support (needs a C compiler, no CUDA toolkit, no GPU)
	@mkdir -p bin
	$(GPU_BUILD) $(GO) build -tags gpu -o bin/hourglass ./cmd/hourglass
	@! readelf -d bin/hourglass | grep NEEDED | grep -q libcuda || { echo "bin/hourglass would not start without libcuda"; exit 1; }

# The kernels on the emulator take the longest of all, and both processors: they
# are run once, by test-gpu.
EMULATOR := hourglass/internal/emulator

test: ## run all tests; with a C++ compiler those of the CUDA path too, on an emulated driver
	$(TEST) $$($(GO) list ./... | grep -v '^$(EMULATOR)$$')
	@$(TEST) -short -run '^$$' -bench . -benchtime 1x ./kernels/cpu ./bench >/dev/null || { echo "a benchmark does not run"; exit 1; }
	@if command -v gcc >/dev/null && command -v g++ >/dev/null; then $(MAKE) -s test-gpu; \
	else echo "no gcc and g++: the CUDA path was not tested"; fi

test-gpu: ## run the tests of the CUDA path, on an emulated driver or, with REQUIRE_GPU=1, on the GPU
	$(GPU_BUILD) $(GO) vet -tags gpu ./...
	$(GPU_BUILD) $(GO) tool staticcheck -tags gpu ./...
	$(GPU_BUILD) $(TEST) -tags gpu $(GPU_PACKAGES)
	$(GPU_BUILD) $(TEST) -tags gpu -run 'OnCUDA|^TestGPUBuild' ./cmd/hourglass
	@mkdir -p bin
	@$(TEST) -v $(EMULATOR) >bin/emulator.txt || { grep -v '^=== ' bin/emulator.txt; exit 1; }
	@grep -o '[0-9]* launches on the emulator.*' bin/emulator.txt

RACES := ./data ./graph/tune ./internal/atomicfile ./internal/explorer ./internal/serving ./internal/terminal ./train/tensorboard

race: ## run the tests of what has several goroutines under the race detector (needs a C and a C++ compiler)
	CGO_ENABLED=1 $(TEST) -race -short $(RACES)
	$(GPU_BUILD) $(TEST) -race -tags gpu -run 'BesideOthers' ./graph

# Emulated, the kernels and two small models take a minute or two; the tables of
# graph and conv, which check gradients, take far longer, and are left out.
ON_ARM64 := GOARCH=arm64 CGO_ENABLED=0 $(TEST) -short -exec qemu-aarch64

test-arm64: ## run the tests of the CPU kernels as on arm64, under qemu-aarch64 (Debian's qemu-user)
	@if command -v qemu-aarch64 >/dev/null; then \
	$(ON_ARM64) ./kernels/cpu/... && $(ON_ARM64) -run '^Example' ./models; \
	else echo "no qemu-aarch64: the NEON assembly was not tested"; fi

gpu-check: ## check and time everything on this machine's GPU; bench/gpu-check.sh says how without Go
	bench/gpu-check.sh pack
	bench/gpu-check.sh run

bench: build ## measure training beside PyTorch, if make peers has installed it, and Gorgonia; then the Go benchmarks, for benchstat
	bin/hourglass bench -o bin/roofline.svg $(addprefix --python ,$(wildcard $(PEERS)/requirements-torch/bin/python))
	$(GO) test -run '^$$' -bench . -benchmem ./kernels/cpu ./bench

loadtest: build ## measure requests a second of hourglass serve, for bench/README.md; RUN=NAME serves that run (three minutes)
	@$(GO) run ./bench/loadtest $(RUN)

lint: ## check formatting, go vet and staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./kernels/cpu/...
	$(GO) tool staticcheck ./...

fmt: ## format the sources
	gofmt -w .

check-header: ## compare our CUDA header with NVIDIA's (fetches two Python wheels)
	kernels/cuda/check-header.sh

check-tensorboard: ## read event files back with TensorBoard's own readers (fetches it with pip)
	@mkdir -p bin
	@if python3 -m venv bin/tensorboard && bin/tensorboard/bin/pip install -q --disable-pip-version-check -r bench/peers/tensorboard-requirements.txt; then \
	$(TEST) ./train/tensorboard -count=1 -python $(CURDIR)/bin/tensorboard/bin/python; \
	else echo "TensorBoard is not installed: event files were not read back by it"; fi

BROWSER ?= $(shell command -v chromium-headless-shell || command -v chromium || command -v google-chrome)

check-pages: ## open the pages that are written in a headless Chromium (BROWSER)
	@if [ -n "$(BROWSER)" ]; then $(TEST) ./internal/report -count=1 -browser "$(BROWSER)"; \
	else echo "no Chromium is installed: the pages were not opened in a browser"; fi

kernels: ## compile the CUDA kernels to PTX (needs clang 19), and that by NVIDIA's compiler (fetches it as a Python wheel)
	kernels/build-ptx.sh
	kernels/check-ptx.sh

fuzz: ## fuzz every parser of foreign bytes, FUZZTIME each (10m)
	@bench/fuzz.sh $(FUZZTIME)

gate: ## train W1 and a VAE on MNIST and Fashion-MNIST in ../shared/datasets and check their error
	bench/gate.sh

GATES := gate pca denoise probe bound samples anomaly

gates: ## every gate on MNIST, one after the other, beside PYTHON's torch (about an hour)
	@missed=; for name in $(GATES); do echo "== $$name"; bench/$$name.sh ../shared/datasets runs $(PYTHON) || missed="$$missed $$name"; done; \
	[ -z "$$missed" ] || { echo "missed:$$missed"; exit 3; }

tutorial: ## run docs/tutorial.md as it is written, and compare the numbers that it prints (five minutes)
	$(TEST) ./cmd/hourglass -count=1 -run TestTutorial -whole-tutorial

models: ## train each kind of model here and, with PYTHON's torch, there; write docs/models.md
	$(GO) run ./bench/zoo -python $(PYTHON)

# Where the Python packages of the comparisons below are installed, once.
PEERS ?= $(HOME)/.cache/hourglass/peers
TEST_PEERS := $(TEST) ./models/exchange -count 1 -run TestPeers -v

$(PEERS)/%/installed: bench/peers/%.txt bench/peers/requirements.txt
	python3 -m venv $(PEERS)/$*
	$(PEERS)/$*/bin/pip install -q -r $<
	touch $@

interop: ## run what we export in onnxruntime (installs it); ACCEPT=1 makes it what make test expects
	@if $(MAKE) -s $(PEERS)/requirements/installed; \
	then $(TEST_PEERS) -python $(PEERS)/requirements/bin/python $(if $(ACCEPT),-accept); \
	else echo "onnxruntime cannot be installed: not compared"; fi

peers: $(PEERS)/requirements-torch/installed ## write PyTorch's goldens anew, and run what we export in PyTorch (installs it: 6 GB)
	$(PEERS)/requirements-torch/bin/python bench/peers/interop.py golden models/exchange/testdata
	$(TEST_PEERS) -python $(PEERS)/requirements-torch/bin/python -peers onnx,torch -accept

browser: ## try the explorer's page in a headless Chromium, one that npm gives or the machine's own
	internal/explorer/testdata/browser.sh

clean: ## remove what the other targets made
	rm -rf bin runs
	$(GO) clean -testcache
