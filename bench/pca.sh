#!/usr/bin/env bash
# Convolutional autoencoders with codes of 16 and 32 numbers, five epochs on
# MNIST: want a test MSE of at most half that of PCA with as many components.
# Exits with 3 where a gate is missed.
#
#   bench/pca.sh [folder that holds mnist] [folder for the runs]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ]; then
	echo "pca: $sets holds no mnist; fetch it with bin/hourglass data fetch mnist and name its folder" >&2
	exit 1
fi
make -s build
for latent in 16 32; do
	rm -rf "$runs/conv-$latent"
	bin/hourglass train conv --latent "$latent" --source "idx:$sets/mnist" --validation 5000 --epochs 5 --seed 1 --images 0 --dir "$runs" --name "conv-$latent" --quiet
	bin/hourglass eval "$runs/conv-$latent" --gate 'pca_ratio<=0.5' --quiet
done
