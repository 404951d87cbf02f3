#!/bin/sh
# Sets up and runs the benchmarks; `npm run bench -- --help` tells what they take.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node out/bench/main.js "$@"
