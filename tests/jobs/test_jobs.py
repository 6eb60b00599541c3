"""The batch scripts of jobs/ under a Slurm that is started here: the whole chain, a walltime's warning, a killed rank, a requeue
by the administrator. What comes out has the bits of the same commands without Slurm. Besides, what jobs are told and refuse."""
import os
import shlex
import shutil
import signal
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apps"))

from common import MPIEXEC, SOURCE, TESSERA, main, run_words, succeed
from slurm import JobState, Slurm, Unavailable, wait_until
from test_ranks import contents

PRIOR = ["--spectrum", SOURCE / "data/cl_cosmos_like.txt"]
FIELD = ["--center", "150,2", "--npix", "48,40", "--pixel-arcmin", "1"]
MOCK = ["--mask", "cosmos-like", "--density", "3", "--seed", "4"]
SKIES = ["--model", "lognormal", "--npix", "64", "--pixel-arcmin", "1"]
NETWORK = ["--channels", "6,8", "--steps", "8", "--batch", "2", "--warmup", "2", "--validate", "4"]
DEEPMASS_TRAINING = [*NETWORK, "--cutout", "32", "--density", "2:4", "--validation-surveys", "3", "--test-surveys", "2", "--test-densities", "3"]
SCORE_TRAINING = [*NETWORK, "--sigma", "0.005:0.3", "--validation-skies", "3", "--test-skies", "2"]
MAPPING = ["--methods", "ks,wiener,deepmass", "--samples", "2", "--outside-card", "warn"]
CHAIN = ["--methods", "ks,posterior", "--burn-in", "3", "--trajectories", "2", "--levels", "3", "--outside-card", "warn"]
SAMPLING = [*CHAIN, "--samples", "4"]
LONG_SAMPLING = [*CHAIN, "--samples", "30", "--checkpoint-minutes", "0"]
CHAINS = 2
LAUNCHERS = ("mpirun", "srun")
FINISHED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL")
WARNING = "asking for a checkpoint"

SETTINGS = {"PRIOR": PRIOR, "FIELD": FIELD, "MOCK": MOCK, "SKIES": SKIES, "DEEPMASS_TRAINING": DEEPMASS_TRAINING,
            "SCORE_TRAINING": SCORE_TRAINING, "MAPPING": MAPPING, "SAMPLING": SAMPLING}

# As scripts of modules do.
MODULES = "site_modules() { loaded=$NEVER_SET; }"
# Of a site whose jobs get no environment.
ENVIRONMENT_MODULES = 'site_modules() { . "$TESSERA/tools/environment.sh"; }'

# In front of the program: notes where it runs.
NOTE_PLACE = """#!/bin/sh
echo "$OMP_NUM_THREADS $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)" >> {places}
exec {program} "$@"
"""

slurm = None
folder = None


def setUpModule():
    global slurm, folder
    folder = Path(tempfile.mkdtemp(prefix="tessera-jobs-"))
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    (folder / "slurm").mkdir()
    try:
        slurm = Slurm(folder / "slurm")
    except Unavailable as reason:
        raise unittest.SkipTest(f"Slurm cannot be started here: {reason}") from None
    unittest.addModuleCleanup(slurm.stop)


def reference(here, name, *words):
    """A file made in a folder by a command without Slurm."""
    succeed(run_words([MPIEXEC, "-n", "2", TESSERA, *words], cwd=here, timeout=300))
    return here / name


def write_settings(path, sampling=SAMPLING, modules=MODULES, **settings):
    """As they are shipped, but for these; the environment may override those that are None."""
    values = {"PROGRAM": TESSERA, "RUN": ".", "CHAINS": CHAINS, "BIND": "none",
              "ALL_JOBS": "--ntasks-per-node=2 --cpus-per-task=1 --time=10", **settings}
    lines = [f"{name}={shlex.quote(str(value))}" for name, value in values.items() if value is not None]
    lines += [(SOURCE / "jobs/settings.sh").read_text(), modules]
    lines += [f"{name}=({shlex.join(str(word) for word in words)})"
              for name, words in {**SETTINGS, "SAMPLING": sampling}.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


class Submission:
    """Stages that jobs/pipeline.sh submitted, with their files in `here`; `jobs`: {stage: number of its job}."""

    def __init__(self, here, stages, environment=(), **settings):
        self.here = here
        here.mkdir(exist_ok=True)
        path = write_settings(here / "settings.sh", STAGES=stages, **settings)
        out = slurm.call(SOURCE / "jobs/pipeline.sh", path, cwd=here, environment=environment)
        self.jobs = dict(line.split() for line in out.splitlines())

    def log(self, pattern="*.log"):
        return "\n".join(f"== {path.name}\n{path.read_text()}" for path in sorted((self.here / "log").glob(pattern)))

    def states(self):
        return {name: state for name, state in slurm.jobs().items() if name.split("_")[0] in self.jobs.values()}

    def await_end(self):
        wait_until(lambda: all(state.name in FINISHED for state in self.states().values()), f"jobs {self.jobs}", 600, self.log)
        return self.states()

    def await_success(self):
        states = self.await_end()
        assert {state.name for state in states.values()} == {"COMPLETED"}, f"{states}\n{self.log()}"
        return states

    # Of the posterior's chains.

    def chain_state(self, chain):
        # An array whose jobs have not begun is one job.
        return slurm.jobs().get(f"{self.jobs['posterior']}_{chain}", JobState("PENDING", "", 0))

    def chain_log(self, chain):
        return self.log(f"posterior-{self.jobs['posterior']}_{chain}.log")

    def checkpoint(self, chain):
        return self.here / f"posterior.h5.chain_{chain}.checkpoint"

    def stop_ranks(self, chain):
        ranks = slurm.processes(self.chain_state(chain).number, Path(TESSERA).name)
        for rank in ranks:
            os.kill(rank, signal.SIGSTOP)
        assert len(ranks) == 2, f"chain {chain} ended too soon\n{self.log()}"
        return ranks


def hold(runs):
    """Stops the ranks of all chains of the runs, each once its first checkpoint is there, so that none finishes; for every run
    the process numbers, [chain][rank]."""
    ranks = {}

    def all_stopped():
        for run in runs:
            for chain in range(CHAINS):
                if (run, chain) not in ranks and run.checkpoint(chain).exists():
                    ranks[run, chain] = run.stop_ranks(chain)
        return len(ranks) == len(runs) * CHAINS

    wait_until(all_stopped, "the first checkpoints", report=lambda: "\n".join(run.log() for run in runs))
    return [[ranks[run, chain] for chain in range(CHAINS)] for run in runs]


def release(ranks):
    for rank in ranks:
        os.kill(rank, signal.SIGCONT)


class JobsTest(unittest.TestCase):
    def setUp(self):
        self.here = Path(tempfile.mkdtemp(dir=folder))

    def assert_same(self, path, expected):
        ours, theirs = contents(path), contents(expected)
        self.assertEqual(ours.keys(), theirs.keys())
        self.assertEqual([name for name in theirs if ours[name] != theirs[name]], [])


class Pipeline(JobsTest):
    def make_reference(self):
        here = self.here / "reference"
        here.mkdir()
        survey = ["map", "--catalogue", "./catalogue.h5", *FIELD, *PRIOR]
        reference(here, "truth.h5", "simulate", *FIELD, *PRIOR, *MOCK, "--out-catalogue", "./catalogue.h5", "--out-truth",
                  "./truth.h5")
        for name, training in (("deepmass", DEEPMASS_TRAINING), ("score", SCORE_TRAINING)):
            reference(here, f"{name}.h5", "train", name, *SKIES, *PRIOR, *training, "--out", f"./{name}.h5")
        reference(here, "maps.h5", *survey, *MAPPING, "--model", "./deepmass.h5", "--out", "./maps.h5")
        reference(here, "posterior.h5", *survey, *SAMPLING, "--score-model", "./score.h5", "--chains", CHAINS, "--out",
                  "./posterior.h5")
        return here

    def test_whole_chain(self):
        run = Submission(self.here / "run", "simulate deepmass score map posterior gather")
        expected = self.make_reference()
        self.assertEqual(list(run.jobs), ["simulate", "deepmass", "score", "map", "posterior", "gather"])
        states = run.await_success()
        self.assertEqual(len(states), 5 + CHAINS)
        self.assertEqual({state.restarts for state in states.values()}, {0})
        for name in ("catalogue", "truth", "deepmass", "score", "maps", "posterior"):
            with self.subTest(product=name):
                self.assert_same(run.here / f"{name}.h5", expected / f"{name}.h5")

    def test_failure(self):
        """There is no catalogue: the chains fail and are not queued again, and no maps are made of them."""
        run = Submission(self.here, "posterior gather", SCORE="none")
        states = run.await_end()
        for chain in range(CHAINS):
            self.assertEqual(run.chain_state(chain)[::2], ("FAILED", 0))
            self.assertIn("catalogue.h5", run.chain_log(chain))
        self.assertEqual(states[run.jobs["gather"]].name, "CANCELLED")


class Settings(JobsTest):
    def test_kept(self):
        """Jobs that wait keep the values of their submission, though the settings change and sbatch exports nothing; chains that
        were deleted after they had been gathered are not made again."""
        here = self.here / """my "first" survey's run"""
        here.mkdir()
        (here / "posterior.h5").touch()
        run = Submission(here, "posterior gather", RUN=None, CHAINS=None, ALL_JOBS="--hold --ntasks-per-node=2",
                         environment={"RUN": here, "CHAINS": "3", "RESUME": "yes", "SBATCH_EXPORT": "NONE"})
        (here / "settings.sh").write_text("exit 7\n")
        slurm.call("scontrol", "release", *run.jobs.values())
        self.assertEqual(len(run.await_success()), 3 + 1)
        for log in (*map(run.chain_log, range(3)), run.log("gather-*.log")):
            self.assertIn(f"{here}/posterior.h5 is there", log)
            self.assertNotIn("start 0", log)

    def call(self, script, environment=(), **settings):
        return run_words(["bash", SOURCE / "jobs" / script, write_settings(self.here / "settings.sh", **settings)], cwd=self.here,
                         env={**slurm.environment, **dict(environment)})

    def assert_refused(self, done, *texts):
        """By one line that holds the texts, before anything is made."""
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(len((done.stdout + done.stderr).splitlines()), 1, done)
        for text in texts:
            self.assertIn(text, done.stdout + done.stderr)
        self.assertEqual([path.name for path in self.here.iterdir()], ["settings.sh"])

    def test_refused_from_elsewhere(self):
        self.assert_refused(self.call("map.sh"), f"TESSERA={self.here} has no jobs/common.sh", "set TESSERA")

    def test_refused_tasks(self):
        tasks = {"TESSERA": SOURCE, "SLURM_JOB_NUM_NODES": "2", "SLURM_NTASKS_PER_NODE": "4", "SLURM_NTASKS": "64"}
        self.assert_refused(self.call("map.sh", tasks), "64 tasks", "8 ranks, 4 a node", "--ntasks-per-node")

    def test_refused_without_programs(self):
        self.assert_refused(self.call("pipeline.sh", PROGRAM="absent"), "nothing submitted: PROGRAM=absent")
        self.assert_refused(self.call("pipeline.sh", LAUNCHER="absent"), "nothing submitted: LAUNCHER=absent")

    def test_refused_beside_products(self):
        """What jobs would not replace is told when they are submitted."""
        for name, stage in (("truth.h5", "simulate"), ("score.h5.checkpoint", "score"), ("posterior.h5.chain_1", "posterior"),
                            ("posterior.h5", "gather")):
            (self.here / name).touch()
            done = self.call("pipeline.sh")
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, f"^nothing submitted: .*{name} is there, and '{stage}' .*RESUME=yes, .*\n$")
            (self.here / name).unlink()
        self.assert_refused(self.call("pipeline.sh", STAGES="map gahter"), "nothing submitted: STAGES has 'gahter'")

    def test_requeued_before_it_began(self):
        """A job that Slurm queues again before the program ever started, as when a node fails to boot, replaces nothing."""
        catalogue, truth = self.here / "catalogue.h5", self.here / "truth.h5"
        again = {"TESSERA": SOURCE, "SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "1", "SLURM_NTASKS_PER_NODE": "2"}
        catalogue.write_text("of a real survey")
        done = self.call("simulate.sh", again)
        self.assertIn("exists and would be lost", done.stdout + done.stderr)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(catalogue.read_text(), "of a real survey")
        truth.write_text("of a real survey")
        self.assertNotEqual(self.call("simulate.sh", again).returncode, 0)
        truth.unlink()
        # What this job had begun it may replace.
        (self.here / "log").mkdir()
        (self.here / "log/begun-7").touch()
        succeed(self.call("simulate.sh", again))
        self.assertGreater(catalogue.stat().st_size, 1000)
        self.assertEqual(list((self.here / "log").iterdir()), [])

    def test_several_clusters(self):
        """Of the number and the cluster that sbatch prints, the number is what later jobs wait for."""
        folder = self.here / "programs"
        folder.mkdir()
        (folder / "sbatch").write_text('#!/bin/sh\necho "$@" >> sbatch.log\necho "7;north"\n')
        (folder / "sbatch").chmod(0o755)
        done = succeed(self.call("pipeline.sh", {"PATH": f"{folder}:{slurm.environment['PATH']}"}, STAGES="posterior gather"))
        self.assertEqual(done.stdout, "posterior 7\ngather 7\n")
        self.assertIn("--dependency=afterok:7 ", (self.here / "sbatch.log").read_text())


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "there is one core only")
class Pinning(JobsTest):
    def places(self, **settings):
        """Of every rank of a stage, its number of threads and its cores."""
        program, places = self.here / "program", self.here / "places"
        program.write_text(NOTE_PLACE.format(program=shlex.quote(TESSERA), places=shlex.quote(str(places))))
        program.chmod(0o755)
        Submission(self.here / "run", "simulate", **{"PROGRAM": program, "BIND": "core", **settings}).await_success()
        return sorted(line.split() for line in places.read_text().splitlines())

    def test_two_ranks(self):
        ranks = self.places()
        self.assertEqual([threads for threads, _ in ranks], ["1", "1"])
        self.assertTrue(all(cores.isdigit() for _, cores in ranks), ranks)
        self.assertNotEqual(ranks[0][1], ranks[1][1])

    def test_two_threads(self):
        ranks = self.places(ALL_JOBS="--ntasks-per-node=1 --cpus-per-task=2 --time=10")
        self.assertEqual([threads for threads, _ in ranks], ["2"])
        first, last = ranks[0][1].replace(",", "-").split("-")
        self.assertNotEqual(first, last)

    def test_threads_without_environment(self):
        """srun hands on the number of threads though sbatch exported nothing."""
        ranks = self.places(environment={"SBATCH_EXPORT": "NONE"}, modules=ENVIRONMENT_MODULES, LAUNCHER="srun", BIND="none",
                            ALL_JOBS="--ntasks-per-node=1 --cpus-per-task=2 --time=10")
        self.assertEqual([threads for threads, *_ in ranks], ["2"])


class Interruptions(JobsTest):
    """Long chains that are stopped in their middle, against a run of all chains in one job that was left alone."""

    @classmethod
    def setUpClass(cls):
        cls.survey = Path(tempfile.mkdtemp(dir=folder))
        reference(cls.survey, "truth.h5", "simulate", *FIELD, *PRIOR, *MOCK, "--out-catalogue", "./catalogue.h5",
                  "--out-truth", "./truth.h5")
        cls.expected = reference(cls.survey, "posterior.h5", "map", "--catalogue", "./catalogue.h5", *FIELD, *PRIOR,
                                 *LONG_SAMPLING, "--score-model", "none", "--chains", CHAINS, "--out", "./posterior.h5")

    def submit(self, name, **settings):
        here = self.here / name
        here.mkdir(exist_ok=True)
        shutil.copy(self.survey / "catalogue.h5", here / "catalogue.h5")
        return Submission(here, "posterior gather", sampling=LONG_SAMPLING, SCORE="none", **settings)

    def assert_finished(self, run, restarts, *texts):
        """The maps are those expected; restarts: how often each chain may have begun again, from a checkpoint; texts: what the
        log of each chain holds."""
        self.assert_complete(run)
        for chain, (allowed, text) in enumerate(zip(restarts, texts)):
            self.assertIn(run.chain_state(chain).restarts, allowed, run.chain_log(chain))
            self.assertIn(text, run.chain_log(chain))
            self.assertEqual("going on after" in run.chain_log(chain), 0 not in allowed, run.chain_log(chain))

    def assert_complete(self, run):
        run.await_success()
        self.assertEqual(list(run.here.glob("*.checkpoint*")), [])
        self.assert_same(run.here / "posterior.h5", self.expected)

    def test_walltime(self):
        """Slurm warns before the time is over; the chains write checkpoints, end, queue themselves again, and finish."""
        runs = [self.submit(launcher, LAUNCHER=launcher, POSTERIOR_JOB="--time=1 --signal=B:USR1@20")
                for launcher in LAUNCHERS]
        held = hold(runs)
        for run in runs:
            wait_until(lambda: all(WARNING in run.chain_log(chain) for chain in range(CHAINS)), "the warning", report=run.log)
        for chains in held:
            release(sum(chains, []))
        for run in runs:
            self.assert_finished(run, [range(1, 20)] * CHAINS, *["exit code 75"] * CHAINS)

    def test_killed(self):
        """A rank of one chain is killed: that chain is queued again, the other goes on undisturbed."""
        runs = [self.submit(launcher, LAUNCHER=launcher) for launcher in LAUNCHERS]
        for run, (left_alone, killed) in zip(runs, hold(runs)):
            os.kill(killed[1], signal.SIGKILL)
            wait_until(lambda: run.chain_state(1).restarts > 0, "the chain to be queued again", report=run.log)
            release(left_alone)
        for run in runs:
            self.assert_finished(run, [[0], [1]], "exit code 0", "exit code 137")

    def test_requeued(self):
        """Slurm stops the jobs and queues them again, as when their node fails."""
        run = self.submit("run")
        hold([run])
        slurm.call("scontrol", "requeue", run.jobs["posterior"])
        self.assert_finished(run, [[1]] * CHAINS, *["start 1"] * CHAINS)

    def test_limit_of_requeues(self):
        """Chains that are killed too often fail. Beside their checkpoints new chains are refused; those of a run that goes on
        finish."""
        run = self.submit("run", MAX_REQUEUES=0)
        for ranks in hold([run])[0]:
            os.kill(ranks[0], signal.SIGKILL)
        states = run.await_end()
        self.assertEqual([run.chain_state(chain).name for chain in range(CHAINS)], ["FAILED"] * CHAINS)
        self.assertEqual(states[run.jobs["gather"]].name, "CANCELLED")
        self.assertIn("unfinished after 0 requeues", run.chain_log(0))

        # Put there when the jobs wait: pipeline.sh would refuse to submit beside them.
        aside = self.here / "aside"
        aside.mkdir()
        checkpoints = [path.name for path in run.here.glob("*.checkpoint*")]
        for name in checkpoints:
            (run.here / name).rename(aside / name)
        anew = self.submit("run", ALL_JOBS="--hold --ntasks-per-node=2 --cpus-per-task=1 --time=10")
        for name in checkpoints:
            (aside / name).rename(run.here / name)
        slurm.call("scontrol", "release", *anew.jobs.values())
        anew.await_end()
        for chain in range(CHAINS):
            self.assertEqual(anew.chain_state(chain)[::2], ("FAILED", 0))
            self.assertIn("--resume to go on", anew.chain_log(chain))

        resumed = self.submit("run", RESUME="yes")
        self.assert_complete(resumed)
        for chain in range(CHAINS):
            self.assertIn("going on after", resumed.chain_log(chain))


if __name__ == "__main__":
    main()
