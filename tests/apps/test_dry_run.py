"""What `map --dry-run` foresees is what the run then sends, writes and holds. Times are for benchmarks/dry_run.py."""
import re

import h5py

from common import main, succeed, run, FIELD, PRIOR, SLOWDOWN, SurveyTest


def foreseen(text):
    """{stage: (seconds, MB, messages)}, "in all" among them; and {"memory", "output"} in GB and MB."""
    stages = {name.strip(): (float(s), float(mb), float(m)) for name, s, mb, m in
              re.findall(r"^  (\S.{23}) *([\d.]+) +([\d.]+) +(\d+)$", text, re.M)}
    return stages, {"memory": float(re.search(r"memory of a rank: ([\d.]+) GB", text)[1]),
                    "output": float(re.search(r"output: ([\d.]+) MB", text)[1])}


class DryRun(SurveyTest):
    def compare(self, ranks, *options, close=0.3):
        out = self.here / f"maps{ranks}.h5"
        words = ["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, *options, "--out", out]
        before = sorted(self.here.iterdir())
        stages, rest = foreseen(succeed(run(ranks, [*words, "--dry-run"])).stdout)
        self.assertEqual(sorted(self.here.iterdir()), before)
        succeed(run(ranks, words))
        with h5py.File(out) as file:
            measured = file["diagnostics/ranks"]
            names = measured.attrs["stages"].split(",")
            self.assertEqual([*names, "in all"], list(stages))
            for kind, scale, column in (("bytes", 1e-6, 1), ("messages", 1, 2)):
                sent = scale * measured[f"stage_{kind}_sent"][:].max(axis=0)
                for name, value in zip(names, sent):
                    with self.subTest(kind=kind, stage=name):
                        self.assertAlmostEqual(stages[name][column], value, delta=close * value + 0.01)
                self.assertGreaterEqual(sent.sum(), 0.0 if ranks == 1 else 0.01)
            if SLOWDOWN == 1:  # sanitizers hold memory of their own
                self.assertAlmostEqual(rest["memory"], measured["peak_memory"][:].max() * 1e-9, delta=0.3 * rest["memory"])
        size = out.stat().st_size * 1e-6
        self.assertAlmostEqual(rest["output"], size, delta=0.3 * size)
        self.assertGreater(stages["in all"][0], 0.0)
        return stages

    def test_wiener(self):
        for ranks in (1, 3):
            self.compare(ranks, "--methods", "ks,wiener", "--samples", "12", "--save-samples")

    def test_posterior(self):
        stages = self.compare(2, "--methods", "wiener,posterior", "--score-model", "none", "--chains", "2", "--samples", "9",
                              "--burn-in", "12", "--levels", "4", "--trajectories", "3")
        self.assertGreater(stages["posterior samples"][1], stages["wiener"][1])

    def test_maximum(self):
        self.compare(2, "--methods", "map", "--score-model", "none")

    def test_chain(self):
        out = self.here / "maps.h5"
        words = ["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, "--methods", "posterior", "--score-model", "none", "--chains",
                 "3", "--chain", "1", "--samples", "20", "--burn-in", "4", "--out", out]
        _, rest = foreseen(succeed(run(2, [*words, "--dry-run"])).stdout)
        self.assertEqual(list(self.here.iterdir()), [])
        succeed(run(2, words))
        size = (self.here / "maps.h5.chain_1").stat().st_size * 1e-6
        self.assertAlmostEqual(rest["output"], size, delta=0.3 * size)

    def test_refusals_come_first(self):
        out = self.here / "maps.h5"
        done = run(2, ["map", "--catalogue", self.here / "none.h5", *FIELD, *PRIOR, "--out", out, "--dry-run"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("none.h5", done.stderr)
        self.assertEqual(list(self.here.iterdir()), [])


if __name__ == "__main__":
    main()
