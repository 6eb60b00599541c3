"""What the tests of the program share: running it under mpirun, a small mock survey, tables in other formats."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py
import numpy as np
from astropy.table import Table

TESSERA = os.environ["TESSERA_BIN"]
MPIEXEC = os.environ["TESSERA_MPIEXEC"]
SOURCE = Path(os.environ["TESSERA_SOURCE"])
SLOWDOWN = float(os.environ.get("TESSERA_TEST_SLOWDOWN", 1))  # of a build with sanitizers
PATIENCE = 180 * SLOWDOWN  # seconds, after which a command counts as hanging; the machine may be busy
SPECTRUM = SOURCE / "data/cl_cosmos_like.txt"

CENTER = "150,2"
FIELD = ["--center", CENTER, "--npix", "48,40", "--pixel-arcmin", "1"]  # unequal sides
SURVEY = ["--density", "20", "--mask", "cosmos-like"]  # without symmetry: a missing pointing and stars
PRIOR = ["--spectrum", SPECTRUM]
COLUMNS = ("ra", "dec", "e1", "e2", "w")


def end_session(session):
    """Ends every process of a session that this module started: mpirun gives each rank a process group of its own."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                os.kill(int(stat.parent.name), signal.SIGKILL)
        except (OSError, ValueError):
            pass  # ended meanwhile


def run_words(words, timeout=PATIENCE, **options):
    """Runs a command, at most `timeout` seconds; the completed process has `seconds` besides."""
    words = [str(word) for word in words]
    start = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True, **options)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end_session(process.pid)
        out, err = process.communicate()
        raise AssertionError(f"still running after {timeout} s: {' '.join(words)}\n{out}{err}") from None
    done = subprocess.CompletedProcess(words, process.returncode, out, err)
    done.seconds = time.monotonic() - start
    return done


def run(ranks, args, **options):
    """Runs `mpirun -n ranks tessera args`."""
    return run_words([MPIEXEC, "-n", ranks, TESSERA, *args], **options)


def run_oracle(name, *args):
    """Runs tests/oracle/<name>.py."""
    return run_words([sys.executable, SOURCE / f"tests/oracle/{name}.py", *args], timeout=5 * PATIENCE)


class SurveyTest(unittest.TestCase):
    """A mock survey, made once: self.catalogue, self.truth in self.folder. Each test has an empty folder self.here."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.catalogue, cls.truth = cls.simulate("catalogue.h5", "truth.h5")

    @classmethod
    def simulate(cls, catalogue, truth, field=tuple(FIELD), ranks=2, more=()):
        catalogue, truth = cls.folder / catalogue, cls.folder / truth
        succeed(run(ranks, ["simulate", *field, *SURVEY, *PRIOR, "--out-catalogue", catalogue, "--out-truth", truth,
                            *more]))
        return catalogue, truth

    def setUp(self):
        self.here = Path(tempfile.mkdtemp(dir=self.folder))

    def map(self, name, *options, ranks=2, catalogue=None, field=tuple(FIELD)):
        """A file of maps, self.here/name."""
        out = self.here / name
        succeed(run(ranks, ["map", "--catalogue", catalogue or self.catalogue, *field, *PRIOR, "--out", out, *options]))
        return out


class TrainingTest(SurveyTest):
    """Skies to learn from besides, self.skies; networks are trained by self.train, as `tessera train KIND`."""
    KIND, TRAINING = "", ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.skies = cls.folder / "skies.h5"
        succeed(run(2, ["simulate", "skies", "--count", "8", "--npix", "64", "--pixel-arcmin", "1", *PRIOR, "--validation",
                        "0.25", "--test", "0.25", "--out", cls.skies]))
        cls.model = cls.train("model.h5", ranks=2)

    @classmethod
    def train(cls, name, *options, ranks, source=None):
        out = cls.folder / name
        source = source or ("--skies", cls.skies)
        succeed(run(ranks, ["train", cls.KIND, *source, *PRIOR, *cls.TRAINING, "--out", out, *options]))
        return out

    def assert_ends_on_request(self, line, options):
        """A training that is asked to end at a line of its log ends unfinished, goes on, and ends with the same bits."""
        options = dict(zip(self.TRAINING[::2], self.TRAINING[1::2])) | options
        words = ["train", self.KIND, "--skies", self.skies, *PRIOR, *(word for pair in options.items() for word in pair)]
        whole, out = self.here / "whole.h5", self.here / "asked.h5"
        succeed(run(2, [*words, "--out", whole]))
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", "2", TESSERA, *words, "--out", out]], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        for said in process.stdout:
            if said.startswith(line):
                break
        process.send_signal(signal.SIGUSR2)  # mpirun hands it on
        text = "".join(process.communicate(timeout=PATIENCE))
        self.assertEqual(process.returncode, 75, text)
        self.assertFalse(out.exists())
        done = succeed(run(3, [*words, "--out", out, "--resume"]))
        self.assertIn("going on from step", done.stdout)
        with h5py.File(out) as ours, h5py.File(whole) as expected:
            for name in ("model/weights", "training/history"):
                self.assertEqual(ours[name][()].tobytes(), expected[name][()].tobytes())
            cards = [[line for line in file["model"].attrs["card"].splitlines() if not line.startswith("command = ")]
                     for file in (ours, expected)]
            self.assertEqual(*cards)


def succeed(done):
    assert done.returncode == 0, f"exit code {done.returncode}: {' '.join(done.args)}\n{done.stdout}{done.stderr}"
    return done


def read_columns(path):
    with h5py.File(path) as file:
        return Table({name: file[name][()] for name in COLUMNS})


def write_csv(table, path):
    """Numbers with as many digits as bring back their bits."""
    rows = (",".join(repr(float(value)) for value in row) for row in table.iterrows())
    path.write_text("\n".join([",".join(table.colnames), *rows]) + "\n")


def write_txpipe(table, path, bins=(0, 1, 2, 10)):
    """The table cut into TXPipe's groups shear/bin_*, with its names of columns."""
    names = dict(zip(COLUMNS, ("ra", "dec", "g1", "g2", "weight")))
    with h5py.File(path, "w") as file:
        for number, rows in zip(bins, np.array_split(np.arange(len(table)), len(bins))):
            for column, name in names.items():
                file[f"shear/bin_{number}/{name}"] = table[column][rows]


def main():
    """Runs a file's tests; exit code 77, which ctest shows as Skipped, if all were skipped."""
    result = unittest.main(exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.skipped and len(result.skipped) >= result.testsRun else 0)
