#!/bin/sh
# Compares include/cuda.h with NVIDIA's headers of CUDA 12 and 13, which come as
# Python wheels. Needs pip, a network and a C compiler; leaves nothing behind.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for wheel in nvidia-cuda-runtime-cu12 nvidia-cuda-runtime; do
	if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--platform manylinux2014_x86_64 --dest "$folder" "$wheel"; then
		echo "$wheel cannot be had here: its header was not compared"
		continue
	fi
	python3 -m zipfile --extract "$folder"/*.whl "$folder/$wheel"
	rm "$folder"/*.whl
	header=$(find "$folder/$wheel" -name cuda.h)
	test -n "$header" # without it the test would skip
	go test -count=1 ./internal/abi -run '^TestHeaderAgreesWithNVIDIA$' -v -args -nvidia="$(dirname "$header")"
done
