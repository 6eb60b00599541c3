"""Compares an exported FITS image with the map in the run: pixels bit for bit, and the WCS."""
import argparse

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from common import WCS_KEYWORDS, attribute, dataset, open_run, require, run_check, wcs_from_attributes


def check_pixels(name, expected, image):
    require(image.shape == expected.shape, f"the image has shape {image.shape}, {name} has {expected.shape}")
    require(image.dtype.kind == "f" and image.dtype.itemsize == 8, f"the image is {image.dtype}, not double")
    wrong = np.count_nonzero(image.astype("<f8").view("<u8") != expected.astype("<f8").view("<u8"))
    require(wrong == 0, f"{wrong} of {image.size} pixels of the image differ from {name} in their bits")


def check_wcs(header, file, shape):
    for key in WCS_KEYWORDS:
        require(key in header, f"the image has no keyword {key}")
        expected = attribute(file, "/wcs", key)
        equal = header[key] == expected if isinstance(expected, str) else np.isclose(header[key], expected, 1e-14, 0)
        require(equal, f"{key} is {header[key]} in the image and {expected} in the run")
    ny, nx = shape
    corners = np.array([(0, 0), (nx - 1, 0), (0, ny - 1), (nx - 1, ny - 1)])
    run_wcs, _ = wcs_from_attributes(file)
    error = np.abs(WCS(header).all_world2pix(run_wcs.all_pix2world(corners, 0), 0) - corners).max()
    require(error < 1e-9, f"the WCS of image and run differ by {error:.1e} pixel at a corner")


def check_orientation(header):
    wcs = WCS(header)
    centre, first = (SkyCoord(*position, unit="deg") for position in (wcs.wcs.crval, wcs.all_pix2world([[0, 0]], 0)[0]))
    angle = centre.position_angle(first)
    require(90 * u.deg < angle < 180 * u.deg,
            f"pixel (0, 0) lies at position angle {angle.deg:.1f} degrees from the centre, not to the South-East")


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5")
    parser.add_argument("map", metavar="MAP", help="name in /maps, or a dataset's full path")
    parser.add_argument("image", metavar="OUT.fits")
    options = parser.parse_args()
    name = options.map if "/" in options.map else f"/maps/{options.map}"
    with open_run(options.run) as file, fits.open(options.image) as image:
        hdu = next((hdu for hdu in image if hdu.data is not None), None)
        require(hdu is not None, f"'{options.image}' holds no image")
        check_pixels(name, dataset(file, name), hdu.data)
        check_wcs(hdu.header, file, hdu.data.shape)
        check_orientation(hdu.header)
        print(f"{name}: {hdu.data.size} pixels equal bit for bit, WCS equal, North up, East left")


if __name__ == "__main__":
    run_check(check)
