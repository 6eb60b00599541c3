"""HEALPix maps as FITS files against healpy: maps that healpy wrote, copied by tests/io/copy_healpix_fits, are the same
to healpy; RING and NESTED, whole sky and partial, of every type of number."""
import argparse
import itertools
import pathlib
import subprocess
import tempfile

import healpy
import numpy as np
from astropy.io import fits

from common import require, run_check

TYPES = (np.float32, np.float64, np.int16, np.int32, np.int64, np.uint8, bool)


def make_map(nside, dtype, partial, nest):
    """Values that name their place, with holes where the type has a value for them."""
    pixels = np.arange(12 * nside**2)
    if np.dtype(dtype).kind != "f":
        return (pixels % 2 if dtype is bool else pixels % 251).astype(dtype)
    values = (np.sqrt(pixels) - 7).astype(dtype)
    values[pixels % 13 == 5] = healpy.UNSEEN
    if partial:  # healpy leaves out what is UNSEEN: a part that is contiguous in neither scheme
        values[healpy.pix2ang(nside, pixels, nest=nest, lonlat=True)[1] > -20] = healpy.UNSEEN
    return values


def copy(program, source, target, *column):
    done = subprocess.run([program, source, target, *column], capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"{source}: the copy failed: {done.stderr}")


def check_copy(name, values, nest, path):
    """All values in the RING scheme, as healpy reads them from the original's array and from the copy."""
    expected = healpy.reorder(values.astype(float), n2r=True) if nest else values.astype(float)
    expected[np.isclose(expected, healpy.UNSEEN, rtol=1e-5)] = healpy.UNSEEN
    ours = healpy.read_map(path, dtype=np.float64)
    require(np.array_equal(ours, expected), f"{name}: {np.count_nonzero(ours != expected)} pixels differ")
    nested = healpy.read_map(path, dtype=np.float64, nest=True)
    require(np.array_equal(healpy.reorder(nested, n2r=True), expected), f"{name}: differs if read as NESTED")


def check_header(name, path, nside, partial):
    with fits.open(path) as file:
        file.verify("exception")
        header, columns = file[1].header, file[1].columns
    expected = {"PIXTYPE": "HEALPIX", "ORDERING": "NESTED", "NSIDE": nside, "COORDSYS": "C",
                "INDXSCHM": "EXPLICIT" if partial else "IMPLICIT", "OBJECT": "PARTIAL" if partial else "FULLSKY"}
    if not partial:
        expected |= {"FIRSTPIX": 0, "LASTPIX": 12 * nside**2 - 1}
    for key, value in expected.items():
        require(header.get(key) == value, f"{name}: {key} is {header.get(key)}, not {value}")
    require(columns.names == ["PIXEL", "copy"][not partial:], f"{name}: the columns are {columns.names}")
    require(columns["copy"].unit == "mK", f"{name}: the unit is {columns['copy'].unit}")
    require(header.get("DESCR") == "a copy", f"{name}: DESCR is {header.get('DESCR')}")


def check_case(program, folder, nside, nest, partial, dtype):
    name = f"nside {nside}, {'NESTED' if nest else 'RING'}, {'part' if partial else 'whole'}, {np.dtype(dtype)}"
    values = make_map(nside, dtype, partial, nest)
    source, target = folder / "healpy.fits", folder / "ours.fits"
    healpy.write_map(source, values, nest=nest, partial=partial, dtype=dtype, coord="C", overwrite=True)
    copy(program, source, target)
    check_copy(name, values, nest, target)
    check_header(name, target, nside, partial)


def check_columns(program, folder):
    """One of three maps by its name, from a file compressed with gzip."""
    maps = np.arange(3)[:, np.newaxis] * 1e4 + np.arange(12 * 32**2)
    source, target = folder / "three.fits.gz", folder / "second.fits"
    healpy.write_map(source, maps, column_names=("ONE", "TWO", "THREE"), dtype=np.float64, overwrite=True)
    for column, values in (((), maps[0]), (("TWO",), maps[1]), (("three",), maps[2])):
        copy(program, source, target, *column)
        check_copy(f"column {column}", values, False, target)


def check_coordinates(program, folder):
    source, target = folder / "galactic.fits", folder / "none.fits"
    healpy.write_map(source, np.zeros(768), coord="G", dtype=np.float64, overwrite=True)
    done = subprocess.run([program, source, target], capture_output=True, text=True, check=False)
    require(done.returncode == 1 and "galactic" in done.stderr, f"galactic coordinates: {done.stderr}")
    require(not target.exists(), "a map that was refused has been written")


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", metavar="COPY_HEALPIX_FITS")
    program = parser.parse_args().program
    cases = 0
    with tempfile.TemporaryDirectory(prefix="tessera-") as name:
        folder = pathlib.Path(name)
        for nside, nest, partial, dtype in itertools.product((1, 8, 64), (False, True), (False, True), TYPES):
            if partial and (nside == 1 or np.dtype(dtype).kind != "f"):
                continue
            check_case(program, folder, nside, nest, partial, dtype)
            cases += 1
        check_columns(program, folder)
        check_coordinates(program, folder)
    print(f"{cases} maps of healpy and their copies hold the same")


if __name__ == "__main__":
    run_check(check)
