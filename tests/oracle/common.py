"""What the oracles share: reading run files, the modes of the periodic box, and how a check reports."""
import sys
from dataclasses import dataclass

import h5py
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

WCS_KEYWORDS = ("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CDELT1", "CDELT2",
                "RADESYS")


class CheckFailure(Exception):
    """A check that does not hold, or input that cannot be checked."""


def require(condition, message):
    if not condition:
        raise CheckFailure(message)


def run_check(check):
    """Runs a check as a program: exit code 0, or 1 after one line `error: ...`."""
    try:
        check()
    except (CheckFailure, OSError, KeyError, ValueError) as problem:
        text = problem.args[0] if isinstance(problem, KeyError) and problem.args else problem
        print("error:", " ".join(str(text).split()), file=sys.stderr)
        sys.exit(1)


def open_run(path):
    try:
        return h5py.File(path, "r")
    except OSError as problem:
        raise CheckFailure(f"cannot read '{path}' ({problem})") from problem


def dataset(file, name):
    require(name in file, f"'{file.filename}' has no dataset {name}")
    return file[name][()]


def attribute(file, owner, name):
    require(owner in file and name in file[owner].attrs, f"'{file.filename}' has no attribute {name} at {owner}")
    value = file[owner].attrs[name]
    return value.decode() if isinstance(value, bytes) else value


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def require_close(name, ours, oracle, tolerance):
    """rms(ours - oracle) / rms(oracle) below tolerance; a difference at a single pixel counts, and so does a NaN."""
    require(ours.shape == oracle.shape, f"{name} has shape {ours.shape}, the oracle {oracle.shape}")
    difference = rms(ours - oracle) / rms(oracle)
    print(f"{name}: relative difference {difference:.2e} (tolerance {tolerance:.0e})")
    require(difference < tolerance, f"{name} differs from the oracle by {difference:.2e}, more than {tolerance:.0e}")


def wcs_from_attributes(file):
    """The WCS of /wcs built from its single attributes, and the grid's shape (ny, nx)."""
    wcs = WCS(naxis=2)
    for name in ("ctype", "cunit", "crval", "crpix", "cdelt"):
        setattr(wcs.wcs, name, [attribute(file, "/wcs", name.upper() + axis) for axis in "12"])
    wcs.wcs.radesys = attribute(file, "/wcs", "RADESYS")
    wcs.wcs.set()
    return wcs, (int(attribute(file, "/wcs", "NAXIS2")), int(attribute(file, "/wcs", "NAXIS1")))


def wcs_from_cards(file):
    """The WCS of /wcs built from its FITS cards."""
    return WCS(fits.Header.fromstring(attribute(file, "/wcs", "header"), sep="\n"))


def pixel_radians(file):
    return np.radians(float(attribute(file, "/wcs", "CDELT2")))


@dataclass(frozen=True)
class Box:
    """The periodic box; the field is its corner of rows 0..ny-1 and columns 0..nx-1."""
    ny: int
    nx: int
    pixel: float  # radians

    @staticmethod
    def of(file, group):
        return Box(int(attribute(file, group, "box_ny")), int(attribute(file, group, "box_nx")), pixel_radians(file))

    def modes(self):
        """lx, ly and ell, radians^-1, as arrays [ny][nx] in the order of the FFT."""
        lx = 2 * np.pi * np.fft.fftfreq(self.nx, self.pixel)[np.newaxis, :]
        ly = 2 * np.pi * np.fft.fftfreq(self.ny, self.pixel)[:, np.newaxis]
        ell = np.hypot(lx, ly)
        return np.broadcast_to(lx, ell.shape), np.broadcast_to(ly, ell.shape), ell

    def shear_factors(self):
        """cos 2 phi and sin 2 phi of every mode; the sine vanishes where +l and -l are one mode (Nyquist)."""
        lx, ly, ell = self.modes()
        ell2 = np.where(ell > 0, ell**2, 1.0)
        cosine, sine = (lx**2 - ly**2) / ell2, 2 * lx * ly / ell2
        if self.nx % 2 == 0:
            sine[:, self.nx // 2] = 0
        if self.ny % 2 == 0:
            sine[self.ny // 2, :] = 0
        return cosine, sine

    def pixel_window(self):
        lx, ly, _ = self.modes()
        return np.sinc(lx * self.pixel / (2 * np.pi)) * np.sinc(ly * self.pixel / (2 * np.pi))

    def embed(self, field):
        padded = np.zeros((self.ny, self.nx))
        padded[:field.shape[0], :field.shape[1]] = field
        return padded


def interpolate_spectrum(spectrum, ell):
    """C_ell linear in (ln ell, ln C); 0 at ell = 0. spectrum: rows (ell, C_ell)."""
    table = spectrum[spectrum[:, 0] > 0]
    positive = ell[ell > 0]
    require(table[0, 0] <= positive.min() and positive.max() <= table[-1, 0],
            f"the spectrum covers ell = {table[0, 0]:.4g} to {table[-1, 0]:.4g}, "
            f"the box {positive.min():.4g} to {positive.max():.4g}")
    c_ell = np.zeros_like(ell)
    c_ell[ell > 0] = np.exp(np.interp(np.log(positive), np.log(table[:, 0]), np.log(table[:, 1])))
    return c_ell
