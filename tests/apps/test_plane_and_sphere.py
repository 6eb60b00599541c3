"""One small field of a sky of the sphere, mapped on the plane and on the sphere: the same map, so the signs and frames of
spin 2 are the same."""
import importlib.util
import shutil
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from common import PRIOR, main, run, succeed

if importlib.util.find_spec("healpy"):
    import healpy

NSIDE, RADIUS = 512, 2.5  # degrees, of the cap that is observed
SMOOTHING = ("--methods", "ks", "--smoothing-arcmin", "20")
NORTH, SOUTH = (359.6, 37.0), (52.0, -58.0)  # across RA 0, and where meridians converge


@unittest.skipUnless(importlib.util.find_spec("healpy"), "healpy is not installed")
class PlaneAndSphere(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        seen = np.zeros(healpy.nside2npix(NSIDE))
        for centre in (NORTH, SOUTH):
            seen[healpy.query_disc(NSIDE, healpy.ang2vec(*centre, lonlat=True), np.radians(RADIUS))] = 1
        mask = cls.folder / "mask.fits"
        healpy.write_map(mask, seen, dtype=np.float32)
        cls.catalogue = cls.folder / "catalogue.h5"
        succeed(run(2, ["simulate", "--grid", "healpix", "--nside", NSIDE, *PRIOR, "--mask", mask, "--density", "1.5",
                        "--sigma-e", "0", "--out-catalogue", cls.catalogue, "--out-truth", cls.folder / "truth.h5"]))
        cls.sphere = cls.map("sphere.h5", "--grid", "healpix", "--nside", NSIDE)

    @classmethod
    def map(cls, name, *options):
        out = cls.folder / name
        succeed(run(2, ["map", "--catalogue", cls.catalogue, *SMOOTHING, *options, "--out", out]))
        return out

    def both(self, centre):
        """E and B within the cap, [plane or sphere][E or B][pixel]."""
        plane = self.map(f"plane{centre[1]}.h5", "--center", f"{centre[0]},{centre[1]}", "--npix", "88", "--pixel-arcmin",
                         "4", "--padding", "4")
        with h5py.File(plane) as file:
            wcs = WCS(fits.Header.fromstring(file["wcs"].attrs["header"], sep="\n"))
            sky = wcs.pixel_to_world_values(*np.meshgrid(np.arange(88), np.arange(88)))
            places = healpy.ang2vec(sky[0].ravel(), sky[1].ravel(), lonlat=True)
            towards = places @ healpy.ang2vec(*centre, lonlat=True)
            inside = towards.reshape(88, 88) > np.cos(np.radians(0.8 * RADIUS))
            ours = [file[f"maps/kappa_ks_{mode}"][()][inside] for mode in "eb"]
        theirs = []
        with h5py.File(self.sphere) as file:
            for mode in "eb":
                kappa = np.zeros(healpy.nside2npix(NSIDE))
                kappa[file["healpix/pixel"][()]] = file[f"maps/kappa_ks_{mode}/value"][()]
                theirs.append(healpy.get_interp_val(kappa, sky[0][inside], sky[1][inside], nest=True, lonlat=True))
        return ours, theirs

    def test_same_maps(self):
        for centre in (NORTH, SOUTH):
            (e, b), (sphere_e, sphere_b) = self.both(centre)
            for name, ours, theirs in (("E", e, sphere_e), ("B", b, sphere_b)):
                with self.subTest(centre=centre, mode=name):
                    self.assertGreater(np.corrcoef(ours, theirs)[0, 1], 0.98)
                    self.assertAlmostEqual(np.polyfit(theirs, ours, 1)[0], 1, delta=0.04)


if __name__ == "__main__":
    main()
