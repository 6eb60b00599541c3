"""tessera simulate skies, and mock surveys of skies from files."""
import h5py
import numpy as np

from common import SOURCE, SPECTRUM, SurveyTest, main, run, succeed
from refusal import RefusalTest
from test_ranks import contents

NZ = SOURCE / "data/nz_cosmos_like.txt"
SKIES = ["simulate", "skies", "--spectrum", SPECTRUM, "--nz", NZ, "--pixel-arcmin", "0.6"]
ALL = ["--model", "gaussian,lognormal,halo", "--sigma8", "0.7:0.9", "--shift", "0.03:0.04", "--subhaloes", "0:0.2"]


class Skies(SurveyTest):
    def skies(self, name, *options, ranks=2):
        out = self.here / name
        done = succeed(run(ranks, [*SKIES, "--out", out, *options]))
        self.assertNotIn("\r", done.stdout, "a line is redrawn where nobody watches")
        return out

    def assert_same_skies(self, path, reference):
        ours, expected = contents(path), contents(reference)
        names = [name for name in expected if name.startswith("skies")]
        self.assertGreater(len(names), 6)
        self.assertEqual([name for name in names if ours.get(name) != expected[name]], [])

    def test_same_bits_however_ranks_share_skies(self):
        size = ["--count", "7", "--npix", "60,45", *ALL]
        one = self.skies("one.h5", *size, ranks=1)
        for ranks, more in ((2, []), (3, []), (4, ["--ranks-per-sky", "2"]), (7, ["--ranks-per-sky", "3"])):
            with self.subTest(ranks=ranks, more=more):
                self.assert_same_skies(self.skies(f"many{ranks}.h5", *size, *more, ranks=ranks), one)

    def test_one_sky_over_all_ranks(self):
        size = ["--count", "1", "--npix", "64,50", "--model", "halo", "--test", "0", "--validation", "0"]
        one = self.skies("one.h5", *size, ranks=1)
        self.assert_same_skies(self.skies("four.h5", *size, ranks=4), one)

    def test_numbers_continue(self):
        size = ["--npix", "30", *ALL]
        whole = self.skies("whole.h5", "--count", "6", *size)
        part = self.skies("part.h5", "--count", "2", "--first", "3", *size)
        with h5py.File(whole) as a, h5py.File(part) as b:
            for name in ("kappa", "parameters", "c_ell", "realisation"):
                np.testing.assert_array_equal(a["skies"][name][3:5], b["skies"][name][:])

    def test_marks_parameters_and_spectra(self):
        path = self.skies("set.h5", "--count", "40", "--npix", "16", "--validation", "0.2", "--test", "0.1", *ALL)
        with h5py.File(path) as file:
            skies = file["skies"]
            np.testing.assert_array_equal(skies["split"][:], [0] * 28 + [1] * 8 + [2] * 4)
            columns = dict(zip(skies["parameters"].attrs["names"].split(), skies["parameters"][:].T))
            c_ell, ell = skies["c_ell"][:], skies["ell"][:]
        self.assertEqual(set(columns["kind"]), {0, 1, 2})
        for name, low, high in (("sigma8", 0.7, 0.9), ("shift", 0.03, 0.04), ("subhaloes", 0, 0.2)):
            self.assertTrue(np.all((low <= columns[name]) & (columns[name] <= high)))
            self.assertGreater(np.ptp(columns[name]), 0.7 * (high - low))
        # Linear scales go as sigma8^2; the file's spectrum holds in the middle of the range.
        given = np.loadtxt(SPECTRUM)
        large = np.argmin(abs(ell - 30))
        expected = np.interp(ell[large], given[:, 0], given[:, 1]) * (columns["sigma8"] / 0.8) ** 2
        np.testing.assert_allclose(c_ell[:, large], expected, rtol=0.03)

    def test_power_of_the_stored_maps(self):
        """numpy's power of Gaussian and lognormal maps over the spectrum stored with them."""
        n, pixel = 128, np.radians(0.6 / 60)
        path = self.skies("set.h5", "--count", "60", "--npix", str(n), "--model", "gaussian,lognormal")
        with h5py.File(path) as file:
            kappa, ell, c_ell = (file["skies"][name][:] for name in ("kappa", "ell", "c_ell"))
        frequency = np.fft.fftfreq(n)
        window = np.sinc(frequency)[:, None] * np.sinc(frequency)[None]
        l = np.hypot(*np.meshgrid(2 * np.pi * frequency / pixel, 2 * np.pi * frequency / pixel))
        model = np.exp(np.interp(np.log(np.maximum(l, 1)), np.log(ell), np.log(c_ell[0]))) * window**2
        power = np.mean(abs(np.fft.fft2(kappa)) ** 2, axis=0) * pixel**2 / n**2
        for low, high in ((300, 1000), (1000, 3000), (3000, 10000)):
            band = (l >= low) & (l < high)
            # Two of these modes are one; twice the error of Gaussian modes for those of lognormal skies.
            error = 2 * np.sqrt(2 / band.sum() / len(kappa))
            self.assertAlmostEqual(np.mean(power[band] / model[band]), 1, delta=4 * error)

    def test_a_survey_of_a_sky_of_a_set(self):
        path = self.skies("set.h5", "--count", "3", "--npix", "60,50", "--model", "halo")
        field = ["--npix", "40,30", "--pixel-arcmin", "0.6", "--center", "150,2", "--density", "30"]
        outputs = []
        for ranks in (1, 3):
            catalogue, truth = self.here / f"c{ranks}.h5", self.here / f"t{ranks}.h5"
            succeed(run(ranks, ["simulate", "--sky", path, "--sky-number", "1", *field, "--out-catalogue", catalogue,
                                "--out-truth", truth]))
            outputs.append((catalogue, truth))
        with h5py.File(path) as skies, h5py.File(outputs[0][1]) as truth:
            np.testing.assert_array_equal(truth["maps/kappa"][:], skies["skies/kappa"][1, :30, :40])
            # Shear by Kaiser & Squires on the whole periodic sky.
            kappa = np.fft.fft2(skies["skies/kappa"][1])
            ly, lx = np.meshgrid(np.fft.fftfreq(50), np.fft.fftfreq(60), indexing="ij")
            ell2 = np.maximum(lx**2 + ly**2, 1e-30)
            gamma1 = np.fft.ifft2((lx**2 - ly**2) / ell2 * kappa).real
            np.testing.assert_allclose(truth["maps/gamma1"][:], gamma1[:30, :40], atol=1e-12)
        for ours, reference in zip(outputs[1], outputs[0]):
            a, b = contents(ours), contents(reference)
            self.assertEqual([name for name in b if a[name] != b[name] and "provenance" not in name], [])

    def test_a_halo_survey(self):
        catalogue, truth = self.simulate("halo.h5", "halo_truth.h5", more=["--model", "halo", "--nz", NZ])
        with h5py.File(truth) as file:
            kappa = file["maps/kappa"][:]
        self.assertGreater(np.mean((kappa - kappa.mean()) ** 3), 0)


class Refusals(RefusalTest):
    def refuse_skies(self, *names, options=(), ranks=2, spectrum=SPECTRUM, npix=32):
        out = self.here / "skies.h5"
        self.refuse(["simulate", "skies", "--spectrum", spectrum, "--npix", npix, "--count", "2", "--out", out, *options],
                    *names, ranks=ranks, outputs=[out])

    def test_options(self):
        for ranks in (1, 3):
            self.refuse_skies("--nz", "halo", options=["--model", "halo"], ranks=ranks)
        self.refuse_skies("--nz", "cosmology", options=["--sigma8", "0.7:0.9"])
        self.refuse_skies("LOW:HIGH", "0.9:0.7", options=["--nz", NZ, "--sigma8", "0.9:0.7"])
        self.refuse_skies("sigma8", "0.7-0.9", options=["--nz", NZ, "--sigma8", "0.7-0.9"])
        self.refuse_skies("--sigma8", options=["--nz", NZ, "--sigma8", "0.7:9"])
        self.refuse_skies("flat", "lognormal", options=["--model", "flat"])
        self.refuse_skies("empty entry", options=["--model", "gaussian,"])
        self.refuse_skies("missing.txt", options=["--model", "halo", "--nz", "missing.txt"])
        self.refuse_skies("--validation", "--test", options=["--validation", "0.6", "--test", "0.6"])
        self.refuse_skies("--count", options=["--count", "0"])
        self.refuse_skies("--ranks-per-sky", options=["--ranks-per-sky", "5"])
        self.refuse_skies("--npix", npix=1)
        self.refuse_skies("on every rank", npix=130000, options=["--pixel-arcmin", "0.08"])
        self.refuse_skies("missing.txt", spectrum="missing.txt")
        self.refuse_skies("Omega_b", options=["--model", "halo", "--nz", NZ, "--omega-m", "0.1", "--omega-b", "0.1"])

    def test_skies_for_surveys(self):
        skies = self.here / "set.h5"
        succeed(run(2, ["simulate", "skies", "--spectrum", SPECTRUM, "--npix", "32", "--count", "2", "--out", skies]))
        survey = dict(sky=skies, npix="20", pixel_arcmin=0.29, spectrum=None)
        self.refuse_simulate("no sky 2", **survey | dict(sky_number=2))
        self.refuse_simulate("arcmin", "--pixel-arcmin", **survey | dict(pixel_arcmin=1))
        self.refuse_simulate("32 x 32", "--npix", **survey | dict(npix=33))
        self.refuse_simulate("missing.h5", **survey | dict(sky="missing.h5"))
        self.refuse_simulate("catalogue.h5", **survey | dict(sky=self.catalogue))
        with h5py.File(skies, "r+") as file:
            del file["skies/c_ell"]
        self.refuse_simulate("c_ell", **survey)


if __name__ == "__main__":
    main()
