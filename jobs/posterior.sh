#!/usr/bin/env bash
# One chain of posterior samples; an array of such jobs, numbered from 0, for all of them.
#SBATCH --job-name=tessera-posterior
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4      # ranks of a node
#SBATCH --cpus-per-task=1        # threads of a rank
#SBATCH --time=04:00:00
##SBATCH --account=NAME
##SBATCH --partition=NAME
#SBATCH --array=0-3              # CHAINS of the settings, less one; %N behind it: at most N at a time
#SBATCH --requeue --open-mode=append
#SBATCH --signal=B:USR1@300      # seconds before the end in which fit a sample, or a trajectory of the burn-in, and a checkpoint

. "${1:?usage: sbatch jobs/posterior.sh SETTINGS}"
. "$TESSERA/jobs/common.sh" || exit 2

chain=$SLURM_ARRAY_TASK_ID
product=$POSTERIOR.chain_$chain
end_if_made "$product" "$POSTERIOR"  # chains may be deleted once they are gathered
run_resumable "$product" map --catalogue "$CATALOGUE" "${FIELD[@]}" "${PRIOR[@]}" "${SAMPLING[@]}" \
  --score-model "$SCORE" --chains "$CHAINS" --chain "$chain" --out "$POSTERIOR"
