#!/usr/bin/env bash
# Submits all stages; each begins when those that it needs have succeeded, and is cancelled when one has failed.
# usage: jobs/pipeline.sh [SETTINGS]
set -eu

jobs=$(dirname "$(realpath "$0")")
settings=$(realpath "${1:-$jobs/settings.sh}")
TESSERA=${TESSERA:-$(dirname "$jobs")}
. "$settings"

refuse() { echo "nothing submitted: $*" >&2; exit 2; }

# Every job would fail without them. In a shell of its own, which modules may change.
(
  set +eu
  site_modules > /dev/null
  for name in PROGRAM LAUNCHER; do
    command -v "${!name}" > /dev/null ||
      refuse "$name=${!name} cannot be run; build it, load its module in site_modules, or set $name"
  done
)

# Sets `products` to what a stage makes.
set_products() {
  local chain
  products=()
  case $1 in
    simulate) products=("$CATALOGUE" "$TRUTH") ;;
    deepmass) products=("$DEEPMASS") ;;
    score) products=("$SCORE") ;;
    map) products=("$MAPS") ;;
    posterior) for ((chain = 0; chain < CHAINS; chain++)); do products+=("$POSTERIOR.chain_$chain"); done ;;
    gather) products=("$POSTERIOR") ;;
    *) refuse "STAGES has '$1', and there are simulate, deepmass, score, map, posterior and gather" ;;
  esac
}

# A job would end with an error after it had waited for its turn.
for stage in $STAGES; do
  set_products "$stage"
  for product in "${products[@]}"; do
    for file in "$product" "$product.checkpoint"; do
      [ "$RESUME" = yes ] || [ ! -e "$file" ] ||
        refuse "$file is there, and '$stage' would not replace it: go on with RESUME=yes, leave '$stage' out, or choose another RUN"
    done
  done
done

# Jobs read a copy: what was submitted changes neither with the settings nor with the environment that a job is given.
mkdir -p "$RUN/log"
kept=$(realpath "$RUN/log")/settings-$(date +%Y%m%d-%H%M%S)-$$.sh
{
  declare -p TESSERA
  cat "$settings"
  printf '\n# The values that %s had when it was submitted.\n' "$settings"
  declare -f site_modules
  for name in $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$jobs/settings.sh"); do declare -p "$name" 2> /dev/null || true; done
} > "$kept"

declare -A job  # number of each stage's

# submit STAGE 'STAGES BEFORE' 'OPTIONS OF SBATCH' SCRIPT [ARGUMENTS]; the options are words without spaces.
submit() {
  local stage=$1 before=$2 options=$3 script=$4 after="" earlier id
  shift 4
  case " $STAGES " in *" $stage "*) ;; *) return 0 ;; esac
  for earlier in $before; do after+=${job[$earlier]:+:${job[$earlier]}}; done
  [ -z "$after" ] || options="--dependency=afterok$after --kill-on-invalid-dep=yes $options"
  id=$(sbatch --parsable --output="$RUN/log/$stage-%A_%a.log" $ALL_JOBS $options "$jobs/$script" "$kept" "$@")
  job[$stage]=${id%%;*}  # of several clusters: NUMBER;CLUSTER
  echo "$stage ${job[$stage]}"
}

submit simulate "" "$SIMULATE_JOB" simulate.sh
submit deepmass "" "$DEEPMASS_JOB" train.sh deepmass
submit score "" "$SCORE_JOB" train.sh score
submit map "simulate deepmass" "$MAP_JOB" map.sh
submit posterior "simulate score" "--array=0-$((CHAINS - 1)) $POSTERIOR_JOB" posterior.sh
submit gather posterior "$GATHER_JOB" gather.sh
