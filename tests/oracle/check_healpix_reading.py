"""Runs the README's example of reading a map on the sphere, word for word, on a file and compares what it reads with the
bytes of the file, and the file with its format."""
import argparse
import os
import re
import tempfile
from pathlib import Path

import numpy as np

from common import CheckFailure, attribute, open_run, require, run_check

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"^<!-- example: healpix -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = "/maps/kappa_wiener"  # what the example reads, from maps.h5


def run_example(code, path):
    """The example's variables; it runs in a folder where the file is called as the example has it."""
    os.environ["MPLBACKEND"] = "Agg"
    variables, here = {}, os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(Path(path).resolve(), Path(folder, "maps.h5"))
        os.chdir(folder)
        try:
            exec(compile(code, str(README), "exec"), variables)
        except Exception as problem:
            raise CheckFailure(f"the example of {README.name} fails: {type(problem).__name__}: {problem}") from problem
        finally:
            os.chdir(here)
    return variables


def bytes_of(dataset, path):
    """A dataset's values from its bytes in the file, without HDF5's reading."""
    require(dataset.dtype.byteorder in "<=" and not dataset.compression,
            f"{dataset.name} is compressed or not little-endian: its bytes are not its values")
    kind = dataset.dtype.newbyteorder("<")
    if dataset.chunks is None:
        require(dataset.id.get_offset() is not None, f"{dataset.name} has no place in the file")
        return np.fromfile(path, kind, dataset.size, offset=dataset.id.get_offset())
    values = np.zeros(dataset.shape, kind)
    for number in range(dataset.id.get_num_chunks()):
        chunk = dataset.id.get_chunk_info(number)
        part = values[chunk.chunk_offset[0]:chunk.chunk_offset[0] + dataset.chunks[0]]
        part[:] = np.fromfile(path, kind, part.size, offset=chunk.byte_offset)
    return values


def check_format(file):
    """The attributes, and that a map's pixels are those of /healpix."""
    require(attribute(file, "/healpix", "ordering") == "NESTED", "/healpix is not NESTED")
    require(attribute(file, "/healpix", "coordsys") == "C", "/healpix is not in RA and Dec, coordsys C")
    nside, pixel = int(attribute(file, "/healpix", "nside")), file["/healpix/pixel"][()]
    require(pixel.dtype == np.int64, f"/healpix/pixel is {pixel.dtype}, not int64")
    require(pixel.size and pixel[0] >= 0 and pixel[-1] < 12 * nside**2 and (np.diff(pixel) > 0).all(),
            f"/healpix/pixel does not increase within the pixels of nside {nside}")
    names = [f"/{place}/{name}" for place in ("data", "maps") for name in file.get(place, {})]
    for name in names:
        require("value" in file[name] and "pixel" in file[name], f"{name} is not a group with value and pixel")
        require(file[f"{name}/pixel"] == file["/healpix/pixel"], f"{name}/pixel is not a link to /healpix/pixel")
        require(file[f"{name}/value"].dtype.kind == "f" and file[f"{name}/value"].shape[-1] == pixel.size,
                f"{name}/value does not have a number for each pixel")
        for key, expected in (("pixelization", "healpix"), ("nside", nside), ("npix", 12 * nside**2), ("nest", 1)):
            require(attribute(file, name, key) == expected,
                    f"{name} has {key} = {attribute(file, name, key)}, not {expected}")
        for key in ("units", "description"):
            require(attribute(file, name, key), f"{name} has an empty {key}")
    return names, pixel.size


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5", help=f"maps of the sphere with {NAME}")
    options = parser.parse_args()
    with open_run(options.run) as file:
        require("healpix" in file, f"'{options.run}' has no group /healpix: it holds no maps of the sphere")
        names, stored = check_format(file)
        require(NAME in file, f"'{options.run}' has no {NAME}")
        pixel, value = (bytes_of(file[f"{NAME}/{part}"], options.run) for part in ("pixel", "value"))
        npix = 12 * int(attribute(file, "/healpix", "nside"))**2
    examples = EXAMPLE.findall(README.read_text(encoding="utf-8"))
    require(len(examples) == 1, f"{README.name} has {len(examples)} examples marked 'healpix', not one")
    variables = run_example(examples[0], options.run)
    expected = np.full(npix, -1.6375e30)  # HEALPix's value of pixels that were not seen
    expected[pixel] = value
    kappa = variables.get("kappa")
    require(isinstance(kappa, np.ndarray) and kappa.shape == expected.shape, "the example does not make a map kappa")
    wrong = np.count_nonzero(kappa.view("u8") != expected.view("u8"))
    require(wrong == 0, f"the example reads {wrong} of {npix} pixels otherwise than the file has them")
    import matplotlib.pyplot as plt
    require(any(axes.images for axes in plt.gcf().axes), "the example draws nothing")
    print(f"{len(names)} maps of {stored} pixels have the format; the example of {README.name} reads {NAME} bit for bit")


if __name__ == "__main__":
    run_check(check)
