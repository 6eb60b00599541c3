"""Models: files of Tessera and TorchScript modules."""
import zipfile
from functools import cache

import h5py
import numpy as np

from common import SOURCE
from corpus import case

POLYNOMIAL = 0x42F0E1EBA9EA3693


MASK = (1 << 64) - 1


@cache
def crc_of(byte):
    value = byte << 56
    for _ in range(8):
        value = (value << 1 & MASK) ^ (POLYNOMIAL if value >> 63 else 0)
    return value


def crc64(content):
    """As the program's checksum: ECMA-182, nothing reflected."""
    crc = 0
    for byte in content:
        crc = (crc << 8 & MASK) ^ crc_of(crc >> 56 ^ byte)
    return f"{crc:016x}"


def seal(file):
    """Makes the checksum that of the card and the weights as they are now."""
    model = file["model"]
    model.attrs["checksum"] = crc64(model.attrs["card"].encode() + model["weights"][()].astype("f4").tobytes())


def deepmass(place, path, **changes):
    return place.map(methods="deepmass", model=path, outside_card="warn", **changes)


def changed(place, change, source=None):
    return place.hdf5("model.h5", change, source or place.inputs.model)


def with_card(place, old, new, source=None):
    """A model whose card has a line that begins with `old` replaced, under a checksum that agrees."""
    def change(file):
        lines = file["model"].attrs["card"].splitlines()
        assert any(line.startswith(old) for line in lines)
        file["model"].attrs["card"] = "\n".join(new if line.startswith(old) else line for line in lines) + "\n"
        seal(file)
    return changed(place, change, source)


def posterior(place, path, **changes):
    return place.map(methods="posterior", samples=1, chains=1, burn_in=1, trajectories=1, levels=2, score_model=path,
                     outside_card="warn", **changes)


@case("model.h5", "HDF5", ranks=3)
def cut_short(place):
    content = place.inputs.model.read_bytes()
    return deepmass(place, place.file("model.h5", content[:len(content) // 2]))


@case("model.h5")
def of_no_bytes(place):
    return deepmass(place, place.file("model.h5", b""))


@case("cl_cosmos_like.txt", "HDF5")
def that_is_a_text(place):
    return deepmass(place, SOURCE / "data/cl_cosmos_like.txt")


@case("model.h5", "'tessera train'")
def that_is_a_catalogue(place):
    return deepmass(place, place.copy(place.inputs.survey[0], "model.h5"))


@case("pipe", "file")
def from_a_pipe(place):
    return deepmass(place, place.fifo())


@case("model.pt", "damaged")
def script_of_junk(place):
    return deepmass(place, place.file("model.pt", b"PK\x03\x04" + bytes(range(256)) * 20))


@case("model.pt", "cannot be loaded")
def script_that_is_another_archive(place):
    with zipfile.ZipFile(place / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}.")
        archive.writestr("model/version", "3\n")
    return deepmass(place, place / "model.pt")


@case("model.h5", "checksum", "fresh copy")
def with_one_weight_changed(place):
    def change(file):
        file["model/weights"][3] += 1
    return deepmass(place, changed(place, change))


@case("model.h5", "weights")
def with_a_weight_missing(place):
    def change(file):
        weights = file["model/weights"][:-1]
        del file["model/weights"]
        file["model/weights"] = weights
        seal(file)
    return deepmass(place, changed(place, change))


@case("model.h5", "finite")
def of_weights_that_are_no_numbers(place):
    def change(file):
        file["model/weights"][:] = np.nan
        seal(file)
    return deepmass(place, changed(place, change))


@case("model.h5", "weights")
def of_weights_in_words(place):
    def change(file):
        del file["model/weights"]
        file["model/weights"] = np.full(100, b"heavy")
    return deepmass(place, changed(place, change))


@case("model.h5", "memory")
def of_weights_beyond_memory(place):
    def change(file):
        del file["model/weights"]
        file["model"].create_dataset("weights", (10**13,), "f4", chunks=(1024,))
    return deepmass(place, changed(place, change))


@case("model.h5", "card")
def without_a_card(place):
    def change(file):
        del file["model"].attrs["card"]
    return deepmass(place, changed(place, change))


@case("model.h5", "card")
def of_a_card_that_is_a_number(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("card", 3.5)))


@case("model.h5", "card", ranks=3)
def of_many_cards(place):
    texts = ["kind = deepmass"] * 4000
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("card", texts, dtype=h5py.string_dtype())))


@case("model.h5", "card")
def of_a_card_of_fixed_length(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("card", np.bytes_("kind = deepmass"))))


@case("model.h5", "blocks")
def of_many_numbers_for_one(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("blocks", np.arange(3000.0) + 1)))


@case("model.h5", "blocks")
def of_blocks_without_an_end(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("blocks", 2**40)))


@case("model.h5", "channels '2,-3'")
def of_channels_below_zero(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("channels", "2,-3")))


@case("model.h5", "weights")
def of_channels_beyond_memory(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("channels", "4096,4096,4096,4096")))


@case("model.h5", "weights")
def of_levels_without_an_end(place):
    return deepmass(place, changed(place, lambda file: file["model"].attrs.create("channels", ",".join(["1"] * 5000))))


@case("model.h5", "receptive_radius")
def whose_card_has_no_radius(place):
    return deepmass(place, with_card(place, "receptive_radius", "# receptive_radius"))


@case("model.h5", "its card says", ranks=3)
def whose_card_lies_of_its_reach(place):
    return deepmass(place, with_card(place, "receptive_radius", "receptive_radius = 1"))


@case("model.h5", "alignment")
def whose_card_says_no_number(place):
    return deepmass(place, with_card(place, "alignment", "alignment = two"))


@case("model.h5", "weights")
def whose_card_lies_of_its_inputs(place):
    return deepmass(place, with_card(place, "inputs", "inputs = 9"))


@case("model.h5", "noise_high")
def whose_noise_is_upside_down(place):
    return deepmass(place, with_card(place, "noise_high", "noise_high = 0"))


@case("model.h5", "C_ell")
def whose_spectrum_is_negative(place):
    return deepmass(place, with_card(place, "c_ell", "c_ell = -1e-9 -1e-10"))


@case("model.h5", "C_ell")
def whose_spectrum_has_no_power(place):
    def change(file):
        model = file["model"]
        lines = model.attrs["card"].splitlines()
        ell = next(line for line in lines if line.startswith("ell = ")).split()[2:]
        zeros = "c_ell = " + " ".join(["0"] * len(ell))
        model.attrs["card"] = "\n".join(zeros if line.startswith("c_ell") else line for line in lines) + "\n"
        seal(file)
    return deepmass(place, changed(place, change))


@case("model.h5", "name = value")
def whose_card_is_a_story(place):
    def change(file):
        file["model"].attrs["card"] = "Once upon a time\x1b[2J\nthere was\n"
        seal(file)
    return deepmass(place, changed(place, change))


@case("model.h5", "kind 'deepmass'", "train score")
def of_the_other_kind(place):
    return posterior(place, place.copy(place.inputs.model, "model.h5"))


@case("model.h5", "bands")
def whose_bands_are_missing(place):
    return posterior(place, with_card(place, "bands", "bands = ", place.inputs.score))


@case("model.h5", "fewer than two lines 'level'")
def of_one_noise_level(place):
    def change(file):
        lines = file["model"].attrs["card"].splitlines()
        first = next(line for line in lines if line.startswith("level = "))
        file["model"].attrs["card"] = "\n".join(line for line in lines if not line.startswith("level") or line == first) + "\n"
        seal(file)
    return posterior(place, changed(place, change, place.inputs.score))


@case("model.h5", "range")
def whose_ranges_are_upside_down(place):
    def change(file):
        lines = file["model"].attrs["card"].splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("range = "))
        values = lines[at].split()[2:]
        lines[at] = "range = " + " ".join([values[0], values[2], values[1], *values[3:]])
        file["model"].attrs["card"] = "\n".join(lines) + "\n"
        seal(file)
    return posterior(place, changed(place, change, place.inputs.score))


@case("model.h5", "HDF5")
def of_calibration_cut_short(place):
    content = place.inputs.score.read_bytes()
    return place.calibrate(score_model=place.file("model.h5", content[:3000]))


@case("model.h5", "sphere", "plane")
def of_the_plane_on_the_sphere(place):
    return place.sphere_map(methods="deepmass", samples=0, model=place.copy(place.inputs.model, "model.h5"))


@case("model.h5", "damaged", crashes=True)
def of_a_heap_without_sizes(place):
    """HDF5 looks for texts where the heap's directory says, and crashes."""
    path = place.copy(place.inputs.model, "model.h5")
    content = bytearray(path.read_bytes())
    first_size = content.index(b"GCOL") + 31  # the last byte of its first object's size
    content[first_size] = 64
    path.write_bytes(content)
    return deepmass(place, path)


@case("no numbers", ranks=3)
def of_weights_beyond_sense(place):
    def change(file):
        file["model/weights"][...] = 1e30
        seal(file)
    return deepmass(place, changed(place, change))
