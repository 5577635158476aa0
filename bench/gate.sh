#!/usr/bin/env bash
# Trains workload W1 for five epochs on MNIST and on Fashion-MNIST and wants a
# test MSE of at most 0.0056 and 0.0101. 55,000 images train it, 5,000 judge
# every epoch, and the 10,000 test images are seen once, at the end. Then the
# variational autoencoder of the same images.
#
#   bench/gate.sh [folder that holds mnist and fashion-mnist] [folder for the runs]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ] || [ ! -d "$sets/fashion-mnist" ]; then
	echo "gate: $sets holds no mnist and fashion-mnist; fetch them with bin/hourglass data fetch and name their folder" >&2
	exit 1
fi
make -s build
gate() { # set, greatest test MSE
	rm -rf "$runs/w1-$1"
	bin/hourglass train conv --source "idx:$sets/$1" --validation 5000 --epochs 5 --seed 1 --dir "$runs" --name "w1-$1"
	bin/hourglass eval "$runs/w1-$1" --gate "mse<=$2"
}
gate mnist 0.0056
gate fashion-mnist 0.0101

# The dense variational autoencoder 784-400-20: ten epochs on all 60,000 images,
# at most 106.0 nats an image on the test images.
rm -rf "$runs/vae-400-20"
bin/hourglass train vae-400-20 --source "idx:$sets/mnist" --validation 0 --epochs 10 --seed 1 --dir "$runs" --name vae-400-20
bin/hourglass eval "$runs/vae-400-20" --gate 'loss<=106.0'
