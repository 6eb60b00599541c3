"""Spectra, distributions of redshifts and other tables of text."""
import os

from common import SPECTRUM
from corpus import SPHERE_SPECTRUM, case

SPAN = "# ell C_ell\n2 1e-9\n200000 1e-14\n"


def spectrum(place, content):
    return place.map(spectrum=place.file("spectrum.txt", content))


@case("spectrum.txt", "line 1")
def of_junk(place):
    return spectrum(place, bytes(range(128, 256)) * 40 + bytes(range(32)) * 40)


@case("spectrum.txt", "number")
def of_zero_bytes(place):
    return spectrum(place, SPAN.replace("1e-9", "1e-9\0\0").encode())


@case("spectrum.txt", "line 1")
def in_utf16(place):
    return spectrum(place, SPAN.encode("utf-16"))


@case("spectrum.txt", "number", ranks=3)
def that_commands_a_terminal(place):
    return spectrum(place, SPAN + "300000 \x1b[2J\x1b]0;title\x07\n")


@case("spectrum.txt", "number")
def of_decimal_commas(place):
    return spectrum(place, "2 1,5\n200000 1,2\n")


@case("table.fits", "ell C_ell")
def that_is_a_fits_file(place):
    return place.map(spectrum=place.copy(place.inputs.mask, "table.fits"))


@case("catalogue.h5")
def that_is_an_hdf5_file(place):
    return place.sphere_map(methods="wiener", spectrum=place.inputs.survey[0])


@case("pipe", "file")
def from_a_pipe(place):
    return place.map(spectrum=place.fifo())


@case("/dev/zero", "file")
def without_an_end(place):
    return place.skies(spectrum="/dev/zero")


@case("spectrum.txt", "0 usable rows")
def of_no_positive_multipole(place):
    return spectrum(place, "-3 1e-9\n-2 1e-9\n0 1e-9\n")


@case("spectrum.txt", "1 usable rows")
def of_one_line(place):
    return spectrum(place, "100 1e-9\n")


@case("spectrum.txt", "increase", ranks=3)
def upside_down(place):
    return spectrum(place, "\n".join(reversed(SPAN.splitlines()[1:])) + "\n")


@case("spectrum.txt", "'1e999'")
def beyond_the_numbers(place):
    return spectrum(place, "2 1e-9\n300 1e999\n200000 1e-14\n")


@case("spectrum.txt", "1e+300")
def of_absurd_power(place):
    return spectrum(place, "2 1e300\n200000 1e300\n")


@case("spectrum.txt", "1e-310")
def of_vanishing_power(place):
    return spectrum(place, "2 1e-310\n200000 1e-310\n")


@case("spectrum.txt", "columns")
def whose_columns_change(place):
    return spectrum(place, "2 1e-9\n300 1e-9 1e-9\n200000 1e-14\n")


@case("spectrum.txt", "--spectrum-column")
def of_a_name_without_an_end(place):
    return spectrum(place, "# ell Tx" + "a" * 300_000 + " TT\n2 1e-9 1\n200000 1e-14 1\n")


@case("spectrum.txt", "--spectrum-kind")
def of_a_comment_without_an_end(place):
    return spectrum(place, "# columns of D_ell: l " + " " * 300_000 + "\n2 1e-9\n200000 1e-14\n")


@case("spectrum.txt", "ell")
def whose_header_names_ell_twice(place):
    return spectrum(place, "# ell ell\n2 1e-9\n200000 1e-14\n")


@case("--spectrum-column", "0")
def column_zero(place):
    return place.map(spectrum=place.file("spectrum.txt", "2 1e-9 1e-9\n200000 1e-14 1e-14\n"), spectrum_column=0)


@case("--spectrum-column")
def column_that_counts_round(place):
    return place.map(spectrum=place.file("spectrum.txt", "2 1e-9 1e-9\n200000 1e-14 1e-14\n"),
                     spectrum_column=18446744073709551618)


@case("bin_1_1.txt")
def section_with_a_folder_for_a_column(place):
    (place / "shear_cl/bin_1_1.txt").mkdir(parents=True)
    place.file("shear_cl/ell.txt", "2\n200000\n")
    return place.map(spectrum=place / "shear_cl")


@case("bin_1_1.txt", "2 columns")
def section_of_tables(place):
    (place / "shear_cl").mkdir()
    place.file("shear_cl/ell.txt", "2\n200000\n")
    place.file("shear_cl/bin_1_1.txt", SPAN)
    return place.map(spectrum=place / "shear_cl")


@case("spectrum.txt", "covers", "64")
def too_short_for_the_sphere(place):
    return place.sphere_map(methods="wiener", lmax=64, spectrum=place.file("spectrum.txt", "2 1e-9\n40 1e-10\n"),
                            nside=256)


def redshifts(place, content):
    return place.skies(model="halo", nz=place.file("nz.txt", content))


@case("nz.txt", "negative redshift")
def redshifts_below_zero(place):
    return redshifts(place, "-1 1\n0.5 2\n1 1\n")


@case("nz.txt", "finite")
def redshifts_that_are_no_numbers(place):
    return redshifts(place, "0.1 1\nnan 2\n1 1\n")


@case("nz.txt", "integral")
def redshifts_of_no_galaxies(place):
    return redshifts(place, "0.1 0\n0.5 0\n1 0\n")


@case("nz.txt", "1200")
def redshifts_of_another_universe(place):
    return redshifts(place, "0.1 1\n0.5 2\n1e9 1\n")


@case("figures.txt", "line")
def published_figures_of_junk(place):
    return place.compare_skies(place.inputs.skies, published=place.file("figures.txt", b"\x1b[2J\x00 rms \x0b\xff\n"))


@case("pipe", "file")
def published_figures_from_a_pipe(place):
    return place.compare_skies(place.inputs.skies, published=place.fifo())


@case("spectrum", "symbolic links")
def link_in_a_ring(place):
    os.symlink(place / "ring.txt", place / "ring.txt")
    return place.map(spectrum=place / "ring.txt")
