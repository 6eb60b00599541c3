"""Places where nothing can be written, and outputs that would replace inputs."""
import os

from corpus import case
from refusal import OLD

# A name of 300 letters is longer than file systems take.
LONG = "x" * 300


@case("/absent/", "folder", ranks=3)
def folder_that_is_not_there(place):
    return place.sphere_map(out=place / "absent/maps.h5")


@case("/file/", "folder")
def file_in_place_of_a_folder(place):
    place.file("file", OLD)
    return place.skies(out=place / "file/skies.h5")


@case("out.h5.partial", "folder")
def folder_in_place_of_the_partial_file(place):
    words = place.map()
    (place / "out.h5.partial").mkdir()
    return words


@case("/proc/", "writable")
def folder_of_the_kernel(place):
    return place.map(out="/proc/maps.h5")


@case("/dev/full", "regular file", ranks=3)
def device_that_is_full(place):
    return place.map(out="/dev/full")


@case("/dev/null", "regular file")
def device_that_forgets(place):
    return place.export(place.inputs.survey[1], fits="/dev/null")


@case("regular file")
def folder_to_export_to(place):
    return place.export(place.inputs.survey[1], fits=place.here)


@case("too long")
def name_too_long(place):
    return place.map(out=place / LONG)


@case("loop")
def link_in_a_ring(place):
    os.symlink(place / "loop.h5", place / "loop.h5")
    return place.map(out=place / "loop.h5")


@case("dangling.h5", "link")
def link_to_nowhere(place):
    os.symlink(place / "absent/maps.h5", place / "dangling.h5")
    return place.map(out=place / "dangling.h5")


@case("pipe", "regular file")
def pipe_to_write_to(place):
    return place.imports(place.inputs.skies, out=place.fifo(), pixel_arcmin=None)


@case("out.h5", "--overwrite", ranks=3)
def that_exists_on_the_sphere(place):
    return place.sphere_map(overwrite=None)


@case("image.fits", "--overwrite")
def that_exists_as_an_image(place):
    return place.export(place.inputs.survey[1], overwrite=None)


@case("out.h5", "--overwrite")
def that_exists_as_a_model(place):
    return place.train(overwrite=None)


@case("out.h5", "--overwrite")
def that_exists_as_statistics(place):
    return place.compare_skies(place.inputs.skies, overwrite=None)


@case("out.h5", "--overwrite")
def that_exists_as_a_calibration(place):
    return place.calibrate(overwrite=None)


@case("catalogue.h5", "--out", "--catalogue")
def map_over_its_catalogue(place):
    path = place.copy(place.inputs.survey[0])
    return place.map(catalogue=path, out=path)


@case("spectrum.txt", "--out", "--spectrum", ranks=3)
def map_over_its_spectrum(place):
    path = place.file("spectrum.txt", "2 1e-9\n200000 1e-14\n")
    return place.map(spectrum=path, out=f"{place.here}/./spectrum.txt")


@case("truth.h5", "--fits")
def image_over_its_map(place):
    path = place.copy(place.inputs.survey[1])
    return place.export(path, fits=path)


@case("skies.h5", "--maps")
def set_over_its_maps(place):
    path = place.copy(place.inputs.skies)
    return place.imports(f"{path},{path}", out=path, pixel_arcmin=None)


@case("skies.h5", "--skies")
def model_over_its_skies(place):
    path = place.copy(place.inputs.skies)
    return place.train(skies=path, out=path)


@case("link.h5", "--out-truth")
def truth_over_its_catalogue_by_a_link(place):
    path = place.copy(place.inputs.survey[0])
    os.symlink(path, place / "link.h5")
    return place.simulate(catalogue=path, out_truth=place / "link.h5")


@case("out.h5.partial", "in the way", ranks=3)
def pipe_in_place_of_the_partial_file(place):
    words = place.map()
    place.fifo("out.h5.partial")
    return words


@case("out.h5.partial", "--catalogue reads", "lost")
def partial_file_that_is_the_catalogue(place):
    return place.map(catalogue=place.copy(place.inputs.survey[0], "out.h5.partial"))


@case("out.h5.checkpoint.1", "--skies reads", "lost")
def checkpoint_that_is_the_skies(place):
    return place.train(skies=place.copy(place.inputs.skies, "out.h5.checkpoint.1"))


@case("new.h5.checkpoint", "did not end", "--resume", ranks=3)
def beside_a_checkpoint_of_an_unfinished_run(place):
    place.file("new.h5.checkpoint", OLD)
    return place.train(out=place / "new.h5", overwrite=None)


@case("--out", "--card-out", "two names")
def two_in_one_place(place):
    return place.calibrate(card_out=place / "out.h5", score_model=place.inputs.score)


@case("--card-out", "--skies reads", "lost")
def card_over_the_skies(place):
    skies = place.copy(place.inputs.skies)
    return place.calibrate(skies=skies, card_out=skies, score_model=place.inputs.score)


@case("--maps reads", "lost")
def member_of_the_list(place):
    skies = place.copy(place.inputs.skies)
    return place.imports(f"@{place.file('list.txt', f'{skies}' + chr(10))}", out=skies, pixel_arcmin=None)


@case("--spectrum reads", "lost")
def file_of_the_folder(place):
    (place / "shear_cl").mkdir()
    member = place.file("shear_cl/bin_1_1.txt", OLD)
    place.file("shear_cl/ell.txt", OLD)
    return place.map(spectrum=place / "shear_cl", out=member)
