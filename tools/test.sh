#!/usr/bin/env bash
# Installs what is missing, builds everything and runs all tests but the long ones; arguments go on to ctest.
set -eu
cd "$(dirname "$(realpath "$0")")/.."

. tools/environment.sh

tools/install-packages.sh
configure_and_build
exec ctest --test-dir build -LE long --output-on-failure --no-tests=error -j "$(cores)" "$@"
