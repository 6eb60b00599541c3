"""Runs that are killed at random moments, again and again, and in every way, end with the bits of runs that were left alone,
and leave nothing behind. What happens is drawn from a seed, which is printed: --seed repeats it, as far as time does."""
import argparse
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import h5py

from common import FIELD, MPIEXEC, PATIENCE, PRIOR, SURVEY, TESSERA, end_session, run, succeed
from test_ranks import contents

RANKS = (1, 2, 3)
KILLS_OF_A_RUN = 3
UNFINISHED = 75

NETWORK = ("--channels", "4,6", "--batch", "2", "--warmup", "2", "--patience", "1000")
SAMPLING = ("--burn-in", "2", "--trajectories", "1", "--levels", "2", "--checkpoint-minutes", "0")
SPHERE = ("--grid", "healpix", "--nside", "16", "--tile", "4")


class Subject(NamedTuple):
    """A command that is killed; its product is made in a folder of its own."""
    name: str
    words: tuple          # without --out
    product: str
    out: str = None       # of --out, if that is not the product
    resumes: bool = True  # or begins anew


def make_subjects(folder):
    """The subjects, and in the folder what they read."""
    catalogue, sphere, skies, score = (folder / f"{name}.h5" for name in ("catalogue", "sphere", "skies", "score"))
    for words in (["simulate", *FIELD, *SURVEY, *PRIOR, "--out-catalogue", catalogue, "--out-truth", folder / "truth.h5"],
                  ["simulate", *SPHERE[:4], "--density", "0.0003", *PRIOR, "--out-catalogue", sphere, "--out-truth",
                   folder / "sphere_truth.h5"],
                  ["simulate", "skies", "--count", "8", "--npix", "32", "--pixel-arcmin", "1", *PRIOR, "--validation", "0.25",
                   "--test", "0.25", "--out", skies],
                  ["train", "score", "--skies", skies, *PRIOR, *NETWORK, "--steps", "4", "--validate", "4",
                   "--validation-skies", "2", "--test-skies", "2", "--sigma", "0.005:0.15", "--out", score]):
        succeed(run(2, words))
    posterior = ("map", "--catalogue", catalogue, *FIELD, *PRIOR, "--methods", "ks,posterior", *SAMPLING)
    drawn = ("--npix", "32", "--pixel-arcmin", "1", "--model", "lognormal", "--shift", "0.03:0.04")
    return [
        Subject("map, chains", (*posterior, "--score-model", score, "--chains", 3, "--samples", 40), "maps.h5"),
        Subject("map --chain", (*posterior, "--score-model", "none", "--chains", 2, "--samples", 150, "--chain", 1),
                "maps.h5.chain_1", "maps.h5"),
        Subject("map, sphere", ("map", "--catalogue", sphere, *SPHERE, *PRIOR, "--methods", "posterior", *SAMPLING,
                                "--score-model", "none", "--chains", 2, "--samples", 70), "maps.h5"),
        Subject("train deepmass", ("train", "deepmass", "--skies", skies, *PRIOR, *NETWORK, "--steps", "600", "--validate",
                                   "10", "--density", "10:40", "--cutout", "16", "--validation-surveys", "2",
                                   "--test-surveys", "2", "--test-densities", "20"), "model.h5"),
        Subject("train score, drawn skies", ("train", "score", *drawn, *PRIOR, *NETWORK, "--steps", "600", "--validate", "10",
                                             "--validation-skies", "2", "--test-skies", "2"), "model.h5"),
        Subject("simulate skies", ("simulate", "skies", "--count", "200", "--npix", "96", "--pixel-arcmin", "1", *PRIOR),
                "skies.h5", resumes=False),
    ]


# Processes


def session_of(stat):
    return int(stat.rpartition(")")[2].split()[3])


def processes(session):
    """{number: name} of what runs in a session; the dead that nobody has asked for do not."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text()
            if session_of(stat) == session and stat.rpartition(")")[2].split()[0] != "Z":
                found[int(path.parent.name)] = stat[stat.index("(") + 1:stat.rindex(")")]
        except (OSError, ValueError):
            pass  # ended meanwhile
    return found


def ranks_of(process):
    return [number for number, name in processes(process.pid).items() if name.startswith("tessera")]


def await_none(session):
    """Waits until a session is empty."""
    deadline = time.monotonic() + PATIENCE
    while left := processes(session):
        assert time.monotonic() < deadline, f"left behind after {PATIENCE} s: {left}"
        time.sleep(0.02)


# Ways to end a run: each is given mpirun's process, random numbers, and the place.


def kill_rank(process, choice):
    if ranks := sorted(ranks_of(process)):
        os.kill(choice.choice(ranks), signal.SIGKILL)


def kill_mpirun(process, choice):
    process.kill()


def kill_all(process, choice):
    end_session(process.pid)


def kill_group(process, choice):
    os.killpg(process.pid, signal.SIGKILL)


def terminate(process, choice):
    process.terminate()


def ask_to_end(process, choice):
    process.send_signal(signal.SIGUSR2)


WAYS = {"one rank": kill_rank, "mpirun": kill_mpirun, "all": kill_all, "group": kill_group, "SIGTERM": terminate,
        "SIGUSR2": ask_to_end, "all, in a checkpoint": kill_all, "one rank, in a checkpoint": kill_rank}


def result(path):
    """What a file holds, but for what tells one way to the same result from another: options as given, among them names of
    files and --resume, and the checksum of a model with its card, where they are too."""
    found = {name: value for name, value in contents(path).items()
             if not name.endswith("@configuration") and name not in ("model@card", "model@checksum")}
    with h5py.File(path) as file:
        card = file["model"].attrs["card"] if "model" in file else ""
    found["card"] = [line for line in card.splitlines() if not line.startswith("command = ")]
    return found


class Trial:
    """One run from its beginning through kills to its end."""

    def __init__(self, subject, reference, seconds, folder, choice, log):
        self.subject, self.reference, self.seconds, self.choice, self.log = subject, reference, seconds, choice, log
        self.here = Path(tempfile.mkdtemp(dir=folder))
        self.product = self.here / subject.product
        self.checkpoint = self.here / (subject.product + ".checkpoint")
        self.began = False  # before: a run of which nothing is there
        self.resumed = 0

    def words(self):
        words = [*self.subject.words, "--out", self.here / (self.subject.out or self.subject.product)]
        if self.began and self.subject.resumes:
            words.append("--resume")
        if self.product.exists():
            words.append("--overwrite")
        self.began = True
        return words

    def checkpoint_is_there(self):
        """The last, or, of a run that was killed while it was renamed, the one before."""
        return self.checkpoint.exists() or self.checkpoint.with_name(self.checkpoint.name + ".1").exists()

    def wait(self, process, way):
        """Until the moment of a kill, drawn over the whole run; False if the run ended before."""
        moment = time.monotonic() + self.choice.random() * self.seconds
        while process.poll() is None and time.monotonic() < moment:
            time.sleep(0.002)
        writing = self.checkpoint.with_name(self.checkpoint.name + ".partial")
        while way.endswith("in a checkpoint") and process.poll() is None and not writing.exists():
            pass
        return process.poll() is None

    def kill(self, way):
        """Starts or resumes the run and ends it; False if it ended before."""
        ranks = self.choice.choice(RANKS)
        goes_on = self.checkpoint_is_there()
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", ranks, TESSERA, *self.words()]], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        try:
            hit = self.wait(process, way)
            if hit:
                WAYS[way](process, self.choice)
            text = "".join(process.communicate(timeout=PATIENCE))
            await_none(process.pid)
        finally:
            end_session(process.pid)
        self.log.append(f"  {way} on {ranks} ranks: {'exit code' if hit else 'ended before, exit code'} {process.returncode}")
        self.check_output(text)
        self.resumed += "going on" in text
        assert process.returncode != 0 or self.product.exists(), text
        assert process.returncode != UNFINISHED or self.checkpoint_is_there(), text
        assert not goes_on or "going on" in text or process.returncode != 0, text
        return hit

    def finish(self):
        goes_on = self.checkpoint_is_there()
        ranks = self.choice.choice(RANKS)
        done = run(ranks, self.words(), timeout=10 * PATIENCE)
        self.log.append(f"  finished on {ranks} ranks, {'from a checkpoint' if goes_on else 'from the beginning'}")
        succeed(done)
        self.check_output(done.stdout + done.stderr)
        self.resumed += "going on" in done.stdout
        assert not goes_on or "going on" in done.stdout, done.stdout
        self.compare()

    @staticmethod
    def check_output(text):
        """No kill damages the last checkpoint, or makes a program fail in another way than by the kill."""
        assert not re.search("is damaged|HDF5-DIAG|contract broken", text), text

    def compare(self):
        ours, expected = result(self.product), self.reference
        assert ours.keys() == expected.keys()
        differ = [name for name in expected if ours[name] != expected[name]]
        assert not differ, f"{differ} differ"
        left = sorted(path.name for path in self.here.iterdir())
        assert left == [self.subject.product], f"left behind: {left}"
        shutil.rmtree(self.here)


class Campaign:
    def __init__(self, folder, choice, subjects):
        self.folder, self.choice = folder, choice
        self.subjects = [subject for subject in make_subjects(folder) if subjects in subject.name]
        self.references = {subject: self.reference(subject) for subject in self.subjects}
        self.kills, self.resumed = collections.Counter(), 0
        self.start = time.monotonic()
        self.bag = []

    def reference(self, subject):
        """What the undisturbed run makes, and how long it takes."""
        here = Path(tempfile.mkdtemp(dir=self.folder))
        done = succeed(run(2, [*subject.words, "--out", here / (subject.out or subject.product)], timeout=10 * PATIENCE))
        print(f"{subject.name}: {done.seconds:.1f} s undisturbed on 2 ranks", flush=True)
        return result(here / subject.product), done.seconds

    def way(self, subject):
        """Every way as often as any other."""
        if not self.bag:
            self.bag = self.choice.sample(sorted(WAYS), len(WAYS))
        way = self.bag.pop()
        return way if subject.resumes else way.partition(",")[0]

    def trial(self, subject):
        log = [subject.name]
        trial = Trial(subject, *self.references[subject], self.folder, self.choice, log)
        try:
            for _ in range(KILLS_OF_A_RUN):
                way = self.way(subject)
                if trial.kill(way):
                    self.kills[subject.name, way] += 1
                elif trial.product.exists():
                    break
            trial.finish()
            self.resumed += trial.resumed
        finally:
            print("\n".join(log), flush=True)

    def run(self, kills):
        while sum(self.kills.values()) < kills:
            for subject in self.subjects:
                self.trial(subject)

    def report(self):
        for index, title in ((0, "of"), (1, "by")):
            for name in sorted({key[index] for key in self.kills}):
                print(f"{sum(n for key, n in self.kills.items() if key[index] == name):4d} kills {title} {name}")
        print(f"{sum(self.kills.values())} kills in {(time.monotonic() - self.start) / 60:.1f} minutes; {self.resumed} times a run "
              "went on from a checkpoint; the same bits always")
        assert self.resumed > 0 or not any(subject.resumes for subject in self.subjects)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="at least so many")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--subject", default="", help="only those with this in their name")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="tessera-survival-"))
    try:
        campaign = Campaign(folder, random.Random(arguments.seed), arguments.subject)
        campaign.run(arguments.kills)
        campaign.report()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
