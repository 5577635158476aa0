#!/bin/sh
# Lets NVIDIA's ptxas, which comes as a Python wheel, compile the committed PTX, and
# writes ptx/compiled.json: registers, spills and shared memory of every kernel.
# Needs pip, a network and Go; leaves nothing else behind.
set -eu
version=13.0.88
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	--platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --dest "$folder" "nvidia-cuda-nvcc==$version"; then
	echo "nvidia-cuda-nvcc $version cannot be had here: the PTX was not compiled"
	exit 0
fi
python3 -m zipfile --extract "$folder"/*.whl "$folder"
ptxas=$(find "$folder" -name ptxas)
chmod +x "$ptxas"
go run ./kernels/ptx/compile -ptxas "$ptxas" >"$folder/compiled.json"
mv "$folder/compiled.json" kernels/ptx/compiled.json
