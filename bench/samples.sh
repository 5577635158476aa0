#!/usr/bin/env bash
# How near images that are drawn come to real ones: 2,000 by a variational
# autoencoder 784-400-20, and 2,000 by an autoencoder of the same layers from
# standard normal codes, which it was never taught to expect; five epochs each on
# MNIST. The measure is the energy distance from 2,000 test images. Wants that of
# the variational autoencoder to be at most half of the autoencoder's, and this
# at most 0.95 of the mean image's. Beside them stands the autoencoder with codes
# of the normal distribution that was fitted to those of the training images.
# Exits with 3 where a gate is missed.
#
#   bench/samples.sh [folder that holds mnist] [folder for the runs]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ]; then
	echo "samples: $sets holds no mnist; fetch it with bin/hourglass data fetch mnist and name its folder" >&2
	exit 1
fi
make -s build
distances=
for kind in vae ae; do
	rm -rf "$runs/samples-$kind"
	bin/hourglass train vae-400-20 --kind "$kind" --source "idx:$sets/mnist" --validation 0 --epochs 5 --seed 1 --images 0 --dir "$runs" --name "samples-$kind" --quiet
	report=$(bin/hourglass sample "$runs/samples-$kind" --from normal --distance 2000 -o "$runs/samples-$kind/samples.png" --quiet)
	echo "$kind: $report"
	distances+=$(echo "$report" | awk '/^images drawn/ {drawn = $NF} /^mean image/ {mean = $NF} END {print drawn, mean}')$'\n'
done
echo "ae, codes of a fitted normal distribution: $(bin/hourglass sample "$runs/samples-ae" --from gaussian --distance 2000 -o "$runs/samples-ae/fitted.png" --quiet)"
echo "$distances" | awk 'NF == 2 {distance[n++] = $1; mean = $2}
END {
	met = n == 2 && distance[0] <= distance[1] / 2 && distance[1] <= 0.95 * mean
	print met ? "gate met" : "gate missed: at most half of the autoencoder, and that at most 0.95 of the mean image"
	exit met ? 0 : 3
}'
