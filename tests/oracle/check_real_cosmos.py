"""Known numbers of the COSMOS field (Schrabback et al. 2010) in a run on it: 360 x 360 pixels of 0.29 arcmin about the
galaxies' median position, Kaiser-Squires maps smoothed by 1 arcmin, signs of e1 and e2 as in the catalogue. With e2's
sign changed the ratio of variances falls to 1.08."""
import argparse

import numpy as np

from common import attribute, dataset, open_run, require, run_check


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5")
    options = parser.parse_args()
    with open_run(options.run) as file:
        inside = dataset(file, "/data/mask") == 1
        variance_e, variance_b = (np.var(dataset(file, f"/maps/kappa_ks_{mode}")[inside]) for mode in "eb")
        numbers = {
            "fraction of pixels with galaxies": (inside.mean(), 0.5335, 0.5340),
            "sigma_e": (attribute(file, "/data", "sigma_e"), 0.2985, 0.2995),
            "variance of kappa_ks_e over kappa_ks_b in the mask": (variance_e / variance_b, 1.35, 1.42),
        }
    for name, (value, low, high) in numbers.items():
        print(f"{name}: {value:.5f}, expected {low} to {high}")
    for name, (value, low, high) in numbers.items():
        require(low < value < high, f"{name} is {value:.5f}, not within {low} to {high}")


if __name__ == "__main__":
    run_check(check)
