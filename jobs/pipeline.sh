#!/usr/bin/env bash
# Submits all stages; each begins when those that it needs have succeeded, and is cancelled when one has failed.
# usage: jobs/pipeline.sh [SETTINGS]
set -eu

jobs=$(dirname "$(realpath "$0")")
settings=$(realpath "${1:-$jobs/settings.sh}")
. "$settings"
mkdir -p "$RUN/log"

declare -A job  # number of each stage's

# submit STAGE 'STAGES BEFORE' 'OPTIONS OF SBATCH' SCRIPT [ARGUMENTS]; the options are words without spaces.
submit() {
  local stage=$1 before=$2 options=$3 script=$4 after="" earlier
  shift 4
  case " $STAGES " in *" $stage "*) ;; *) return 0 ;; esac
  for earlier in $before; do after+=${job[$earlier]:+:${job[$earlier]}}; done
  [ -z "$after" ] || options="--dependency=afterok$after --kill-on-invalid-dep=yes $options"
  job[$stage]=$(sbatch --parsable --output="$RUN/log/$stage-%A_%a.log" $ALL_JOBS $options "$jobs/$script" "$settings" "$@")
  echo "$stage ${job[$stage]}"
}

submit simulate "" "$SIMULATE_JOB" simulate.sh
submit deepmass "" "$DEEPMASS_JOB" train.sh deepmass
submit score "" "$SCORE_JOB" train.sh score
submit map "simulate deepmass" "$MAP_JOB" map.sh
submit posterior "simulate score" "--array=0-$((CHAINS - 1)) $POSTERIOR_JOB" posterior.sh
submit gather posterior "$GATHER_JOB" gather.sh
