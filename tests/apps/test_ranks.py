"""The same bits on any number of ranks, for mock surveys and maps; other bits for another seed; a run repeated from the
configuration stored in its output."""
import unittest

import h5py
import numpy as np

from common import CENTER, PRIOR, SURVEY, SurveyTest, main, run, succeed

RANKS = (1, 2, 3, 4, 7)
METHODS = ("--methods", "ks,wiener", "--samples", "3", "--save-samples")
NAMES_OF_OUTPUTS = ("out = ", "out-catalogue = ", "out-truth = ", "overwrite = ")


def comparable(value):
    """Type, shape and bits."""
    array = np.asarray(value)
    bits = str(array.tolist()) if array.dtype.hasobject else array.tobytes()
    return array.dtype.str, array.shape, bits


def attribute(owner, name, value):
    """None for what may differ: number of ranks, names of outputs, what the run took."""
    if owner == "diagnostics/seconds" or (owner, name) == ("provenance", "ranks"):
        return None
    if (owner, name) == ("provenance", "configuration"):
        text = value.decode() if isinstance(value, bytes) else value
        return [line for line in text.splitlines() if not line.startswith(NAMES_OF_OUTPUTS)]
    return comparable(value)


def contents(path):
    """{name: comparable value} of every group, dataset and attribute."""
    found = {}

    def visit(name, item):
        if name.startswith("diagnostics/ranks/"):
            return
        found[name] = comparable(item[()]) if isinstance(item, h5py.Dataset) else "group"
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = attribute(name, key, value)

    with h5py.File(path) as file:
        visit("", file["/"])
        file.visititems(visit)
    return found


class Ranks(SurveyTest):
    def assert_same_content(self, path, reference):
        ours, expected = contents(path), contents(reference)
        self.assertEqual(ours.keys(), expected.keys())
        self.assertEqual([name for name in expected if ours[name] != expected[name]], [])

    def test_simulate(self):
        self.assertEqual(sum(name.startswith("maps/") and "@" not in name for name in contents(self.truth)), 3)
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                catalogue, truth = self.simulate(f"catalogue{ranks}.h5", f"truth{ranks}.h5", ranks=ranks)
                self.assert_same_content(catalogue, self.catalogue)
                self.assert_same_content(truth, self.truth)

    def test_simulate_on_real_positions(self):
        options = "--catalogue", self.catalogue, "--reduced-shear", "--model", "gaussian"
        files = [self.simulate(f"turned{ranks}.h5", f"turned_truth{ranks}.h5", ranks=ranks, more=options)
                 for ranks in (1, 3, 7)]
        for catalogue, truth in files[1:]:
            self.assert_same_content(catalogue, files[0][0])
            self.assert_same_content(truth, files[0][1])

    def test_map(self):
        one = self.map("maps1.h5", *METHODS, ranks=1)
        for name in ("kappa_ks_e", "kappa_ks_b", "kappa_wiener", "kappa_wiener_std", "kappa_wiener_samples"):
            self.assertIn(f"maps/{name}", contents(one))
        for ranks in RANKS[1:]:
            with self.subTest(ranks=ranks):
                self.assert_same_content(self.map(f"maps{ranks}.h5", *METHODS, ranks=ranks), one)

    def test_field_found_from_the_galaxies(self):
        one = self.map("maps1.h5", "--pixel-arcmin", "1", *METHODS, ranks=1, field=())
        for ranks in (2, 7):
            self.assert_same_content(
                self.map(f"maps{ranks}.h5", "--pixel-arcmin", "1", *METHODS, ranks=ranks, field=()), one)

    def test_fewer_rows_than_ranks(self):
        field = "--center", CENTER, "--npix", "6,5", "--pixel-arcmin", "6", "--padding", "1"
        reference = self.simulate("few1.h5", "few_truth1.h5", field=field, ranks=1)
        for path, expected in zip(self.simulate("few7.h5", "few_truth7.h5", field=field, ranks=7), reference):
            self.assert_same_content(path, expected)
        one = self.map("few1.h5", *METHODS, ranks=1, field=field)
        for ranks in (4, 7):
            self.assert_same_content(self.map(f"few{ranks}.h5", *METHODS, ranks=ranks, field=field), one)

    def test_seed(self):
        catalogue, truth = self.simulate("other.h5", "other_truth.h5", more=("--seed", "2"))
        for ours, other, name in ((self.catalogue, catalogue, "e1"), (self.truth, truth, "maps/kappa")):
            self.assertNotEqual(contents(ours)[name], contents(other)[name])
        first, second = (contents(self.map(f"seed{seed}.h5", *METHODS, "--seed", seed)) for seed in (1, 2))
        changed = [name for name in first if "@" not in name and first[name] != second[name]]
        self.assertEqual(sorted(changed), ["maps/kappa_wiener_samples", "maps/kappa_wiener_std"])

    def test_stored_configuration(self):
        maps = self.map("maps.h5", *METHODS, "--seed", "5", "--smoothing-arcmin", "1.5", "--flip-e2", "--m", "0.03",
                        "--pixel-window", "no", "--pixel-arcmin", "1.1", field=())
        truth = self.here / "truth.h5"
        succeed(run(2, ["simulate", "--catalogue", self.catalogue, "--npix", "20,24", *SURVEY, *PRIOR, "--seed", "3",
                        "--out-catalogue", self.here / "mock.h5", "--out-truth", truth]))
        for path, command, outputs in ((maps, "map", ("out",)), (truth, "simulate", ("out-truth", "out-catalogue"))):
            with self.subTest(command=command):
                stored = self.here / f"{command}.txt"
                with h5py.File(path) as file:
                    stored.write_text(file["provenance"].attrs["configuration"])
                names = [self.here / f"again_{name}.h5" for name in outputs]
                given = [word for name, file in zip(outputs, names) for word in (f"--{name}", file)]
                succeed(run(3, [command, "--config", stored, *given]))
                self.assert_same_content(names[0], path)


if __name__ == "__main__":
    main()
