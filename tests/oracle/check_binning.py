"""Bins a FITS shear catalogue with astropy and compares with /data of a run."""
import argparse

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits

from common import (attribute, dataset, open_run, require, rms, run_check, wcs_from_attributes, wcs_from_cards)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", metavar="CATALOGUE.fits")
    parser.add_argument("run", metavar="RUN.h5")
    parser.add_argument("--columns", default="ra,dec,e1,e2,w", metavar="RA,DEC,E1,E2,W",
                        help="names; W may be 'none' [%(default)s]")
    parser.add_argument("--flip-e1", action="store_true", help="the run changed the sign of e1")
    parser.add_argument("--flip-e2", action="store_true", help="the run changed the sign of e2")
    for name in ("m", "c1", "c2"):
        parser.add_argument(f"--{name}", default="0", help="calibration: a number or a column [0]")
    return parser.parse_args()


def read_galaxies(options):
    """Columns of the usable rows as double arrays: ra, dec, complex ellipticity minus c, weight, response 1 + m."""
    names = options.columns.split(",")
    require(len(names) == 5, "--columns needs five names: ra,dec,e1,e2,w")
    with fits.open(options.catalogue) as file:
        table = next(hdu for hdu in file if isinstance(hdu, fits.BinTableHDU)).data

        def column(name):
            return np.array(table[name], dtype=float)

        def column_or_number(text):
            return column(text) if text in table.names else np.full(len(table), float(text))

        ra, dec, e1, e2 = map(column, names[:4])
        weight = np.ones(len(table)) if names[4] == "none" else column(names[4])
        m, c1, c2 = map(column_or_number, (options.m, options.c1, options.c2))
    sign1, sign2 = (-1 if flip else 1 for flip in (options.flip_e1, options.flip_e2))
    ellipticity = sign1 * (e1 - c1) + 1j * sign2 * (e2 - c2)  # c in the catalogue's signs
    usable = np.isfinite(ra + dec + weight + m) & np.isfinite(ellipticity) & (np.abs(dec) <= 90) & (weight > 0)
    return tuple(values[usable] for values in (ra, dec, ellipticity, weight, 1 + m))


def frame_rotation(galaxies, centre):
    """beta, radians: e in the frame at the centre = e exp(2i beta), by parallel transport along the great circle."""
    at_centre = centre.position_angle(galaxies)
    at_galaxy = galaxies.position_angle(centre) + 180 * u.deg  # the same circle, continued outward
    return (at_centre - at_galaxy).radian


def bin_galaxies(ra, dec, ellipticity, weight, response, wcs, shape):
    """Dictionary of maps named as in /data, and the measured sigma_e."""
    sky = SkyCoord(ra, dec, unit="deg")
    centre = SkyCoord(*wcs.wcs.crval, unit="deg")
    near = sky.separation(centre) < 90 * u.deg  # the other hemisphere has no gnomonic image
    sky, ellipticity, weight, response = sky[near], ellipticity[near], weight[near], response[near]
    x, y = wcs.all_world2pix(sky.ra.deg, sky.dec.deg, 0)
    # A galaxy on the border of two pixels belongs to the higher one, whatever the rounding: with an even grid about a
    # median position there is one.
    column, row = (np.floor(np.round(position + 0.5, 9)) for position in (x, y))
    inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    require(inside.any(), "no galaxy of the catalogue lies on the grid")
    sky, ellipticity, weight, response = sky[inside], ellipticity[inside], weight[inside], response[inside]
    pixel = row[inside].astype(int) * shape[1] + column[inside].astype(int)
    aligned = ellipticity * np.exp(2j * frame_rotation(sky, centre))

    def total(values):
        return np.bincount(pixel, values, minlength=shape[0] * shape[1]).reshape(shape)

    sigma_e = np.sqrt(np.sum(weight * np.abs(ellipticity)**2) / (2 * np.sum(weight)))
    count, sum_response = total(np.ones_like(weight)), total(weight * response)
    filled = np.where(count > 0, sum_response, 1.0)
    return {
        "count": count,
        "mask": (count > 0).astype(float),
        "weight": total(weight),
        "gamma1": total(weight * aligned.real) / filled,
        "gamma2": total(weight * aligned.imag) / filled,
        "noise_per_sigma_e": np.sqrt(total(weight**2)) / filled,
    }, sigma_e


def check_wcs(file, wcs, shape):
    cards = wcs_from_cards(file)
    ny, nx = shape
    corners = np.array([(0, 0), (nx - 1, 0), (0, ny - 1), (nx - 1, ny - 1), ((nx - 1) / 2, (ny - 1) / 2)])
    sky = wcs.all_pix2world(corners, 0)
    for name, other in (("attributes", wcs), ("header cards", cards)):
        error = np.abs(other.all_world2pix(sky, 0) - corners).max()
        print(f"WCS from {name}: corners within {error:.1e} pixel")
        require(error < 1e-9, f"pixel -> sky (attributes) -> pixel ({name}) moves a corner by {error:.1e} pixel")
    require(SkyCoord(*sky[4], unit="deg").separation(SkyCoord(*wcs.wcs.crval, unit="deg")) < 1e-9 * u.deg,
            "the middle of the grid is not at CRVAL: CRPIX is not (n + 1) / 2")
    require(wcs.wcs.cdelt[0] == -wcs.wcs.cdelt[1] and wcs.wcs.cdelt[1] > 0, "CDELT is not (-pixel, +pixel)")


def check():
    options = arguments()
    with open_run(options.run) as file:
        wcs, shape = wcs_from_attributes(file)
        check_wcs(file, wcs, shape)
        oracle, sigma_e = bin_galaxies(*read_galaxies(options), wcs, shape)
        ours = {name: dataset(file, f"/data/{name}")
                for name in ("count", "mask", "weight", "gamma1", "gamma2", "noise_sigma")}
        stored_sigma_e = attribute(file, "/data", "sigma_e")
        measured = bool(file["/data"].attrs.get("sigma_e_measured", 1))
    if measured:
        print(f"sigma_e: {stored_sigma_e:.9f}, oracle {sigma_e:.9f}")
        require(abs(stored_sigma_e - sigma_e) < 1e-10 * sigma_e, f"sigma_e is {stored_sigma_e}, the oracle's {sigma_e}")
    oracle["noise_sigma"] = stored_sigma_e * oracle.pop("noise_per_sigma_e")
    for name, values in ours.items():
        require(values.shape == shape, f"/data/{name} has shape {values.shape}, the WCS {shape}")
    for name in ("count", "mask"):
        wrong = np.count_nonzero(ours[name] != oracle[name])
        print(f"{name}: {wrong} of {ours[name].size} pixels differ, total {ours[name].sum():.0f}")
        require(wrong == 0, f"/data/{name} differs from the oracle in {wrong} pixels")
    for name in ("weight", "gamma1", "gamma2", "noise_sigma"):
        error = np.abs(ours[name] - oracle[name]).max() / rms(oracle[name])
        print(f"{name}: largest difference {error:.1e} of the rms")
        require(error < 1e-8, f"/data/{name} differs from the oracle by {error:.1e} of its rms, more than 1e-8")


if __name__ == "__main__":
    run_check(check)
