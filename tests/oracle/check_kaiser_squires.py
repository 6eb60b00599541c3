"""Repeats a run's Kaiser-Squires maps with numpy's FFT and compares."""
import argparse

import numpy as np

from common import Box, attribute, dataset, open_run, require_close, run_check


def kaiser_squires(gamma1, gamma2, box, smoothing):
    """kappa_e, kappa_b on the field; smoothing: standard deviation of the Gaussian, radians."""
    _, _, ell = box.modes()
    gamma = np.fft.fft2(box.embed(gamma1)), np.fft.fft2(box.embed(gamma2))
    cosine, sine = box.shear_factors()
    beam = np.exp(-0.5 * (ell * smoothing)**2)
    beam[0, 0] = 0  # the mean of kappa is unknown
    kappa_e = np.fft.ifft2(beam * (cosine * gamma[0] + sine * gamma[1]))
    kappa_b = np.fft.ifft2(beam * (cosine * gamma[1] - sine * gamma[0]))
    ny, nx = gamma1.shape
    return kappa_e.real[:ny, :nx], kappa_b.real[:ny, :nx]


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5")
    options = parser.parse_args()
    with open_run(options.run) as file:
        group = "/diagnostics/kaiser_squires"
        box = Box.of(file, group)
        smoothing = np.radians(attribute(file, group, "smoothing_arcmin") / 60)
        oracle = kaiser_squires(dataset(file, "/data/gamma1"), dataset(file, "/data/gamma2"), box, smoothing)
        for name, expected in zip(("/maps/kappa_ks_e", "/maps/kappa_ks_b"), oracle):
            require_close(name, dataset(file, name), expected, 1e-10)


if __name__ == "__main__":
    run_check(check)
