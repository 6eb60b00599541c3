#!/usr/bin/env bash
# Builds the fuzz targets with clang, in build-fuzz/, and runs each for some seconds (120): tools/fuzz.sh [SECONDS].
set -eu
cd "$(dirname "$(realpath "$0")")/.."

. tools/environment.sh

cmake --preset fuzz -DPython3_EXECUTABLE=/usr/bin/python3 -DTESSERA_FUZZ_SECONDS="${1:-120}" --no-warn-unused-cli
cmake --build build-fuzz --target fuzzers
exec ctest --test-dir build-fuzz -L long --output-on-failure --no-tests=error
