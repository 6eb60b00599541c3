#!/usr/bin/env bash
# A mock survey: its catalogue and its truth.
#SBATCH --job-name=tessera-simulate
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4      # ranks of a node
#SBATCH --cpus-per-task=1        # threads of a rank
#SBATCH --time=01:00:00
##SBATCH --account=NAME
##SBATCH --partition=NAME
#SBATCH --requeue --open-mode=append

. "${1:?usage: sbatch jobs/simulate.sh SETTINGS}"
. "$TESSERA/jobs/common.sh" || exit 2

also_made=$CATALOGUE
run "$TRUTH" simulate "${FIELD[@]}" "${PRIOR[@]}" "${MOCK[@]}" --out-catalogue "$CATALOGUE" --out-truth "$TRUTH"
