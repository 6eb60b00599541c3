"""Repeats a run's Wiener filter on the sphere with healpy and numpy, by conjugate gradients on real vectors:
(1 + S^(1/2) A^T N^-1 A S^(1/2)) x = S^(1/2) A^T N^-1 d, kappa = S^(1/2) x, S = C_l w_l^2 with the pixels' window w. The
map is the plain synthesis of kappa. Or --selftest: against dense algebra in data space, and closed forms."""
import argparse

import healpy
import numpy as np

from common import require, require_close, run_check
from sphere_common import Sphere, SphereMaps, check_against_closed_form, spectrum_of_file

RESIDUAL = 1e-9
ITERATIONS = 20000


def conjugate_gradients(apply, right, diagonal, residual=RESIDUAL):
    """x with apply(x) = right; diagonal: of apply, roughly. Stops at a relative residual, computed anew at the end."""
    x, r = np.zeros_like(right), right.copy()
    p = z = r / diagonal
    rz, size = r @ z, np.linalg.norm(right)
    for iteration in range(ITERATIONS):
        if np.linalg.norm(r) <= residual * size:
            left = np.linalg.norm(right - apply(x))
            require(left <= 2 * residual * size, f"the residual is {left / size:.1e} although the recursion ended")
            return x, iteration
        q = apply(p)
        step = rz / (p @ q)
        x, r = x + step * p, r - step * q
        z = r / diagonal
        rz, before = r @ z, rz
        p = z + rz / before * p
    require(False, f"conjugate gradients did not converge in {ITERATIONS} iterations")


def wiener(sphere, gamma1, gamma2, noise_sigma, c_ell, window):
    """Modes (real vector) of the posterior mean of kappa. noise_sigma: per component, 0 where there are no data;
    c_ell, window: [lmax + 1]."""
    weight = np.divide(1, noise_sigma**2, out=np.zeros_like(noise_sigma), where=noise_sigma > 0)
    root = (np.sqrt(c_ell) * window)[sphere.ell]

    def transpose(g1, g2):
        return root * sphere.shear_transpose(weight * g1, weight * g2)[0]

    # A^T A is nearly shear_of_kappa^2 / pixel area on the whole sky.
    information = np.append(sphere.shear_of_kappa, sphere.shear_of_kappa[sphere.positive])**2 * weight.mean()
    diagonal = 1 + root**2 * information / sphere.pixel_area
    x, iterations = conjugate_gradients(lambda x: x + transpose(*sphere.shear(root * x)), transpose(gamma1, gamma2),
                                        diagonal)
    print(f"oracle: nside {sphere.nside}, lmax {sphere.lmax}, {2 * np.count_nonzero(weight)} data, "
          f"{iterations} iterations")
    return root * x


def wiener_dense(sphere, gamma1, gamma2, noise_sigma, c_ell, window):
    """The same from S A^T (A S A^T + N)^-1 d on the observed pixels, A by columns."""
    seen = noise_sigma > 0
    a = np.array([np.concatenate([g[seen] for g in sphere.shear(unit)]) for unit in np.eye(sphere.ell.size)]).T
    prior = (c_ell * window**2)[sphere.ell]
    total = (a * prior) @ a.T + np.diag(np.tile(noise_sigma[seen], 2)**2)
    return prior * (a.T @ np.linalg.solve(total, np.concatenate([gamma1[seen], gamma2[seen]])))


def selftest():
    random = np.random.default_rng(3)
    for nside, lmax in ((4, 8), (8, 21), (32, 64)):
        sphere = Sphere(nside, lmax)
        difference = sphere.dot_test(random)
        print(f"transpose of the shear, nside {nside}, lmax {lmax}: {difference:.1e}")
        require(difference < 1e-12, f"shear_transpose is not shear's transpose: {difference:.1e}")
    check_against_closed_form(Sphere(8, 16), 301)
    sphere = Sphere(4, 8)
    npix, l = healpy.nside2npix(4), np.arange(9.0)
    c_ell, window = np.where(l > 1, 1e-3 / (1 + l)**2, 0), healpy.pixwin(4, lmax=8)
    noise_sigma = random.uniform(0.005, 0.03, npix) * (random.uniform(size=npix) < 0.4)
    truth = random.normal(size=sphere.ell.size) * (np.sqrt(c_ell) * window)[sphere.ell]
    gamma1, gamma2 = (g + noise_sigma * random.normal(size=npix) for g in sphere.shear(truth))
    problem = sphere, gamma1, gamma2, noise_sigma, c_ell, window
    require_close("posterior mean, iterative and dense", *(
        sphere.synthesis(solve(*problem)) for solve in (wiener, wiener_dense)), 1e-8)


def read_window(text, nside, lmax):
    if text == "none":
        return np.ones(lmax + 1)
    if text == "healpy":
        require(nside > 1, "healpy has no window for nside 1; give --window")
        return healpy.pixwin(nside, lmax=lmax).astype(float)
    window = np.loadtxt(text, ndmin=2)
    require(window.shape[1] == 2 and np.array_equal(window[:lmax + 1, 0], np.arange(lmax + 1)),
            f"'{text}' does not list l and the window from 0 to {lmax}")
    return window[:lmax + 1, 1]


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5", nargs="?", help="maps of the sphere: data/gamma1, data/gamma2, "
                        "data/noise_sigma and the map to compare")
    parser.add_argument("spectrum", metavar="SPECTRUM.txt", nargs="?", help="lines `ell C_ell` of kappa")
    parser.add_argument("--lmax", type=int, help="[2 nside]")
    parser.add_argument("--map", default="/maps/kappa_wiener", help="map to compare [%(default)s]")
    parser.add_argument("--limit", type=float, default=1e-3, help="largest relative rms difference inside the stored "
                        "pixels [%(default)s: what windows that differ by 2e-4 allow]")
    parser.add_argument("--window", default="healpy",
                        help="window of the pixels: healpy, none, or a file with lines `l w_l` [%(default)s]")
    parser.add_argument("--selftest", action="store_true", help="check this oracle itself; takes no files")
    options = parser.parse_args()
    if options.selftest:
        selftest()
        return
    require(options.spectrum, "RUN.h5 and SPECTRUM.txt are expected, or --selftest")
    run = SphereMaps(options.run)
    sphere = Sphere(run.nside, 2 * run.nside if options.lmax is None else options.lmax)
    data = [run.map(f"/data/{name}") for name in ("gamma1", "gamma2", "noise_sigma")]
    kappa = sphere.synthesis(wiener(sphere, *data, spectrum_of_file(options.spectrum, sphere.lmax),
                                    read_window(options.window, sphere.nside, sphere.lmax)))
    require_close(options.map, run.map(options.map)[run.stored], kappa[run.stored], options.limit)


if __name__ == "__main__":
    run_check(check)
