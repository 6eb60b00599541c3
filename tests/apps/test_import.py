"""`tessera import`: maps in every format come back at their places, the same bits on any number of ranks; the spectrum
it measures against numpy's; what cannot be convergence maps is refused."""
import gzip
import shutil
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits

from common import SPECTRUM, main, run, succeed
from refusal import RefusalTest
from test_ranks import contents

NY, NX = 6, 9
ARCMIN = np.pi / 180 / 60
PIXEL = ["--pixel-arcmin", "0.5"]
KAPPA_TNG = 300 / 1024  # arcmin: 1024 pixels on 5 degrees


def index_maps(count=3, ny=NY, nx=NX, dtype="f4"):
    """A pixel's value is its global index, made small as a convergence is. Exact in single precision."""
    return (np.arange(count * ny * nx).reshape(count, ny, nx) / 2**16).astype(dtype)


def celestial(dx=-0.5, dy=0.5, **more):
    """A celestial WCS with pixels of dx x dy arcmin."""
    return fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": dx / 60, "CDELT2": dy / 60} | more)


class ImportTest(RefusalTest):
    @classmethod
    def setUpClass(cls):  # no survey
        cls.folder = Path(tempfile.mkdtemp(prefix="tessera-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def save(self, name, array):
        np.save(self.here / name, array)
        return self.here / name

    def hdf5(self, name, **datasets):
        """Datasets by name, '__' for '/'."""
        with h5py.File(self.here / name, "w") as file:
            for key, values in datasets.items():
                file[key.replace("__", "/")] = values
        return self.here / name

    def fits(self, name, array, header=None):
        fits.PrimaryHDU(array, header).writeto(self.here / name)
        return self.here / name

    def imported(self, *files, more=(), ranks=2, name="set.h5"):
        """{name: value} of /skies after an import; attributes too."""
        out = self.here / name
        done = succeed(run(ranks, ["import", "--maps", ",".join(map(str, files)), "--out", out, "--overwrite", *more]))
        self.said = done.stderr
        with h5py.File(out) as file:
            skies = {key: value[()] for key, value in file["skies"].items()}
            names = file["skies/parameters"].attrs["names"].split()
            return skies | dict(file["skies"].attrs) | {
                "names": names, "files": file["provenance"].attrs["names"].split("\n"),
                "bytes": file["provenance/input_bytes"][()]}

    def assert_maps(self, found, expected):
        np.testing.assert_array_equal(found["kappa"], np.asarray(expected, "f4"))
        self.assertEqual(found["kappa"].dtype, np.float32)


class Formats(ImportTest):
    def test_npy(self):
        maps = index_maps()
        for dtype in ("<f4", "<f8"):
            for order in (np.ascontiguousarray, np.asfortranarray):
                found = self.imported(self.save("maps.npy", order(maps.astype(dtype))), more=PIXEL)
                self.assert_maps(found, maps)
        self.assert_maps(self.imported(self.save("one.npy", np.asfortranarray(maps[1])), more=PIXEL), maps[1:2])
        for version in ((1, 0), (2, 0), (3, 0)):
            with open(self.here / "version.npy", "wb") as file:
                np.lib.format.write_array(file, maps, version=version)
            self.assert_maps(self.imported(self.here / "version.npy", more=PIXEL), maps)
        self.assertEqual(found["pixel_arcmin"], 0.5)
        self.assertEqual((found["periodic"], found["pixel_averaged"]), (0, 1))

    def test_fits(self):
        maps = index_maps()
        self.assert_maps(self.imported(self.fits("plain.fits", maps), more=PIXEL), maps)
        self.assert_maps(self.imported(self.fits("one.fits.gz", maps[0].astype("f8")), more=PIXEL), maps[:1])
        extension = self.here / "extension.fits"
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(maps)]).writeto(extension)
        self.assert_maps(self.imported(extension, more=PIXEL), maps)

    def test_fits_orientation(self):
        """Column 0 is East, row 0 South, however the image is stored."""
        maps = index_maps()
        for name, header, expected in (
                ("west", celestial(), maps),
                ("east", celestial(dx=0.5), maps[:, :, ::-1]),
                ("south", celestial(dy=-0.5), maps[:, ::-1]),
                ("both", celestial(0.5, -0.5), maps[:, ::-1, ::-1]),
                ("pc", celestial(0.5, 0.5, PC1_1=-1.0), maps)):
            found = self.imported(self.fits(f"{name}.fits", maps, header))
            with self.subTest(name=name):
                self.assert_maps(found, expected)
                self.assertAlmostEqual(found["pixel_arcmin"], 0.5, 14)
        header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": 0.01, "CD1_2": 1e-4,
                              "CD2_1": -1e-4, "CD2_2": 0.01})
        found = self.imported(self.fits("cd.fits", maps, header))
        self.assert_maps(found, maps[:, :, ::-1])
        self.assertAlmostEqual(found["pixel_arcmin"], 60 * np.hypot(0.01, 1e-4), 12)
        linear = fits.Header({"CTYPE1": "X", "CTYPE2": "Y", "CDELT1": 3.0, "CDELT2": 3.0})
        self.assert_maps(self.imported(self.fits("linear.fits", maps, linear), more=PIXEL), maps)

    def test_hdf5(self):
        maps = index_maps()
        self.assert_maps(self.imported(self.hdf5("only.h5", a__b__maps=maps, z=np.arange(3.0)), more=PIXEL), maps)
        two = self.hdf5("two.h5", first=maps[0], deep__second=maps.reshape(3, 1, NY, NX))
        for name in ("deep/second", "/deep/second"):
            self.assert_maps(self.imported(two, more=["--dataset", name, *PIXEL]), maps)

    def test_own_files(self):
        """A truth with its pixel, and a set again: its marks, spectra and parameters, part of it."""
        truth = self.here / "truth.h5"
        succeed(run(2, ["simulate", "--center", "150,2", "--npix", "12,10", "--pixel-arcmin", "1.5", "--density", "2",
                        "--spectrum", SPECTRUM, "--out-catalogue", self.here / "cat.h5", "--out-truth", truth]))
        with h5py.File(truth) as file:
            kappa, gamma = file["maps/kappa"][()], file["maps/gamma1"][()]
        found = self.imported(truth)
        self.assert_maps(found, kappa[None])
        self.assertAlmostEqual(found["pixel_arcmin"], 1.5, 12)
        for name in ("gamma1", "maps/gamma1"):
            self.assert_maps(self.imported(truth, more=["--dataset", name]), gamma[None])

        maps = index_maps(10)
        old = self.imported(self.save("maps.npy", maps), name="old.h5",
                            more=[*PIXEL, "--periodic", "yes", "--pixel-averaged", "no", "--validation", "0.3",
                                  "--test", "0.2"])
        np.testing.assert_array_equal(old["split"], [0] * 5 + [1] * 3 + [2] * 2)
        with h5py.File(self.here / "old.h5", "a") as file:
            del file["skies/parameters"], file["skies/c_ell"]
            file["skies/parameters"] = np.arange(30.0).reshape(10, 3)
            file["skies/parameters"].attrs["names"] = "sigma_8 file omega_m"
            file["skies/c_ell"] = 1 + np.arange(10 * len(old["ell"])).reshape(10, -1)
            file["skies/realisation"][:] = 100 + np.arange(10)
        new = self.imported(self.here / "old.h5", more=["--first", "4", "--count", "5", "--scale", "2"])
        self.assert_maps(new, 2 * maps[4:9])
        np.testing.assert_array_equal(new["split"], old["split"][4:9])
        np.testing.assert_array_equal(new["realisation"], np.arange(104, 109))
        np.testing.assert_array_equal(new["c_ell"], 4 * (1 + np.arange(10 * len(old["ell"])).reshape(10, -1))[4:9])
        self.assertEqual(new["names"], ["file", "map", "sigma_8", "omega_m"])
        np.testing.assert_array_equal(new["parameters"], [[0, i, 3 * i, 3 * i + 2] for i in range(4, 9)])
        self.assertEqual((new["periodic"], new["pixel_averaged"]), (1, 0))
        cropped = self.imported(self.here / "old.h5", more=["--crop", "5,3", "--test", "0.5", "--validation", "0"])
        self.assert_maps(cropped, maps[:, 1:4, 2:7])
        np.testing.assert_array_equal(cropped["split"], [0] * 5 + [2] * 5)
        self.assertEqual(cropped["periodic"], 0)


class KappaTng(ImportTest):
    """Files of the layout that https://github.com/0satoken/kappaTNG documents."""
    z = np.loadtxt("""0.034467 0.069515 0.1051819 0.1415099 0.178545 0.216332 0.254921 0.294363 0.334713 0.376027
        0.418368 0.461799 0.506387 0.552205 0.599329 0.647838 0.697818 0.749361 0.802561 0.857522
        0.914352 0.973168 1.034093 1.09726 1.162811 1.230896 1.301678 1.37533 1.45204 1.532007
        1.615449 1.702597 1.793703 1.889038 1.988896 2.093596 2.203481 2.318928 2.440344 2.568175""".split())

    def planes(self, name, maps):
        return self.hdf5(name, **{f"z{plane:02}__kappa": kappa for plane, kappa in maps.items()},
                         **{f"z{plane:02}__gamma1": -kappa for plane, kappa in maps.items()})

    def test_planes(self):
        maps = dict(enumerate(index_maps(40), 1))
        files = [self.planes("LP001_run001_maps.hdf5", maps),
                 self.planes("LP001_run002_maps.hdf5", {k: v + 0.5 for k, v in maps.items()})]
        found = self.imported(*files, more=["--source-plane", "23", *PIXEL])
        self.assert_maps(found, [maps[23], maps[23] + 0.5])
        self.assertEqual(found["pixel_averaged"], 0)
        self.assertEqual(found["files"], list(map(str, files)))
        np.testing.assert_array_equal(found["bytes"], [file.stat().st_size for file in files])
        np.testing.assert_array_equal(found["parameters"], [[0, 0], [1, 0]])

    def test_redshift_distribution(self):
        """Weights as numbers of numpy's own interpolation between the planes."""
        rng = np.random.default_rng(1)
        maps = dict(enumerate(rng.normal(0, 0.02, (40, NY, NX)), 1))
        z = np.array([0.01, 0.2, 0.6, 1.5, 2.9])
        n = np.array([1.0, 2.0, 5.0, 3.0, 0.5])
        (self.here / "nz.txt").write_text("# z n\n" + "\n".join(f"{a} {b}" for a, b in zip(z, n)))
        found = self.imported(self.planes("run.h5", maps), more=["--nz", self.here / "nz.txt", *PIXEL])
        fine = np.linspace(z[0], z[-1], 400001)
        density = np.interp(fine, z, n)
        nodes = np.concatenate([[0], self.z])
        weights = [np.trapz(density * np.interp(fine, nodes, row), fine) for row in np.eye(41)[1:]]
        expected = np.tensordot(weights, list(maps.values()), 1) / np.trapz(density, fine)
        np.testing.assert_allclose(found["kappa"][0], expected, rtol=1e-5, atol=1e-8)

    def test_known_pixel(self):
        kappa = np.random.default_rng(2).normal(0, 0.02, (1024, 1024)).astype("f4")
        found = self.imported(self.planes("sample.hdf5", {23: kappa}), more=["--crop", "32"])
        self.assertEqual(found["pixel_arcmin"], KAPPA_TNG)
        self.assert_maps(found, kappa[None, 496:528, 496:528])

    def test_binary(self):
        kappa = index_maps(1, 7, 7, "f8")[0]
        path = self.here / "kappa23.dat"
        mark = np.int32(7).tobytes()
        path.write_bytes(mark + kappa.tobytes() + mark)
        self.assert_maps(self.imported(path, more=PIXEL), kappa[None])
        path.write_bytes(mark + kappa.tobytes() + np.int32(8).tobytes())
        self.refuse(["import", "--maps", path, "--out", self.here / "x.h5", *PIXEL], "kappa23.dat", "kappaTNG")
        path.write_bytes((mark + kappa.tobytes() + mark)[:-8])
        self.refuse(["import", "--maps", path, "--out", self.here / "x.h5", *PIXEL], "kappa23.dat", "kappaTNG")


def field(side, c_ell, rng, pixel):
    """A periodic Gaussian field [side][side] of spectrum c_ell(ell)."""
    frequency = 2 * np.pi * np.fft.fftfreq(side, pixel)
    ell = np.hypot(frequency[:, None], frequency)
    ell[0, 0] = np.inf
    white = np.fft.fft2(rng.normal(size=(side, side)))
    return np.fft.ifft2(white * np.sqrt(c_ell(ell)) / pixel).real


class Spectra(ImportTest):
    @staticmethod
    def band_powers(maps, ell_of_modes, pixel, window, edges):
        modes = np.abs(np.fft.fft2(maps))**2 * pixel**2 / maps[0].size / window**2
        power = modes.mean(axis=0)
        number = np.histogram(ell_of_modes, edges)[0]
        full = number > 0
        return [np.histogram(ell_of_modes, edges, weights=weights)[0][full] / number[full]
                for weights in (power, ell_of_modes)]

    def test_periodic_maps(self):
        """Against numpy, mode by mode, to rounding."""
        ny, nx, pixel = 24, 20, 0.7 * ARCMIN
        maps = np.random.default_rng(3).normal(0.01, 0.02, (4, ny, nx))
        path = self.save("maps.npy", maps)
        y, x = np.meshgrid(np.fft.fftfreq(ny), np.fft.fftfreq(nx), indexing="ij")
        ell = 2 * np.pi * np.hypot(x, y) / pixel
        least = 2 * np.pi / (pixel * ny)
        edges = np.geomspace(least, ell.max() * (1 + 1e-9), 31)
        edges[0] *= 1 - 1e-9
        for averaged, window in (("no", 1.0), ("yes", np.sinc(x) * np.sinc(y))):
            found = self.imported(path, more=["--pixel-arcmin", "0.7", "--periodic", "yes",
                                              "--pixel-averaged", averaged])
            power, mean_ell = self.band_powers(maps, ell, pixel, window, edges)
            np.testing.assert_allclose(found["ell"][[0, -1]], [least, ell.max()], rtol=1e-12)
            np.testing.assert_allclose(found["ell"][1:-1], mean_ell, rtol=2e-6)
            for row in found["c_ell"]:
                np.testing.assert_allclose(row[1:-1], power, rtol=1e-10)
            self.assertEqual(found["spectrum_source"], "measured")

    def test_cropped_maps(self):
        """A quarter of a periodic box, without its mean: the box's spectrum within the scatter, also a steep one."""
        rng, side, pixel = np.random.default_rng(4), 128, ARCMIN
        for slope in (0, -1.5):
            def c_ell(ell):
                return 1e-9 * (ell / 1000)**slope
            maps = [field(side, c_ell, rng, pixel) + 0.05 for _ in range(60)]
            found = self.imported(self.save("maps.npy", maps), ranks=3,
                                  more=["--pixel-arcmin", "1", "--crop", "64", "--pixel-averaged", "no"])
            self.assertTrue(np.all(np.diff(found["ell"]) > 0))
            ratio = found["c_ell"][0] / c_ell(found["ell"])
            well = found["ell"] > 4 * found["ell"][0]
            np.testing.assert_allclose(ratio[1:-1][well[1:-1]], 1, atol=0.12)
            self.assertLess(abs(ratio[well].mean() - 1), 0.03)

    def test_given_spectrum(self):
        found = self.imported(self.save("maps.npy", index_maps()), more=[*PIXEL, "--spectrum", SPECTRUM])
        ell, c_ell = np.loadtxt(SPECTRUM, unpack=True)
        ell, c_ell = ell[ell > 0], c_ell[ell > 0]
        np.testing.assert_array_equal(found["ell"], ell)
        np.testing.assert_array_equal(found["c_ell"], [c_ell] * 3)
        self.assertEqual(found["spectrum_source"], "given")


class Sets(ImportTest):
    def test_ranks(self):
        rng = np.random.default_rng(5)
        one, two = (self.save(f"{name}.npy", rng.normal(0, 0.02, (count, 13, 10)))
                    for name, count in (("a", 4), ("b", 3)))
        results = []
        for ranks in (1, 2, 3, 4):
            self.imported(one, two, more=PIXEL, ranks=ranks)
            results.append(contents(self.here / "set.h5"))
            self.assertEqual(results[-1], results[0])
        self.assertIn("skies/kappa", results[0])

    def test_files_and_split(self):
        maps = index_maps(20)
        names = [self.save("a.npy", maps[:7]), self.fits("b.fits", maps[7:8], celestial()),
                 self.hdf5("c.h5", maps=maps[8:])]
        (self.here / "list.txt").write_text("\n".join(map(str, names[1:])) + "\n")
        found = self.imported(names[0], f"@{self.here}/list.txt", ranks=3)
        self.assert_maps(found, maps)
        self.assertEqual(found["names"], ["file", "map"])
        np.testing.assert_array_equal(found["parameters"],
                                      [[f, m] for f, n in enumerate((7, 1, 12)) for m in range(n)])
        np.testing.assert_array_equal(found["split"], [0] * 16 + [1] * 2 + [2] * 2)
        np.testing.assert_array_equal(found["realisation"], np.arange(20))
        self.assertEqual(found["files"], list(map(str, names)))
        found = self.imported(*names, more=["--first", "6", "--count", "3", "--scale", "-0.5", "--test", "0"])
        self.assert_maps(found, -0.5 * maps[6:9])

    def test_warnings(self):
        rng = np.random.default_rng(6)
        maps = rng.normal(0, 0.02, (3, 8, 8))
        self.imported(self.save("good.npy", maps), more=PIXEL)
        self.assertEqual(self.said, "")
        maps[2] += 1
        self.imported(self.save("offset.npy", maps), more=PIXEL)
        self.assertRegex(self.said, r"^warning: 1 of 3 maps have a mean .*map 2 of '.*offset.npy'")
        self.imported(self.save("large.npy", 100 * rng.normal(size=(2, 8, 8))), more=PIXEL)
        self.assertRegex(self.said, "^warning: 2 of 2 maps have an rms .*map 0 .*--scale")


class Refusals(ImportTest):
    def refuse_import(self, file, *names, ranks=2, more=PIXEL, kept=None):
        out = self.here / "out.h5"
        more = [*more, "--overwrite"] if kept else more
        self.refuse(["import", "--maps", file, "--out", out, *more], *names, ranks=ranks, outputs=[out], kept=kept)

    def changed(self, name, content):
        (self.here / name).write_bytes(content)
        return self.here / name

    def test_values(self):
        maps = index_maps(4)
        for ranks in (1, 2, 3):
            for value in (np.nan, np.inf):
                bad = maps.copy()
                bad[2, 3, 4] = bad[2, 5, 5] = value
                self.refuse_import(self.save("bad.npy", bad), "map 2", "bad.npy", "2 values", "row 3, column 4",
                                   ranks=ranks, kept=b"what was here before")
        flat = maps.copy()
        flat[1] = 0.25
        self.refuse_import(self.save("flat.npy", flat), "map 1", "flat.npy", "everywhere")
        self.refuse_import(self.save("huge.npy", 1e60 * maps.astype("f8")), "map 0", "finite")
        self.refuse_import(self.save("thin.npy", maps[:, :1]), "thin.npy", "2 x 2")

    def test_sizes(self):
        a, b = self.save("a.npy", index_maps(2)), self.save("b.npy", index_maps(2, NX, NY))
        for ranks in (1, 3):
            self.refuse_import(f"{a},{b}", "b.npy", "9 x 6", ranks=ranks)
        self.refuse_import(a, "crop", more=[*PIXEL, "--crop", "10"])
        self.refuse_import(a, "--crop", more=[*PIXEL, "--crop", "1"])
        self.refuse_import(a, "periodic", more=[*PIXEL, "--crop", "4", "--periodic", "yes"])
        self.refuse_import(a, "--first", more=[*PIXEL, "--first", "2"])
        self.refuse_import(a, "--count", more=[*PIXEL, "--first", "1", "--count", "2"])
        self.refuse_import(a, "--scale", more=[*PIXEL, "--scale", "0"])

    def test_pixel(self):
        maps = index_maps(2)
        self.refuse_import(self.save("a.npy", maps), "a.npy", "--pixel-arcmin", more=[])
        sky = self.fits("sky.fits", maps, celestial())
        self.refuse_import(sky, "sky.fits", "--pixel-arcmin", "0.5", "0.6", more=["--pixel-arcmin", "0.6"])
        other = self.fits("other.fits", maps, celestial(-0.7, 0.7))
        self.refuse_import(f"{sky},{other}", "other.fits", "sky.fits", "0.7", more=[])
        self.refuse_import(self.fits("oblong.fits", maps, celestial(-0.5, 0.6)), "oblong.fits", "squares", more=[])
        self.refuse_import(self.fits("wide.fits", maps, celestial(-900.0, 900.0)), "wide.fits", "900", more=[])
        self.refuse_import(self.fits("zero.fits", maps, celestial(0.0, 0.0)), "zero.fits", "WCS", more=[])
        turned = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_2": 0.01, "CD2_1": 0.01})
        self.refuse_import(self.fits("turned.fits", maps, turned), "turned.fits", "45 degrees", more=[])
        self.refuse_import(self.here / "a.npy", "--pixel-arcmin", more=["--pixel-arcmin", "-1"])

    def test_npy(self):
        maps = index_maps(2)
        content = self.save("good.npy", maps).read_bytes()
        for ranks in (1, 2, 3):
            self.refuse_import(self.changed("cut.npy", content[:-5]), "cut.npy", "truncated", ranks=ranks)
        self.refuse_import(self.changed("long.npy", content + b"more"), "long.npy", "damaged")
        self.refuse_import(self.changed("head.npy", content[:40]), "head.npy", "truncated")
        self.refuse_import(self.changed("start.npy", content[:9]), "start.npy", "truncated")
        self.refuse_import(self.changed("v9.npy", content[:6] + b"\x09" + content[7:]), "v9.npy", "version 9")
        for name, array in {">f4": maps.astype(">f4"), "<i4": (1000 * maps).astype("<i4"),
                            "<c16": maps.astype("c16"), "<f2": maps.astype("f2")}.items():
            self.refuse_import(self.save("type.npy", array), "type.npy", f"'{name}'", "astype")
        self.refuse_import(self.save("records.npy", np.zeros(4, "f4,f4")), "records.npy", "records")
        for array in (maps[0, 0], maps[None], np.zeros((0, 4, 4)), np.float64(3)):
            self.refuse_import(self.save("shape.npy", array), "shape.npy", "[ny][nx]")
        for shape in (b"(4294967296, 4294967296, 1)", b"(99999999999999999999, 2, 1)", b"(2, -6, 9)"):
            bad = content.replace(b"(2, 6, 9), }" + b" " * (len(shape) - 9), shape + b", }")
            self.assertNotEqual(bad, content)
            self.refuse_import(self.changed("shape.npy", bad), "shape.npy")
        np.savez(self.here / "maps.npz", maps)
        self.refuse_import(self.here / "maps.npz", "maps.npz", ".npy")

    def test_fits(self):
        maps = index_maps(40, 20, 20)
        content = self.fits("good.fits", maps).read_bytes()
        for ranks in (1, 2, 3):
            self.refuse_import(self.changed("cut.fits", content[:len(content) * 7 // 10]), "cut.fits", ranks=ranks)
        self.refuse_import(self.changed("cut.fits.gz", gzip.compress(content)[:2000]), "cut.fits.gz")
        self.refuse_import(self.fits("flat.fits", maps[0, 0]), "flat.fits", "axes")
        self.refuse_import(self.fits("deep.fits", maps.reshape(2, 20, 20, 20)), "deep.fits", "4 axes")
        table = self.here / "table.fits"
        fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.zeros(3))]).writeto(table)
        self.refuse_import(table, "table.fits", "image")
        nan = maps.copy()
        nan[3, 0, 0] = np.nan
        self.refuse_import(self.fits("nan.fits", nan), "map 3", "nan.fits")

    def test_hdf5(self):
        maps = index_maps(2)
        two = self.hdf5("two.h5", a=maps, b__c=maps[0], d=np.arange(5.0))
        for ranks in (1, 2):
            self.refuse_import(two, "two.h5", "/a, /b/c", "--dataset", ranks=ranks)
        self.refuse_import(two, "two.h5", "'e'", more=[*PIXEL, "--dataset", "e"])
        self.refuse_import(two, "two.h5", "1 axes", more=[*PIXEL, "--dataset", "d"])
        self.refuse_import(two, "two.h5", "no dataset", more=[*PIXEL, "--dataset", "b"])
        self.refuse_import(self.hdf5("none.h5", d=np.arange(5.0)), "none.h5", "no dataset")
        self.refuse_import(self.hdf5("deep.h5", d=maps.reshape(2, 3, 2, 9)), "deep.h5", "axes",
                           more=[*PIXEL, "--dataset", "d"])
        self.refuse_import(self.hdf5("words.h5", d=[[b"a", b"b"]] * 2), "words.h5", "numbers",
                           more=[*PIXEL, "--dataset", "d"])
        content = self.hdf5("good.h5", a=np.ones((50, 50))).read_bytes()
        self.refuse_import(self.changed("cut.h5", content[:len(content) * 7 // 10]), "cut.h5")
        self.imported(self.save("maps.npy", maps), more=PIXEL)
        with h5py.File(self.here / "set.h5", "a") as file:
            file["skies/split"][0] = 7
        self.refuse_import(self.here / "set.h5", "set.h5", "split", more=[])

    def test_planes(self):
        maps = index_maps(3)
        file = self.hdf5("run.h5", z01__kappa=maps[0], z02__kappa=maps[1], z07__kappa=maps[2])
        nz = self.here / "nz.txt"
        nz.write_text("0.1 1\n1.0 2\n")
        self.refuse_import(file, "run.h5", "--source-plane", "--nz")
        self.refuse_import(file, "run.h5", "plane 3", "1, 2, 7", more=[*PIXEL, "--source-plane", "3"])
        self.refuse_import(file, "run.h5", "no source plane", more=[*PIXEL, "--nz", nz])
        self.refuse_import(file, "--source-plane", "41", more=[*PIXEL, "--source-plane", "41"])
        self.refuse_import(file, "exclude", more=[*PIXEL, "--source-plane", "1", "--nz", nz])
        for text, word in (("0.1 1\n0.1 2\n", "row 2"), ("0.1 x\n", "line 1"), ("0.1 -1\n1 1\n", "n = -1"),
                           ("", "no row"), ("0.1 0\n0.2 0\n", "integral 0"), ("0.1 1 2\n", "--nz-column")):
            nz.write_text(text)
            self.refuse_import(file, "nz.txt", word, more=[*PIXEL, "--nz", nz])
        plain = self.save("a.npy", maps)
        self.refuse_import(plain, "a.npy", "planes", more=[*PIXEL, "--source-plane", "1"])
        self.refuse_import(plain, "a.npy", "--dataset", more=[*PIXEL, "--dataset", "a"])
        self.refuse_import(self.hdf5("uneven.h5", z01__kappa=maps[0]), "plane 2", more=[*PIXEL, "--source-plane", "2"])

    def test_files_and_options(self):
        for ranks in (1, 2, 3):
            self.refuse_import(self.here / "missing.npy", "missing.npy", ranks=ranks)
        self.refuse_import(self.here, self.here, "folder")
        self.refuse_import(self.changed("empty.npy", b""), "empty.npy", "empty")
        self.refuse_import(self.changed("text.txt", b"1 2 3\n" * 20), "text.txt", "FITS")
        self.refuse_import(f"@{self.here}/no.txt", "no.txt")
        self.refuse_import("@" + str(self.changed("none.txt", b"\n")), "no file")
        good = self.save("good.npy", index_maps(10))
        for option, value in (("validation", 1.5), ("test", -0.1), ("test", "many"), ("periodic", "maybe"),
                              ("pixel-averaged", "no way"), ("count", 0), ("crop", "2,3,4")):
            self.refuse_import(good, f"--{option}", value, more=[*PIXEL, f"--{option}", value])
        self.refuse_import(good, "below 1", more=[*PIXEL, "--validation", "0.5", "--test", "0.5"])
        self.refuse_import(good, "train", more=[*PIXEL, "--count", "1", "--test", "0.6"])
        spectrum = self.changed("spectrum.txt", b"1000 1e-9\n20000 1e-10\n")
        self.refuse_import(good, "spectrum.txt", more=[*PIXEL, "--spectrum", spectrum])
        self.refuse(["import", "--maps", good, *PIXEL], "--out")
        self.refuse(["import", "--out", self.here / "x.h5", *PIXEL], "--maps", outputs=[self.here / "x.h5"])
        out = self.changed("out.h5", b"old")
        self.refuse(["import", "--maps", good, "--out", out, *PIXEL], "--overwrite", outputs=[out], kept=b"old")


del RefusalTest  # its tests are those of test_bad_input

if __name__ == "__main__":
    main()
