"""`tessera compare --skies` against the independent oracle, on several rank counts, and what it refuses."""
import h5py
import numpy as np

from common import SOURCE, SPECTRUM, main, run, run_oracle, succeed
from skies import make_set, write_set
from refusal import OLD, RefusalTest

TABLE = np.loadtxt(SPECTRUM, unpack=True)[:2]
PUBLISHED = SOURCE / "data/published_sky_statistics.txt"


def curves(path):
    """{name: bits} of all curves and axes."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()].tobytes()})
                        if isinstance(item, h5py.Dataset) else None)
    return found


class CompareSkies(RefusalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gaussian = make_set(cls.folder / "gaussian.h5", 5, (36, 45), 1, TABLE, seed=1)
        cls.lognormal = make_set(cls.folder / "lognormal.h5", 4, (45, 40), 1, TABLE, shift=0.03, seed=2,
                                 periodic=False, pixel_averaged=False, scale=(1, 2, 0.5, 3))
        cls.coarse = make_set(cls.folder / "coarse.h5", 3, (32, 32), 1.5, TABLE, seed=3)

    def compare(self, *options, ranks=2, skies=None, name="statistics.h5"):
        out = self.here / name
        skies = ",".join(map(str, skies or (self.gaussian, self.lognormal)))
        return out, succeed(run(ranks, ["compare", "--skies", skies, "--out", out, "--bands", "6", *options])).stdout

    def test_oracle(self):
        options = "--top-hat-arcmin", "1.7,3", "--smoothing-arcmin", "0,0.8,2", "--minima", "-0.01,0.002"
        files = [self.compare(*options, ranks=ranks, name=f"ranks{ranks}.h5", skies=(
            self.gaussian, self.lognormal, self.truth)) for ranks in (1, 2, 3)]
        done = run_oracle("check_sky_statistics", files[0][0])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for path, text in files[1:]:
            self.assertEqual(curves(path), curves(files[0][0]))
            self.assertEqual(text.replace(path.name, ""), files[0][1].replace(files[0][0].name, ""))

    def test_oracle_sees_changes(self):
        path, _ = self.compare()
        for name in ("power_ratio", "kurtosis", "peaks_nu", "starlet_bins", "pdf_error"):
            with self.subTest(changed=name), h5py.File(path, "a") as file:
                dataset = file[f"sets/1/{name}"]
                kept, index = dataset[()], np.unravel_index(np.argmax(dataset[()]), dataset.shape)
                dataset[index] = kept[index] * (1 + 1e-6)
                file.flush()
                self.assertEqual(run_oracle("check_sky_statistics", path).returncode, 1)
                dataset[()] = kept

    def test_table(self):
        """Means, ratio and significance as printed, against the file."""
        path, text = self.compare("--reference", self.gaussian, skies=(self.lognormal,))
        lines = text.splitlines()
        row = lines[lines.index("skewness after a Gaussian") + 3].split()
        self.assertEqual(row[0], "1")
        with h5py.File(path) as file:
            self.assertEqual(file["sets"].attrs["reference"], 1)
            (a, ea), (b, eb) = ((file[f"sets/{i}/skewness"][1], file[f"sets/{i}/skewness_error"][1]) for i in (0, 1))
        self.assertEqual(float(row[1]), float(f"{a:.4g}"))
        self.assertEqual(float(row[4]), float(f"{b:.4g}"))
        self.assertAlmostEqual(float(row[-4]), a / b, delta=6e-4)
        self.assertAlmostEqual(float(row[-1]), (a - b) / np.hypot(ea, eb), delta=0.06)

    def test_other_pixels(self):
        """Only what is smoothed over more than two pixels is compared."""
        _, text = self.compare("--smoothing-arcmin", "0,2,3", skies=(self.gaussian, self.coarse))
        lines = text.splitlines()
        start = lines.index("rms after a Gaussian") + 2
        self.assertTrue(lines[start].endswith("-") and lines[start + 1].endswith("-"))
        self.assertRegex(lines[start + 2], r"\d$")

    def test_published(self):
        _, text = self.compare("--published", PUBLISHED)
        self.assertIn("published figures", text)
        figures = self.here / "figures.txt"
        figures.write_text("# comment\nrms gaussian 1.25 0 0.02 0.001 somewhere\n")
        path, text = self.compare("--published", figures, name="two.h5")
        with h5py.File(path) as file:
            index = list(file["axes/smoothing"][()]).index(1.25)
            ours = file["sets/0/rms"][index]
        row = next(line for line in text.splitlines() if "somewhere" in line).split()
        self.assertAlmostEqual(float(row[7]), ours, delta=1e-3 * ours)
        self.assertAlmostEqual(float(row[8]), ours / 0.02, delta=6e-3)

    def test_bad_input(self):
        out = self.here / "bad.h5"
        broken, constant, flat = (self.here / name for name in ("nan.h5", "constant.h5", "flat.h5"))
        sky = np.random.default_rng(4).normal(size=(16, 16))
        write_set(broken, [sky, np.where(sky == sky.max(), np.nan, sky)], 1, TABLE)
        write_set(constant, [sky, np.full_like(sky, 0.3)], 1, TABLE)
        write_set(flat, [sky[:4, :4]], 1, TABLE)

        def refuse(skies, *names, options=(), **more):
            self.refuse(["compare", "--skies", skies, "--out", out, *options], *names, outputs=[out], **more)

        for ranks in (1, 3):
            refuse(broken, "sky 1", "nan.h5", "finite", ranks=ranks)
            refuse(constant, "sky 1", "constant.h5", "constant", ranks=ranks)
        refuse(flat, "flat.h5", "4 x 4")
        refuse(self.catalogue, "catalogue.h5")
        refuse("missing.h5", "missing.h5")
        refuse(f"{self.gaussian},{self.gaussian}", "twice")
        refuse(self.truth, "kappa_magic", options=("--map", "kappa_magic"))
        refuse(self.lognormal, "30 arcmin", "not periodic", options=("--smoothing-arcmin", "10"))
        refuse(self.gaussian, "--smoothing-arcmin", "-1", options=("--smoothing-arcmin", "-1"))
        refuse(self.gaussian, "--thresholds", "high", options=("--thresholds", "high"))
        refuse(self.gaussian, "--starlet-scales", "36", options=("--starlet-scales", "9"))
        refuse(self.gaussian, "--bands", options=("--bands", "0"))
        refuse(self.gaussian, "--published", options=("--published", "missing.txt"))
        figures = self.here / "figures.txt"
        figures.write_text("rms gaussian one 0 0.02 - somewhere\n")
        refuse(self.gaussian, "figures.txt", "rms gaussian one", options=("--published", figures))
        for option in ("truth", "maps", "names", "truth-map"):
            refuse(self.gaussian, f"--{option}", "--skies", options=(f"--{option}", "x"))
        for option in ("reference", "map", "thresholds", "out", "published"):
            self.refuse(["compare", "--truth", self.truth, "--maps", self.truth, f"--{option}", "x"], f"--{option}",
                        "--skies")
        out.write_bytes(OLD)
        self.refuse(["compare", "--skies", self.gaussian, "--out", out], "bad.h5", "--overwrite", outputs=[out],
                    kept=OLD)


if __name__ == "__main__":
    main()
