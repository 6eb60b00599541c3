"""Runs that lack memory or disk: each ends by itself, with the bits of a run that lacks nothing or with one clear line, and what it
leaves can be gone on from."""
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from common import FIELD, MPIEXEC, PATIENCE, PRIOR, TESSERA, SurveyTest, end_session, main, run, run_words, succeed
from test_survival import NETWORK, UNFINISHED, result

DISK = os.environ["TESSERA_STARVED_DISK"]
PATIENCE *= 1.5  # a rank that others left speaks up after half a minute
CHAINS = ("--methods", "posterior", "--score-model", "none", "--chains", "2", "--samples", "6", "--burn-in", "2",
          "--trajectories", "1", "--levels", "2", "--checkpoint-minutes", "0")


def starved(**settings):
    """The environment of a run on a starved disk; settings: name, after, rank, delay, folders, unlink, quota (starved_disk.c)."""
    return {**os.environ, "LD_PRELOAD": DISK, **{f"STARVED_{key.upper()}": str(value) for key, value in settings.items()}}


def limited(megabytes, args):
    """As common.run, on two ranks, each with so much address space."""
    return run_words([MPIEXEC, "-n", 2, "bash", "-c", f'ulimit -v {1024 * megabytes}; exec "$@"', "limited", TESSERA, *args],
                     timeout=PATIENCE)


class StarvingTest(SurveyTest):
    OPTIONS, GRID = CHAINS, tuple(FIELD)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        whole = cls.folder / "whole.h5"
        succeed(run(2, cls.words(whole)))
        cls.expected = result(whole)

    @classmethod
    def words(cls, out, *options):
        return ["map", "--catalogue", cls.catalogue, *cls.GRID, *PRIOR, *cls.OPTIONS, "--out", out, *options]

    def setUp(self):
        super().setUp()
        self.out = self.here / "maps.h5"

    def assert_whole(self, done):
        succeed(done)
        ours = result(self.out)
        differ = [name for name in self.expected if ours.get(name) != self.expected[name]]
        self.assertEqual(differ, [])
        self.assertEqual([path.name for path in self.here.iterdir()], [self.out.name])

    def assert_told(self, done, says):
        """A run that failed: by one line, after which nothing is at the output's place."""
        self.assertNotEqual(done.returncode, 0)
        lines = re.findall(r"^(?:error|unfinished): .*", done.stderr, re.MULTILINE)
        self.assertEqual(len(lines), 1, done.stdout + done.stderr)
        self.assertRegex(lines[0], says)
        self.assertNotRegex(done.stdout + done.stderr, "HDF5-DIAG|contract broken|Segmentation|Assertion|terminate called")
        self.assertFalse(self.out.exists())


class Memory(StarvingTest):
    OPTIONS, GRID = ("--methods", "ks,wiener", "--samples", "1"), ("--center", "150,2", "--npix", "600", "--pixel-arcmin", "0.1")

    def ladder(self, launch, steps):
        """What launch(megabytes) makes of each of the limits, of which some must be too low."""
        told = 0
        for megabytes in steps:
            with self.subTest(megabytes=megabytes):
                done = launch(megabytes)
                if done.returncode == 0:
                    self.assert_whole(done)
                    self.out.unlink()
                elif "MPI_Init" not in done.stderr:
                    self.assert_told(done, "out of memory|need.* GB .* GB are available")
                    told += 1
        self.assertGreater(told, 0)

    def with_address_space(self, megabytes):
        return limited(megabytes, self.words(self.out))

    def test_address_space(self):
        self.ladder(self.with_address_space, range(280, 560, 40))

    def test_control_group(self):
        """As Slurm limits a job."""
        line = next((line for line in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in line), "0::/")
        version_1 = ":memory:" in line
        own = Path("/sys/fs/cgroup", "memory" if version_1 else "", line.rpartition(":")[2].lstrip("/"))
        group = own / f"tessera-test-{os.getpid()}"
        limit = group / ("memory.limit_in_bytes" if version_1 else "memory.max")
        try:
            group.mkdir()
            self.addCleanup(group.rmdir)
            limit.write_text(str(2**30))
        except OSError as problem:
            self.skipTest(f"no right to make a control group ({problem})")

        def launch(megabytes):
            limit.write_text(str(megabytes * 2**20))
            return run_words(["bash", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, MPIEXEC, "-n", 2, TESSERA,
                              *self.words(self.out)], timeout=PATIENCE)

        self.ladder(launch, (200, 300, 700))


class MemoryOfSamples(StarvingTest):
    def test_samples(self):
        """More than the job's ranks can hold are refused before the first is drawn."""
        words = self.words(self.out)
        words[words.index("--samples") + 1] = "1000000"
        self.assert_told(limited(1000, words), "2 chains of 1000000 samples needs .* GB on every rank and .* GB are available")


class MemoryOfNetworks(Memory):
    OPTIONS = ("--methods", "ks,deepmass,posterior", "--samples", "1", "--chains", "1", "--burn-in", "1", "--trajectories", "1",
               "--levels", "2", "--outside-card", "warn")
    GRID = ("--center", "150,2", "--npix", "256", "--pixel-arcmin", "0.29")

    def test_address_space(self):
        self.ladder(self.with_address_space, range(600, 1400, 60))

    test_control_group = None  # nothing else than without networks


class Disk(StarvingTest):
    def go_on(self):
        """Without want, from whatever is there."""
        self.assert_whole(run(2, self.words(self.out, "--resume")))
        self.out.unlink()

    def test_checkpoints_on_a_disk_that_fills(self):
        """At any of the writes, where no space can be set aside."""
        told = 0
        for after in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233):
            with self.subTest(after=after):
                done = run(2, self.words(self.out), timeout=PATIENCE, env=starved(name=".checkpoint", after=after))
                if done.returncode == 0:
                    self.assert_whole(done)
                    self.out.unlink()
                else:
                    self.assert_told(done, "disk|space")
                    self.go_on()
                    told += 1
        self.assertGreater(told, 0)

    def test_checkpoint_that_one_rank_cannot_write(self):
        done = run(2, self.words(self.out), timeout=PATIENCE, env=starved(name=".checkpoint", after=5, rank=1))
        self.assert_told(done, "disk is probably full")
        self.go_on()

    def test_result_on_a_disk_that_fills(self):
        for after in (0, 3, 30):
            with self.subTest(after=after):
                done = run(2, self.words(self.out), timeout=PATIENCE, env=starved(name="maps.h5.partial", after=after))
                self.assert_told(done, "disk|space")
                self.go_on()

    def test_slow_disk(self):
        self.assert_whole(run(2, self.words(self.out), timeout=PATIENCE, env=starved(name=str(self.here), delay=0.02)))

    def test_folders_that_cannot_be_flushed(self):
        self.assert_whole(run(2, self.words(self.out), timeout=PATIENCE, env=starved(name=str(self.here), folders=1)))

    def test_reader_that_leaves(self):
        """Of what the run says: it goes on."""
        words = [str(word) for word in (TESSERA, *self.words(self.out))]
        subprocess.run(["bash", "-c", '"$@" | head -n 1', "piped", *words], capture_output=True, timeout=PATIENCE, check=True)
        self.assertTrue(self.out.exists())
        self.assertEqual({name: value for name, value in result(self.out).items() if name in self.expected}, self.expected)

    def test_quota_with_room_for_two_checkpoints(self):
        """The older one gives way to the next."""
        before = f"{self.out}.checkpoint.1"
        done = run(2, self.words(self.out), timeout=PATIENCE, env=starved(name=".checkpoint", quota=before))
        self.assertNotIn("no checkpoint was written", done.stdout + done.stderr)
        self.assert_whole(done)

    def assert_ended_on_request(self, **settings):
        process = subprocess.Popen([str(word) for word in (MPIEXEC, "-n", "2", TESSERA, *self.words(self.out))], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=starved(**settings))
        try:
            deadline = time.monotonic() + PATIENCE
            while not Path(f"{self.out}.checkpoint.partial").exists() and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(signal.SIGUSR2)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            end_session(process.pid)
        self.assert_told(subprocess.CompletedProcess(process.args, process.returncode, out, err), "ended on request")
        self.assertEqual(process.returncode, UNFINISHED)
        self.go_on()

    def test_request_while_a_slow_disk_writes(self):
        self.assert_ended_on_request(name=".checkpoint", delay=0.05)

    def test_request_where_removing_takes_long(self):
        """Longer than ranks wait for those that failed."""
        self.assert_ended_on_request(name="maps.h5.partial", unlink=8)

    def test_lock_that_a_killed_run_left(self):
        """Open MPI's, by the output's last name."""
        lock = Path("/dev/shm/sem.OMPIO_maps.h5.checkpoint.partial")
        lock.write_bytes(bytes([0, 0, 0, 0, 0, 0, 0, 0, 128]) + bytes(23))
        try:
            self.assert_whole(run(2, self.words(self.out), timeout=PATIENCE))
        finally:
            lock.unlink(missing_ok=True)


class Commands(StarvingTest):
    """Every command on a disk that fills while it writes."""
    SKIES = ("--npix", "32", "--pixel-arcmin", "1")
    SAMPLING = ("--burn-in", "1", "--trajectories", "1", "--levels", "2")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.skies, cls.score, cls.maps, cls.chains = (cls.folder / f"{name}.h5" for name in ("skies", "score", "maps", "chains"))
        for words in (["simulate", "skies", "--count", "8", *cls.SKIES, *PRIOR, "--validation", "0.25", "--test", "0.25", "--out",
                       cls.skies],
                      ["train", "score", *cls.training(), "--sigma", "0.005:0.15", "--out", cls.score],
                      ["map", "--catalogue", cls.catalogue, *FIELD, *PRIOR, "--methods", "ks", "--out", cls.maps],
                      ["map", "--catalogue", cls.catalogue, *FIELD, *PRIOR, "--methods", "posterior", "--score-model", "none",
                       "--chains", "1", "--chain", "0", "--samples", "2", *cls.SAMPLING, "--out", cls.chains]):
            succeed(run(2, words))

    @classmethod
    def training(cls):
        return ["--skies", cls.skies, *PRIOR, *NETWORK, "--steps", "4", "--validate", "2", "--validation-skies", "2", "--test-skies",
                "2"]

    def starve(self, words, outs):
        """Fails for want of space wherever it writes, says so once, and leaves nothing."""
        told = 0
        for after in (0, 1, 2, 4, 8, 16, 40, 100):
            with self.subTest(after=after):
                done = run(2, words, timeout=PATIENCE, env=starved(name=f"{self.here}/", after=after))
                self.out = outs[-1]
                if done.returncode == 0:
                    for out in outs:
                        out.unlink()
                else:
                    self.assert_told(done, "disk|space")
                    told += 1
                self.assertEqual([path.name for path in self.here.iterdir() if ".chain_" not in path.name], [])
        self.assertGreater(told, 0)

    def test_simulate(self):
        outs = self.here / "catalogue.h5", self.here / "truth.h5"
        self.starve(["simulate", *FIELD, *PRIOR, "--density", "20", "--out-catalogue", outs[0], "--out-truth", outs[1]], outs)

    def test_simulate_skies(self):
        self.starve(["simulate", "skies", "--count", "8", *self.SKIES, *PRIOR, "--out", self.out], [self.out])

    def test_gather(self):
        shutil.copy(f"{self.chains}.chain_0", f"{self.out}.chain_0")
        self.starve(["gather", self.out], [self.out])

    def test_calibrate(self):
        self.starve(["calibrate", "--skies", self.skies, *PRIOR, "--score-model", "none", "--deepmass-model", "none", "--density", "20",
                     "--masks", "starry", "--field", "16", "--surveys", "2", "--samples", "8", *self.SAMPLING, "--out", self.out],
                    [self.out])

    def test_compare(self):
        self.starve(["compare", "--skies", self.skies, "--out", self.out], [self.out])

    def test_import(self):
        self.starve(["import", "--maps", self.skies, "--out", self.out], [self.out])

    def test_train(self):
        """What it has learned stays in its checkpoints, if there were any."""
        for after in (0, 3, 10, 30, 100):
            with self.subTest(after=after):
                done = run(2, ["train", "score", *self.training(), "--sigma", "0.005:0.15", "--out", self.out], timeout=PATIENCE,
                           env=starved(name=f"{self.here}/", after=after))
                if done.returncode == 0:
                    continue
                self.assert_told(done, "disk|space")
                left = {path.name for path in self.here.iterdir()}
                self.assertLessEqual(left, {"maps.h5.checkpoint", "maps.h5.checkpoint.1"})
                succeed(run(2, ["train", "score", *self.training(), "--sigma", "0.005:0.15", "--out", self.out, "--resume"]))
                self.out.unlink()


class Mounted(StarvingTest):
    """A file system of its own, where this may be."""

    def mount(self, *options):
        code = subprocess.run(["mount", "-t", "tmpfs", *options, "none", self.here], capture_output=True).returncode
        if code != 0:
            self.skipTest("no right to mount a file system")
        self.addCleanup(subprocess.run, ["umount", "-l", self.here], check=True)

    def test_small(self):
        """From what does not hold the result to what holds it and two checkpoints."""
        told = without = 0
        self.mount()
        for kilobytes in (600, 800, 1600, 2400, 3200, 4800, 6400):
            with self.subTest(kilobytes=kilobytes):
                subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", self.here], check=True)
                done = run(2, self.words(self.out), timeout=PATIENCE)
                if done.returncode == 0:
                    self.assert_whole(done)
                    self.out.unlink()
                    without += "no checkpoint was written" in done.stdout + done.stderr
                else:
                    self.assert_told(done, "needs .* MB and the disk cannot give them")
                    told += 1
        self.assertGreater(told, 0)
        self.assertGreater(without, 0)

    def test_small_for_an_image(self):
        """cfitsio writes past what test_small's library watches."""
        maps = self.folder / "maps.h5"
        succeed(run(2, ["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, "--methods", "ks", "--out", maps]))
        self.mount()
        for kilobytes, holds in ((4, False), (8, False), (64, True)):
            with self.subTest(kilobytes=kilobytes):
                subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", self.here], check=True)
                done = run(2, ["export", maps, "--map", "kappa_ks_e", "--fits", self.out], timeout=PATIENCE)
                if holds:
                    succeed(done)
                else:
                    self.assert_told(done, "disk|space")

    def test_read_only(self):
        self.mount("-o", "ro")
        self.assert_told(run(2, self.words(self.out), timeout=PATIENCE), "Read-only file system.*writable")


if __name__ == "__main__":
    main()
