"""Files of maps to compare and to export."""
import numpy as np

from corpus import case, replaced


def changed(place, change, source=None):
    return place.hdf5("maps.h5", change, source or place.inputs.maps)


def header(name, value):
    return lambda file: file["wcs"].attrs.create(name, value)


@case("maps.h5", "mask")
def without_a_mask(place):
    def change(file):
        del file["data/mask"]
    return place.compare(maps=changed(place, change))


@case("maps.h5", "24 x 20", ranks=3)
def whose_mask_has_another_shape(place):
    return place.compare(maps=changed(place, replaced("data/mask", lambda values: values[1:])))


@case("maps.h5", "no finite value", "mask")
def with_a_hole_in_the_mask(place):
    def change(file):
        file["maps/kappa_ks_e"][10, 10] = np.nan
    return place.compare(maps=changed(place, change))


@case("maps.h5", "finite")
def with_an_infinite_pixel(place):
    def change(file):
        file["maps/kappa_ks_e"][10, 10] = np.inf
    return place.compare(maps=changed(place, change))


@case("maps.h5", "mask")
def whose_mask_holds_nothing(place):
    return place.compare(maps=changed(place, replaced("data/mask", lambda values: 0 * values)))


@case("maps.h5", "NAXIS1", ranks=3)
def of_many_widths(place):
    return place.compare(maps=changed(place, header("NAXIS1", np.arange(5000.0))))


@case("maps.h5", "WCS")
def of_half_a_pixel(place):
    return place.compare(maps=changed(place, header("NAXIS1", 24.5)))


@case("maps.h5", "WCS")
def of_a_width_below_zero(place):
    return place.compare(maps=changed(place, header("NAXIS2", -20)))


@case("maps.h5", "WCS")
def of_a_centre_that_is_no_number(place):
    return place.compare(maps=changed(place, header("CRVAL1", np.nan)))


@case("maps.h5", "WCS")
def of_pixels_of_infinite_size(place):
    return place.compare(maps=changed(place, header("CDELT2", np.inf)))


@case("sphere", "plane")
def of_the_sphere_and_truth_of_the_plane(place):
    return place.compare(maps=place.inputs.sphere_maps)


@case("nside 32", "nside 16", ranks=3)
def of_another_nside(place):
    truth = place.hdf5("truth.h5", lambda file: file["healpix"].attrs.create("nside", 32), place.inputs.sphere_survey[1])
    return place.compare(maps=place.inputs.sphere_maps, truth=truth)


@case("maps.h5", "HDF5")
def cut_short(place):
    content = place.inputs.sphere_maps.read_bytes()
    return place.compare(maps=place.file("maps.h5", content[:len(content) // 3]), truth=place.inputs.sphere_survey[1])


@case("pipe", "file")
def from_a_pipe(place):
    return place.compare(maps=place.fifo())


@case("--bands")
def in_too_many_bands(place):
    return place.compare(bands=10**9)


@case("maps.h5", "kappa_ks_e")
def of_words(place):
    return place.compare(maps=changed(place, replaced("maps/kappa_ks_e", lambda values: np.full(values.shape, b"dark"))),
                         names="kappa_ks_e")


# Export


@case("maps.h5", "units")
def to_export_without_units(place):
    def change(file):
        del file["maps/kappa_ks_e"].attrs["units"]
    return place.export(changed(place, change), "kappa_ks_e")


@case("maps.h5", "units")
def to_export_of_units_that_are_a_number(place):
    return place.export(changed(place, lambda file: file["maps/kappa_ks_e"].attrs.create("units", 5)), "kappa_ks_e")


@case("maps.h5", "24 x 20", ranks=3)
def to_export_of_another_shape(place):
    return place.export(changed(place, replaced("maps/kappa_ks_e", lambda values: values[:, 1:])), "kappa_ks_e")


@case("maps.h5", "WCS")
def to_export_of_another_continent(place):
    return place.export(changed(place, header("CRVAL2", 400.0)), "kappa_ks_e")


@case("maps.h5", "pixels")
def to_export_of_pixels_beyond_the_sphere(place):
    def change(file):
        file["healpix/pixel"][-1] = 10**7
    return place.export(changed(place, change, place.inputs.sphere_maps), "kappa_ks_e")


@case("pipe", "file")
def to_export_from_a_pipe(place):
    return place.export(place.fifo())


@case("maps.h5", "WCS", ranks=3)
def to_export_beyond_the_disk(place):
    return place.export(changed(place, header("NAXIS1", 2.0**40)), "kappa_ks_e")


@case("maps.h5", "kappa", "it has:")
def to_export_from_another_group(place):
    return place.export(place.copy(place.inputs.maps, "maps.h5"), "../provenance")


@case("the truth is constant", "nothing to compare")
def truth_that_is_constant(place):
    def change(file):
        file["maps/kappa"][...] = 0.01
    return place.compare(truth=place.hdf5("truth.h5", change, place.inputs.survey[1]))


@case("kappa_ks_e", "no convergence", ranks=3)
def beyond_any_convergence(place):
    def change(file):
        file["maps/kappa_ks_e"][...] = 1e200
    return place.compare(maps=place.hdf5("maps.h5", change, place.inputs.maps))


@case("no pixel", "export")
def of_no_pixels(place):
    def change(file):
        for name in ("maps/kappa_ks_e", "healpix"):
            del file[f"{name}/{'value' if name != 'healpix' else 'pixel'}"]
        file["healpix/pixel"] = np.zeros(0, "i8")
        file["maps/kappa_ks_e/value"] = np.zeros(0)
    return place.export(place.hdf5("maps.h5", change, place.inputs.sphere_maps), "kappa_ks_e")
