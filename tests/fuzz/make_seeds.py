"""Writes what each fuzz target begins with: make_seeds.py FOLDER. Sound files, small, of every kind that a parser
knows; fuzzing finds the others."""
import io
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

folder = Path(sys.argv[1])
COLUMNS = "ra", "dec", "e1", "e2", "w"
ROWS = np.arange(35, dtype=float).reshape(7, 5) / 8


def seed(target, name, content):
    path = folder / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def fits_bytes(*hdus):
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus] if not isinstance(hdus[0], fits.PrimaryHDU) else list(hdus)).writeto(stream)
    return stream.getvalue()


seed("config", "plain", "# a comment\nsize = 7\nrange = 1:3\nlist = 1, 2,3\nkind = b\nfast = yes\n")
seed("config", "sections", "[part]\nsize=1\n[other]\nkind=a\n")
seed("config", "numbers", "size = 1e-3\nlist = nan,inf,-1e308\nrange = :\n")

for name, separator in ("commas", ","), ("tabs", "\t"), ("spaces", "  "), ("semicolons", ";"):
    lines = [separator.join(COLUMNS), *(separator.join(map(str, row)) for row in ROWS)]
    seed("csv", name, "\n".join(lines) + "\n")
seed("csv", "comments", "# " + " ".join(COLUMNS) + "\n" + "\n".join(" ".join(map(str, row)) for row in ROWS))
seed("csv", "quotes", '\xef\xbb\xbf"ra","de,c",e1\r\n1,"2",NA\r\n\r\n+1e300,,--\r\n')

for kind in 0, 1, 2:
    seed("spectrum", f"two_{kind}", bytes([0, kind]) + b"# ell C_ell\n2 1e-9\n200 1e-10\n20000 1e-12\n")
seed("spectrum", "many", b"\x02\x00# L W1xW1 W1xW2\n2 1e-9 2e-9\n200 1e-10 1e-10\n")
seed("spectrum", "dl", b"\x00\x00# ell D_ell, ell(ell+1)/2pi\n0 0\n2 1e-9\n200 1e-10\n")
seed("spectrum", "redshifts", b"\x00\x00# Z_LOW Z_MID Z_HIGH BIN1\n0 0.05 0.1 3\n0.1 0.15 0.2 5\n0.2 0.25 0.3 0\n")

numbers = {name: column for name, column in zip(COLUMNS, ROWS.T)}
table = fits.BinTableHDU.from_columns([fits.Column(name, "D", array=column) for name, column in numbers.items()], name="CAT")
seed("fits_table", "doubles", fits_bytes(table))
mixed = fits.BinTableHDU.from_columns([
    fits.Column("ra", "E", array=ROWS[:, 0]), fits.Column("dec", "J", array=ROWS[:, 1].astype("i4"), null=3),
    fits.Column("id", "8A", array=["galaxy"] * 7), fits.Column("many", "3I", array=np.ones((7, 3), int)),
    fits.Column("flag", "L", array=[True] * 7), fits.Column("list", "PD()", array=np.array([ROWS[0]] * 7, dtype=object))])
seed("fits_table", "mixed", fits_bytes(fits.ImageHDU(np.zeros((3, 4))), mixed))

for nested in False, True:
    values = fits.Column("T", "D" if nested else "12E", array=np.arange(48) if nested else np.arange(48.).reshape(4, 12))
    whole = fits.BinTableHDU.from_columns([values])
    whole.header.update(PIXTYPE="HEALPIX", ORDERING="NESTED" if nested else "RING", NSIDE=2, COORDSYS="C", INDXSCHM="IMPLICIT")
    seed("healpix", f"whole_{nested}", fits_bytes(whole))
part = fits.BinTableHDU.from_columns([fits.Column("PIXEL", "J", array=[3, 40, 7]), fits.Column("T", "L", array=[1, 0, 1])])
part.header.update(PIXTYPE="HEALPIX", ORDERING="RING", NSIDE=2, OBJECT="PARTIAL")
seed("healpix", "part", fits_bytes(part))

image = fits.PrimaryHDU(np.arange(24.).reshape(4, 6))
image.header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CDELT1=-0.01, CDELT2=0.01)
seed("foreign_maps", "image", fits_bytes(image))
seed("foreign_maps", "cube", fits_bytes(fits.PrimaryHDU(np.ones((2, 3, 4), "i2"))))
for name, array in ("map", np.ones((3, 4))), ("stack", np.ones((2, 3, 4), "f4")), ("fortran", np.asfortranarray(np.ones((2, 3)))):
    stream = io.BytesIO()
    np.save(stream, array)
    seed("foreign_maps", name, stream.getvalue())
side = np.int32(4).tobytes()
seed("foreign_maps", "raw", side + np.ones(16).tobytes() + side)

card = """kind = deepmass
version = 0.1.0
skies = of a seed
command = tessera train
pixel_arcmin = 1
noise_low = 0.01
noise_high = 0.1
inputs = 2
outputs = 2
alignment = 2
receptive_radius = 9
ell = 100 1000
c_ell = 1e-9 1e-10
score = """ + " ".join(["1"] * 16) + "\n"
seed("model_card", "deepmass", card)
seed("model_card", "score", card.replace("deepmass", "score") + "high_pass = 600\nbands = 300 3000\nlevel = 0.01 1 0.1 1 1\n"
     "level = 0.1 1 0.1 1 1\nrange = 0.01 -1 1 -1 1\nrange = 0.1 -1 1 -1 1\ncalibration = " + " ".join(["1"] * 12) + "\n")

# Choices of layouts are bytes without a meaning of their own.
for target in "hdf5_catalogue", "hdf5_maps":
    for number in range(20):
        seed(target, str(number), np.random.default_rng(number).integers(0, 256, 20 + 20 * number, dtype=np.uint8).tobytes())
