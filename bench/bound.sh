#!/usr/bin/env bash
# The variational autoencoder 784-400-40, ten epochs on MNIST drawn black and
# white: its importance-weighted log-likelihood by 500 codes an image, of 1,000
# test images. With a Python that has torch and numpy, PyTorch trains the same
# model on the same images as long, and ours must end at most 1 nat below it;
# without one, ours must reach -96.5 nats. Exits with 3 where the gate is missed.
#
#   bench/bound.sh [folder that holds mnist] [folder for the runs] [Python]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ]; then
	echo "bound: $sets holds no mnist; fetch it with bin/hourglass data fetch mnist and name its folder" >&2
	exit 1
fi
make -s build
python=${3:-python3}
rm -rf "$runs/bound"
bin/hourglass train vae-400-20 --latent 40 --binarise --source "idx:$sets/mnist" --validation 0 --epochs 10 --seed 1 --images 0 --dir "$runs" --name bound --quiet
least=-96.5
if "$python" -c 'import torch, numpy' 2>/dev/null; then
	peer=$("$python" bench/peers/bound_torch.py "$sets/mnist" 40 10 500 1000 2)
	echo "PyTorch: $peer"
	least=$(echo "$peer" | sed 's/.*"log_likelihood": //' | awk '{print $1 - 1}')
else
	echo "$python has no torch and numpy: not compared with PyTorch"
fi
bin/hourglass eval "$runs/bound" --importance 500 --closely 1000 --gate "log_likelihood>=$least"
