#!/usr/bin/env bash
# From a bare Debian 12 to maps of a mock survey: installs packages, builds, simulates, maps and draws.
set -eu

usage() {
  echo "usage: tools/quickstart.sh [--out DIR] [--ranks N]"
  echo "  --out DIR   where catalogue, maps and pictures go (default: ./quickstart)"
  echo "  --ranks N   MPI processes (default: number of cores, at most 4)"
}
fail() { echo "error: $*" >&2; exit 1; }

tools=$(dirname "$(realpath "$0")")
. "$tools/environment.sh"

out=quickstart
cores=$(cores)
ranks=$((cores < 4 ? cores : 4))
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --out | --ranks)
      [ -n "${2-}" ] || fail "$1 needs a value"
      if [ "$1" = --out ]; then out=$2; else ranks=$2; fi
      shift 2 ;;
    *) usage >&2; fail "unknown argument '$1'" ;;
  esac
done
[[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "--ranks must be a positive whole number, not '$ranks'"
mkdir -p -- "$out"
out=$(realpath -- "$out")
cd "$tools/.."

run() { mpirun --bind-to none -n "$ranks" build/bin/tessera "$@"; }
step() { printf '\n== %s\n' "$*"; }

step "Debian packages"
tools/install-packages.sh

step "build"
configure_and_build tessera tessera-networks

spectrum=data/cl_cosmos_like.txt
grid=(--npix 360 --pixel-arcmin 0.29 --center "150.116,2.247")

step "mock survey"
run simulate --spectrum "$spectrum" --nz data/nz_cosmos_like.txt --mask cosmos-like --density 70 --sigma-e 0.3 "${grid[@]}" --model halo \
  --seed 1 --out-catalogue "$out/catalogue.h5" --out-truth "$out/truth.h5" --overwrite

step "maps"
run map --catalogue "$out/catalogue.h5" --grid plane "${grid[@]}" --spectrum "$spectrum" --methods ks,wiener,deepmass \
  --smoothing-arcmin 1 --out "$out/maps.h5" --overwrite

step "maps against the truth"
run compare --truth "$out/truth.h5" --maps "$out/maps.h5"

step "pictures"
python3 tools/plot_maps.py "$out/maps.h5" --truth "$out/truth.h5" --out "$out/maps.png"

step "done"
echo "catalogue  $out/catalogue.h5"
echo "truth      $out/truth.h5"
echo "maps       $out/maps.h5"
echo "pictures   $out/maps.png"
