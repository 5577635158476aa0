#!/usr/bin/env bash
# A convolutional autoencoder that learns to take noise of deviation 0.4 away,
# five epochs on MNIST: wants, on the 10,000 test images, at least 6 dB of PSNR
# more than the noisy ones have, and more than the best of median and Gaussian
# filters gains. The sheet of some of them is denoised.png in the run's folder.
# Exits with 3 where a gate is missed.
#
#   bench/denoise.sh [folder that holds mnist] [folder for the runs]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ]; then
	echo "denoise: $sets holds no mnist; fetch it with bin/hourglass data fetch mnist and name its folder" >&2
	exit 1
fi
make -s build
rm -rf "$runs/denoiser"
bin/hourglass train conv --corrupt 'gaussian 0.4' --source "idx:$sets/mnist" --validation 5000 --epochs 5 --seed 1 --images 0 --dir "$runs" --name denoiser --quiet
report=$(bin/hourglass denoise "$runs/denoiser" --noise gaussian:0.4 --count 10000 --sheet "$runs/denoiser/denoised.png" --quiet)
echo "$report"
echo "$report" | awk '/^The model gains/ {model = $4; filter = $(NF - 1)}
END {
	met = model >= 6 && model > filter
	print met ? "gate met" : "gate missed: at least 6 dB, and more than the filters"
	exit met ? 0 : 3
}'
