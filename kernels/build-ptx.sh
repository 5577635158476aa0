#!/bin/sh
# Compiles kernels/*.cu to PTX, one file for each source and compute capability,
# and writes their manifest. Needs clang 19.1.7 (Debian package clang-19) and Go,
# and no file of NVIDIA's. The same sources give the same bytes.
#
#	kernels/build-ptx.sh [folder]    folder: kernels/ptx unless given
set -eu

# PTX 7.0 is the first with shuffles and sm_80; a driver of CUDA 11.0 takes it. The
# matrix units' kernels need 7.5 (CUDA 11.5) for copies that are left out, and 8.0
# (CUDA 12.0) for warpgroups. Products and sums are contracted only where the source
# says fused().
compiler=clang-19
version=19.1.7
flags="-x cuda --cuda-device-only -S -nocudainc -nocudalib -std=c++17 -O3 -ffp-contract=off -Wall -Werror"

cd "$(dirname "$0")"
out=${1:-ptx}
found=$($compiler --version | head -n 1)
case $found in
*" $version "*) ;;
*)
    echo "$0: want clang $version, found: $found" >&2
    exit 1
    ;;
esac

mkdir -p "$out"
rm -f "$out"/*.ptx
for source in *.cu; do
    case $source in
    *_warpgroup.cu) capabilities=90a ptx=80 ;; # what they need came with these
    *_matrix.cu) capabilities=80 ptx=75 ;;
    *) capabilities="75 80" ptx=70 ;;
    esac
    for capability in $capabilities; do
        $compiler $flags --cuda-feature=+ptx$ptx --cuda-gpu-arch=sm_$capability -o "$out/${source%.cu}.sm_$capability.ptx" "$source"
    done
done
go run ./ptx/manifest -compiler "clang $version" -flags "$flags" -sources . -ptx "$out" >"$out/manifest.json"
