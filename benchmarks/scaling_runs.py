"""Surveys, runs of the program on them, what a run says of itself, and the comparison of its maps with those of one rank."""
import os
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from scaling_model import Geometry, even_tiles

SOURCE = Path(__file__).resolve().parent.parent

# The program's clock has these names for what happens in a stage.
STAGES = {"simulate": ("sky", "galaxies"), "train": ("training",), "read": ("read catalogue",), "bin": ("bin galaxies",),
          "kaiser-squires": ("kaiser-squires",), "wiener": ("wiener",), "draws": ("wiener samples",), "deepmass": ("deepmass",),
          "posterior": ("posterior samples",),
          "write": ("write", "write kaiser-squires", "write wiener", "write samples", "write deepmass", "write posterior",
                    "write provenance")}
PIXEL_ARCMIN = 0.29
WHOLE_SKY = 41252.96 * 3600  # arcmin^2


class Survey:
    """A mock survey and how it is mapped."""

    def __init__(self, name, sky, prior, mock, density, tile, geometry, exact_ranks=None):
        """density: of the galaxies, 1/arcmin^2; exact_ranks: up to so many the bits are the same, None: always."""
        self.name, self.sky, self.prior, self.density, self.tile, self.geometry = name, sky, prior, density, tile, geometry
        self.mock = [*mock, "--density", density]
        self.exact_ranks = exact_ranks

    @property
    def on_sphere(self):
        return "healpix" in self.sky

    def described(self, maps=None):
        """The geometry, with the footprint that `maps` have."""
        found = Geometry(**vars(self.geometry))
        if self.on_sphere:
            share, found.tiles = footprint_of(maps, found.nside // self.tile)
            found.galaxies = self.density * share * WHOLE_SKY
        else:
            found.galaxies = self.density * found.pixels * PIXEL_ARCMIN**2
        return found


def plane(nx, ny, tile=256, density=40):
    return Survey(f"plane {nx} x {ny}", ["--center", "150,2", "--npix", f"{nx},{ny}", "--pixel-arcmin", PIXEL_ARCMIN],
                  ["--spectrum", SOURCE / "data/cl_cosmos_like.txt"], ["--sigma-e", "0.28"], density, tile,
                  Geometry(f"plane {nx} x {ny}", nx * ny, tiles=even_tiles(nx, ny, tile), field_ny=ny, box_nx=2 * nx,
                           box_ny=2 * ny))


def sphere(nside, tile=128, density=0.5):
    return Survey(f"sphere nside {nside}", ["--grid", "healpix", "--nside", nside],
                  ["--spectrum", SOURCE / "data/cl_desy3_like.txt"],
                  ["--mask", "des-like", "--sigma-e", "0.26"], density, min(tile, nside),
                  Geometry(f"sphere nside {nside}", 12 * nside**2, nside=nside), max(8, nside // 128))


class Runner:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
                            "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def run(self, ranks, words):
        """What the program says."""
        waiting = {"OMPI_MCA_mpi_yield_when_idle": "1" if ranks > os.cpu_count() else "0"}
        done = subprocess.run(["mpirun", "-n", str(ranks), self.program, *map(str, words)], env={**self.environment, **waiting},
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(map(str, words))} on {ranks} ranks failed: {done.stderr.strip()}")
        return done.stdout

    def simulate(self, survey, ranks):
        """The catalogue and the truth."""
        catalogue, truth = (self.folder / f"{survey.name.replace(' ', '_')}_{kind}.h5" for kind in ("catalogue", "truth"))
        self.run(ranks, ["simulate", "--model", "lognormal", *survey.sky, *survey.prior, *survey.mock, "--out-catalogue", catalogue,
                         "--out-truth", truth, "--overwrite"])
        return catalogue, truth

    def train(self, survey, ranks, steps):
        out = self.folder / "model.h5"
        sky = survey.sky if survey.on_sphere else ["--npix", "256", "--pixel-arcmin", PIXEL_ARCMIN]
        self.run(ranks, ["train", "deepmass", *sky, *survey.prior, "--model", "lognormal", "--steps", steps, "--validate", steps,
                         "--validation-surveys", "2", "--test-surveys", "2", "--density", "5:40", "--out", out, "--overwrite"])
        return out

    def map(self, survey, ranks, catalogue, methods, more=()):
        out = self.folder / "maps.h5"
        chain = ["--chains", "1", "--burn-in", "2", "--samples", "2"] if "posterior" in methods else ["--samples", "2"]
        self.run(ranks, ["map", "--catalogue", catalogue, *survey.sky, *survey.prior, "--methods", methods, *chain, *more, "--tile",
                         survey.tile, "--outside-card", "warn", "--out", out, "--overwrite"])
        return out


def usage_of(path):
    """{stage: {seconds, bytes, messages}, each by rank}."""
    with h5py.File(path) as file:
        ranks = file["diagnostics/ranks"]
        names = ranks.attrs["stages"]
        names = (names.decode() if isinstance(names, bytes) else names).split(",")
        columns = {kind: ranks[f"stage_{name}"][:] for kind, name in
                   (("seconds", "seconds"), ("bytes", "bytes_sent"), ("messages", "messages_sent"))}
    found = {}
    for stage, wanted in STAGES.items():
        places = [i for i, name in enumerate(names) if name in wanted]
        if places:
            found[stage] = {kind: values[:, places].sum(axis=1) for kind, values in columns.items()}
    return found


def sent_of(usage):
    """{stage: {bytes, messages}, each of the busiest rank and of the mean one}."""
    return {stage: {kind: [float(entry[kind].max()), float(entry[kind].mean())] for kind in ("bytes", "messages")}
            for stage, entry in usage.items()}


def seconds_of(usage):
    return {stage: float(entry["seconds"].max()) for stage, entry in usage.items()}


def memory_of(path):
    with h5py.File(path) as file:
        return float(file["diagnostics/ranks/peak_memory"][:].max())


def footprint_of(path, nside):
    """Of maps of the sphere: share of the sky that holds data, and how many pixels of a grid of `nside` do."""
    with h5py.File(path) as file:
        observed = file["healpix/pixel"][:][file["data/mask/value"][:] > 0]
        own = int(file["healpix"].attrs["nside"])
    return observed.size / (12 * own**2), int(np.unique(observed // (own // nside)**2).size)


def products_of(path):
    """Every dataset but diagnostics."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("diagnostics/") and item.dtype != object:
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(take)
    return found


class Reference:
    """Products of the first run, on one rank, with which those of others are compared."""

    def __init__(self):
        self.products = {}

    @staticmethod
    def same(ours, expected, rounding):
        if ours.shape != expected.shape or not rounding:
            return ours.tobytes() == expected.tobytes()
        return np.linalg.norm(ours.ravel() - expected.ravel()) <= 1e-5 * np.linalg.norm(expected.ravel())

    def check(self, key, path, ranks, rounding=False, partly=False):
        """Whether all products of the reference are there and the same; partly: whether those that are there are."""
        products = products_of(path)
        reference = self.products.setdefault(key, products)
        wrong = sorted(name for name in (products if partly else reference)
                       if name not in products or name not in reference
                       or not self.same(products[name], reference[name], rounding))
        if wrong:
            sys.exit(f"error: {key} on {ranks} ranks differs from one rank in {wrong}")


def busy_share(seconds):
    """Share of the cores that something uses."""
    def read():
        values = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(values), values[3] + values[4]
    total, idle = read()
    time.sleep(seconds)
    later, later_idle = read()
    return 1 - (later_idle - idle) / max(later - total, 1)


def require_idle(allow_busy):
    if allow_busy:
        return
    share = busy_share(2.0)
    if share > 0.05:
        sys.exit(f"error: the machine is busy ({100 * share:.0f} % of its cores), and times would mean nothing; wait, or give "
                 "--allow-busy to try the script")
