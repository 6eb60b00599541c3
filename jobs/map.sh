#!/usr/bin/env bash
# Kaiser-Squires, Wiener and DeepMass maps of the catalogue.
#SBATCH --job-name=tessera-map
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4      # ranks of a node
#SBATCH --cpus-per-task=1        # threads of a rank
#SBATCH --time=01:00:00
##SBATCH --account=NAME
##SBATCH --partition=NAME
#SBATCH --requeue --open-mode=append

. "${1:?usage: sbatch jobs/map.sh SETTINGS}"
. "$TESSERA/jobs/common.sh" || exit 2

run "$MAPS" map --catalogue "$CATALOGUE" "${FIELD[@]}" "${PRIOR[@]}" "${MAPPING[@]}" --model "$DEEPMASS" --out "$MAPS"
