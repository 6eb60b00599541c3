# What the stages have in common; each sources it after the settings.
#
# A stage runs the program once. It is asked to end by SIGUSR1 to this shell (#SBATCH --signal=B:USR1@SECONDS), which becomes
# SIGUSR2 for the program: it writes a checkpoint and ends with exit code 75. The job then queues itself again.

set -u

# One task of an array has the number of the whole array, under which all would be meant.
job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}}
job=${job:-${SLURM_JOB_ID:-}}

say() { echo "$(date +%FT%T) job $job: $*"; }
refuse() { say "$*"; exit 2; }

# The program's process, and whether it has been asked to end.
launched=
asked=no
ask_to_end() {
  asked=yes
  say "the time is nearly over: asking for a checkpoint and an end"
  [ -z "$launched" ] || ask
}
# Again until it ends: a launcher that has not started its ranks yet forwards the signal to none.
ask() { (while kill -USR2 "$launched"; do sleep 5; done) > /dev/null 2>&1 & }
trap ask_to_end USR1

# Modules and conda use variables that are not set.
set +u
site_modules
set -u
mkdir -p "$RUN"

threads=${SLURM_CPUS_PER_TASK:-1}
ranks_per_node=${SLURM_NTASKS_PER_NODE:-1}
ranks=$((ranks_per_node * ${SLURM_JOB_NUM_NODES:-1}))
restart=${SLURM_RESTART_COUNT:-0}
# Left by the first start of the program, if no file was in its way: what is there after a requeue is this job's own then.
begun=$RUN/log/begun-$job
begun_before() { [ "$restart" -gt 0 ] && [ -e "$begun" ]; }
going_on() { begun_before || [ "$RESUME" = yes ]; }

# --export=NONE of sbatch leaves it here: srun, by which mpirun too starts its daemons, would hand on no variable of this shell.
unset SLURM_EXPORT_ENV

# mpirun is told the ranks of a node, srun knows how many there are.
if [ "$LAUNCHER" = mpirun ] && [ "${SLURM_NTASKS:-$ranks}" -ne "$ranks" ]; then
  refuse "Slurm gave $SLURM_NTASKS tasks, but mpirun would start $ranks ranks, $ranks_per_node a node:" \
    "give --nodes and --ntasks-per-node in place of --ntasks"
fi

# A rank's threads float over the cores that the launcher binds the rank to. srun gives the others a minute after the first
# rank has ended.
export OMP_NUM_THREADS=$threads
per_node=ppr:$ranks_per_node:node
case $LAUNCHER-$BIND in
  mpirun-core) launch=(mpirun -x OMP_NUM_THREADS --map-by "$per_node:pe=$threads" --bind-to core) ;;
  mpirun-none) launch=(mpirun -x OMP_NUM_THREADS --map-by "$per_node" --bind-to none) ;;
  srun-core) launch=(srun --mpi=pmix --wait=60 --cpus-per-task="$threads" --cpu-bind=cores) ;;
  srun-none) launch=(srun --mpi=pmix --wait=60 --cpus-per-task="$threads" --cpu-bind=none) ;;
  *) refuse "LAUNCHER=$LAUNCHER, BIND=$BIND: mpirun or srun, core or none" ;;
esac

# Sets `code` to the exit code of the program; a trapped signal ends wait before its time.
await_program() {
  code=1
  while kill -0 "$launched" 2>/dev/null; do wait "$launched"; code=$?; done
  local last
  wait "$launched" 2>/dev/null
  last=$?
  [ "$last" -eq 127 ] || code=$last
}

# A checkpoint is replaced as a whole: another one has another inode or time.
checkpoint_of() { stat -c '%i %y' "$1.checkpoint" 2>/dev/null; }

# Whether the program was stopped and did not fail: it has ended on request; it was asked before it listened to requests;
# or it was killed, as the memory's keeper, an administrator or a broken node do, after it had written a checkpoint.
was_stopped() {  # PRODUCT CHECKPOINT_BEFORE
  case $code in
    75) return 0 ;;
    140) [ "$asked" = yes ] ;;                        # 128 + SIGUSR2
    137) [ "$(checkpoint_of "$1")" != "$2" ] ;;       # 128 + SIGKILL
    *) return 1 ;;
  esac
}

# end_if_made PRODUCT FILE: ends this script if the run goes on and the file is there, the product or what was made of it.
end_if_made() {
  going_on && [ -e "$2" ] || return 0
  say "$2 is there"
  rm -f "$1".checkpoint{,.1,.partial} "$begun"  # a run that was killed as it ended may have left them
  exit 0
}

# run PRODUCT WORDS...: runs the program with the words and ends this script with its exit code. also_made: a second product.
also_made=
run() {
  local product=$1 before
  shift
  end_if_made "$product" "$product"
  if begun_before; then
    set -- "$@" --overwrite    # what a stopped attempt may have finished in part
  elif ! [ -e "$product" ] && ! [ -e "$also_made" ]; then
    mkdir -p "$RUN/log" && touch "$begun"
  fi
  before=$(checkpoint_of "$product")
  say "start $restart on ${SLURM_JOB_NODELIST:-this machine}: ${launch[*]} $PROGRAM $*"
  "${launch[@]}" "$PROGRAM" "$@" &
  launched=$!
  [ "$asked" = no ] || ask
  await_program
  say "exit code $code"
  # srun may end with 0 when it could not start the program.
  if [ "$code" -eq 0 ] && [ ! -e "$product" ]; then
    say "$product has not been made"
    exit 1
  fi
  if was_stopped "$product" "$before"; then queue_again; fi
  [ "$code" -ne 0 ] || rm -f "$begun"
  exit "$code"
}

# run_resumable PRODUCT WORDS...: the same with a command that goes on from PRODUCT.checkpoint.
run_resumable() {
  if going_on; then run "$@" --resume; else run "$@"; fi
}

queue_again() {
  if [ "$restart" -ge "$MAX_REQUEUES" ]; then
    say "unfinished after $MAX_REQUEUES requeues (MAX_REQUEUES)"
    return
  fi
  say "unfinished: queueing again"
  scontrol requeue "$job" && exit 0
}
