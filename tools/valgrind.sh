#!/usr/bin/env bash
# Unit tests of the release build under valgrind: tools/valgrind.sh [TEST...]; by default those of the parsers. Ranks: RANKS=2.
set -eu
cd "$(dirname "$(realpath "$0")")/.."

. tools/environment.sh

tests=("$@")
[ $# -gt 0 ] || tests=(core config theory io catalogue_tables)
for test in "${tests[@]}"; do
  echo "test_$test"
  mpirun -n "${RANKS:-1}" valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --num-callers=30 --suppressions=/usr/share/openmpi/openmpi-valgrind.supp --suppressions=tests/valgrind.supp \
    "build/bin/test_$test"
done
