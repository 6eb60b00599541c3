"""Training and using DeepMass, from skies to maps: the same bits on any number of ranks and through a kill and a resume; tile
by tile; models refused."""
import os
import subprocess
import time
import unittest
from pathlib import Path

import h5py
import numpy as np

from common import FIELD, PRIOR, MPIEXEC, TESSERA, TrainingTest, end_session, main, run, run_words, succeed
from refusal import RefusalTest
from test_ranks import contents

TRAINING = ("--density", "10:40", "--channels", "6,8", "--steps", "6", "--batch", "3", "--cutout", "32", "--warmup", "2",
            "--validate", "2", "--validation-surveys", "3", "--test-surveys", "2", "--test-densities", "15,30")
DEEPMASS = "--methods", "ks,wiener,deepmass", "--samples", "0"


class DeepMassTest(TrainingTest):
    KIND, TRAINING = "deepmass", TRAINING


class Training(DeepMassTest):
    def assert_same_model(self, path, reference=None):
        for name in ("model/weights", "training/history"):
            with h5py.File(path) as ours, h5py.File(reference or self.model) as expected:
                self.assertEqual(ours[name][()].tobytes(), expected[name][()].tobytes())

    def test_model_file(self):
        with h5py.File(self.model) as file:
            model = file["model"]
            weights, order = model["weights"][()], model["weights"].attrs["order"].splitlines()
            self.assertEqual(weights.dtype, np.float32)
            self.assertEqual(weights.size, sum(np.prod([int(n) for n in line.split()[1].split(",")]) for line in order))
            card = dict(line.split(" = ", 1) for line in model.attrs["card"].splitlines() if " = " in line)
            self.assertEqual(card["pixel_arcmin"], "1")
            self.assertAlmostEqual(float(card["noise_low"]), 0.26 / np.sqrt(40), places=6)
            self.assertAlmostEqual(float(card["noise_high"]), 0.31 / np.sqrt(10), places=6)
            self.assertIn("(4 for training)", card["skies"])
            self.assertEqual(model.attrs["card"].count("score = "), 2)
            self.assertEqual(file["training/history"].shape, (3, 5))
            self.assertTrue(np.any(weights[-100:] != 0))

    def test_ranks(self):
        for ranks in (1, 3):
            self.assert_same_model(self.train(f"model{ranks}.h5", ranks=ranks))

    def test_killed_and_resumed(self):
        """Killed when a checkpoint is there; the run that goes on ends like the one that was not killed."""
        out = self.folder / "killed.h5"
        words = ["train", "deepmass", "--skies", self.skies, *PRIOR, *TRAINING, "--out", out]
        checkpoint = self.folder / "killed.h5.checkpoint"
        # mpirun and the ranks at once: ranks that outlive it may come to the end, where no checkpoint is left.
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", "2", TESSERA, *words]], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.01)
        end_session(process.pid)
        process.wait()
        self.assertTrue(checkpoint.exists())
        done = succeed(run(2, [*words, "--resume", "--overwrite"]))
        self.assertIn("going on from step", done.stdout)
        self.assert_same_model(out)

    def test_ended_while_scoring(self):
        self.assert_ends_on_request("scores on", {"--test-surveys": "150"})

    def test_on_the_fly(self):
        source = "--npix", "64", "--pixel-arcmin", "1", "--model", "lognormal", "--shift", "0.03:0.04"
        one, two = (self.train(f"fly{ranks}.h5", ranks=ranks, source=source) for ranks in (1, 2))
        self.assert_same_model(one, two)
        with h5py.File(one) as ours, h5py.File(self.model) as other:
            self.assertFalse(np.array_equal(ours["model/weights"][()], other["model/weights"][()]))
            self.assertIn("drawn on the fly", ours["model"].attrs["card"])


class Mapping(DeepMassTest):
    def test_ranks_and_tiles(self):
        """The same bits on any number of ranks; the same map, but for rounding, for any size of tile."""
        options = *DEEPMASS, "--model", self.model
        one = self.map("one.h5", *options, "--tile", "16", ranks=1)
        for ranks in (2, 3, 4, 7):
            with self.subTest(ranks=ranks):
                ours, expected = contents(self.map(f"maps{ranks}.h5", *options, "--tile", "16", ranks=ranks)), contents(one)
                self.assertEqual([name for name in expected if ours[name] != expected[name]], [])
        whole = self.map("whole.h5", *options, ranks=1)
        with h5py.File(one) as tiled, h5py.File(whole) as plain:
            for name in ("kappa_deepmass", "kappa_deepmass_std"):
                np.testing.assert_allclose(tiled[f"maps/{name}"], plain[f"maps/{name}"], atol=1e-8)
            self.assertGreater(np.abs(plain["maps/kappa_deepmass"][()] - plain["maps/kappa_wiener"][()]).max(), 1e-5)
            self.assertTrue(np.all(plain["maps/kappa_deepmass_std"][()] > 0))
            said = plain["diagnostics/deepmass"].attrs
            with h5py.File(self.model) as model:
                self.assertEqual(said["checksum"], model["model"].attrs["checksum"])
                self.assertEqual(plain["provenance"].attrs["model_checksum"], said["checksum"])
                self.assertEqual(said["card"], model["model"].attrs["card"])
            # Noise of a shear component in 1 arcmin^2, from the maps themselves.
            sigma = plain["data/noise_sigma"][()]
            typical = np.median(sigma[sigma > 0])
            self.assertTrue(0.8 * typical < said["noise_level"] < 1.4 * typical)

    def test_tile_by_tile(self):
        options = *DEEPMASS, "--model", self.model, "--wiener", "tile", "--tile", "16", "--wiener-margin", "24"
        one = self.map("one.h5", *options, ranks=1)
        for ranks in (2, 7):
            ours, expected = contents(self.map(f"tiles{ranks}.h5", *options, ranks=ranks)), contents(one)
            self.assertEqual([name for name in expected if ours[name] != expected[name]], [])
        joint = self.map("joint.h5", *DEEPMASS, "--model", self.model)
        with h5py.File(one) as tiled, h5py.File(joint) as plain:
            for name in ("kappa_wiener", "kappa_deepmass"):
                ours, theirs = tiled[f"maps/{name}"][()], plain[f"maps/{name}"][()]
                self.assertGreater(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1], 0.9)
                self.assertFalse(np.array_equal(ours, theirs))

    def test_no_seam(self):
        """Neighbours blend where the network of both sees all that it needs: the blend is wider than its halo."""
        fine = "--center", "150,2", "--npix", "160,64", "--pixel-arcmin", "0.29"
        catalogue = self.here / "fine.h5"
        succeed(run(2, ["simulate", *fine, *PRIOR, "--density", "30", "--out-catalogue", catalogue, "--out-truth",
                        self.here / "truth.h5"]))
        joint, tiled = (self.map(f"{kind}.h5", *DEEPMASS, "--wiener", kind, "--tile", "128", "--wiener-margin", "96",
                                 catalogue=catalogue, field=fine) for kind in ("joint", "tile"))
        with h5py.File(joint) as plain, h5py.File(tiled) as tiles:
            self.assertEqual(tiles["diagnostics/wiener"].attrs["tiles"], 2)
            self.assertGreater(96 // 2, tiles["diagnostics/deepmass"].attrs["halo"])
            ours, expected = tiles["maps/kappa_deepmass_std"][()], plain["maps/kappa_deepmass_std"][()]
            np.testing.assert_allclose(ours, expected, rtol=0, atol=0.05 * expected.mean())

    def test_left_out_where_it_does_not_fit(self):
        """Without --methods DeepMass is left out, with the reason, where its model does not fit the data."""
        coarse = "--center", "150,2", "--npix", "24,20", "--pixel-arcmin", "2"
        out = self.here / "coarse.h5"
        done = succeed(run(2, ["map", "--catalogue", self.catalogue, *coarse, *PRIOR, "--samples", "0", "--model",
                               self.model, "--out", out]))
        self.assertIn("warning: DeepMass is left out", done.stderr)
        self.assertIn("2 arcmin", done.stderr)
        with h5py.File(out) as file:
            self.assertIn("kappa_wiener", file["maps"])
            self.assertNotIn("kappa_deepmass", file["maps"])
            self.assertIn("methods = ks,wiener\n", file["provenance"].attrs["configuration"])


class Refusals(DeepMassTest, RefusalTest):
    def refuse_model(self, model, *names, **changes):
        changes = {"methods": "deepmass", "samples": 0, "model": model} | changes
        self.refuse_map(*names, **changes)

    def test_models(self):
        bad = self.here / "bad.h5"
        self.refuse_model(self.here / "none.h5", "none.h5")
        self.refuse_model(self.skies, "skies.h5", "no model of Tessera")
        bad.write_bytes(self.model.read_bytes()[:3000])
        self.refuse_model(bad, "bad.h5", ranks=3)
        bad.write_text("weights\n")
        self.refuse_model(bad, "bad.h5")
        bad.write_bytes(b"PK\x03\x04 and so on")
        self.refuse_model(bad, "bad.h5", "TorchScript")
        with h5py.File(bad, "w") as file, h5py.File(self.model) as model:
            model.copy("model", file)
            file["model/weights"][3] += np.float32(1e-3)
        self.refuse_model(bad, "bad.h5", "checksum")

    def test_data_outside_the_card(self):
        self.refuse_model(self.model, "pixels", "2 arcmin", "--outside-card", pixel_arcmin=2, npix="24,20")
        self.refuse_model(self.model, "noise", "--outside-card", sigma_e=1.5)
        done = run(2, ["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, *DEEPMASS, "--model", self.model, "--sigma-e",
                       "1.5", "--outside-card", "warn", "--out", self.here / "warned.h5"])
        self.assertIn("was not made for", succeed(done).stderr)

    def test_options(self):
        self.refuse_model(self.model, "--methods", "deepmas", methods="deepmas")
        self.refuse_model(self.model, "--outside-card", outside_card="no")
        self.refuse_model(self.model, "--samples", "tile", wiener="tile", samples=3)
        self.refuse_model(self.model, "--tile", tile=0)

    def test_training(self):
        out = self.here / "new.h5"

        usual = dict(zip(TRAINING[::2], TRAINING[1::2])) | {"--skies": self.skies}

        def refuse(option, value, *names):
            """One option changed."""
            options = [word for pair in (usual | {option: value}).items() for word in pair if word is not True]
            self.refuse(["train", "deepmass", *PRIOR, "--out", out, *options], *names, outputs=[out])

        refuse("--masks", "round", "--masks", "round")
        refuse("--cutout", "33", "--cutout", "33")
        refuse("--cutout", "128", "--cutout", "128", "64")
        refuse("--channels", "6,0", "--channels")
        refuse("--channels", "6,6,6,6,6", "channels", "reaches")
        refuse("--density", "0:5", "--density")
        refuse("--test-densities", "5,-1", "--test-densities")
        refuse("--skies", self.catalogue, "catalogue.h5")
        bare = self.here / "bare.h5"
        succeed(run(1, ["simulate", "skies", "--count", "2", "--npix", "64", "--pixel-arcmin", "1", *PRIOR, "--validation",
                        "0", "--test", "0", "--out", bare]))
        refuse("--skies", bare, "bare.h5", "validation")
        checkpoint = self.here / "new.h5.checkpoint"
        checkpoint.write_text("no")
        refuse("--resume", True, "new.h5.checkpoint")

    def test_no_program_with_networks(self):
        lonely = self.here / "tessera"
        lonely.write_bytes(Path(TESSERA).read_bytes())
        lonely.chmod(0o755)
        words = [MPIEXEC, "-n", "2", lonely, "map", "--catalogue", self.catalogue, *FIELD, *PRIOR, "--samples", "0",
                 "--model", self.model, "--out", self.here / "maps.h5"]
        self.assert_refused(run_words([*words, "--methods", "deepmass"], env=dict(os.environ)), "tessera-networks")
        # Without --methods it is left out, for the true reason.
        self.assertIn("DeepMass is left out: it needs the program 'tessera-networks'",
                      succeed(run_words(words, env=dict(os.environ))).stderr)


if __name__ == "__main__":
    main()
