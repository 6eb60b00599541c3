"""Sets of skies, and maps of others to import."""
import numpy as np
import h5py
from astropy.io import fits

from corpus import case, replaced


def changed(place, change):
    return place.hdf5("skies.h5", change, place.inputs.skies)


def attribute(name, value):
    return lambda file: file["skies"].attrs.create(name, value)


@case("skies.h5", "HDF5", ranks=3)
def cut_short(place):
    content = place.inputs.skies.read_bytes()
    return place.compare_skies(place.file("skies.h5", content[:len(content) // 2]))


@case("skies.h5", "tessera skies 9")
def of_another_format(place):
    return place.train(skies=changed(place, attribute("format", "tessera skies 9")))


@case("skies.h5", "format")
def of_many_formats(place):
    return place.compare_skies(changed(place, attribute("format", np.array(["tessera skies 1"] * 4000, h5py.string_dtype()))))


@case("skies.h5", "pixel_arcmin", ranks=3)
def of_many_pixels(place):
    return place.simulate(sky=changed(place, attribute("pixel_arcmin", np.ones(4000))))


@case("skies.h5", "arcmin")
def of_pixels_below_zero(place):
    return place.simulate(sky=changed(place, attribute("pixel_arcmin", -1.0)))


@case("skies.h5", "split", "0, 1, 2")
def of_an_unknown_split(place):
    return place.train(skies=changed(place, replaced("skies/split", lambda values: values + 7)))


@case("skies.h5", "split")
def of_splits_too_few(place):
    return place.compare_skies(changed(place, replaced("skies/split", lambda values: values[:-1])))


@case("skies.h5", "ell")
def of_multipoles_upside_down(place):
    return place.compare_skies(changed(place, replaced("skies/ell", lambda values: values[::-1])))


@case("skies.h5", "power")
def of_power_below_zero(place):
    return place.compare_skies(changed(place, replaced("skies/c_ell", lambda values: -values)))


@case("skies.h5", "stack")
def of_one_flat_sky(place):
    return place.compare_skies(changed(place, replaced("skies/kappa", lambda values: values[0])))


@case("skies.h5", "stack")
def of_no_skies(place):
    return place.compare_skies(changed(place, replaced("skies/kappa", lambda values: values[:0])))


@case("skies.h5", "kappa")
def of_skies_in_words(place):
    return place.compare_skies(changed(place, replaced("skies/kappa", lambda values: np.full(values.shape, b"dark"))))


@case("skies.h5", "finite", ranks=3)
def of_a_sky_that_is_no_number(place):
    def change(file):
        file["skies/kappa"][0, 5, 5] = np.nan
    return place.compare_skies(changed(place, change))


@case("skies.h5", "finite", "take it out", ranks=3)
def to_train_on_that_are_no_numbers(place):
    def change(file):
        file["skies/kappa"][:, 5, 5] = np.nan
    return place.train(skies=changed(place, change))


@case("skies.h5", "finite")
def to_calibrate_on_that_are_no_numbers(place):
    def change(file):
        file["skies/kappa"][:, 5, 5] = np.inf
    return place.calibrate(skies=changed(place, change))


@case("skies.h5", "finite")
def to_survey_that_are_no_numbers(place):
    def change(file):
        file["skies/kappa"][:, 5, 5] = np.nan
    return place.simulate(sky=changed(place, change))


@case("skies.h5", "test")
def to_calibrate_on_without_tests(place):
    return place.calibrate(skies=changed(place, replaced("skies/split", lambda values: 0 * values)))


@case("skies.h5", "names")
def of_parameters_without_names(place):
    def change(file):
        del file["skies/parameters"].attrs["names"]
    def parameters(file):
        if "parameters" not in file["skies"]:
            file["skies/parameters"] = np.zeros((8, 1))
            return
        change(file)
    return place.compare_skies(changed(place, parameters))


@case("skies.h5", "no sky 99")
def number_beyond_the_last(place):
    return place.simulate(sky=place.copy(place.inputs.skies), sky_number=99)


@case("pipe", "file")
def from_a_pipe(place):
    return place.train(skies=place.fifo())


@case("skies.h5", "memory")
def beyond_memory(place):
    def change(file):
        del file["skies/ell"]
        file["skies"].create_dataset("ell", (10**13,), "f8", chunks=(1024,))
    return place.compare_skies(changed(place, change))


# Import


def npy(place, header, content=b"", version=1):
    """maps.npy with a header of our own."""
    text = header.encode().ljust(118)
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    return place.imports(place.file("maps.npy", b"\x93NUMPY" + bytes([version, 0]) + size + text + content))


SOUND = "{'descr': '<f8', 'fortran_order': False, 'shape': (16, 16), }\n"


@case("maps.npy", "version 9")
def npy_of_another_version(place):
    return npy(place, SOUND, bytes(2048), version=9)


@case("maps.npy", "truncated", ranks=3)
def npy_cut_short(place):
    return npy(place, SOUND, bytes(1000))


@case("maps.npy")
def npy_of_a_shape_that_counts_round(place):
    return npy(place, SOUND.replace("16, 16", "4294967296, 4294967296"), bytes(2048))


@case("maps.npy", "shape")
def npy_of_five_axes(place):
    return npy(place, SOUND.replace("16, 16", "2, 2, 2, 4, 8"), bytes(2048))


@case("maps.npy", "'>f8'", "astype")
def npy_of_the_other_end(place):
    return npy(place, SOUND.replace("<f8", ">f8"), bytes(2048))


@case("maps.npy", "'|O'")
def npy_of_objects(place):
    return npy(place, SOUND.replace("<f8", "|O"), bytes(2048))


@case("maps.npy")
def npy_of_nine_bytes(place):
    return place.imports(place.file("maps.npy", b"\x93NUMPY\x01\x00v"))


@case("maps.npy", "finite")
def npy_of_no_numbers(place):
    return npy(place, SOUND, np.full((16, 16), np.nan).tobytes())


@case("maps.npy", "everywhere", "leave it out")
def npy_of_one_value(place):
    return npy(place, SOUND, np.ones((16, 16)).tobytes())


@case("maps.npz", "unpack")
def archive(place):
    np.savez(place / "maps.npz", np.ones((16, 16)))
    return place.imports(place / "maps.npz")


@case("image.fits", "truncated", ranks=3)
def image_cut_short(place):
    fits.PrimaryHDU(np.random.default_rng(1).normal(size=(40, 40))).writeto(place / "image.fits")
    return place.imports(place.file("image.fits", (place / "image.fits").read_bytes()[:5000]))


@case("image.fits", "squares")
def image_of_oblong_pixels(place):
    image = fits.PrimaryHDU(np.random.default_rng(1).normal(size=(40, 40)))
    image.header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CDELT1=-0.1, CDELT2=0.2)
    image.writeto(place / "image.fits")
    return place.imports(place / "image.fits")


@case("image.fits", "no size of a pixel")
def image_of_pixels_of_no_size(place):
    image = fits.PrimaryHDU(np.random.default_rng(1).normal(size=(40, 40)))
    image.header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CDELT1=0.0, CDELT2=0.0)
    image.writeto(place / "image.fits")
    return place.imports(place / "image.fits")


@case("image.fits", "axes")
def image_of_four_axes(place):
    fits.PrimaryHDU(np.zeros((2, 2, 8, 8))).writeto(place / "image.fits")
    return place.imports(place / "image.fits")


@case("maps.h5", "no dataset '/nowhere'")
def dataset_that_is_not_there(place):
    path = place.hdf5("maps.h5", lambda file: file.create_dataset("kappa", data=np.zeros((8, 8))))
    return place.imports(path, dataset="/nowhere")


@case("maps.h5", "numbers")
def dataset_of_words(place):
    path = place.hdf5("maps.h5", lambda file: file.create_dataset("kappa", data=np.full((8, 8), b"dark")))
    return place.imports(path, dataset="/kappa")


@case("maps.h5", "--dataset")
def dataset_that_hangs_in_the_air(place):
    def change(file):
        file["kappa"] = h5py.SoftLink("/nowhere")
    return place.imports(place.hdf5("maps.h5", change), dataset="/kappa")


@case("maps.h5", "GB")
def dataset_beyond_memory(place):
    path = place.hdf5("maps.h5", lambda file: file.create_dataset("kappa", (10**6, 10**6), "f8", chunks=(8, 8)))
    return place.imports(path)


@case("list'", "not there")
def list_of_lists(place):
    place.file("list", f"@{place / 'list'}\n")
    return place.imports(f"@{place / 'list'}")


@case("names no file")
def list_of_nothing(place):
    return place.imports(f"@{place.file('list', '')}")


@case("pipe", "file")
def list_from_a_pipe(place):
    return place.imports(f"@{place.fifo()}")


@case("pipe", "file")
def maps_from_a_pipe(place):
    return place.imports(place.fifo())


@case("/dev/zero", "file")
def maps_without_an_end(place):
    return place.imports("/dev/zero")


@case("list'", "not there")
def list_of_junk(place):
    return place.imports(f"@{place.file('list', bytes(range(1, 255)) * 3)}")


@case("constant", "take it out")
def that_teaches_nothing(place):
    def change(file):
        file["skies/kappa"][...] = 0.0
    return place.train("score", skies=place.hdf5("skies.h5", change, place.inputs.skies))


@case("sky 0", "no convergence")
def beyond_any_convergence(place):
    def change(file):
        file["skies/kappa"][0, 3, 4] = 1e30
    return place.simulate(sky=place.hdf5("skies.h5", change, place.inputs.skies), spectrum=None, npix="32,32")
