"""The oracles of the sphere check themselves, accept right files and refuse wrong ones; the README's example; pictures.
The files are small ones written here, with a posterior mean by dense algebra."""
import importlib.util
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from common import SOURCE, SPECTRUM, main, run_oracle, run_words, succeed

if importlib.util.find_spec("healpy"):
    import healpy
    from sphere_file import tiles_near, write_sphere_file

NSIDE, LMAX = 8, 12


def small_survey(random):
    """Fields on the whole sky, RING, of a survey with holes."""
    npix, (l, m) = healpy.nside2npix(NSIDE), healpy.Alm.getlm(LMAX)
    factor = np.sqrt(np.maximum((l - 1) * (l + 2), 0) / np.maximum(l * (l + 1), 1))
    ell, c = np.loadtxt(SPECTRUM, unpack=True)
    prior = np.where(l > 1, np.exp(np.interp(np.log(np.maximum(l, 2)), np.log(ell), np.log(c))), 0)
    prior = prior * healpy.pixwin(NSIDE, lmax=LMAX)[l]**2
    units = [unit for k in np.flatnonzero(l > 1) for unit in ([1.0] if m[k] == 0 else [2**-0.5, 2**-0.5 * 1j])]
    owners = [k for k in np.flatnonzero(l > 1) for _ in range(1 if m[k] == 0 else 2)]
    modes = np.zeros((len(owners), l.size), complex)
    modes[np.arange(len(owners)), owners] = units
    shear = [healpy.alm2map_spin([factor * a, 0 * a], NSIDE, 2, LMAX) for a in modes]
    theta, _ = healpy.pix2ang(NSIDE, np.arange(npix))
    sigma = random.uniform(5e-4, 2e-3, npix) * ((theta > 1) & (theta < 2) & (random.uniform(size=npix) < 0.8))
    seen = np.tile(sigma > 0, 2)
    a = np.array([np.concatenate([-q, u]) for q, u in shear]).T[seen]
    noise, s = np.tile(sigma, 2)[seen], prior[owners]
    data = np.zeros(2 * npix)
    data[seen] = a @ (random.normal(size=s.size) * np.sqrt(s)) + noise * random.normal(size=noise.size)
    mean = s * (a.T @ np.linalg.solve((a * s) @ a.T + np.diag(noise**2), data[seen]))
    gamma1, gamma2 = data[:npix], data[npix:]
    a_e, a_b = healpy.map2alm_spin([-gamma1, gamma2], 2, LMAX)
    return {"data/gamma1": gamma1, "data/gamma2": gamma2, "data/noise_sigma": sigma, "data/mask": sigma > 0,
            "data/count": random.poisson(5, npix) * (sigma > 0), "maps/kappa_wiener": synthesis(mean @ modes),
            "maps/kappa_wiener_std": 1e-3 + sigma, "maps/kappa_ks_e": synthesis(factor * a_e),
            "maps/kappa_ks_b": synthesis(-factor * a_b)}


def scale(dataset, factor):
    dataset[()] = dataset[()] * factor


def synthesis(modes):
    return healpy.alm2map(modes, NSIDE, lmax=LMAX)


@unittest.skipUnless(importlib.util.find_spec("healpy"), "healpy is not installed")
class Sphere(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        fields = {name: healpy.reorder(1.0 * field, r2n=True)
                  for name, field in small_survey(np.random.default_rng(4)).items()}
        cls.maps = cls.folder / "maps.h5"
        write_sphere_file(cls.maps, NSIDE, tiles_near(fields["data/mask"] > 0, NSIDE, 2), fields)

    def changed(self, change):
        copy = self.folder / "changed.h5"
        shutil.copy(self.maps, copy)
        with h5py.File(copy, "a") as file:
            change(file)
        return copy

    def assert_agrees(self, oracle, *args):
        done = run_oracle(oracle, *args)
        self.assertEqual(done.returncode, 0, f"{oracle}: {done.stdout}{done.stderr}")

    def assert_differs(self, oracle, *args):
        done = run_oracle(oracle, *args)
        self.assertEqual(done.returncode, 1, f"{oracle} accepts a wrong run: {done.stdout}{done.stderr}")
        self.assertRegex(done.stderr, "\\Aerror: .*\n\\Z")

    def test_oracles_check_themselves(self):
        for oracle in ("sphere_wiener", "sphere_ks"):
            self.assert_agrees(oracle, "--selftest")

    def test_wiener(self):
        options = SPECTRUM, "--lmax", LMAX, "--limit", "1e-7"
        self.assert_agrees("sphere_wiener", self.maps, *options)
        for name in ("gamma1", "gamma2", "noise_sigma"):
            with self.subTest(changed=name):
                wrong = self.changed(lambda file: scale(file[f"data/{name}/value"], 1.001))
                self.assert_differs("sphere_wiener", wrong, *options)
        self.assert_differs("sphere_wiener", self.maps, SPECTRUM, "--lmax", LMAX - 1, "--limit", "1e-7")
        self.assert_differs("sphere_wiener", self.maps, *options, "--window", "none")
        self.assert_differs("sphere_wiener", self.maps)

    def test_kaiser_squires(self):
        self.assert_agrees("sphere_ks", self.maps, "--lmax", LMAX)
        self.assert_differs("sphere_ks", self.maps, "--lmax", LMAX, "--divide")
        self.assert_differs("sphere_ks", self.maps, "--lmax", LMAX, "--smoothing-arcmin", "300")
        wrong = self.changed(lambda file: scale(file["maps/kappa_ks_b/value"], -1))
        self.assert_differs("sphere_ks", wrong, "--lmax", LMAX)

    def test_example_of_the_readme(self):
        def unlink(file):
            pixel = file["maps/kappa_wiener/pixel"][()]
            del file["maps/kappa_wiener/pixel"]
            file["maps/kappa_wiener/pixel"] = pixel
        self.assert_agrees("check_healpix_reading", self.maps)
        for change in (lambda file: file["maps/kappa_wiener"].attrs.modify("nest", 0),
                       lambda file: file["maps/kappa_wiener"].attrs.modify("npix", 12), unlink,
                       lambda file: scale(file["healpix/pixel"], -1)):
            self.assert_differs("check_healpix_reading", self.changed(change))

    def draw(self, tool, *args):
        return run_words([sys.executable, SOURCE / f"tools/{tool}.py", *args])

    def test_pictures(self):
        for options in ((), ("--smooth", "500", "--maps", "kappa_ks_e,kappa_wiener,snr")):
            picture = self.folder / "picture.png"
            succeed(self.draw("plot_sphere", self.maps, "--out", picture, *options))
            self.assertEqual(picture.read_bytes()[:4], b"\x89PNG")
            picture.unlink()

    def test_wrong_files_for_pictures(self):
        plane = self.folder / "plane.h5"
        with h5py.File(plane, "w") as file:
            file["maps/kappa"] = np.zeros((2, 3))
        for tool, path, other in (("plot_maps", self.maps, "plot_sphere"), ("plot_sphere", plane, "plot_maps")):
            done = self.draw(tool, path)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, f"\\Aerror: .*{other}.py.*\n\\Z")


@unittest.skipUnless(importlib.util.find_spec("healpy"), "healpy is not installed")
class Drawing(unittest.TestCase):
    """What a picture shows where."""

    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, str(SOURCE / "tools"))
        cls.tool = importlib.import_module("plot_sphere")

    def patch(self, nside, value):
        pixel = np.sort(healpy.query_disc(nside, healpy.ang2vec(40, -30, lonlat=True), 0.3, nest=True))
        return self.tool.PartialMap(nside, pixel, np.ones(pixel.size), value(pixel))

    def test_places_on_the_sky(self):
        """A bright pixel West and North of the centre is right of it and above it, where the graticule says."""
        place = 36.0, -25.0
        bright = healpy.ang2pix(64, *place, nest=True, lonlat=True)
        partial = self.patch(64, lambda pixel: 1.0 * (pixel == bright))
        for kind, rot, low, high in (("Gnomonic", (40, -30), (-0.4, -0.3), (0.4, 0.3)),
                                     ("Orthographic", (40, -30), (-0.4, -0.3), (0.4, 0.3)),
                                     ("Mollweide", (30, 0), (-2, -1), (2, 1))):
            more = {"half_sky": True} if kind == "Orthographic" else {}
            view = self.tool.View(getattr(self.tool.projector, f"{kind}Proj")(rot=rot, **more), low, high, 1600)
            image = view.image(partial)
            self.assertTrue(0.001 < np.isfinite(image).mean() < 0.9)
            row, column = np.mean(np.nonzero(np.nan_to_num(image) > 0.2), axis=1)
            x = low[0] + (column + 0.5) / image.shape[1] * (high[0] - low[0])
            y = low[1] + (row + 0.5) / image.shape[0] * (high[1] - low[1])
            expected = view.projection.ang2xy(*healpy.pix2ang(64, bright, nest=True, lonlat=True), lonlat=True)
            with self.subTest(projection=kind):
                self.assertLess(np.hypot(x - expected[0], y - expected[1]), 0.004)
                self.assertGreater(x, np.asarray(view.projection.ang2xy(40, -25, lonlat=True))[0])
                self.assertGreater(y, np.asarray(view.projection.ang2xy(36, -30, lonlat=True))[1])

    def test_coarser_pixels_are_means(self):
        partial = self.patch(64, lambda pixel: np.sin(pixel))
        coarse = partial.degraded(16)
        sky, seen = np.zeros((2, healpy.nside2npix(64)))
        sky[partial.pixel], seen[partial.pixel] = partial.value, 1
        total, count = (field.reshape(-1, 16).sum(axis=1) for field in (sky, seen))
        self.assertTrue(np.array_equal(coarse.pixel, np.flatnonzero(count)))
        np.testing.assert_allclose(coarse.value, (total / np.maximum(count, 1))[coarse.pixel], atol=1e-14)
        np.testing.assert_allclose(coarse.part, count[coarse.pixel] / 16)

    def test_smoothing_of_a_partial_sky(self):
        """A constant stays one up to the border; a point far from it becomes the Gaussian."""
        sigma = 0.05
        constant = self.patch(64, lambda pixel: np.full(pixel.size, 3.0)).smoothed(sigma)
        np.testing.assert_allclose(constant.value, 3, rtol=1e-6)
        centre = healpy.ang2pix(64, 40, -30, nest=True, lonlat=True)
        smooth = self.patch(64, lambda pixel: 1.0 * (pixel == centre)).smoothed(sigma)
        self.assertEqual(smooth.nside, 64)
        places = np.array(healpy.pix2vec(64, smooth.pixel, nest=True))
        away = np.linalg.norm(places - np.array(healpy.pix2vec(64, centre, nest=True))[:, None], axis=0)
        gaussian = healpy.nside2pixarea(64) / (2 * np.pi * sigma**2) * np.exp(-0.5 * (away / sigma)**2)
        near = away < 0.1
        np.testing.assert_allclose(smooth.value[near], gaussian[near], atol=0.01 * gaussian.max())

    def test_smoothing_averages_down_first(self):
        self.assertEqual(self.patch(64, lambda pixel: 1.0 * pixel).smoothed(0.15).nside, 16)


if __name__ == "__main__":
    main()
