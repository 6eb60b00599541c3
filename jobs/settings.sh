# What the jobs compute, and where. Copy this file, change the copy, and give it to jobs/pipeline.sh or to a stage.
# Sourced by bash; values in the form ${NAME:-value} may also come from the environment.

# The machine.
TESSERA=${TESSERA:-$PWD}                            # the clone of the repository, or share/tessera of an installation
[ -e "$TESSERA/jobs/common.sh" ] || {
  echo "TESSERA=$TESSERA has no jobs/common.sh: submit from the folder that has it, or set TESSERA to that folder" >&2
  exit 2
}
if [ -d "$TESSERA/src" ]; then built=$TESSERA/build; else built=$TESSERA/../..; fi
PROGRAM=${PROGRAM:-$built/bin/tessera}
site_modules() { :; }                               # here: module load gcc openmpi hdf5 ...
LAUNCHER=${LAUNCHER:-mpirun}                        # mpirun, or srun (srun --mpi=list must know pmix)
BIND=${BIND:-core}                                  # core: every rank keeps its cores to itself; none
MAX_REQUEUES=${MAX_REQUEUES:-20}                    # of a job that was stopped before its end
RESUME=${RESUME:-no}                                # yes: leave out what is there, go on from checkpoints

# What pipeline.sh submits, and options of sbatch beyond those at the top of each stage's script.
STAGES=${STAGES:-simulate deepmass score map posterior gather}
ALL_JOBS=${ALL_JOBS:-}                              # as --account=NAME --partition=NAME --mail-type=FAIL
SIMULATE_JOB=${SIMULATE_JOB:-}                      # as --nodes=2 --ntasks-per-node=32 --time=04:00:00
DEEPMASS_JOB=${DEEPMASS_JOB:-}
SCORE_JOB=${SCORE_JOB:-}
MAP_JOB=${MAP_JOB:-}
POSTERIOR_JOB=${POSTERIOR_JOB:-}
GATHER_JOB=${GATHER_JOB:-}

# Files. For a survey of your own: CATALOGUE, and 'simulate' left out of STAGES; with networks that exist: DEEPMASS and SCORE,
# and 'deepmass' and 'score' left out.
RUN=${RUN:-$PWD/run}
CATALOGUE=${CATALOGUE:-$RUN/catalogue.h5}
TRUTH=${TRUTH:-$RUN/truth.h5}
DEEPMASS=${DEEPMASS:-$RUN/deepmass.h5}
SCORE=${SCORE:-$RUN/score.h5}
MAPS=${MAPS:-$RUN/maps.h5}
POSTERIOR=${POSTERIOR:-$RUN/posterior.h5}

# The survey: options of the program, which 'tessera COMMAND --help' explains.
PRIOR=(--spectrum "$TESSERA/data/cl_cosmos_like.txt")
FIELD=(--center 150.116,2.247 --npix 360 --pixel-arcmin 0.29)
MOCK=(--model halo --nz "$TESSERA/data/nz_cosmos_like.txt" --mask cosmos-like --density 70 --sigma-e 0.3 --seed 1)

# Skies to learn from, drawn as training goes on, and how long.
SKIES=(--model halo,halo,lognormal --nz "$TESSERA/data/nz_cosmos_like.txt" --npix 512 --pixel-arcmin 0.29
       --sigma8 0.72:0.90 --concentration 0.8:1.4 --shift 0.03:0.04)
DEEPMASS_TRAINING=(--density 4.5:80 --steps 4500 --validate 250 --average 0.998)
SCORE_TRAINING=(--steps 2400 --validate 100 --average 0.998)

# Maps, and chains of posterior samples: a job each.
MAPPING=(--methods ks,wiener,deepmass --smoothing-arcmin 1)
SAMPLING=(--methods posterior --samples 32 --checkpoint-minutes 10)
CHAINS=${CHAINS:-4}
