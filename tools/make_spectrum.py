#!/usr/bin/env python3
"""Makes a convergence spectrum for Tessera with CAMB (pip install camb numpy).

Flat LambdaCDM, non-linear matter power (CAMB's HMcode), Limber approximation, convergence of sources with
n(z) ~ z^2 exp(-(z/z0)^1.5) or from a file of two columns z n(z). Writes lines `ell C_ell`."""
import argparse

import camb
import numpy as np

SPEED_OF_LIGHT = 299792.458  # km/s


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="file to write")
    parser.add_argument("--omega-m", type=float, default=0.3)
    parser.add_argument("--omega-b", type=float, default=0.048)
    parser.add_argument("--sigma8", type=float, default=0.81)
    parser.add_argument("--h", type=float, default=0.7)
    parser.add_argument("--ns", type=float, default=0.965)
    parser.add_argument("--z0", type=float, default=0.92, help="scale of n(z); its median is 1.41 z0 [0.92]")
    parser.add_argument("--nz", help="file with columns z n(z), in place of --z0")
    parser.add_argument("--ell", type=float, nargs=3, default=[2, 2e5, 120], metavar=("MIN", "MAX", "N"))
    return parser.parse_args()


def matter_power(a, kmax, zmax):
    params = camb.CAMBparams()
    physical_baryons, neutrinos = a.omega_b * a.h**2, 0.06 / 93.14
    params.set_cosmology(H0=100 * a.h, ombh2=physical_baryons, mnu=0.06,
                         omch2=a.omega_m * a.h**2 - physical_baryons - neutrinos)
    params.InitPower.set_params(ns=a.ns, As=2e-9)
    params.set_matter_power(redshifts=[0.0], kmax=2)
    sigma8 = camb.get_results(params).get_sigma8_0()
    params.InitPower.set_params(ns=a.ns, As=2e-9 * (a.sigma8 / sigma8) ** 2)
    params.NonLinear = camb.model.NonLinear_both
    power = camb.get_matter_power_interpolator(params, nonlinear=True, hubble_units=False, k_hunit=False, kmax=kmax,
                                               zmax=zmax)
    return camb.get_background(params), power


def source_distribution(a):
    if a.nz:
        table = np.loadtxt(a.nz)
        z = np.linspace(max(table[0, 0], 0.005), table[-1, 0], 500)
        n = np.interp(z, table[:, 0], table[:, 1])
    else:
        z = np.linspace(0.005, 6 * a.z0, 500)
        n = z**2 * np.exp(-((z / a.z0) ** 1.5))
    return z, n / np.trapezoid(n, z)


def convergence_spectrum(a, ell):
    z, n = source_distribution(a)
    kmax = 300.0  # 1/Mpc; beyond it a power law
    background, power = matter_power(a, kmax, z[-1])
    chi = background.comoving_radial_distance(z)
    efficiency = np.array([np.trapezoid(np.where(z > zl, n * (1 - c / chi), 0), z) for zl, c in zip(z, chi)])
    kernel = 1.5 * a.omega_m * (100 * a.h / SPEED_OF_LIGHT) ** 2 * chi * (1 + z) * efficiency
    result = []
    for multipole in ell:
        k = (multipole + 0.5) / chi
        p = np.array([power.P(zi, min(ki, kmax)) * (max(ki, kmax) / kmax) ** -2.6 for zi, ki in zip(z, k)])
        result.append(np.trapezoid((kernel / chi) ** 2 * p, chi))
    return np.array(result)


def main():
    a = arguments()
    ell = np.geomspace(a.ell[0], a.ell[1], int(a.ell[2]))
    sources = f"n(z) of {a.nz}" if a.nz else f"n(z) ~ z^2 exp(-(z/{a.z0})^1.5)"
    header = (f"ell  C_ell(kappa kappa): CAMB {camb.__version__}, non-linear, Limber; {sources};\n"
              f"flat LambdaCDM Omega_m={a.omega_m} Omega_b={a.omega_b} sigma8={a.sigma8} h={a.h} n_s={a.ns}")
    np.savetxt(a.out, np.c_[ell, convergence_spectrum(a, ell)], fmt="%.8e", header=header)


if __name__ == "__main__":
    main()
