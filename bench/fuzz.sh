#!/usr/bin/env bash
# Fuzzes every fuzz target of the repository, one after another, each for the
# time given (10m), and prints a line each: package, target, executions. A
# failing input is saved under the package's testdata/fuzz, where `go test`
# runs it from then on, and ends the run.
#
#   bench/fuzz.sh [time] [pattern of packages]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10m}
packages=${2:-.}
grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | grep -e "$packages" | while read -r folder; do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$folder"/*_test.go | sort); do
		log=$(mktemp)
		if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel 1 "$folder" >"$log" 2>&1; then
			cat "$log"
			exit 1
		fi
		printf '%-28s %-18s %s  %s\n' "$folder" "$target" "$time" "$(grep -o 'execs: [0-9]*' "$log" | tail -1)"
		rm "$log"
	done
done
