#!/usr/bin/env bash
# Checks and times everything on a machine with a GPU that need not have Go.
#
#   bench/gpu-check.sh pack [FOLDER]               fill FOLDER (bin/gpu), with Go and gcc
#   bench/gpu-check.sh run [--budget 8m] [--only NAME,...] [--patience 4m]
#                                                  on the machine with the GPU
#   bench/gpu-check.sh run --dry-run LIBRARY       the same on the emulated driver
#
# Checks are made in the order of what they are worth. With --budget those that no
# longer fit are not run; without, all are, however long they take. PyTorch's modes
# that are not compiled after the time of --patience, or half the budget, are absent.
# The report is written anew after every check, so that the run may be ended at any
# moment. It goes to GPU/DATE.json, with two logs beside it, in $OUT, or
# bench/results in a checkout, or results in the folder. The packed folder holds this
# script too and may be carried alone. Packing and unpacking take xz or python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# Uncompressed the programs are more than can be carried. They are much alike, which a
# window sees that holds two of them.
programs=(hourglass gpucheck graph.test train.test cuda.test)

squeeze() {
	if command -v xz >/dev/null; then
		xz -T1 --lzma2=preset=0,dict=64MiB
	elif command -v python3 >/dev/null; then
		python3 -c 'import lzma, shutil, sys
filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 << 20}]
with lzma.open(sys.stdout.buffer, "wb", filters=filters) as to:
    shutil.copyfileobj(sys.stdin.buffer, to)'
	else
		echo "gpu-check: there is neither xz nor python3 to pack with; install one" >&2
		return 1
	fi
}

pack() {
	cd "$here/.."
	local folder=${1:-bin/gpu} built
	mkdir -p "$folder/testdata"
	folder=$(cd "$folder" && pwd)
	built=$(mktemp -d)
	export CGO_ENABLED=1 CGO_CFLAGS="${CGO_CFLAGS:-} -I$PWD/kernels/cuda/include"
	local flags=(-tags gpu -ldflags "-s -w") # as make test builds packages, so that they are at hand
	go build "${flags[@]}" -o "$built/hourglass" ./cmd/hourglass
	go build "${flags[@]}" -o "$built/gpucheck" ./bench/gpucheck
	go test -c "${flags[@]}" -o "$built/graph.test" ./graph
	go test -c "${flags[@]}" -o "$built/train.test" ./train
	go test -c "${flags[@]}" -o "$built/cuda.test" ./kernels/cuda
	"$built/gpucheck" list graph train >"$folder/tests.json"
	tar -C "$built" -c "${programs[@]}" | squeeze >"$folder/programs.tar.xz"
	rm -r "$built"
	# MNIST, where it is at hand, trains on the GPU too.
	local sets=${DATASETS:-../shared/datasets}
	if [ -d "$sets/mnist" ]; then mkdir -p "$folder/mnist" && cp "$sets"/mnist/*.gz "$folder/mnist/"; fi
	cp kernels/cuda/testdata/*.ptx "$folder/testdata/"
	cp bench/gpu-check.sh bench/peers/{gpu_torch,workloads}.py "$folder/"
	local changed=false
	[ -z "$(git status --porcelain)" ] || changed=true
	printf '{"commit": "%s", "changed": %s, "packed": "%s", "go": "%s"}\n' \
		"$(git rev-parse HEAD)" "$changed" "$(date -u +%FT%TZ)" "$(go env GOVERSION)" >"$folder/packed.json"
	local size sources
	size=$(du -sb "$folder" | cut -f1)
	sources=$(git ls-files -z --cached --others --exclude-standard | xargs -0 du -cb | awk '$2 == "total" {sum += $1} END {print sum}')
	echo "packed $folder: $((size >> 20)) MiB, $(((size + sources) >> 20)) MiB with the sources"
	[ $(((size + sources) >> 20)) -le 60 ] || { echo "gpu-check: with the sources it is more than the 60 MiB that can be carried" >&2; exit 1; }
}

run() {
	local packed=$here results=$here/results arguments=()
	if [ ! -e "$packed/packed.json" ]; then packed=$here/../bin/gpu; fi
	if [ ! -e "$packed/packed.json" ]; then
		echo "gpu-check: nothing is packed; run bench/gpu-check.sh pack where there is Go" >&2
		exit 1
	fi
	if [ "${1:-}" = --dry-run ]; then
		export CUDA_DRIVER_LIBRARY=${2:?--dry-run needs the library of the emulated driver}
		arguments=(-dry)
		shift 2
	fi
	while [ $# -gt 0 ]; do
		case "$1" in
		--budget) arguments+=(-budget "${2:?--budget needs a time, such as 8m}") ;;
		--only) arguments+=(-only "${2:?--only needs names of checks}") ;;
		--patience) arguments+=(-patience "${2:?--patience needs a time, such as 4m}") ;;
		*) echo "gpu-check: $1 is no argument of run; it takes --budget, --only and --patience" >&2; exit 2 ;;
		esac
		shift 2
	done
	export CUDA_DRIVER_LIBRARY=${CUDA_DRIVER_LIBRARY:-libcuda.so.1} REQUIRE_GPU=1
	results=${OUT:-$results}
	mkdir -p "$results"
	results=$(cd "$results" && pwd)
	work=$(mktemp -d) # known to the trap, so not local
	trap 'rm -rf "$work"' EXIT
	cp -r "$packed/." "$work"
	unpack <"$packed/programs.tar.xz" | tar -C "$work" -x
	# What the driver compiles is kept for the processes of this run, which share it,
	# and compiled anew by the next, which measures it.
	export CUDA_CACHE_PATH=$work/compiled CUDA_CACHE_MAXSIZE=$((4 << 30))
	"$work/gpucheck" run -folder "$work" -out "$results" "${arguments[@]}" &
	trap 'kill "$!" 2>/dev/null; wait "$!"' TERM INT # it still writes its report
	wait "$!"
}

unpack() {
	if command -v xz >/dev/null; then
		xz -d
	else
		python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)'
	fi
}

case "${1:-}" in
pack | run) "$@" ;;
*) sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
