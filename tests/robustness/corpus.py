"""The corpus of malformed input: what a case is, the sound files that cases damage, and the words of the commands."""
import os
import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Callable, NamedTuple

import h5py
import healpy
import numpy as np

from common import CENTER, SOURCE, SPECTRUM, read_columns, run, succeed
from refusal import OLD, words

SPHERE_SPECTRUM = SOURCE / "data/cl_desy3_like.txt"
NSIDE = 16
FIELD = ["--center", CENTER, "--npix", "24,20", "--pixel-arcmin", 1]
NETWORK = ["--channels", "2,3", "--steps", 2, "--batch", 2, "--warmup", 1, "--validate", 1]
TRAINING = [*NETWORK, "--density", "10:40", "--cutout", 16, "--validation-surveys", 2, "--test-surveys", 2,
            "--test-densities", "20"]
SCORE_TRAINING = [*NETWORK, "--validation-skies", 2, "--test-skies", 2]


class Case(NamedTuple):
    name: str
    make: Callable  # (place) -> words of the command line
    says: tuple     # parts of the one line that tells of it
    ranks: int
    crashes: bool   # within a library, which the program survives and a sanitizer tells in its own way


CASES = []


def replaced(name, make):
    """Puts make(values) in a dataset's place, with its attributes."""
    def change(file):
        values, attributes = file[name][()], dict(file[name].attrs)
        del file[name]
        file[name] = make(values)
        file[name].attrs.update(attributes)
    return change


def case(*says, ranks=2, crashes=False):
    """A function that makes the files of a case in a place and returns the words of a command that must refuse them."""
    def add(make):
        CASES.append(Case(f"{make.__module__}_{make.__name__}", make, says, ranks, crashes))
        return make
    return add


class Inputs:
    """Sound files, each made when a case first asks for it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tessera-corpus-"))

    def remove(self):
        shutil.rmtree(self.folder)

    def _run(self, *args):
        succeed(run(2, args))

    @cached_property
    def survey(self):
        """Catalogue and truth of a plane."""
        catalogue, truth = self.folder / "catalogue.h5", self.folder / "truth.h5"
        self._run("simulate", "--center", CENTER, "--npix", "24,20", "--pixel-arcmin", 1, "--density", 20, "--spectrum",
                  SPECTRUM, "--out-catalogue", catalogue, "--out-truth", truth)
        return catalogue, truth

    @cached_property
    def sphere_survey(self):
        catalogue, truth = self.folder / "sphere.h5", self.folder / "sphere_truth.h5"
        self._run("simulate", "--grid", "healpix", "--nside", NSIDE, "--density", 0.0003, "--spectrum", SPHERE_SPECTRUM,
                  "--out-catalogue", catalogue, "--out-truth", truth)
        return catalogue, truth

    @cached_property
    def maps(self):
        path = self.folder / "maps.h5"
        self._run("map", "--catalogue", self.survey[0], *FIELD, "--spectrum", SPECTRUM, "--methods", "ks", "--out", path)
        return path

    @cached_property
    def sphere_maps(self):
        path = self.folder / "sphere_maps.h5"
        self._run("map", "--grid", "healpix", "--nside", NSIDE, "--catalogue", self.sphere_survey[0], "--methods", "ks",
                  "--out", path)
        return path

    @cached_property
    def skies(self):
        path = self.folder / "skies.h5"
        self._run("simulate", "skies", "--count", 8, "--npix", 32, "--pixel-arcmin", 1, "--spectrum", SPECTRUM,
                  "--validation", 0.25, "--test", 0.25, "--out", path)
        return path

    @cached_property
    def columns(self):
        return {name: np.array(values) for name, values in read_columns(self.survey[0]).items()}

    @cached_property
    def model(self):
        """A DeepMass of few weights."""
        path = self.folder / "deepmass.h5"
        self._run("train", "deepmass", "--skies", self.skies, "--spectrum", SPECTRUM, *TRAINING, "--out", path)
        return path

    @cached_property
    def score(self):
        path = self.folder / "score.h5"
        self._run("train", "score", "--skies", self.skies, "--spectrum", SPECTRUM, *SCORE_TRAINING, "--out", path)
        return path

    @cached_property
    def mask(self):
        """A HEALPix map of the sphere as healpy writes it."""
        path = self.folder / "mask.fits"
        healpy.write_map(str(path), np.ones(12 * NSIDE**2), nest=True, coord="C", dtype=np.float64, column_names=["MASK"])
        return path



class Place:
    """The folder of a case. Outputs are there before the command runs, which has to leave them as they are."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.here = Path(tempfile.mkdtemp(dir=inputs.folder, prefix="case-"))

    def __truediv__(self, name):
        return self.here / name

    def file(self, name, content):
        path = self.here / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def copy(self, path, name=None):
        return Path(shutil.copy(path, self.here / (name or path.name)))

    def fifo(self, name="pipe"):
        os.mkfifo(self.here / name)
        return self.here / name

    def hdf5(self, name, change, source=None):
        """A new HDF5 file, or a copy of one, and what change(file) does to it."""
        path = self.copy(source, name) if source else self.here / name
        with h5py.File(path, "a") as file:
            change(file)
        return path

    def old(self, name="out.h5"):
        return self.file(name, OLD)

    def map(self, **changes):
        return words("map", dict(catalogue=self.inputs.survey[0], center=CENTER, npix="24,20", pixel_arcmin=1,
                                 spectrum=SPECTRUM, methods="ks,wiener", samples=0, out=self.old(), overwrite=True)
                     | changes)

    def sphere_map(self, **changes):
        return words("map", dict(grid="healpix", nside=NSIDE, catalogue=self.inputs.sphere_survey[0],
                                 spectrum=SPHERE_SPECTRUM, methods="ks", out=self.old(), overwrite=True) | changes)

    def simulate(self, **changes):
        return words("simulate", dict(center=CENTER, npix="24,20", pixel_arcmin=1, density=20, spectrum=SPECTRUM,
                                      out_catalogue=self.old("new.h5"), out_truth=self.old("new_truth.h5"),
                                      overwrite=True) | changes)

    def sphere_simulate(self, **changes):
        return words("simulate", dict(grid="healpix", nside=NSIDE, density=0.0003, spectrum=SPHERE_SPECTRUM,
                                      out_catalogue=self.old("new.h5"), out_truth=self.old("new_truth.h5"),
                                      overwrite=True) | changes)

    def skies(self, **changes):
        return ["simulate", *words("skies", dict(count=2, npix=16, pixel_arcmin=1, spectrum=SPECTRUM, out=self.old(),
                                                 overwrite=True) | changes)]

    def imports(self, maps, **changes):
        return words("import", dict(maps=maps, pixel_arcmin=1, out=self.old(), overwrite=True) | changes)

    def train(self, kind="deepmass", **changes):
        options = dict(skies=self.inputs.skies, spectrum=SPECTRUM, out=self.old(), overwrite=True) | changes
        return ["train", *words(kind, options), *(TRAINING if kind == "deepmass" else SCORE_TRAINING)]

    def compare(self, **changes):
        return words("compare", dict(maps=self.inputs.maps, truth=self.inputs.survey[1]) | changes)

    def compare_skies(self, skies, **changes):
        return words("compare", dict(skies=skies, out=self.old(), overwrite=True) | changes)

    def export(self, source, name="kappa", **changes):
        return words("export", dict(input=source, map=name, fits=self.old("image.fits"), overwrite=True) | changes)

    def calibrate(self, **changes):
        return words("calibrate", dict(skies=self.inputs.skies, spectrum=SPECTRUM, density=20, masks="starry", field=16,
                                       surveys=2, samples=8, score_model="none", deepmass_model="none", burn_in=1,
                                       levels=2, trajectories=1, out=self.old(), overwrite=True) | changes)
