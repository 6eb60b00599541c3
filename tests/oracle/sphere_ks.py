"""Repeats a run's Kaiser-Squires maps on the sphere with healpy and compares: pixel area times the transpose of the
shear, then synthesis; pixels without data count as zero. Or --selftest."""
import argparse

import numpy as np

from common import require, require_close, rms, run_check
from sphere_common import Sphere, SphereMaps, check_against_closed_form


def kaiser_squires(sphere, gamma1, gamma2, smoothing, divide=False):
    """kappa_e, kappa_b; smoothing: standard deviation of the Gaussian, radians. divide: by the factor between shear and
    kappa, as the inverse does, where the transpose multiplies by it."""
    beam = np.exp(-0.5 * (sphere.ell * smoothing)**2) * sphere.pixel_area
    factor = np.append(sphere.shear_of_kappa, sphere.shear_of_kappa[sphere.positive])
    if divide:
        beam = np.divide(beam, factor**2, out=np.zeros_like(beam), where=factor > 0)
    return tuple(sphere.synthesis(beam * modes) for modes in sphere.shear_transpose(gamma1, gamma2))


def selftest():
    """On the whole sky the inverse returns both maps to the accuracy of HEALPix's quadrature, E apart from B."""
    sphere, random = Sphere(64, 96), np.random.default_rng(5)
    check_against_closed_form(Sphere(8, 16), 77)
    x_e, x_b = random.normal(size=(2, sphere.ell.size)) * (sphere.ell > 1)
    truth = sphere.synthesis(x_e), sphere.synthesis(x_b)
    for name, found, kappa in zip("EB", kaiser_squires(sphere, *sphere.shear(x_e, x_b), 0, divide=True), truth):
        require_close(f"{name} map of the whole sky", found, kappa, 5e-3)
    leaked = rms(kaiser_squires(sphere, *sphere.shear(x_e), 0, divide=True)[1]) / rms(truth[0])
    print(f"B map of pure E: {leaked:.1e} of it")
    require(leaked < 2e-3, f"the B map holds {leaked:.1e} of the E map's rms")


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5", nargs="?", help="maps of the sphere: data/gamma1, data/gamma2, "
                        "maps/kappa_ks_e, maps/kappa_ks_b")
    parser.add_argument("--lmax", type=int, help="[2 nside]")
    parser.add_argument("--smoothing-arcmin", type=float, metavar="ARCMIN",
                        help="standard deviation of the Gaussian [what the run's /diagnostics say, or 0]")
    parser.add_argument("--divide", action="store_true",
                        help="divide by sqrt((l-1)(l+2)/l(l+1)), the inverse, instead of multiplying, the transpose")
    parser.add_argument("--limit", type=float, default=1e-9, help="largest relative rms difference [%(default)s]")
    parser.add_argument("--selftest", action="store_true", help="check this oracle itself; takes no files")
    options = parser.parse_args()
    if options.selftest:
        selftest()
        return
    require(options.run, "RUN.h5 is expected, or --selftest")
    run = SphereMaps(options.run)
    sphere = Sphere(run.nside, 2 * run.nside if options.lmax is None else options.lmax)
    smoothing = options.smoothing_arcmin
    if smoothing is None:
        group = run.file.get("/diagnostics/kaiser_squires")
        smoothing = 0.0 if group is None else group.attrs.get("smoothing_arcmin", 0.0)
    maps = kaiser_squires(sphere, run.map("/data/gamma1"), run.map("/data/gamma2"), np.radians(smoothing / 60),
                          options.divide)
    for name, expected in zip(("/maps/kappa_ks_e", "/maps/kappa_ks_b"), maps):
        require_close(name, run.map(name)[run.stored], expected[run.stored], options.limit)


if __name__ == "__main__":
    run_check(check)
