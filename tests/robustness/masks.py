"""Masks of simulated surveys and skies given as HEALPix maps."""
import numpy as np
from astropy.io import fits
import h5py
import healpy

from corpus import NSIDE, case

PIXELS = 12 * NSIDE**2


def healpix(place, change=lambda header: None, values=None, pixels=None):
    """mask.fits, a HEALPix table with its header changed."""
    columns = [fits.Column("MASK", "D", array=np.ones(PIXELS) if values is None else values)]
    if pixels is not None:
        columns.insert(0, fits.Column("PIXEL", "K", array=pixels))
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(PIXTYPE="HEALPIX", ORDERING="NESTED", NSIDE=NSIDE, COORDSYS="C", FIRSTPIX=0, LASTPIX=PIXELS - 1,
                        INDXSCHM="IMPLICIT" if pixels is None else "EXPLICIT")
    change(table.header)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(place / "mask.fits")
    return place.sphere_simulate(mask=place / "mask.fits")


@case("mask.fits", "NSIDE")
def without_nside(place):
    return healpix(place, lambda header: header.remove("NSIDE"))


@case("mask.fits", "NSIDE 48", "power of two", ranks=3)
def nside_that_is_no_power_of_two(place):
    return healpix(place, lambda header: header.set("NSIDE", 48))


@case("mask.fits", "NSIDE -16")
def nside_below_zero(place):
    return healpix(place, lambda header: header.set("NSIDE", -16))


@case("mask.fits", "NSIDE")
def nside_in_words(place):
    return healpix(place, lambda header: header.set("NSIDE", "sixteen"))


@case("mask.fits", "NSIDE 32", "write it again")
def nside_of_another_map(place):
    return healpix(place, lambda header: header.set("NSIDE", 32))


@case("mask.fits", "ORDERING ''", "RING or NESTED")
def without_ordering(place):
    return healpix(place, lambda header: header.remove("ORDERING"))


@case("mask.fits", "ORDERING 'SPIRAL'")
def of_an_unknown_ordering(place):
    return healpix(place, lambda header: header.set("ORDERING", "SPIRAL"))


@case("mask.fits", "galactic", "rotate")
def of_the_galaxy(place):
    return healpix(place, lambda header: header.set("COORDSYS", "G"))


@case("mask.fits", "no HEALPix map")
def that_is_no_map(place):
    return healpix(place, lambda header: header.remove("PIXTYPE"))


@case("mask.fits", "INDXSCHM")
def of_an_unknown_scheme(place):
    return healpix(place, lambda header: header.set("INDXSCHM", "HASHED"))


@case("mask.fits", "PIXEL")
def partial_without_pixels(place):
    return healpix(place, lambda header: header.set("INDXSCHM", "EXPLICIT"))


@case("mask.fits", f"pixel {PIXELS}", ranks=3)
def partial_beyond_the_sphere(place):
    return healpix(place, values=np.ones(3), pixels=[1, 2, PIXELS])


@case("mask.fits", "pixel -1")
def partial_below_the_sphere(place):
    return healpix(place, values=np.ones(3), pixels=[1, -1, 2])


@case("mask.fits", "pixel 7", "more than once")
def partial_with_a_pixel_twice(place):
    return healpix(place, values=np.ones(3), pixels=[7, 3, 7])


@case("mask.fits", "0 rows")
def partial_of_no_pixels(place):
    return healpix(place, values=np.ones(0), pixels=np.zeros(0, int))


@case("no galaxy", "--mask")
def that_observes_nothing(place):
    return healpix(place, values=np.full(PIXELS, healpy.UNSEEN))


@case("no galaxy", "--mask")
def of_no_numbers(place):
    return healpix(place, values=np.full(PIXELS, np.nan))


@case("mask.fits", "no HEALPix map")
def that_is_an_image(place):
    fits.PrimaryHDU(np.ones((20, 24))).writeto(place / "mask.fits")
    return place.sphere_simulate(mask=place / "mask.fits")


@case("mask.fits", "truncated", ranks=3)
def cut_short(place):
    content = place.inputs.mask.read_bytes()
    return place.sphere_simulate(mask=place.file("mask.fits", content[:len(content) // 2]))


@case("pipe", "file")
def from_a_pipe(place):
    return place.sphere_simulate(mask=place.fifo())


@case("pipe.h5", "file")
def from_a_pipe_by_the_name_of_hdf5(place):
    return place.sphere_simulate(mask=place.fifo("pipe.h5"))


@case("mask.fits", "HDF5")
def of_the_sphere_on_a_plane(place):
    return place.simulate(mask=place.copy(place.inputs.mask))


@case("maps.h5", "of the plane")
def of_the_plane_on_a_sphere(place):
    return place.sphere_simulate(mask=place.inputs.maps)


@case("sphere_maps.h5", "sphere")
def stored_of_the_sphere_on_a_plane(place):
    return place.simulate(mask=place.inputs.sphere_maps)


def stored(place, change):
    """The mask of a file of maps of the sphere, changed."""
    return place.sphere_simulate(mask=place.hdf5("mask.h5", change, place.inputs.sphere_maps))


@case("mask.h5", "nside", ranks=3)
def stored_nside_of_many_numbers(place):
    return stored(place, lambda file: file["healpix"].attrs.create("nside", np.arange(5000.0)))


@case("mask.h5", "nside")
def stored_nside_in_words(place):
    return stored(place, lambda file: file["healpix"].attrs.create("nside", "sixteen"))


@case("mask.h5", "nside")
def stored_nside_that_is_no_power_of_two(place):
    return stored(place, lambda file: file["healpix"].attrs.create("nside", 12.5))


@case("mask.h5", "pixels")
def stored_pixels_out_of_order(place):
    def change(file):
        file["healpix/pixel"][:2] = file["healpix/pixel"][:2][::-1]
    return stored(place, change)


@case("mask.h5", "pixel")
def stored_pixels_fewer_than_values(place):
    def change(file):
        pixels = file["healpix/pixel"][:-1]
        del file["healpix/pixel"]
        file["healpix/pixel"] = pixels
    return stored(place, change)


@case("mask.h5", "pixel")
def stored_pixels_missing(place):
    def change(file):
        del file["healpix/pixel"]
    return stored(place, change)


@case("mask.h5", "mask")
def stored_mask_missing(place):
    def change(file):
        del file["data/mask"]
    return stored(place, change)


@case("mask.h5", "memory")
def stored_mask_beyond_memory(place):
    def change(file):
        for name in "healpix/pixel", "data/mask/value":
            del file[name]
            file.create_dataset(name, (10**14,), "f8", chunks=(1024,))
    return stored(place, change)


@case("mask.h5", "24 x 20")
def stored_mask_of_another_shape(place):
    def change(file):
        del file["data/mask"]
        file["data/mask"] = np.ones((21, 24))
    return place.simulate(mask=place.hdf5("mask.h5", change, place.inputs.maps))


@case("mask.h5", "WCS")
def stored_wcs_without_a_size(place):
    return place.simulate(mask=place.hdf5("mask.h5", lambda file: file["wcs"].attrs.create("NAXIS1", 1e300),
                                          place.inputs.maps))


@case("mask.h5", "WCS")
def stored_wcs_that_is_no_number(place):
    return place.simulate(mask=place.hdf5("mask.h5", lambda file: file["wcs"].attrs.create("CDELT2", np.nan),
                                          place.inputs.maps))


def sky(place, values, change=lambda header: None):
    healpix(place, change, values)
    return place.sphere_simulate(sky=place / "mask.fits")


@case("mask.fits", "finite", ranks=3)
def sky_with_a_hole(place):
    values = np.random.default_rng(1).normal(0, 0.01, PIXELS)
    values[100] = healpy.UNSEEN
    return sky(place, values)


@case("mask.fits", "finite")
def sky_with_an_infinite_pixel(place):
    values = np.zeros(PIXELS)
    values[100] = np.inf
    return sky(place, values)


@case("skies.h5", "FITS")
def sky_of_a_plane_on_the_sphere(place):
    return place.sphere_simulate(sky=place.copy(place.inputs.skies))
