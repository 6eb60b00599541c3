"""Maps of the COSMOS field from Schrabback et al. (2010), against known numbers and the oracles. Needs the catalogue
and spectrum, in TESSERA_SHARED_DATA or shared/data beside the source tree; skipped without them."""
import os
import shutil
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from common import SOURCE, main, run, run_oracle, succeed

DATA = Path(os.environ.get("TESSERA_SHARED_DATA", SOURCE.parent / "shared/data"))
CATALOGUE = DATA / "cosmos_schrabback2010.fits"
SPECTRUM = DATA / "cl_cosmos.txt"


@unittest.skipUnless(CATALOGUE.is_file() and SPECTRUM.is_file(), f"no COSMOS data in {DATA}")
class RealCosmos(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.maps = cls.map("maps.h5", "--spectrum", SPECTRUM, "--samples", "2")

    @classmethod
    def map(cls, name, *options):
        out = cls.folder / name
        succeed(run(2, ["map", "--catalogue", CATALOGUE, "--npix", "360", "--pixel-arcmin", "0.29",
                        "--smoothing-arcmin", "1", "--out", out, *options]))
        return out

    def check(self, oracle, *args):
        done = run_oracle(oracle, *args)
        self.assertEqual(done.returncode, 0, f"{oracle}: {done.stdout}{done.stderr}")

    def test_known_numbers(self):
        self.check("check_real_cosmos", self.maps)

    def test_binning(self):
        self.check("check_binning", CATALOGUE, self.maps)

    def test_kaiser_squires(self):
        self.check("check_kaiser_squires", self.maps)

    def test_wiener(self):
        self.check("check_wiener", self.maps)

    def test_deepmass(self):
        """The shipped model is made for these data: used without being asked for, near the Wiener map, sharper."""
        with h5py.File(self.maps) as file:
            inside = file["data/mask"][()] == 1
            wiener, deepmass, std = (file[f"maps/kappa_{name}"][()][inside]
                                     for name in ("wiener", "deepmass", "deepmass_std"))
            said = dict(file["diagnostics/deepmass"].attrs)
        self.assertIn("deepmass_cosmos.h5", said["model"])
        self.assertTrue(0.035 < said["noise_level"] < 0.055, said["noise_level"])  # 0.30 / sqrt(30 ... 73)
        self.assertGreater(np.corrcoef(wiener, deepmass)[0, 1], 0.85)
        self.assertGreater(((deepmass - deepmass.mean()) ** 3).mean() / deepmass.std() ** 3,
                           ((wiener - wiener.mean()) ** 3).mean() / wiener.std() ** 3)
        self.assertTrue(0.015 < np.median(std) < 0.03, np.median(std))

    def test_wrong_parity(self):
        maps = self.map("flipped.h5", "--flip-e2", "--methods", "ks", "--padding", "1")
        self.check("check_binning", CATALOGUE, maps, "--flip-e2")
        with h5py.File(maps) as file:
            inside = file["data/mask"][()] == 1
            e, b = (np.var(file[f"maps/kappa_ks_{mode}"][inside]) for mode in "eb")
        self.assertTrue(1.08 < e / b < 1.12, f"with the wrong sign of e2, E over B is {e / b:.4f}, not 1.08 to 1.12")
        self.assertNotEqual(run_oracle("check_real_cosmos", maps).returncode, 0)


if __name__ == "__main__":
    main()
