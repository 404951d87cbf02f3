#!/bin/sh
# Sets up and shows the main job from end to end: build fixtures/demo, push it, pull it elsewhere, run it.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node out/test/demo/main.js "$@"
