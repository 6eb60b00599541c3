"""Files of options, and options that contradict themselves."""
import os

from common import SOURCE
from corpus import case


def config(place, content, **changes):
    return place.map(config=place.file("options.txt", content), **changes)


@case("options.txt", "'seed'", "once")
def one_name_twice(place):
    return config(place, "seed = 1\nseed = 2\n")


@case("options.txt", "config")
def that_names_another(place):
    place.file("more.txt", "seed = 3\n")
    return config(place, f"config = {place / 'more.txt'}\n")


@case("options.txt", "config", ranks=3)
def that_names_itself(place):
    return config(place, f"config = {place / 'options.txt'}\n")


@case("options.txt", "%canonical_option%")
def of_names_that_messages_are_made_of(place):
    """Boost replaces what stands between two % in them, by itself for ever."""
    return config(place, "%canonical_option% = 3\n")


@case("options.txt", "help")
def that_asks_for_help(place):
    return config(place, "help = yes\n")


@case("options.txt", "Catalogue.seed")
def of_sections(place):
    return config(place, "[Catalogue]\nseed = 3\n")


@case("options.txt", "no text")
def of_junk(place):
    return config(place, bytes(range(1, 256)) * 8)


@case("options.txt", "text")
def with_zero_bytes(place):
    return config(place, b"seed = 1\0\0\nquiet = yes\n")


@case("options.txt", "text")
def in_utf16(place):
    return config(place, "seed = 1\n".encode("utf-16"))


@case("options.txt", "invalid line")
def that_commands_a_terminal(place):
    return config(place, "\x1b[2J\x1b[31mok\r\n")


@case("options.txt")
def of_one_line_without_an_end(place):
    return config(place, "x" * 2_000_000)


@case("--seed", "missing")
def of_a_name_without_a_value(place):
    return config(place, "seed =\n")


@case("--overwrite", "perhaps")
def switch_that_is_neither(place):
    return config(place, "overwrite = perhaps\n", overwrite=None)


@case("--seed", "'1 2'")
def of_two_values(place):
    return config(place, "seed = 1 2\n")


@case("pipe", "file")
def from_a_pipe(place):
    return place.map(config=place.fifo())


@case("/dev/zero", "file")
def without_an_end(place):
    return place.map(config="/dev/zero")


@case("maps.h5", "text")
def that_is_a_file_of_maps(place):
    return place.sphere_map(config=place.inputs.maps)


@case("options.txt", "speed", ranks=3)
def with_an_unknown_name_for_skies(place):
    return place.skies(config=place.file("options.txt", "speed = 3\n"))


@case("options.txt", "npixel")
def with_an_unknown_name_for_training(place):
    return place.train(config=place.file("options.txt", "npixel = 3\n"))


@case("--seed", "-1")
def seed_below_zero(place):
    return place.skies(seed=-1)


@case("--seed", "18446744073709551616")
def seed_beyond_its_bits(place):
    return place.sphere_simulate(seed=2**64)


@case("--nside", "48", "power of two")
def nside_that_is_no_power_of_two(place):
    return place.sphere_map(nside=48)


@case("GB", "nside 16777216")
def nside_beyond_memory(place):
    return place.sphere_map(nside=2**24)


@case("--lmax")
def lmax_beyond_the_pixels(place):
    return place.sphere_map(lmax=500)


@case("--sigma8", "0.9:0.7")
def range_upside_down(place):
    return place.skies(model="halo", nz=SOURCE / "data/nz_cosmos_like.txt", sigma8="0.9:0.7")


@case("--center", "nan")
def centre_that_is_no_number(place):
    return place.map(center="nan,2")


@case("--channels")
def network_of_no_channels(place):
    words = place.train()
    words[words.index("--channels") + 1] = ","
    return words


@case("--test-densities")
def depths_that_are_no_numbers(place):
    words = place.train()
    words[words.index("--test-densities") + 1] = "deep"
    return words


@case("--scale", "0")
def scale_that_leaves_nothing(place):
    return place.imports(place.inputs.skies, scale=0, pixel_arcmin=None)


@case("--scales-arcmin", "twice")
def one_scale_twice(place):
    return place.map(methods="posterior", score_model="none", samples=1, scales_arcmin="1,2,1")


@case("--resume", "yes or no")
def switch_of_the_command_line_that_is_neither(place):
    return [*place.map(), "--resume=maybe"]


@case("config file", "symbolic links")
def link_in_a_ring(place):
    os.symlink(place / "ring.ini", place / "ring.ini")
    return place.map(config=place / "ring.ini")
