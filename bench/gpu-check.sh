#!/usr/bin/env bash
# Checks and times everything on a machine with a GPU that need not have Go.
#
#   bench/gpu-check.sh pack [FOLDER]               fill FOLDER (bin/gpu), with Go and gcc
#   bench/gpu-check.sh run [--only NAME,...] [--patience 4m]
#                                                  on the machine with the GPU
#   bench/gpu-check.sh run --dry-run LIBRARY       the same on the emulated driver
#
# PyTorch's modes that are not compiled after the time of --patience are absent.
# The packed folder holds this script too and may be carried alone. The result
# goes to $OUT, or bench/results in a checkout, or results in the folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

pack() {
	cd "$here/.."
	local folder=${1:-bin/gpu}
	mkdir -p "$folder/testdata"
	export CGO_ENABLED=1 CGO_CFLAGS="${CGO_CFLAGS:-} -I$PWD/kernels/cuda/include"
	local flags=(-tags gpu -ldflags "-s -w") # as make test builds packages, so that they are at hand
	go build "${flags[@]}" -o "$folder/hourglass" ./cmd/hourglass
	go build "${flags[@]}" -o "$folder/gpucheck" ./bench/gpucheck
	go test -c "${flags[@]}" -o "$folder/graph.test" ./graph
	go test -c "${flags[@]}" -o "$folder/cuda.test" ./kernels/cuda
	# MNIST, where it is at hand, trains on the GPU too.
	local sets=${DATASETS:-../shared/datasets}
	if [ -d "$sets/mnist" ]; then mkdir -p "$folder/mnist" && cp "$sets"/mnist/*.gz "$folder/mnist/"; fi
	cp kernels/cuda/testdata/*.ptx "$folder/testdata/"
	cp bench/gpu-check.sh bench/peers/{gpu_torch,workloads}.py "$folder/"
	local changed=false
	[ -z "$(git status --porcelain)" ] || changed=true
	printf '{"commit": "%s", "changed": %s, "packed": "%s", "go": "%s"}\n' \
		"$(git rev-parse HEAD)" "$changed" "$(date -u +%FT%TZ)" "$(go env GOVERSION)" >"$folder/packed.json"
	# Uncompressed they are more than can be carried.
	(cd "$folder" && gzip -f hourglass gpucheck graph.test cuda.test)
	local size
	size=$(du -sm "$folder" | cut -f1)
	echo "packed $folder: $size MiB"
	[ "$size" -le 64 ] || { echo "gpu-check: more than the 64 MiB that can be carried" >&2; exit 1; }
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
		--only) arguments+=(-only "${2:?--only needs names of checks}") ;;
		--patience) arguments+=(-patience "${2:?--patience needs a time, such as 4m}") ;;
		*) echo "gpu-check: $1 is no argument of run; it takes --only and --patience" >&2; exit 2 ;;
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
	gunzip "$work"/*.gz # the programs; not the images below
	chmod +x "$work"/{hourglass,gpucheck,graph.test,cuda.test}
	"$work/gpucheck" run -folder "$work" -out "$results" "${arguments[@]}"
}

case "${1:-}" in
pack | run) "$@" ;;
*) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
