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
#SBATCH --signal=B:USR1@300      # seconds before the end in which a sample and a checkpoint fit

. "${1:?usage: sbatch jobs/posterior.sh SETTINGS}"
. "$TESSERA/jobs/common.sh"

chain=$SLURM_ARRAY_TASK_ID
run_resumable "$POSTERIOR.chain_$chain" map --catalogue "$CATALOGUE" "${FIELD[@]}" "${PRIOR[@]}" "${SAMPLING[@]}" \
  --score-model "$SCORE" --chains "$CHAINS" --chain "$chain" --out "$POSTERIOR"
