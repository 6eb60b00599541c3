"""The transforms of the sphere and their transposes against healpy, spin 0 and 2, run by
tests/harmonic/write_sphere_transforms on several numbers of ranks."""
import argparse
import pathlib
import subprocess
import tempfile

import healpy
import numpy as np

from common import dataset, require, require_close, run_check
from sphere_common import Sphere, SphereMaps

LIMIT = 1e-12


def complex_modes(run, name):
    """Our order of the modes is healpy's."""
    parts = dataset(run.file, f"/modes/{name}")
    return parts[0::2] + 1j * parts[1::2]


def check_file(path, lmax):
    """With its bytes, by name, to compare with those of other numbers of ranks."""
    run = SphereMaps(path)
    sphere = Sphere(run.nside, lmax)
    modes = {name: complex_modes(run, name) for name in ("e", "b", "adjoint", "adjoint_e", "adjoint_b")}
    maps = {name: run.map(f"/maps/{name}") for name in ("kappa", "gamma1", "gamma2")}
    e, b = (sphere.vector(modes[name]) for name in "eb")
    require(np.count_nonzero(modes["e"]) == modes["e"].size == sphere.l.size, "modes are missing or zero")
    gamma1, gamma2 = sphere.shear(e, b)
    for name, expected in (("kappa", sphere.synthesis(e)), ("gamma1", gamma1), ("gamma2", gamma2)):
        require_close(name, maps[name], expected, LIMIT)
    plain = sphere.vector(healpy.map2alm(maps["kappa"], lmax=lmax, iter=0)) / sphere.pixel_area
    adjoint_e, adjoint_b = sphere.shear_transpose(maps["gamma1"], maps["gamma2"])
    for name, expected in (("adjoint", plain), ("adjoint_e", adjoint_e), ("adjoint_b", adjoint_b)):
        require_close(name, sphere.vector(modes[name]), expected, LIMIT)
    return {name: values.tobytes() for name, values in (modes | maps).items()}


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mpiexec")
    parser.add_argument("program", help="write_sphere_transforms")
    parser.add_argument("--nside", type=int, default=256)
    parser.add_argument("--lmax", type=int, default=512)
    options = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for ranks in ("1", "2", "3"):
            path = pathlib.Path(folder, f"{ranks}.h5")
            done = subprocess.run([options.mpiexec, "-n", ranks, options.program, path, str(options.nside), str(options.lmax)],
                                  capture_output=True, text=True, check=False)
            require(done.returncode == 0, f"on {ranks} ranks: {done.stderr}")
            found.append(check_file(path, options.lmax))
            require(found[-1] == found[0], f"on {ranks} ranks the bits are not those of one")


if __name__ == "__main__":
    run_check(check)
