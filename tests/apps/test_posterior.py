"""Posterior samples, from a score network trained here to maps: the same bits on any number of ranks and through a kill
and a resume; without a network the exact Gaussian posterior; the maximum and the sparse maps; calibration; refusals."""
import shutil
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np
from astropy.wcs import WCS
from astropy.io import fits

from common import FIELD, MPIEXEC, PATIENCE, PRIOR, SOURCE, TESSERA, TrainingTest, end_session, main, run, succeed
from refusal import RefusalTest
from test_ranks import contents

TRAINING = ("--channels", "6,8", "--steps", "8", "--batch", "2", "--warmup", "2", "--validate", "4", "--validation-skies", "3",
            "--test-skies", "2", "--sigma", "0.005:0.15")
CHAINS = ("--chains", "2", "--burn-in", "3", "--trajectories", "2", "--levels", "3")
SAMPLING = ("--methods", "posterior", "--samples", "4", *CHAINS)
LONG = ("--methods", "posterior", "--samples", "60", *CHAINS)
ALL = "ks,wiener,posterior,map,starlet,tv"


class PosteriorTest(TrainingTest):
    KIND, TRAINING = "score", TRAINING

    def sample(self, name, *options, ranks=2):
        return self.map(name, *SAMPLING, "--score-model", self.model, *options, ranks=ranks)

    def assert_same(self, path, reference):
        ours, expected = contents(path), contents(reference)
        self.assertEqual(ours.keys(), expected.keys())
        self.assertEqual([name for name in expected if ours[name] != expected[name]], [])


class Training(PosteriorTest):
    def test_model_file(self):
        with h5py.File(self.model) as file:
            card = file["model"].attrs["card"]
            self.assertIn("kind = score", card)
            levels = [[float(word) for word in line.split()[2:]] for line in card.splitlines() if line.startswith("level = ")]
            self.assertEqual(len(levels), 12)
            self.assertAlmostEqual(levels[0][0], 0.005)
            self.assertAlmostEqual(levels[-1][0], 0.15)
            bands = next(line for line in card.splitlines() if line.startswith("bands = ")).split()[2:]
            self.assertTrue(all(len(level) == 3 + len(bands) for level in levels))
            self.assertTrue(np.any(file["model/weights"][-50:] != 0))

    def test_ranks(self):
        for ranks in (1, 3):
            with h5py.File(self.train(f"score{ranks}.h5", ranks=ranks)) as ours, h5py.File(self.model) as expected:
                self.assertEqual(ours["model/weights"][()].tobytes(), expected["model/weights"][()].tobytes())
        self.assertEqual(list(self.folder.glob("*.checkpoint*")), [])

    def test_ended_on_request(self):
        """Before its first look at held-out skies."""
        self.assert_ends_on_request("network:", {"--steps": "150", "--validate": "200"})  # all ranks listen by then

    def test_ended_while_scoring(self):
        self.assert_ends_on_request("scores on", {"--test-skies": "200"})


class Maps(PosteriorTest):
    def test_ranks(self):
        options = ("--methods", ALL, "--save-samples")
        one = self.map("one.h5", "--samples", "4", *CHAINS, "--score-model", self.model, *options, "--tile", "16", ranks=1)
        for ranks in (2, 3, 4, 7):
            self.assert_same(self.map(f"maps{ranks}.h5", "--samples", "4", *CHAINS, "--score-model", self.model, *options, "--tile",
                                      "16", ranks=ranks), one)

    def test_more_ranks_than_rows(self):
        """Some have no pixel, some no mode."""
        field = ("--center", "150,2", "--npix", "20,9", "--pixel-arcmin", "1")
        sampling = ("--methods", ALL, "--samples", "4", *CHAINS)
        one, many = (self.map(f"ranks{ranks}.h5", *sampling, "--score-model", self.model, ranks=ranks, field=field)
                     for ranks in (1, 24))
        self.assert_same(many, one)

    def test_content(self):
        with h5py.File(self.sample("maps.h5", "--scales-arcmin", "2", "--threshold", "0.5")) as file:
            samples = file["maps/kappa_posterior_samples"][()]
            self.assertEqual(samples.shape, (8, 40, 48))
            self.assertEqual(samples.dtype, np.float32)
            maps = {name: dataset[()] for name, dataset in file["maps"].items()}
            samples = samples.astype(float)
            # The mean of what the states expect; the samples scatter about it.
            error = (samples.mean(axis=0) - maps["kappa_posterior"]) / (samples.std(axis=0, ddof=1) / np.sqrt(8))
            self.assertLess(np.sqrt(np.mean(error**2)), 1.5)
            self.assertGreater(np.sqrt(np.mean(error**2)), 0.5)
            np.testing.assert_allclose(maps["kappa_posterior_std"], samples.std(axis=0, ddof=1), atol=1e-9)
            centred = samples - samples.mean(axis=0)
            np.testing.assert_allclose(maps["kappa_posterior_skewness"],
                                       (centred**3).mean(axis=0) / (centred**2).mean(axis=0)**1.5, atol=1e-6)
            for part in (0.025, 0.16, 0.5, 0.84, 0.975):
                np.testing.assert_allclose(maps[f"kappa_posterior_quantile_{part:g}"], np.quantile(samples, part, axis=0),
                                           atol=1e-9)
            # Chains differ, and so do samples of a chain.
            self.assertEqual(len({sample.tobytes() for sample in samples}), 8)
            said = file["diagnostics/posterior"].attrs
            self.assertEqual(said["acceptance"], 1.0)
            sigma = file["data/noise_sigma"][()]
            self.assertAlmostEqual(said["sigma"], 0.7 * sigma[sigma > 0].min(), places=12)
            # A chain: its start, burn-in, and of each sample two trajectories, the place with new large scales, the descent.
            self.assertEqual(said["score_evaluations"], 2 * (1 + 3 + 4 * (2 + 1 + 2)))
            self.assertEqual(file["diagnostics/posterior/residual_power"].shape[1], 3)
            self.assertEqual(file["provenance"].attrs["score_checksum"], said["checksum"])
            # Detections lie where the map says, above the threshold with their probability.
            table = {name: dataset[()] for name, dataset in file["detections"].items()}
            self.assertGreater(len(table["ra"]), 0)
            wcs = WCS(fits.Header.fromstring(file["wcs"].attrs["header"], sep="\n"))
            x, y = wcs.all_world2pix(table["ra"], table["dec"], 0)
            np.testing.assert_allclose((x, y), (table["x"], table["y"]), atol=1e-6)
            probability = maps["probability_2arcmin"][table["y"].astype(int), table["x"].astype(int)]
            np.testing.assert_allclose(probability, table["probability"])
            self.assertTrue(np.all(table["probability"] >= 0.5))
            np.testing.assert_allclose(table["signal_to_noise"], table["kappa"] / table["kappa_std"])

    def test_gaussian_prior(self):
        """Without a network: mean, width and power of the exact Gaussian posterior, by its own draws."""
        path = self.map("gauss.h5", "--methods", "wiener,posterior,map", "--samples", "150", "--chains", "2", "--score-model",
                        "none", "--save-samples", "--burn-in", "5", "--trajectories", "3", "--levels", "2")
        with h5py.File(path) as file:
            maps = {name: dataset[()] for name, dataset in file["maps"].items()}
            self.assertEqual(file["diagnostics/posterior"].attrs["converged"], 1)
        exact, ours = maps["kappa_wiener_samples"], maps["kappa_posterior_samples"].astype(float)
        width = exact.std(axis=0, ddof=1)
        def deviation(mean):
            return np.sqrt(np.mean(((mean - maps["kappa_wiener"]) / (width / np.sqrt(len(ours))))**2))

        self.assertLess(deviation(ours.mean(axis=0)), 1.35)  # samples of a chain are not quite independent
        self.assertLess(deviation(maps["kappa_posterior"]), 0.8)
        self.assertAlmostEqual(np.mean(ours.var(axis=0, ddof=1)) / np.mean(exact.var(axis=0, ddof=1)), 1, delta=0.02)

        def power(samples):
            """Mean power in eight rings."""
            square = np.mean(np.abs(np.fft.fft2(samples))**2, axis=0)
            ky, kx = np.meshgrid(np.fft.fftfreq(40), np.fft.fftfreq(48), indexing="ij")
            ring = np.digitize(np.hypot(kx, ky), np.linspace(0, 0.5, 9)[1:])
            return np.array([square[ring == r].mean() for r in range(8)])

        np.testing.assert_allclose(power(ours) / power(exact), 1, atol=0.06)
        # The maximum of a Gaussian posterior is its mean.
        difference = maps["kappa_map"] - maps["kappa_wiener"]
        self.assertLess(np.std(difference), 0.05 * np.std(maps["kappa_wiener"]))

    def test_sparse(self):
        """The starlet and the total-variation maps are minima: a weaker penalty gives a larger chi^2 gain; they correlate
        with the Wiener map."""
        with h5py.File(self.map("sparse.h5", "--methods", "wiener,starlet,tv", "--samples", "0", "--sparse-tolerance",
                                "1e-5", "--sparse-iterations", "4000")) as file:
            wiener = file["maps/kappa_wiener"][()]
            for name in ("starlet", "tv"):
                self.assertEqual(file[f"diagnostics/{name}"].attrs["converged"], 1)
                self.assertGreater(np.corrcoef(file[f"maps/kappa_{name}"][()].ravel(), wiener.ravel())[0, 1], 0.6)


class Chains(PosteriorTest):
    """Chains sampled one by one, and the maps gathered from them."""

    def sample_chains(self, name="maps.h5", chains=(0, 1), **options):
        for chain, ranks in zip(chains, (1, 3)):
            self.map(name, *SAMPLING, "--score-model", self.model, "--chain", chain, ranks=ranks, **options)
        return self.here / name

    def refuse_gather(self, maps, *texts):
        done = run(2, ["gather", maps])
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(maps.exists())
        for text in texts:
            self.assertIn(text, done.stderr)

    def test_gathered(self):
        one = self.map("one.h5", "--methods", ALL, "--samples", "4", *CHAINS, "--score-model", self.model)
        for chain, ranks in ((1, 3), (0, 1)):
            self.map("maps.h5", "--methods", ALL, "--samples", "4", *CHAINS, "--score-model", self.model, "--chain", chain,
                     "--resume", ranks=ranks)
        maps = self.here / "maps.h5"
        self.assertFalse(maps.exists())
        unfinished = [self.here / f"maps.h5.checkpoint{end}" for end in ("", ".1")]
        for checkpoint in unfinished:
            checkpoint.write_text("of another run with that output, which was stopped")
        done = succeed(run(2, ["gather", maps]))
        self.assertIn("gathered 2 chains of 4 samples", done.stdout)
        self.assertTrue(all(checkpoint.exists() for checkpoint in unfinished))
        self.assert_same(maps, one)
        self.assertIn("--overwrite", run(1, ["gather", maps]).stderr)
        succeed(run(4, ["gather", "--out", maps, "--overwrite"]))
        self.assert_same(maps, one)

    def test_refused(self):
        maps = self.sample_chains()
        first, second = (maps.with_name(f"maps.h5.chain_{chain}") for chain in (0, 1))
        original = second.read_bytes()
        second.unlink()
        self.refuse_gather(maps, "chain 1 is missing", "--chain 1")
        second.write_bytes(first.read_bytes())
        self.refuse_gather(maps, "maps.h5.chain_1", "is not chain 1")
        second.write_bytes(self.catalogue.read_bytes())
        self.refuse_gather(maps, "maps.h5.chain_1", "no checkpoint of posterior samples")
        second.write_bytes(original[:2000])
        self.refuse_gather(maps, "maps.h5.chain_1")
        other = self.sample_chains("other.h5", (1, ), catalogue=self.simulate("other.h5", "other_truth.h5",
                                                                              more=("--seed", "8"))[0])
        second.write_bytes(other.with_name("other.h5.chain_1").read_bytes())
        self.refuse_gather(maps, "maps.h5.chain_1", "data is ")
        first.unlink()
        self.refuse_gather(maps, "maps.h5.chain_0")

    def test_changed_catalogue(self):
        catalogue, _ = self.simulate("changing.h5", "changing_truth.h5")
        maps = self.sample_chains(catalogue=catalogue)
        self.simulate("changing.h5", "changing_truth.h5", more=("--seed", "9", "--overwrite"))
        self.refuse_gather(maps, "maps.h5.chain_0", "data")


class Survival(PosteriorTest):
    @staticmethod
    def samples_in(checkpoint):
        try:
            with h5py.File(checkpoint) as file:
                return int(file["posterior"].attrs["sample"])
        except (OSError, KeyError):
            return -1  # not there yet

    def interrupted(self, name, deliver, sampling=LONG, samples=1, prior=PRIOR):
        """A run to which `deliver` does something once there is a checkpoint after so many samples."""
        out = self.here / name
        words = ["map", "--catalogue", self.catalogue, *FIELD, *prior, *sampling, "--score-model", self.model,
                 "--checkpoint-minutes", "0", "--out", out]
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", "2", TESSERA, *words]], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        checkpoint = out.with_name(out.name + ".checkpoint")
        while process.poll() is None and self.samples_in(checkpoint) < samples:
            time.sleep(0.01)
        deliver(process)
        text = "".join(process.communicate(timeout=PATIENCE))
        self.assertFalse(out.exists(), text)
        self.assertTrue(checkpoint.exists(), text)
        self.code = process.returncode
        return words, text, out, checkpoint

    def test_killed_and_resumed(self):
        whole = self.map("whole.h5", *LONG, "--score-model", self.model)

        def kill(process):
            end_session(process.pid)

        words, _, out, checkpoint = self.interrupted("killed.h5", kill)
        done = succeed(run(3, [*words, "--resume"]))
        self.assertIn("going on after", done.stdout)
        self.assertFalse(checkpoint.exists())
        ours, expected = contents(out), contents(whole)
        differ = [name for name in expected if ours[name] != expected[name]]
        self.assertEqual([name for name in differ if "configuration" not in name], [])

    def test_ended_with_time(self):
        """SIGUSR2, which mpirun hands on: the exit code says that the run is unfinished, not that it failed."""
        words, text, out, _ = self.interrupted("time.h5", lambda process: process.send_signal(signal.SIGUSR2))
        self.assertEqual(self.code, 75, text)
        self.assertIn("unfinished: ended on request", text)
        done = succeed(run(2, [*words, "--resume"]))
        self.assertIn("going on after", done.stdout)

    def test_ended_in_burn_in(self):
        """A burn-in may be longer than a job: it goes on, too, and ends with the same bits."""
        long = ("--methods", "posterior", "--samples", "3", "--chains", "2", "--burn-in", "60", "--trajectories", "2",
                "--levels", "3")
        whole = self.map("whole.h5", *long, "--score-model", self.model)
        words, text, out, checkpoint = self.interrupted("burn_in.h5", lambda process: process.send_signal(signal.SIGUSR2), long,
                                                        samples=0)
        self.assertEqual(self.code, 75, text)
        self.assertRegex(text, r"ended on request after 0 of 6 samples and \d+ of 60 trajectories of a burn-in")
        self.assertEqual(self.samples_in(checkpoint), 0)
        done = succeed(run(3, [*words, "--resume"]))
        self.assertRegex(done.stdout, r"going on after 0 of 6 samples and \d+ of 60 trajectories")
        ours, expected = contents(out), contents(whole)
        differ = [name for name in expected if ours[name] != expected[name]]
        self.assertEqual([name for name in differ if "configuration" not in name], [])

    def test_chain_ended_and_resumed(self):
        """One chain that is stopped goes on by itself, and is part of the same maps."""
        whole = self.map("whole.h5", *LONG, "--score-model", self.model, "--checkpoint-minutes", "0")
        out = self.here / "maps.h5"
        words = ["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, *LONG, "--score-model", self.model,
                 "--checkpoint-minutes", "0", "--out", out, "--chain"]
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", "2", TESSERA, *words, "1"]], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        checkpoint = out.with_name("maps.h5.chain_1.checkpoint")
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGUSR2)
        text = "".join(process.communicate(timeout=PATIENCE))
        self.assertEqual(process.returncode, 75, text)
        refused = run(1, ["gather", out])
        self.assertIn("maps.h5.chain_0", refused.stderr)
        for chain in ("0", "1"):
            succeed(run(3, [*words, chain, "--resume"]))
        self.assertFalse(checkpoint.exists())
        succeed(run(2, ["gather", out]))
        self.assert_same(out, whole)

    def test_ended_on_request(self):
        words, text, out, _ = self.interrupted("asked.h5", lambda process: process.send_signal(signal.SIGTERM))
        self.assertIn("--resume", text)
        self.assertFalse(out.with_name(out.name + ".partial").exists())
        succeed(run(2, [*words, "--resume"]))

    def test_foreign_checkpoint(self):
        _, _, out, checkpoint = self.interrupted("one.h5", lambda process: end_session(process.pid))
        done = run(2, ["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, *LONG, "--score-model", self.model,
                       "--seed", "9", "--out", out, "--resume"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("seed is 1 there and 9 here", done.stderr)

    def test_changed_spectrum(self):
        """Under its old name: a chain from two priors would be of none."""
        spectrum = self.here / "cl.txt"
        shutil.copy(PRIOR[1], spectrum)
        words, _, out, checkpoint = self.interrupted("maps.h5", lambda process: process.send_signal(signal.SIGUSR2),
                                                     prior=("--spectrum", spectrum))
        ell, c_ell = np.loadtxt(spectrum, unpack=True)[:2]
        np.savetxt(spectrum, np.transpose((ell, 1.01 * c_ell)))
        done = run(2, [*words, "--resume"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("contents of --spectrum", done.stderr)
        self.assertTrue(checkpoint.exists())
        self.assertFalse(out.exists())
        shutil.copy(PRIOR[1], spectrum)
        succeed(run(3, [*words, "--resume"]))

    def test_damaged_checkpoint(self):
        """What is damaged is told, and the checkpoint of before goes on in its place."""
        whole = self.map("whole.h5", *LONG, "--score-model", self.model)

        def once_there_are_two(process):
            pair = self.here / "damaged.h5.checkpoint", self.here / "damaged.h5.checkpoint.1"
            while process.poll() is None and not all(path.exists() for path in pair):
                time.sleep(0.01)
            end_session(process.pid)

        words, _, out, checkpoint = self.interrupted("damaged.h5", once_there_are_two)
        before = checkpoint.with_name(checkpoint.name + ".1")
        content, older = bytearray(checkpoint.read_bytes()), before.read_bytes()
        content[len(content) // 2] ^= 1
        checkpoint.write_bytes(content)
        before.write_bytes(older[:-1])
        done = run(2, [*words, "--resume"])
        self.assertNotEqual(done.returncode, 0)
        for text in ("damaged.h5.checkpoint' is damaged", "damaged.h5.checkpoint.1' is damaged", "give --overwrite instead of --resume"):
            self.assertIn(text, done.stderr)
        before.write_bytes(older)
        done = succeed(run(3, [*words, "--resume"]))
        warning = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        self.assertEqual(len(warning), 1, done.stderr)
        for text in ("damaged.h5.checkpoint' is damaged", "its checksum is", "damaged.h5.checkpoint.1'", "older"):
            self.assertIn(text, warning[0])
        self.assertRegex(done.stdout, r"going on after \d+ of 120 samples.*, from .*damaged\.h5\.checkpoint\.1")
        self.assertEqual([path.name for path in self.here.iterdir() if path != whole], [out.name])
        ours, expected = contents(out), contents(whole)
        differ = [name for name in expected if ours[name] != expected[name]]
        self.assertEqual([name for name in differ if "configuration" not in name], [])


class Calibrate(PosteriorTest):
    def test_gaussian_skies(self):
        """On Gaussian skies the Gaussian prior's samples are calibrated, on any number of ranks."""
        skies = self.here / "gaussian.h5"
        succeed(run(2, ["simulate", "skies", "--model", "gaussian", "--count", "30", "--npix", "64", "--pixel-arcmin", "1",
                        *PRIOR, "--validation", "0.1", "--test", "0.8", "--out", skies]))
        out = self.here / "calibration.h5"
        words = ["calibrate", "--skies", skies, *PRIOR, "--density", "20", "--masks", "starry", "--field", "32", "--surveys",
                 "24", "--samples", "9", "--score-model", "none", "--deepmass-model", "none", "--burn-in", "5", "--levels",
                 "2", "--trajectories", "6"]
        done = succeed(run(2, [*words, "--out", out]))
        self.assertIn("standard deviation of (truth - mean) / std", done.stdout)
        with h5py.File(out) as file:
            figures = dict(zip(file["calibration/figures"].attrs["columns"].split(), file["calibration/figures"][()].T))
            ranks = {name: dataset[()] for name, dataset in file["calibration/ranks"].items()}
            power = file["calibration/sample_power"][()].mean(axis=0) / file["calibration/truth_power"][()].mean(axis=0)
        for name in ("z_deviation", "z_many", "spread"):
            self.assertAlmostEqual(figures[name].mean(), 1, delta=0.05)
        self.assertAlmostEqual((figures["rmse"] / figures["rmse_wiener"]).mean(), 1, delta=0.01)
        self.assertTrue(np.all((figures["tarp_pixels"] >= 0) & (figures["tarp_pixels"] <= 1)))
        np.testing.assert_allclose(ranks["pixel"] / ranks["pixel"].sum(), 0.1, atol=0.02)
        np.testing.assert_allclose(power[1:], 1, atol=0.1)
        again = self.here / "again.h5"
        succeed(run(3, [*words, "--out", again]))
        self.assert_same(again, out)

    def test_skies_on_the_fly(self):
        out = self.here / "fly.h5"
        succeed(run(2, ["calibrate", "--npix", "48", "--pixel-arcmin", "1", *PRIOR, "--model", "halo", "--nz",
                        SOURCE / "data/nz_cosmos_like.txt", "--density", "20", "--field", "24", "--surveys", "3", "--samples", "8",
                        "--score-model", "none", "--deepmass-model", "none", "--burn-in", "1", "--trajectories", "1",
                        "--levels", "2", "--out", out]))
        with h5py.File(out) as file:
            rms = dict(zip(file["calibration/figures"].attrs["columns"].split(), file["calibration/figures"][()].T))["truth_rms"]
        self.assertEqual(len(set(rms)), 3)

    def test_card(self):
        """The figures go into the card of a copy of the model, which is a model again."""
        out, models = self.here / "card.h5", [self.model, self.here / "first.h5", self.here / "second.h5"]
        for old, new in zip(models, models[1:]):
            succeed(run(3, ["calibrate", "--skies", self.skies, *PRIOR, "--density", "20", "--masks", "starry", "--field",
                            "24", "--surveys", "4", "--samples", "8", "--deepmass-model", "none", "--burn-in", "2",
                            "--levels", "2", "--trajectories", "1", "--score-model", old, "--card-out", new, "--out", out,
                            "--overwrite"]))
        with h5py.File(out) as file, h5py.File(models[2]) as new, h5py.File(self.model) as old:
            z = dict(zip(file["calibration/figures"].attrs["columns"].split(), file["calibration/figures"][()].T))["z_many"]
            lines = [line.split(" = ") for line in new["model"].attrs["card"].split("\n") if line.startswith("calibration")]
            np.testing.assert_array_equal(new["model/weights"][()], old["model/weights"][()])
            np.testing.assert_array_equal(new["training/history"][()], old["training/history"][()])
            self.assertNotEqual(new["model"].attrs["checksum"], old["model"].attrs["checksum"])
        self.assertEqual(len(lines), 2)
        columns = [float(word) for word in lines[1][1].split()]
        np.testing.assert_allclose(columns[:6], [20, 20, 4, 8, z.mean(), z.std(ddof=1) / 2], rtol=1e-4)


class Refusals(PosteriorTest, RefusalTest):
    def refuse_sampling(self, *names, **changes):
        self.refuse_map(*names, **({"methods": "posterior", "samples": 2, "score_model": self.model} | changes))

    def test_options(self):
        self.refuse_sampling("--samples", samples=0)
        self.refuse_sampling("--chain", chain=4)
        self.refuse_sampling("--chain", "--methods posterior", chain=0, methods="ks")
        self.refuse_sampling("--chains", chains=0)
        self.refuse_sampling("--scales-arcmin", scales_arcmin="1,-2")
        self.refuse_sampling("--sigma-share", sigma_share=1.5)
        self.refuse_sampling("--persistence", persistence=1)
        self.refuse_sampling("--hmc-step", hmc_step=0)
        self.refuse_sampling("--metropolis", metropolis="maybe")
        self.refuse_sampling("--methods", "posterior", methods="posteriors")

    def test_models(self):
        self.refuse_sampling("none.h5", score_model=self.here / "none.h5")
        self.refuse_sampling("skies.h5", "no model of Tessera", score_model=self.skies)
        self.refuse_sampling("pixels", "2 arcmin", "--outside-card", pixel_arcmin=2, npix="24,20")
        self.refuse_map("kind 'score'", methods="deepmass", samples=0, model=self.model)

    def test_training(self):
        out = self.here / "new.h5"
        words = ["train", "score", "--skies", self.skies, *PRIOR, "--out", out]
        self.refuse([*words, "--sigma", "0.1"], "--sigma", outputs=[out])
        self.refuse([*words, "--sigma", "0.2:0.1"], "--sigma", outputs=[out])
        self.refuse([*words, "--channels", "6,6,6,6,6"], "channels", outputs=[out])

    def test_calibration(self):
        out = self.here / "calibration.h5"
        words = ["calibrate", "--skies", self.skies, *PRIOR, "--score-model", self.model, "--out", out]
        self.refuse([*words, "--field", "65"], "--field 65", "64", outputs=[out])
        self.refuse([*words, "--samples", "2"], "--samples", outputs=[out])


if __name__ == "__main__":
    main()
