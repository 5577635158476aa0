#!/usr/bin/env bash
# A linear classifier on 32 frozen numbers of a code, on MNIST: prints its
# accuracy on the 10,000 test images beside those on PCA with 32 components
# (0.900) and on raw pixels (0.923).
#
#   bench/probe.sh [folder that holds mnist] [folder for the runs]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ]; then
	echo "probe: $sets holds no mnist; fetch it with bin/hourglass data fetch mnist and name its folder" >&2
	exit 1
fi
make -s build
rm -rf "$runs/probed"
bin/hourglass train conv --source "idx:$sets/mnist" --validation 5000 --epochs 10 --seed 1 --images 0 --dir "$runs" --name probed --quiet
bin/hourglass probe "$runs/probed"
bin/hourglass probe "$runs/probed" --labels 550
