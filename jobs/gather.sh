#!/usr/bin/env bash
# Maps, detections and diagnostics of the posterior from all chains.
#SBATCH --job-name=tessera-gather
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4      # ranks of a node
#SBATCH --cpus-per-task=1        # threads of a rank
#SBATCH --time=01:00:00
##SBATCH --account=NAME
##SBATCH --partition=NAME
#SBATCH --requeue --open-mode=append

. "${1:?usage: sbatch jobs/gather.sh SETTINGS}"
. "$TESSERA/jobs/common.sh" || exit 2

run "$POSTERIOR" gather "$POSTERIOR"
