#!/usr/bin/env bash
# Trains a network, deepmass or score. One thread a rank is fastest: see 'tessera train score --help'.
#SBATCH --job-name=tessera-train
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4      # ranks of a node
#SBATCH --cpus-per-task=1        # threads of a rank
#SBATCH --time=08:00:00
##SBATCH --account=NAME
##SBATCH --partition=NAME
#SBATCH --requeue --open-mode=append
#SBATCH --signal=B:USR1@300      # seconds before the end in which fit a step, or the scoring of a test survey a
                                 # rank, and a checkpoint

. "${1:?usage: sbatch jobs/train.sh SETTINGS deepmass|score}"
. "$TESSERA/jobs/common.sh" || exit 2

case ${2:?deepmass or score} in
  deepmass) product=$DEEPMASS training=("${DEEPMASS_TRAINING[@]}") ;;
  score) product=$SCORE training=("${SCORE_TRAINING[@]}") ;;
  *) say "there is no network '$2'"; exit 2 ;;
esac
run_resumable "$product" train "$2" "${SKIES[@]}" "${PRIOR[@]}" "${training[@]}" --out "$product"
