#!/usr/bin/env python3
"""Makes the theory tables Tessera reads, with CAMB (pip install camb numpy): the convergence spectrum of sources of
given redshifts, lines `ell C_ell`, and those redshifts, lines `z n`.

Flat LambdaCDM with one massive neutrino of 0.06 eV, non-linear matter power (CAMB), Limber approximation with
k = (ell + 1/2)/chi. Sources: --preset, --smail or --nz. The presets are closed forms:
  cosmos  {cosmos}
  desy3   {desy3}
  euclid  {euclid}"""
import argparse
import shlex
import sys

import numpy as np

SPEED_OF_LIGHT = 299792.458  # km/s
NEUTRINO_MASS = 0.06  # eV
NON_LINEAR = ("takahashi", "mead2020")
K_MAX = 300.0  # 1/Mpc; beyond it a power law
K_SLOPE = -2.6
Z_MIN = 1e-3  # of the lenses

# Weighted sums of z^alpha exp(-(z/z0)^beta), each of unit integral: (weight, z0, alpha, beta).
PRESETS = {
    "cosmos": [(1.0, 0.92, 2.0, 1.5)],
    "desy3": [(0.879, 0.383, 1.34, 1.26), (0.121, 0.979, 4.94, 12.0)],
    "euclid": [(1.0, 0.6364, 2.0, 1.5)],
}


def formula(terms):
    one = [f"z^{alpha:g} exp(-(z/{z0:g})^{beta:g})" for _, z0, alpha, beta in terms]
    if len(terms) == 1:
        return f"n(z) ~ {one[0]}"
    return "n(z) = " + " + ".join(f"{term[0]:g} N[{text}]" for term, text in zip(terms, one)) + ", N: unit integral"


def arguments():
    about = __doc__.format(**{name: formula(terms) for name, terms in PRESETS.items()})
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out-spectrum", metavar="FILE", help="spectrum to write")
    parser.add_argument("--out-nz", metavar="FILE", help="source redshifts to write")
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument("--preset", choices=PRESETS, help="sources like those of a survey")
    sources.add_argument("--smail", type=float, nargs=3, metavar=("Z0", "ALPHA", "BETA"),
                         help="n(z) ~ z^ALPHA exp(-(z/Z0)^BETA)")
    sources.add_argument("--nz", metavar="FILE", help="text file of columns z n(z) ... or Z_LOW Z_MID Z_HIGH BIN1 ...")
    parser.add_argument("--nz-column", metavar="NAME", help="column of n(z): its name in the header, or its number, "
                        "z being column 1 [2 if there are two]")
    parser.add_argument("--omega-m", type=float, default=0.3, help="all matter, neutrinos too [0.3]")
    parser.add_argument("--omega-b", type=float, default=0.048, help="[0.048]")
    parser.add_argument("--sigma8", type=float, default=0.81, help="[0.81]")
    parser.add_argument("--h", type=float, default=0.7, help="[0.7]")
    parser.add_argument("--ns", type=float, default=0.965, help="[0.965]")
    parser.add_argument("--halofit-version", choices=NON_LINEAR, default=NON_LINEAR[0],
                        help=f"non-linear matter power [{NON_LINEAR[0]}]")
    parser.add_argument("--ell", type=float, nargs=3, default=[2, 2e5, 160], metavar=("MIN", "MAX", "N"),
                        help="multipoles of the table, evenly spaced in ln ell [2 2e5 160]")
    a = parser.parse_args()
    if not a.out_spectrum and not a.out_nz:
        parser.error("nothing to write: give --out-spectrum or --out-nz")
    if a.nz_column and not a.nz:
        parser.error("--nz-column chooses a column of --nz, which is not given")
    return a


def smail(z, z0, alpha, beta):
    n = z**alpha * np.exp(-((z / z0) ** beta))
    return n / np.trapezoid(n, z)


def closed_form(terms):
    z_max = max(z0 * 25 ** (1 / beta) for _, z0, _, beta in terms)
    z = np.linspace(0.0, z_max, 601)
    return z, sum(weight * smail(z, *shape) for weight, *shape in terms)


def header_names(path, columns):
    """The words of the last comment before the numbers that names every column, one of them the redshift."""
    names = []
    with open(path) as file:
        for line in file:
            words = line.lstrip("#").replace(",", " ").split()
            if len(words) == columns and {"z", "redshift", "z_low", "z_mid"} & set(map(str.lower, words)):
                names = words
            if not line.startswith("#"):
                return names
    return names


def redshift_column(path, names):
    lower = [name.lower() for name in names]
    if "z_mid" in lower:
        return lower.index("z_mid")
    if "z_low" in lower:
        sys.exit(f"error: '{path}' gives edges of bins and no Z_MID; add the column of their middles")
    return 0


def chosen_column(path, names, columns, choice):
    edges = ("z", "redshift", "z_low", "z_mid", "z_high")
    possible = [i for i in range(columns) if (names[i].lower() not in edges if names else i > 0)]
    words = [names[i] if names else str(i + 1) for i in possible]
    if choice is None and len(possible) == 1:
        return possible[0]
    if words.count(choice) == 1:
        return possible[words.index(choice)]
    if choice and choice.isdigit() and int(choice) - 1 in possible:
        return int(choice) - 1
    sys.exit(f"error: which column of '{path}' is n(z)? give --nz-column, one of: {', '.join(words)}")


def table_of_sources(path, choice):
    """z, n and a remark."""
    try:
        first = [line.split()[0] for line in open(path) if line.strip()]
        table = np.loadtxt(path, ndmin=2, skiprows=1 if first and first[0][0].isalpha() else 0)
    except (OSError, ValueError) as problem:
        sys.exit(f"error: cannot read n(z) from '{path}': {problem}")
    names = header_names(path, table.shape[1])
    z = table[:, redshift_column(path, names)]
    n = table[:, chosen_column(path, names, table.shape[1], choice)]
    if len(z) < 2 or np.any(np.diff(z) <= 0) or z[0] < 0 or not np.all(np.isfinite(table)):
        sys.exit(f"error: '{path}' needs two rows or more, all finite, of z that is not negative and increases")
    if n.max() <= 0 or n.min() < -0.01 * n.max():
        sys.exit(f"error: n(z) of '{path}' goes from {n.min()} to {n.max()}, and a number of galaxies is not negative")
    # Splines through histograms dip a little below zero.
    return z, np.maximum(n, 0.0), ", negative values set to 0" if n.min() < 0 else ""


def source_distribution(a):
    """z, n(z) of unit integral, and what it is in words."""
    if a.nz:
        z, n, remark = table_of_sources(a.nz, a.nz_column)
        words = f"n(z) of {a.nz}" + (f", column {a.nz_column}" if a.nz_column else "") + remark
    else:
        terms = PRESETS[a.preset] if a.preset else [(1.0, *a.smail)]
        z, n = closed_form(terms)
        words = formula(terms)
    return z, n / np.trapezoid(n, z), words


def matter_power(a, z_max):
    """CAMB's background and P(z, k), units of Mpc, scaled to sigma8."""
    import camb

    params = camb.CAMBparams()
    baryons, neutrinos = a.omega_b * a.h**2, NEUTRINO_MASS / 93.14
    params.set_cosmology(H0=100 * a.h, ombh2=baryons, mnu=NEUTRINO_MASS,
                         omch2=a.omega_m * a.h**2 - baryons - neutrinos)
    params.InitPower.set_params(ns=a.ns, As=2e-9)
    params.set_matter_power(redshifts=[0.0], kmax=2)
    sigma8 = camb.get_results(params).get_sigma8_0()
    params.InitPower.set_params(ns=a.ns, As=2e-9 * (a.sigma8 / sigma8) ** 2)
    params.NonLinear = camb.model.NonLinear_both
    params.NonLinearModel.set_params(halofit_version=a.halofit_version)
    power = camb.get_matter_power_interpolator(params, nonlinear=True, hubble_units=False, k_hunit=False, kmax=K_MAX,
                                               zmax=z_max)
    return camb.get_background(params), power


def convergence_spectrum(a, z_source, n_source, ell):
    # Lenses stand before the first source too, so they have redshifts of their own.
    z = np.linspace(Z_MIN, z_source[-1], 1000)
    n = np.interp(z, z_source, n_source, left=0.0, right=0.0)
    background, power = matter_power(a, z[-1])
    chi = background.comoving_radial_distance(z)
    efficiency = np.array([np.trapezoid(np.where(z > zl, n * (1 - c / chi), 0), z) for zl, c in zip(z, chi)])
    kernel = 1.5 * a.omega_m * (100 * a.h / SPEED_OF_LIGHT) ** 2 * (1 + z) * efficiency  # over chi
    result = []
    for multipole in ell:
        k = (multipole + 0.5) / chi
        p = power.P(z, np.minimum(k, K_MAX), grid=False) * (np.maximum(k, K_MAX) / K_MAX) ** K_SLOPE
        result.append(np.trapezoid(kernel**2 * p, chi))
    return np.array(result)


def program():
    import camb

    command = " ".join(["tools/make_theory.py", *map(shlex.quote, sys.argv[1:])])
    return f"{command}\nCAMB {camb.__version__}"


def main():
    a = arguments()
    z, n, words = source_distribution(a)
    mean = np.trapezoid(z * n, z)
    if a.out_nz:
        np.savetxt(a.out_nz, np.c_[z, n], fmt="%.8e",
                   header=f"Source redshifts: {words}; mean {mean:.3f}\n{program().splitlines()[0]}\nz n")
    if a.out_spectrum:
        ell = np.geomspace(a.ell[0], a.ell[1], int(a.ell[2]))
        cosmology = (f"flat LambdaCDM Omega_m={a.omega_m} Omega_b={a.omega_b} sigma8={a.sigma8} h={a.h} n_s={a.ns} "
                     f"m_nu={NEUTRINO_MASS} eV")
        np.savetxt(a.out_spectrum, np.c_[ell, convergence_spectrum(a, z, n, ell)], fmt="%.8e",
                   header=f"Convergence spectrum, non-linear ({a.halofit_version}), Limber; {cosmology}\n"
                          f"{words}; mean z {mean:.3f}\n{program()}\nell C_ell")


if __name__ == "__main__":
    main()
