"""Catalogues: FITS, CSV, HDF5."""
import gzip

import h5py
import numpy as np
from astropy.io import fits
from astropy.table import Table

from corpus import case

CARD = 80
BLOCK = 2880


def sound_fits(place, name="table.fits", **columns):
    """The survey as FITS, columns replaced or added."""
    path = place / name
    Table(place.inputs.columns | columns).write(path)
    return path


def with_card(place, card, value, name="table.fits", **columns):
    """The survey as FITS with a card of its table replaced as it lies: nothing else follows."""
    path = sound_fits(place, name, **columns)
    content = bytearray(path.read_bytes())
    at = content.index(f"{card:<8}=".encode(), BLOCK)
    assert at % CARD == 0
    content[at:at + CARD] = f"{card:<8}= {value:>20}".encode().ljust(CARD)
    path.write_bytes(content)
    return path


def csv_text(place, rows=None):
    columns = place.inputs.columns
    lines = [",".join(repr(float(value)) for value in row) for row in zip(*columns.values())]
    return "\n".join([",".join(columns), *lines[:rows]]) + "\n"


# FITS


@case("table.fits", "truncated", ranks=3)
def fits_of_more_rows_than_the_disk_holds(place):
    return place.map(catalogue=with_card(place, "NAXIS2", 4_000_000_000))


@case("table.fits", "read the headers")
def fits_of_more_rows_than_a_number_holds(place):
    return place.map(catalogue=with_card(place, "NAXIS2", 10**20))


@case("table.fits")
def fits_of_negative_rows(place):
    return place.map(catalogue=with_card(place, "NAXIS2", -5))


@case("table.fits")
def fits_of_rows_in_words(place):
    return place.map(catalogue=with_card(place, "NAXIS2", "'many'"))


@case("table.fits")
def fits_whose_rows_are_too_short_for_the_columns(place):
    return place.map(catalogue=with_card(place, "NAXIS1", 3))


@case("table.fits")
def fits_of_an_unknown_type(place):
    return place.map(catalogue=with_card(place, "TFORM3", "'1Z'"))


@case("table.fits")
def fits_of_more_columns_than_described(place):
    return place.map(catalogue=with_card(place, "TFIELDS", 50))


@case("table.fits", "quotes", "mend the header", ranks=3)
def fits_of_a_name_that_fills_its_card(place):
    path = sound_fits(place)
    content = path.read_bytes()
    at = content.index(b"TTYPE3  =", BLOCK)
    path.write_bytes(content[:at] + b"TTYPE3  =".ljust(CARD, b"x") + content[at + CARD:])
    return place.map(catalogue=path)


@case("table.fits", "TSCAL3")
def fits_of_a_scale_in_words(place):
    path = sound_fits(place)
    with fits.open(path, mode="update") as file:
        file[1].header["TSCAL3"] = "big"
    return place.map(catalogue=path)


@case("packed.fits.gz", "truncated", ranks=3)
def fits_packed_of_more_rows_than_there_are(place):
    content = with_card(place, "NAXIS2", 4_000_000_000).read_bytes()
    (place / "table.fits").unlink()
    return place.map(catalogue=place.file("packed.fits.gz", gzip.compress(content)))


@case("table.fits", "cannot open")
def fits_without_an_end(place):
    cards = "SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"
    header = "".join(card.ljust(CARD) for card in [*cards, *["COMMENT and so on"] * 3000])
    return place.map(catalogue=place.file("table.fits", header))


@case("table.fits")
def fits_of_junk(place):
    noise = np.random.default_rng(1).integers(0, 256, 3 * BLOCK, dtype=np.uint8).tobytes()
    return place.map(catalogue=place.file("table.fits", b"SIMPLE  =                    T".ljust(CARD) + noise))


@case("packed.gz")
def fits_packed_junk(place):
    noise = np.random.default_rng(2).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    return place.map(catalogue=place.file("packed.gz", b"\x1f\x8b\x08" + noise))


@case("table.fits", "'e1'", "arrays")
def fits_of_arrays(place):
    rows = len(place.inputs.columns["e1"])
    return place.map(catalogue=sound_fits(place, e1=np.zeros((rows, 3))))


@case("table.fits", "'e1'", "name another column")
def fits_of_complex_numbers(place):
    return place.map(catalogue=sound_fits(place, e1=np.zeros(len(place.inputs.columns["e1"]), complex)))


@case("table.fits", "no binary table")
def fits_of_an_ascii_table(place):
    path = place / "table.fits"
    columns = [fits.Column(name, "E15.7", array=values) for name, values in place.inputs.columns.items()]
    fits.HDUList([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns)]).writeto(path)
    return place.map(catalogue=path)


@case("table.fits", "'e1'", "twice")
def fits_of_one_name_twice(place):
    return place.map(catalogue=with_card(place, "TTYPE5", "'e1      '"), w_column="none")


@case("--section", "'SHEAR'")
def fits_section_that_is_not_there(place):
    return place.map(catalogue=sound_fits(place), section="SHEAR")


# Values


@case("table.fits", "no usable galaxy", "360")
def right_ascensions_beyond_the_circle(place):
    return place.map(catalogue=sound_fits(place, ra=np.full(len(place.inputs.columns["ra"]), 5.4e5)))


@case("table.fits", "no usable galaxy", "90 degrees")
def declinations_beyond_the_poles(place):
    return place.map(catalogue=sound_fits(place, dec=np.full(len(place.inputs.columns["ra"]), 95.0)))


@case("table.fits", "not finite", ranks=3)
def infinite_positions(place):
    return place.sphere_map(catalogue=sound_fits(place, ra=np.full(len(place.inputs.columns["ra"]), np.inf)))


@case("dispersion", "--sigma-e")
def ellipticities_of_a_sentinel(place):
    e1 = place.inputs.columns["e1"].copy()
    e1[::50] = -999
    return place.map(catalogue=sound_fits(place, e1=e1))


@case("finite", "ellipticities")
def ellipticities_beyond_what_can_be_squared(place):
    return place.map(catalogue=sound_fits(place, e1=np.full(len(place.inputs.columns["e1"]), 1e300)), sigma_e=0.3)


@case("finite", "--w-column")
def weights_beyond_what_can_be_added(place):
    return place.map(catalogue=sound_fits(place, w=np.full(len(place.inputs.columns["e1"]), 1e308)), sigma_e=0.3)


@case("finite", "--w-column")
def weights_beyond_what_can_be_squared(place):
    return place.map(catalogue=sound_fits(place, w=np.full(len(place.inputs.columns["e1"]), 1e-200)), sigma_e=0.3)


@case("finite")
def responses_beyond_what_can_be_added(place):
    return place.map(m=1e308, sigma_e=0.3)


@case("rows.csv", "0 rows", ranks=3)
def csv_of_no_rows_on_the_sphere(place):
    return place.sphere_map(catalogue=place.file("rows.csv", "ra,dec,e1,e2,w\n"))


# CSV


@case("table.csv", "line 41", "4 fields", ranks=3)
def csv_of_a_ragged_row(place):
    lines = csv_text(place, 400).splitlines()
    lines[40] = lines[40].rpartition(",")[0]
    return place.map(catalogue=place.file("table.csv", "\n".join(lines)))


@case("table.csv", "neither FITS nor HDF5 nor text")
def csv_in_utf16(place):
    return place.map(catalogue=place.file("table.csv", csv_text(place, 50).encode("utf-16")))


@case("table.csv", "not a number", ranks=3)
def csv_with_zero_bytes(place):
    content = bytearray(csv_text(place, 400).encode())
    content[5000:5003] = b"\0\0\0"
    return place.map(catalogue=place.file("table.csv", bytes(content)))


@case("table.csv", "line")
def csv_that_turns_binary(place):
    noise = np.random.default_rng(3).integers(0, 256, 20000, dtype=np.uint8).tobytes()
    return place.map(catalogue=place.file("table.csv", csv_text(place, 100).encode() + noise))


@case("table.csv", "begins with values", "names of the columns")
def csv_with_lines_of_an_old_mac(place):
    return place.map(catalogue=place.file("table.csv", csv_text(place, 20).replace("\n", "\r")))


@case("table.csv", "'ra'")
def csv_of_names_that_command_a_terminal(place):
    text = csv_text(place, 20).replace("ra,dec", "\x0bra\x0c,\x0bdec")
    return place.map(catalogue=place.file("table.csv", text))


@case("table.csv", "'ra'")
def csv_of_one_endless_line(place):
    return place.map(catalogue=place.file("table.csv", "right_ascension," * 300_000))


@case("table.csv", "'e1'", "twice")
def csv_of_one_name_twice(place):
    return place.map(catalogue=place.file("table.csv", csv_text(place, 50).replace("ra,dec,e1,e2,w", "ra,dec,e1,e1,w")),
                     e2_column="e1")


@case("table.csv", "line 21", "mend it")
def csv_with_an_open_quote(place):
    lines = csv_text(place, 50).splitlines()
    lines[20] = '"' + lines[20]
    return place.map(catalogue=place.file("table.csv", "\n".join(lines)))


@case("table.csv", "--section")
def csv_has_no_sections(place):
    return place.map(catalogue=place.file("table.csv", csv_text(place, 50)), section="1")


@case("pipe", "regular file")
def catalogue_from_a_pipe(place):
    return place.map(catalogue=place.fifo())


# HDF5


def with_column(place, name, make):
    """The survey's HDF5 catalogue with the column e1 made anew by make(file, rows)."""
    def change(file):
        rows = len(file["e1"])
        del file["e1"]
        make(file, rows)
    return place.hdf5(name, change, place.inputs.survey[0])


@case("table.h5", "'e1' or 'g1'")
def hdf5_column_without_a_shape(place):
    return place.map(catalogue=with_column(place, "table.h5", lambda file, rows: file.create_dataset("e1", data=h5py.Empty("f8"))))


@case("table.h5", "'e1' or 'g1'")
def hdf5_column_of_two_axes(place):
    return place.map(catalogue=with_column(place, "table.h5", lambda file, rows: file.create_dataset("e1", data=np.zeros((rows, 2)))))


@case("table.h5", "'e1' or 'g1'")
def hdf5_column_of_flags(place):
    return place.map(catalogue=with_column(place, "table.h5", lambda file, rows: file.create_dataset("e1", data=np.zeros(rows, bool))))


@case("table.h5", "'e1' or 'g1'")
def hdf5_column_that_hangs_in_the_air(place):
    def make(file, rows):
        file["e1"] = h5py.SoftLink("/nowhere")
    return place.map(catalogue=with_column(place, "table.h5", make))


@case("table.h5", "'e1' or 'g1'")
def hdf5_column_of_a_file_that_is_not_there(place):
    def make(file, rows):
        file["e1"] = h5py.ExternalLink("nowhere.h5", "/e1")
    return place.map(catalogue=with_column(place, "table.h5", make))


@case("table.h5", "e1", ranks=3)
def hdf5_column_whose_bytes_lie_elsewhere(place):
    def make(file, rows):
        file.create_dataset("e1", (rows,), "f8", external=[(str(place / "nowhere.raw"), 0, 8 * rows)])
    return place.map(catalogue=with_column(place, "table.h5", make))


def damaged_chunks(place, **filters):
    """A column in packed chunks with bytes of the middle replaced."""
    path = with_column(place, "table.h5", lambda file, rows: file.create_dataset(
        "e1", data=np.random.default_rng(4).normal(size=rows), chunks=(max(1, rows // 4),), **filters))
    with h5py.File(path) as file:
        info = file["e1"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    middle = info.byte_offset + info.size // 2
    content[middle:middle + 40] = bytes(40)
    path.write_bytes(content)
    return path


@case("table.h5", "'e1'", "fresh copy", ranks=3)
def hdf5_chunk_that_cannot_be_unpacked(place):
    return place.map(catalogue=damaged_chunks(place, compression="gzip"))


@case("table.h5", "'e1'", "fresh copy")
def hdf5_chunk_whose_checksum_differs(place):
    return place.map(catalogue=damaged_chunks(place, fletcher32=True))


@case("table.h5", "memory", ranks=3)
def hdf5_of_more_rows_than_memory(place):
    def change(file):
        for name in place.inputs.columns:
            file.create_dataset(name, (10**15,), "f8", chunks=(1024,))
    return place.map(catalogue=place.hdf5("table.h5", change))


@case("ring.h5", "no one-dimensional numeric datasets")
def hdf5_of_groups_in_a_ring(place):
    def change(file):
        file["a/b/c"] = h5py.SoftLink("/a")
        file["a/d"] = file["a"]
    return place.map(catalogue=place.hdf5("ring.h5", change))


@case("table.h5", "several groups", "--section")
def hdf5_of_two_catalogues(place):
    def change(file):
        for group in "one", "two":
            for name, values in place.inputs.columns.items():
                file[f"{group}/{name}"] = values
    return place.map(catalogue=place.hdf5("table.h5", change))


@case("table.h5", "differ in length")
def hdf5_bins_of_unequal_columns(place):
    def change(file):
        for bin_, less in (0, 0), (1, 3):
            for name, values in place.inputs.columns.items():
                file[f"shear/bin_{bin_}/{name}"] = values[less if name == "e2" else 0:]
    return place.map(catalogue=place.hdf5("table.h5", change))


@case("table.h5", "not a readable HDF5 file")
def hdf5_with_a_damaged_superblock(place):
    content = bytearray(place.inputs.survey[0].read_bytes())
    content[8:60] = b"\xff" * 52
    return place.map(catalogue=place.file("table.h5", bytes(content)))


@case("table.h5", "damaged", ranks=3)
def hdf5_with_a_damaged_middle(place):
    content = bytearray(place.inputs.survey[0].read_bytes())
    content[200:2000] = b"\xa5" * 1800
    return place.map(catalogue=place.file("table.h5", bytes(content)))


@case("maps.h5", "--section")
def catalogue_that_is_a_file_of_maps(place):
    return place.map(catalogue=place.inputs.maps, section="/maps")


# HDF5 whose values are elsewhere, or nowhere: it reads zeros


def tabled(place, e1):
    """The survey, but for e1, which e1(file, values) makes."""
    def change(file):
        for name, values in place.inputs.columns.items():
            if name == "e1":
                e1(file, values)
            else:
                file[name] = values
    return place.hdf5("table.h5", change)


@case("e1", "gone.h5", "not there", ranks=3)
def virtual_without_its_source(place):
    def e1(file, values):
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[:] = h5py.VirtualSource(str(place / "gone.h5"), "e1", values.shape)
        file.create_virtual_dataset("e1", layout)
    return place.map(catalogue=tabled(place, e1))


@case("e1", "values.raw", "too short")
def external_that_ends_early(place):
    def e1(file, values):
        place.file("values.raw", values.tobytes()[:100])
        file.create_dataset("e1", values.shape, values.dtype, external=[(str(place / "values.raw"), 0, values.nbytes)])
    return place.map(catalogue=tabled(place, e1))


@case("e1", "never written")
def half_written(place):
    def e1(file, values):
        file.create_dataset("e1", values.shape, values.dtype, chunks=(100, ))[:200] = values[:200]
    return place.map(catalogue=tabled(place, e1))


@case("TSCAL3", "mend")
def fits_scaled_by_zero(place):
    with fits.open(sound_fits(place)) as table:
        table[1].header["TSCAL3"] = 1.0
        table.writeto(place / "scaled.fits", output_verify="ignore")
    content = bytearray((place / "scaled.fits").read_bytes())
    at = content.index(b"TSCAL3  =")
    content[at:at + CARD] = f"TSCAL3  = {0.0:>20}".encode().ljust(CARD)
    return place.map(catalogue=place.file("scaled.fits", bytes(content)))


@case("--e2-column", "'e1'")
def one_column_for_two(place):
    return place.map(e2_column="e1")
