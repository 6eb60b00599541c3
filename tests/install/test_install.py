"""The installation, after its prefix was moved: programs, man pages, shipped data, and the CMake package in a project of a
user, whose program is compared with numpy."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from common import MPIEXEC, SOURCE, main, run_words, succeed

BUILD = Path(os.environ["TESSERA_BUILD"])
CMAKE = os.environ["TESSERA_CMAKE"]
LIBTORCH = os.environ["TESSERA_LIBTORCH"]
COMMANDS = ("map", "simulate", "simulate-skies", "train-deepmass", "train-score", "gather", "calibrate", "compare", "import",
            "export")
CONSUMER = SOURCE / "tests/install/consumer"


def kaiser_squires(ny=21, nx=25, smoothing=0.7):
    """Mean squares of E and B of the consumer's shear; lengths in pixels."""
    place = np.arange(ny * nx, dtype=float).reshape(ny, nx)
    shear = np.sin(0.1 * place**2) + 1j * np.cos(1.7 * place)
    k = 2 * np.pi * (np.fft.fftfreq(nx)[None, :] + 1j * np.fft.fftfreq(ny)[:, None])
    phase = np.divide(k, abs(k), out=np.zeros_like(k), where=k != 0)
    kappa = np.fft.ifft2(np.fft.fft2(shear) * np.conj(phase)**2 * np.exp(-0.5 * abs(k * smoothing)**2))
    return np.mean(kappa.real**2), np.mean(kappa.imag**2)


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.first = cls.folder / "first"
        succeed(run_words([CMAKE, "--install", BUILD, "--prefix", cls.first]))
        cls.prefix = cls.folder / "moved" / "prefix"
        cls.prefix.parent.mkdir()
        cls.first.rename(cls.prefix)

    def run_installed(self, ranks, *args):
        return succeed(run_words([MPIEXEC, "-n", ranks, self.prefix / "bin/tessera", *args], timeout=120))

    def test_version(self):
        version = self.run_installed(1, "--version").stdout
        self.assertIn(f"tessera {(SOURCE / 'CMakeLists.txt').read_text().split('VERSION ')[2].split()[0]}", version)
        self.assertRegex(version, r"LibTorch +[0-9]+[.][0-9]+")

    def test_shipped_data_are_found(self):
        """Default weights, and the spectrum of share/tessera."""
        here = self.folder / "survey"
        here.mkdir()
        spectrum = self.prefix / "share/tessera/data/cl_cosmos_like.txt"
        field = ("--center", "150,2", "--npix", "96", "--pixel-arcmin", "0.29")
        self.run_installed(2, "simulate", "--spectrum", spectrum, *field, "--out-catalogue", here / "mock.h5", "--out-truth",
                           here / "truth.h5")
        self.run_installed(2, "map", "--spectrum", spectrum, *field, "--catalogue", here / "mock.h5", "--methods",
                           "wiener,deepmass", "--samples", "0", "--out", here / "maps.h5")
        with h5py.File(here / "maps.h5") as maps, h5py.File(here / "truth.h5") as truth:
            self.assertGreater(np.corrcoef(maps["maps/kappa_deepmass"][()].ravel(), truth["maps/kappa"][()].ravel())[0, 1], 0.3)
            stored = maps["provenance"].attrs["configuration"]
        self.assertIn(f"model = {self.prefix}/share/tessera/data/deepmass_cosmos.h5", stored)

    def test_layout(self):
        for name in ("data/score_cosmos.h5", "data/nz_cosmos_like.txt", "tools/plot_maps.py", "jobs/pipeline.sh"):
            self.assertTrue((self.prefix / "share/tessera" / name).is_file(), name)
        settings = 'TESSERA=$1; . "$1/jobs/settings.sh"; "$PROGRAM" --help'
        succeed(run_words(["bash", "-euc", settings, "bash", self.prefix / "share/tessera"]))

    def test_man_pages(self):
        folder = self.prefix / "share/man/man1"
        pages = {"tessera.1", *(f"tessera-{name}.1" for name in COMMANDS)}
        self.assertEqual({path.name for path in folder.iterdir()}, pages)
        for name in pages:
            page = run_words(["groff", "-man", "-Tascii", "-P-cbou", "-ww", folder / name])
            self.assertEqual((page.returncode, page.stderr), (0, ""), name)
        page = succeed(run_words(["groff", "-man", "-Tascii", "-P-cbou", folder / "tessera-map.1"])).stdout
        for text in ("tessera-map - convergence maps from a shear catalogue", "SYNOPSIS", "--pixel-arcmin P",
                     "mpirun -n 4 tessera map --catalogue shear.fits"):
            self.assertIn(text, page)

    def test_package_names_no_folder_of_the_build(self):
        for path in self.prefix.rglob("*.cmake"):
            for folder in (SOURCE, BUILD, self.first):
                self.assertNotIn(str(folder), path.read_text(), path.name)

    def build(self, name, *options):
        """The consumer, built in a folder of its own."""
        build = self.folder / name
        torch = [f"-DTESSERA_LIBTORCH={LIBTORCH}"] if LIBTORCH else []
        succeed(run_words([CMAKE, "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", *torch, *options]))
        succeed(run_words([CMAKE, "--build", build], timeout=300))
        return build

    def test_consumer_without_torch(self):
        program = self.build("consumer", "-DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON") / "convergence"
        outputs = {succeed(run_words([MPIEXEC, "-n", ranks, program])).stdout for ranks in (1, 2, 3)}
        self.assertEqual(len(outputs), 1, "the bits depend on the number of ranks")
        np.testing.assert_allclose([float(word) for word in outputs.pop().split()], kaiser_squires(), rtol=1e-13)
        self.assertNotIn("libtorch", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout)

    def test_consumer_with_network(self):
        program = self.build("consumer-network", "-DWITH_NETWORK=ON") / "receptive_field"
        radius = succeed(run_words([program, self.prefix / "share/tessera/data/deepmass_cosmos.h5"])).stdout
        with h5py.File(SOURCE / "data/deepmass_cosmos.h5") as model:
            card = model["model"].attrs["card"]
        self.assertIn(f"receptive_radius = {radius.strip()}\n", card)

    def test_unknown_layer_is_named(self):
        project = self.folder / "unknown"
        project.mkdir()
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(unknown LANGUAGES C CXX)\n"
                                                "find_package(tessera REQUIRED COMPONENTS tesselation)\n")
        done = run_words([CMAKE, "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no layer 'tesselation'", done.stderr)


if __name__ == "__main__":
    main()
