#!/usr/bin/env bash
# One-class anomaly detection on MNIST: for each digit a convolutional
# autoencoder with 32 numbers learns that digit alone, from 10 epochs, and
# scores all 10,000 test images, the other digits being the anomalies. Wants a
# mean ROC-AUC over the ten digits of at least 0.965; PCA with 32 components,
# which stands beside each in the output, has 0.955.
#
#   bench/anomaly.sh [folder that holds mnist] [folder for the runs]
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-../shared/datasets}
runs=${2:-runs}
if [ ! -d "$sets/mnist" ]; then
	echo "anomaly: $sets holds no mnist; fetch it with bin/hourglass data fetch mnist and name its folder" >&2
	exit 1
fi
make -s build
results=
for digit in 0 1 2 3 4 5 6 7 8 9; do
	rm -rf "$runs/only-$digit"
	bin/hourglass train conv --source "idx:$sets/mnist" --only "$digit" --validation 500 --epochs 10 --seed 1 --images 0 --dir "$runs" --name "only-$digit" --quiet
	report=$(bin/hourglass score "$runs/only-$digit" --by both --count 1 --quiet)
	echo "$report" | sed -n '/anomalies against/,$p'
	results+=$(echo "$report" | awk '/^this model/ {model = $3} /^PCA/ {pca = $4} END {print model, pca}')$'\n'
done
echo "$results" | awk 'NF == 2 {model += $1; pca += $2; n++}
END {
	printf "mean ROC-AUC over %d digits: %.4f, PCA %.4f\n", n, model / n, pca / n
	exit !(n == 10 && model / n >= 0.965)
}'
