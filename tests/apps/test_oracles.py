"""Runs of the program against the independent calculations of tests/oracle, which must agree with the run and disagree
with a copy of it that was changed on purpose; the same catalogue in all formats; the figures of `tessera compare`."""
import re
import shutil

import h5py
import numpy as np

from common import (COLUMNS, SurveyTest, main, read_columns, run, run_oracle, succeed, write_csv, write_txpipe)

SMALL = ("--center", "150,2", "--npix", "26,21", "--pixel-arcmin", "2")


def changed(path, name, change):
    """A copy of the run whose dataset `name` is changed in place by change(array)."""
    copy = path.with_name("changed.h5")
    shutil.copy(path, copy)
    with h5py.File(copy, "a") as file:
        values = file[name][()]
        change(values)
        file[name][()] = values
    return copy


class OracleTest(SurveyTest):
    def assert_agrees(self, oracle, *args):
        done = run_oracle(oracle, *args)
        self.assertEqual(done.returncode, 0, f"{oracle}: {done.stdout}{done.stderr}")

    def assert_differs(self, oracle, *args):
        done = run_oracle(oracle, *args)
        self.assertEqual(done.returncode, 1, f"{oracle} accepts a wrong run: {done.stdout}{done.stderr}")
        self.assertRegex(done.stderr, "\\Aerror: .*\n\\Z")


def spoil_first(values):
    """A change at one pixel with galaxies."""
    values[tuple(index[0] for index in np.nonzero(values))] *= 1.001


class Binning(OracleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fits = cls.uneven(cls.catalogue, "uneven.fits")

    @classmethod
    def uneven(cls, catalogue, name):
        """The survey with uneven weights, calibration columns, and rows that must be left out."""
        table, random = read_columns(catalogue), np.random.default_rng(1)
        table["w"] = random.uniform(0.2, 2, len(table))
        table["bias"], table["psf1"], table["psf2"] = random.normal(0, 0.05, (3, len(table)))
        for row, (column, value) in enumerate((("w", 0), ("w", -1), ("e1", np.nan), ("ra", np.inf), ("dec", 95))):
            table[column][7 * row::1000] = value
        table.write(cls.folder / name)
        return cls.folder / name

    def check(self, *both, run_options=(), oracle_options=(), catalogue=None, field=None):
        """Maps with the options `both` and run_options; the oracle bins with `both` and oracle_options."""
        catalogue = catalogue or self.fits
        maps = self.map("maps.h5", "--methods", "ks", *both, *run_options, catalogue=catalogue,
                        **({"field": field} if field is not None else {}))
        self.assert_agrees("check_binning", catalogue, maps, *both, *oracle_options)
        return maps

    def test_plain(self):
        maps = self.check()
        for name in ("gamma1", "gamma2", "noise_sigma", "weight", "count", "mask"):
            with self.subTest(changed=name):
                self.assert_differs("check_binning", self.fits, changed(maps, f"data/{name}", spoil_first))
        for options in (("--flip-e1",), ("--m", "0.01"), ("--c2", "1e-4"), ("--columns", "ra,dec,e1,e2,none")):
            with self.subTest(oracle=options):
                self.assert_differs("check_binning", self.fits, maps, *options)

    def test_field_found_from_the_galaxies(self):
        self.check(run_options=("--pixel-arcmin", "1.3"), field=())

    def test_signs(self):
        self.check("--flip-e2")

    def test_calibration_numbers(self):
        self.check("--m", "-0.04", "--c1", "0.01", "--c2", "-0.02", "--flip-e1")

    def test_calibration_columns(self):
        self.check("--m", "bias", "--c1", "psf1", "--c2", "psf2", "--flip-e2")

    def test_equal_weights(self):
        self.check(run_options=("--w-column", "none"), oracle_options=("--columns", "ra,dec,e1,e2,none"))

    def test_names_of_columns(self):
        table, names = read_columns(self.catalogue), ("RAJ2000", "DEJ2000", "shape_x", "shape_y", "snr")
        table.rename_columns(COLUMNS, names)
        path = self.here / "names.fits"
        table.write(path)
        options = [word for column, name in zip(COLUMNS, names) for word in (f"--{column}-column", name)]
        self.check(run_options=options, oracle_options=("--columns", ",".join(names)), catalogue=path)

    def test_elsewhere(self):
        for center in ("100,60", "0.01,-30", "250,88"):
            with self.subTest(center=center):
                field = "--center", center, "--npix", "30,24", "--pixel-arcmin", "3"
                name = f"at_{center}"
                catalogue, _ = self.simulate(f"{name}.h5", f"{name}_truth.h5", field=field)
                (self.here / "maps.h5").unlink(missing_ok=True)
                self.check(catalogue=self.uneven(catalogue, f"{name}.fits"), field=field)


class Maps(OracleTest):
    def test_kaiser_squires(self):
        for options in ((), ("--smoothing-arcmin", "2.5"), ("--padding", "1")):
            with self.subTest(options=options):
                maps = self.map("ks.h5", "--methods", "ks", *options, "--overwrite")
                self.assert_agrees("check_kaiser_squires", maps)
        for name in ("kappa_ks_e", "kappa_ks_b"):
            self.assert_differs("check_kaiser_squires", changed(maps, f"maps/{name}", spoil_first))

    def test_wiener(self):
        for options in ((), ("--pixel-window", "no", "--padding", "1.2")):
            maps = self.map("wiener.h5", "--methods", "wiener", "--samples", "0", *options, "--overwrite")
            for method in ("dense", "iterative"):
                with self.subTest(options=options, method=method):
                    self.assert_agrees("check_wiener", maps, "--tolerance", "1e-5", "--method", method)
        spoilt = changed(maps, "maps/kappa_wiener", lambda kappa: np.multiply(kappa, 1 + 2e-5, out=kappa))
        for method in ("dense", "iterative"):
            self.assert_differs("check_wiener", spoilt, "--tolerance", "1e-5", "--method", method)

    def test_wiener_std(self):
        catalogue, _ = self.simulate("small.h5", "small_truth.h5", field=SMALL)
        maps = self.map("std.h5", "--methods", "wiener", "--samples", "400", catalogue=catalogue, field=SMALL)
        with h5py.File(maps) as file:
            mask = file["data/mask"][()]
        self.assertTrue(0.3 < mask.mean() < 0.9 and not np.array_equal(mask, mask[::-1])
                        and not np.array_equal(mask, mask[:, ::-1]), "the mask is symmetric: a poor test")
        self.assert_agrees("check_wiener", maps, "--std")
        for change in (lambda std: np.multiply(std, 1.05, out=std), lambda std: std.fill(std.mean())):
            self.assert_differs("check_wiener", changed(maps, "maps/kappa_wiener_std", change), "--std")

    def test_export(self):
        maps, image = self.map("maps.h5", "--samples", "2"), self.here / "image.fits"
        for name in ("kappa_ks_e", "kappa_wiener", "/data/noise_sigma"):
            with self.subTest(map=name):
                succeed(run(2, ["export", maps, "--map", name, "--fits", image, "--overwrite"]))
                self.assert_agrees("check_export", maps, name, image)
        self.assert_differs("check_export", maps, "kappa_wiener", image)
        self.assert_differs("check_export", changed(maps, name[1:], spoil_first), name, image)


class Formats(OracleTest):
    """A catalogue in every format gives the same bits."""

    def test_same_maps(self):
        table = read_columns(self.catalogue)
        table["w"] = np.random.default_rng(2).uniform(0.2, 2, len(table))
        paths = {name: self.here / name for name in
                 ("table.fits", "table.fits.gz", "table.hdf5", "table.ecsv", "flat.h5", "txpipe.h5", "table.csv")}
        for name in ("table.fits", "table.fits.gz"):
            table.write(paths[name])
        table.write(paths["table.hdf5"], path="galaxies", serialize_meta=False)  # one compound dataset
        table.write(paths["table.ecsv"])
        write_csv(table, paths["table.csv"])
        write_txpipe(table, paths["txpipe.h5"])
        with h5py.File(paths["flat.h5"], "w") as file:
            for name in COLUMNS:
                file[f"galaxies/{name}"] = table[name]
        data = {}
        for ranks, (name, path) in enumerate(paths.items(), start=1):
            maps = self.map(f"maps_{name}.h5", "--methods", "ks", ranks=1 + ranks % 3, catalogue=path)
            with h5py.File(maps) as file:
                data[name] = {key: values[()].tobytes() for key, values in file["data"].items()}
        reference = data.pop("table.fits")
        self.assertEqual(len(reference), 6)
        for name, maps in data.items():
            with self.subTest(catalogue=name):
                self.assertEqual([key for key in reference if maps[key] != reference[key]], [])


class Compare(OracleTest):
    LINE = re.compile(r"^(\S+)\n +RMSE (\S+), mean-subtracted (\S+) \(truth rms (\S+)\), Pearson r (\S+), (\d+) pixels",
                      re.MULTILINE)

    def figures(self, maps, ranks, *options):
        text = succeed(run(ranks, ["compare", "--maps", maps, "--truth", self.truth, *options])).stdout
        return {name: tuple(map(float, numbers)) for name, *numbers in self.LINE.findall(text)}, text

    def test_figures(self):
        maps = self.map("maps.h5", "--samples", "2", "--smoothing-arcmin", "1")
        with h5py.File(maps) as file, h5py.File(self.truth) as truth:
            inside = file["data/mask"][()] == 1
            kappa = truth["maps/kappa"][inside]
            figures, text = self.figures(maps, 2)
            self.assertEqual(sorted(figures), ["/maps/kappa_ks_e", "/maps/kappa_wiener"])
            for name, (rmse, centred, rms, r, pixels) in figures.items():
                difference = file[name][inside] - kappa
                with self.subTest(map=name):
                    self.assertAlmostEqual(rmse, np.sqrt(np.mean(difference**2)), delta=6e-6)
                    self.assertAlmostEqual(centred, difference.std(), delta=6e-6)
                    self.assertAlmostEqual(rms, np.sqrt(np.mean(kappa**2)), delta=6e-6)
                    self.assertAlmostEqual(r, np.corrcoef(file[name][inside], kappa)[0, 1], delta=6e-5)
                    self.assertEqual(pixels, inside.sum())
        self.assertGreater(figures["/maps/kappa_wiener"][3], 0.2, "the Wiener map does not look like the truth")
        for ranks in (1, 3):
            self.assertEqual(self.figures(maps, ranks)[1], text)

    def test_bands(self):
        """Power ratio and correlation of the masked maps, their means inside the mask subtracted, in two bands."""
        maps = self.map("maps.h5", "--samples", "0")
        _, text = self.figures(maps, 2, "--bands", "2", "--names", "kappa_wiener")
        bands = [tuple(map(float, line.split())) for line in text.splitlines() if re.fullmatch(r"[\s\d.-]+", line)]
        self.assertEqual(len(bands), 2)
        with h5py.File(maps) as file, h5py.File(self.truth) as truth:
            inside, pixel = file["data/mask"][()] == 1, np.radians(file["wcs"].attrs["CDELT2"])
            ours, theirs = (np.fft.fft2(np.where(inside, values - values[inside].mean(), 0))
                            for values in (file["maps/kappa_wiener"][()], truth["maps/kappa"][()]))
        ny, nx = inside.shape
        ell = 2 * np.pi * np.hypot(np.fft.fftfreq(ny, pixel)[:, None], np.fft.fftfreq(nx, pixel))
        edges = np.geomspace(ell[ell > 0].min(), ell.max() * (1 + 1e-9), 3)
        for (low, high, modes, ratio, correlation), start, end in zip(bands, edges, edges[1:]):
            in_band = (ell >= start * (1 - 1e-12)) & (ell < end)
            a, b = ours[in_band], theirs[in_band]
            power = [np.sum(np.abs(f)**2) for f in (a, b)]
            self.assertAlmostEqual(low, start, delta=0.51)
            self.assertAlmostEqual(high, end, delta=0.51)
            self.assertEqual(modes, in_band.sum())
            self.assertAlmostEqual(ratio, power[0] / power[1], delta=6e-5)
            self.assertAlmostEqual(correlation, np.sum(a * b.conj()).real / np.sqrt(power[0] * power[1]), delta=6e-5)


if __name__ == "__main__":
    main()
