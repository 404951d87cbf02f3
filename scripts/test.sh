#!/bin/sh
# Sets up and runs the tests: all of them, or those that the arguments name (ava's patterns; sources may be named too).
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node scripts/run-tests.mjs "$@"
