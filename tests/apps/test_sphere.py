"""The program on the sphere: maps against healpy, the same bits on any number of ranks and through a kill and a resume,
files for healpy, comparison with the truth, pictures, refusals."""
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py
import numpy as np

from common import (CENTER, FIELD, MPIEXEC, PATIENCE, PRIOR, SOURCE, SPECTRUM, SURVEY, TESSERA, SurveyTest, end_session, main, run,
                    run_oracle, run_words, succeed)
from refusal import RefusalTest, words
from test_ranks import RANKS, contents

if importlib.util.find_spec("healpy"):
    import healpy

NSIDE = 64
GRID = ("--grid", "healpix", "--nside", NSIDE)
GALAXIES = ("--mask", "des-like", "--density", "0.02", "--sigma-e", "0.05")
COARSE = ("--grid", "healpix", "--nside", 32, "--tile", 8)


@unittest.skipUnless(importlib.util.find_spec("healpy"), "healpy is not installed")
class SphereTest(SurveyTest):
    """A mock survey of the sphere, made once for all."""
    survey = None

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        if SphereTest.survey is None:
            folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
            unittest.addModuleCleanup(shutil.rmtree, folder)
            SphereTest.survey = cls.simulate(folder / "catalogue.h5", folder / "truth.h5")
        cls.catalogue, cls.truth = SphereTest.survey

    @classmethod
    def simulate(cls, catalogue, truth, field=GRID, ranks=2, more=GALAXIES):
        catalogue, truth = cls.folder / catalogue, cls.folder / truth
        succeed(run(ranks, ["simulate", *field, *PRIOR, "--out-catalogue", catalogue, "--out-truth", truth, *more]))
        return catalogue, truth

    def map(self, name, *options, field=GRID, **more):
        return super().map(name, *options, field=field, **more)

    def assert_same(self, path, reference):
        ours, expected = contents(path), contents(reference)
        self.assertEqual(ours.keys(), expected.keys())
        self.assertEqual([name for name in expected if ours[name] != expected[name]], [])

    def assert_agrees(self, oracle, *args):
        done = run_oracle(oracle, *args)
        self.assertEqual(done.returncode, 0, f"{oracle}: {done.stdout}{done.stderr}")


class Oracles(SphereTest):
    def test_maps(self):
        maps = self.map("maps.h5", "--methods", "ks,wiener", "--samples", "0", "--smoothing-arcmin", "30", "--tile", "16")
        with h5py.File(maps) as file:
            mask = file["data/mask/value"][()]
            self.assertTrue(0.3 < mask.mean() < 0.95, "some stored pixels hold no data, most do")
        self.assert_agrees("sphere_wiener", maps, SPECTRUM, "--limit", "1e-4")
        self.assert_agrees("sphere_ks", maps, "--divide", "--limit", "1e-12")
        self.assert_agrees("check_healpix_reading", maps)

    def test_other_band_limits(self):
        maps = self.map("maps.h5", "--methods", "ks,wiener", "--samples", "0", "--lmax", "80", "--pixel-window", "no")
        self.assert_agrees("sphere_wiener", maps, SPECTRUM, "--limit", "1e-6", "--lmax", "80", "--window", "none")
        self.assert_agrees("sphere_ks", maps, "--divide", "--lmax", "80")

    def test_finer(self):
        field = "--grid", "healpix", "--nside", 128
        maps = self.map("maps.h5", "--methods", "wiener", "--samples", "0", field=field)
        self.assert_agrees("sphere_wiener", maps, SPECTRUM, "--limit", "1e-4")


class Ranks(SphereTest):
    def test_simulate(self):
        for ranks in set(RANKS) - {2}:  # which the survey is made on
            with self.subTest(ranks=ranks):
                catalogue, truth = self.simulate(f"catalogue{ranks}.h5", f"truth{ranks}.h5", ranks=ranks)
                self.assert_same(catalogue, self.catalogue)
                self.assert_same(truth, self.truth)

    def test_lognormal_and_real_positions(self):
        options = ("--catalogue", self.catalogue, "--model", "lognormal", "--shift", "0.01", "--reduced-shear")
        files = [self.simulate(f"turned{ranks}.h5", f"turned_truth{ranks}.h5", field=COARSE[:4], ranks=ranks, more=options)
                 for ranks in (1, 3)]
        for ours, expected in zip(*files):
            self.assert_same(ours, expected)

    def test_map(self):
        options = "--methods", "ks,wiener", "--samples", "2", "--save-samples"
        one = self.map("maps1.h5", *options, ranks=1)
        for name in ("kappa_ks_e", "kappa_ks_b", "kappa_wiener", "kappa_wiener_std", "kappa_wiener_samples"):
            self.assertIn(f"maps/{name}/value", contents(one))
        for ranks in RANKS[1:]:
            with self.subTest(ranks=ranks):
                self.assert_same(self.map(f"maps{ranks}.h5", *options, ranks=ranks), one)


class Posterior(SphereTest):
    OPTIONS = ("--methods", "posterior", "--score-model", "none", "--chains", "1", "--samples", "2", "--burn-in", "2",
               "--trajectories", "2", "--levels", "2", "--save-samples")

    def test_ranks_and_resume(self):
        one = self.map("one.h5", *self.OPTIONS, field=COARSE, ranks=1)
        self.assertIn("maps/kappa_posterior_samples/value", contents(one))
        self.assert_same(self.map("three.h5", *self.OPTIONS, field=COARSE, ranks=3), one)
        gathered = self.map("gathered.h5", *self.OPTIONS, "--chain", "0", field=COARSE, ranks=3)
        succeed(run(2, ["gather", gathered]))
        self.assert_same(gathered, one)
        out = self.here / "killed.h5"
        args = ["map", "--catalogue", self.catalogue, *COARSE, *PRIOR, *self.OPTIONS, "--checkpoint-minutes", "0", "--out",
                out]
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", "2", TESSERA, *args]], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        checkpoint = out.with_name(out.name + ".checkpoint")
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.001)
        end_session(process.pid)
        text = "".join(process.communicate(timeout=PATIENCE))
        self.assertFalse(out.exists(), text)
        self.assertIn("going on after", succeed(run(3, [*args, "--resume"])).stdout)
        ours, expected = contents(out), contents(one)
        differ = [name for name in expected if ours[name] != expected[name]]
        self.assertEqual([name for name in differ if "configuration" not in name], [])


class Calibrate(SphereTest):
    def test_gaussian_skies(self):
        """On Gaussian spheres the Gaussian prior's samples are calibrated, on any number of ranks."""
        words = ["calibrate", "--grid", "healpix", "--nside", "16", *PRIOR, "--model", "gaussian", "--density", "0.15",
                 "--masks", "des,patchy", "--surveys", "16", "--samples", "9", "--score-model", "none", "--deepmass-model",
                 "none", "--burn-in", "5", "--levels", "2", "--trajectories", "30", "--tile", "8"]
        out, again = self.here / "calibration.h5", self.here / "again.h5"
        self.assertIn("at 10 arcmin", succeed(run(2, [*words, "--out", out])).stdout)
        with h5py.File(out) as file:
            figures = dict(zip(file["calibration/figures"].attrs["columns"].split(), file["calibration/figures"][()].T))
            pixels = file["calibration/ranks/pixel"][()]
            power = file["calibration/sample_power"][()].mean(axis=0) / file["calibration/truth_power"][()].mean(axis=0)
        self.assertAlmostEqual(figures["spread"].mean(), 1, delta=0.04)
        self.assertAlmostEqual((figures["rmse"] / figures["rmse_wiener"]).mean(), 1, delta=0.01)
        np.testing.assert_allclose(pixels / pixels.sum(), 0.1, atol=0.015)
        np.testing.assert_allclose(power[2:], 1, atol=0.12)
        succeed(run(3, [*words, "--out", again]))
        self.assert_same(again, out)
        # Several ranks share a survey.
        shared = self.here / "shared.h5"
        few = [*words[:words.index("--surveys")], "--surveys", "2", *words[words.index("--surveys") + 2:]]
        for ranks, path in (1, again), (5, shared):
            succeed(run(ranks, [*few, "--out", path, "--overwrite"]))
        self.assert_same(shared, again)


class Files(SphereTest):
    def test_export(self):
        maps, table = self.map("maps.h5", "--methods", "ks", "--tile", "16"), self.here / "map.fits"
        for path, name in ((maps, "kappa_ks_e"), (maps, "/data/noise_sigma"), (self.truth, "gamma2")):
            with self.subTest(map=name):
                succeed(run(2, ["export", path, "--map", name, "--fits", table, "--overwrite"]))
                with h5py.File(path) as file:
                    group = file[name if name.startswith("/") else f"maps/{name}"]
                    expected = np.full(healpy.nside2npix(NSIDE), healpy.UNSEEN)
                    expected[group["pixel"][()]] = group["value"][()]
                read, header = healpy.read_map(table, partial=False, nest=True, dtype=np.float64, h=True)
                self.assertTrue(np.array_equal(read, expected))
                self.assertEqual((dict(header)["TTYPE2"], dict(header)["COORDSYS"]), (name.rpartition("/")[2], "C"))

    def test_pictures(self):
        maps = self.map("maps.h5", "--methods", "ks,wiener", "--samples", "0")
        picture = self.here / "maps.png"
        succeed(run_words([sys.executable, SOURCE / "tools/plot_sphere.py", maps, "--truth", self.truth, "--out", picture]))
        self.assertEqual(picture.read_bytes()[:4], b"\x89PNG")
        self.assertGreater(picture.stat().st_size, 20000)


class Compare(SphereTest):
    LINE = re.compile(r"^(\S+)\n +RMSE (\S+), mean-subtracted (\S+) \(truth rms (\S+)\), Pearson r (\S+), (\d+) pixels",
                      re.MULTILINE)

    def compare(self, maps, *options, ranks=2):
        text = succeed(run(ranks, ["compare", "--maps", maps, "--truth", self.truth, *options])).stdout
        figures = {name: tuple(map(float, numbers)) for name, *numbers in self.LINE.findall(text)}
        return figures, [tuple(map(float, line.split())) for line in text.splitlines() if re.fullmatch(r"[\s\d.-]+", line)], text

    def test_figures_and_bands(self):
        maps = self.map("maps.h5", "--methods", "ks,wiener", "--samples", "2", "--save-samples", "--tile", "16")
        figures, _, text = self.compare(maps)
        self.assertEqual(sorted(figures), ["/maps/kappa_ks_e", "/maps/kappa_wiener"])
        self.assertTrue(np.isfinite(list(figures.values())).all())
        self.assertNotIn("nan", text)
        self.assertGreater(figures["/maps/kappa_wiener"][3], 0.2)
        for ranks in (1, 3):
            self.assertEqual(self.compare(maps, ranks=ranks)[2], text)
        with h5py.File(maps) as file, h5py.File(self.truth) as truth:
            pixel, inside = file["healpix/pixel"][()], file["data/mask/value"][()] == 1
            ours = file["maps/kappa_wiener/value"][()]
            theirs = truth["maps/kappa/value"][()][pixel]
        rmse, centred, rms, r, pixels = figures["/maps/kappa_wiener"]
        difference = (ours - theirs)[inside]
        self.assertAlmostEqual(rmse, np.sqrt(np.mean(difference**2)), delta=6e-6)
        self.assertAlmostEqual(centred, difference.std(), delta=6e-6)
        self.assertAlmostEqual(rms, np.sqrt(np.mean(theirs[inside]**2)), delta=6e-6)
        self.assertAlmostEqual(r, np.corrcoef(ours[inside], theirs[inside])[0, 1], delta=6e-5)
        self.assertEqual(pixels, inside.sum())
        for lmax in (127, 100):  # no edge of a band is a whole number but the first
            _, bands, _ = self.compare(maps, "--names", "kappa_wiener", "--bands", "3", "--lmax", lmax)
            self.check_bands(bands, lmax, *(self.modes(pixel, inside, field, lmax) for field in (ours, theirs)))

    def modes(self, pixel, inside, field, lmax):
        """Of the masked map, its mean subtracted; one pass without weights."""
        sky = np.zeros(healpy.nside2npix(NSIDE))
        sky[healpy.nest2ring(NSIDE, pixel[inside])] = field[inside] - field[inside].mean()
        return healpy.map2alm(sky, lmax=lmax, iter=0)

    def check_bands(self, bands, lmax, a, b):
        auto, cross = (healpy.alm2cl(a), healpy.alm2cl(b)), healpy.alm2cl(a, b)
        l = np.arange(lmax + 1)
        edges = np.geomspace(2, lmax, 4) * [1, 1, 1, 1 + 1e-9]
        self.assertEqual(len(bands), 3)
        for (low, high, modes, ratio, correlation), start, end in zip(bands, edges, edges[1:]):
            weight = (2 * l + 1) * (l >= start) * (l < end)
            power = [np.sum(weight * c) for c in auto]
            self.assertAlmostEqual(low, start, delta=0.51)
            self.assertAlmostEqual(high, end, delta=0.51)
            self.assertEqual(modes, weight.sum())
            self.assertAlmostEqual(ratio, power[0] / power[1], delta=6e-5)
            self.assertAlmostEqual(correlation, np.sum(weight * cross) / np.sqrt(power[0] * power[1]), delta=6e-5)


class Refusals(SphereTest, RefusalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plane_catalogue, cls.plane_truth = cls.simulate("plane.h5", "plane_truth.h5", field=FIELD, more=SURVEY)

    def refuse_map(self, *names, **changes):
        super().refuse_map(*names, **(dict(center=None, npix=None, pixel_arcmin=None, grid="healpix", nside=NSIDE) | changes))

    def refuse_simulate(self, *names, **changes):
        super().refuse_simulate(*names, **(dict(center=None, npix=None, pixel_arcmin=None, grid="healpix", nside=NSIDE,
                                                density=0.02, mask="des-like") | changes))

    def test_options(self):
        for refuse in (self.refuse_map, self.refuse_simulate):
            refuse("100", "power of two", nside=100)
            refuse("--nside", nside=None)
            refuse("--center", "plane", center=CENTER)
            refuse("--npix", "plane", npix=48)
            refuse("--lmax", "300", lmax=300)
            refuse("--nside", "healpix", grid="plane")
        for method in ("tv", "starlet"):
            self.refuse_map("for the plane", methods=method)
        self.refuse_map("--tile 100", "power of two", tile=100)
        self.refuse_map("--tile 128", "nside 64", tile=128)
        self.refuse_map("--wiener tile", wiener="tile", samples=0)
        self.refuse_simulate("cosmos-like", mask="cosmos-like")
        self.refuse_simulate("des-like", "sphere", grid="plane", nside=None, center=CENTER, npix=48)

    def test_memory(self):
        for refuse in (self.refuse_map, self.refuse_simulate):
            refuse("nside 2097152", "GB", nside=2097152)

    def test_masks_of_another_kind(self):
        maps = self.map("maps.h5", "--methods", "ks")
        plane = self.map("plane.h5", "--methods", "ks", catalogue=self.plane_catalogue, field=FIELD)
        self.refuse_simulate("plane.h5", "is of the plane", mask=plane)
        self.refuse_simulate("maps.h5", "maps of the sphere", mask=maps, grid="plane", nside=None, center=CENTER, npix=48)

    def test_skies_of_another_kind(self):
        self.refuse_simulate("plane_truth.h5", sky=self.plane_truth)
        table = self.here / "sky.fits"
        succeed(run(1, ["export", self.truth, "--map", "kappa", "--fits", table]))
        self.refuse_simulate("sky.fits", "nside 64", sky=table, nside=32)

    def test_compare(self):
        maps = self.map("maps.h5", "--methods", "ks")
        plane = self.map("plane.h5", "--methods", "ks", catalogue=self.plane_catalogue, field=FIELD)
        _, coarse = self.simulate("coarse.h5", "coarse_truth.h5", field=COARSE[:4])

        def refuse(ours, truth, *names, **options):
            self.refuse(words("compare", dict(maps=ours, truth=truth) | options), *names)

        for ranks in (1, 2):
            self.refuse(["compare", "--maps", maps, "--truth", coarse], "coarse_truth.h5", "nside 32", "nside 64", ranks=ranks)
        refuse(maps, self.plane_truth, "maps.h5", "of the sphere", "plane_truth.h5", "of the plane")
        refuse(plane, self.truth, "plane.h5", "of the plane", "truth.h5", "of the sphere")
        refuse(maps, self.truth, "--lmax", "257", lmax=257)
        refuse(plane, self.plane_truth, "--lmax", "plane", lmax=20)
        refuse(maps, self.truth, "kappa_magic", names="kappa_magic")
        cut = self.here / "cut.h5"  # a truth of a part of the sphere without the survey
        with h5py.File(self.truth) as whole, h5py.File(cut, "w") as part:
            part.create_group("healpix").attrs.update(whole["healpix"].attrs)
            pixel = whole["healpix/pixel"][:20000]
            part["healpix/pixel"], part["maps/kappa/value"] = pixel, whole["maps/kappa/value"][pixel]
        refuse(maps, cut, "cut.h5", "mask", "maps.h5")

    def test_export(self):
        maps, table = self.map("maps.h5", "--methods", "wiener", "--save-samples", "--samples", "2"), self.here / "x.fits"
        for name in ("kappa_ks_e", "kappa_wiener_samples"):  # a stack is no map
            self.refuse(["export", maps, "--map", name, "--fits", table], name, "; it has: ", " kappa_wiener, ", outputs=[table])


if __name__ == "__main__":
    main()
