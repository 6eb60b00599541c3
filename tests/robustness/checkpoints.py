"""Checkpoints of trainings and of posterior samples."""
import subprocess
import time

import h5py
import numpy as np

from common import MPIEXEC, TESSERA, end_session
from corpus import Place, case
from seal import seal


# Long enough not to end before it is killed.
STEPS = 1000


def is_wanted(path):
    """Whether a checkpoint is there, of samples with one at least."""
    try:
        with h5py.File(path) as file:
            return "posterior" not in file or file["posterior"].attrs["sample"] > 0
    except (OSError, KeyError):
        return False


def killed(inputs, name, words, made={}):
    """A checkpoint of a run that was killed after it had written it; made once."""
    if (inputs, name) not in made:
        words[words.index("--out") + 1] = out = inputs.folder / name
        path = out.with_name(name + ".checkpoint")
        process = subprocess.Popen([str(word) for word in [MPIEXEC, "-n", 2, TESSERA, *words]], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        while process.poll() is None and not is_wanted(path):
            time.sleep(0.005)
        end_session(process.pid)
        process.wait()
        made[inputs, name] = path
    return made[inputs, name]


def put_there(place, source, change=None, content=None):
    """A checkpoint with what change(file) does to it under a new seal, or other content."""
    if content is not None:
        place.file("out.h5.checkpoint", content)
    else:
        seal(place.hdf5("out.h5.checkpoint", change or (lambda file: None), source))


def training_words(place, kind="deepmass"):
    words = place.train(kind, resume=True)
    words[words.index("--steps") + 1] = STEPS
    return words


def training_checkpoint(place):
    return killed(place.inputs, "trained.h5", training_words(Place(place.inputs)))


def training(place, change=None, kind="deepmass", content=None):
    """A training that is to go on from a checkpoint that was changed."""
    put_there(place, training_checkpoint(place), change, content)
    return training_words(place, kind)


def attribute(name, value):
    return lambda file: file["training"].attrs.create(name, value)


def dataset(name, make):
    def change(file):
        values = file["training"][name][()]
        del file["training"][name]
        if (changed := make(values)) is not None:
            file["training"][name] = changed
    return change


@case("out.h5.checkpoint", "checksum", "--resume", ranks=3)
def of_junk(place):
    return training(place, content=bytes(range(256)) * 30)


@case("out.h5.checkpoint", "checksum")
def of_no_bytes(place):
    return training(place, content=b"")


@case("out.h5.checkpoint", "cut short")
def cut_short(place):
    content = training_checkpoint(place).read_bytes()
    return training(place, content=content[:len(content) // 2])


@case("out.h5.checkpoint", "checksum is")
def with_a_byte_that_changed(place):
    content = bytearray(training_checkpoint(place).read_bytes())
    content[len(content) // 3] ^= 4
    return training(place, content=bytes(content))


@case("out.h5.checkpoint", "cut short")
def with_a_byte_too_many(place):
    return training(place, content=training_checkpoint(place).read_bytes() + b"\n")


@case("out.h5.checkpoint", "HDF5", ranks=3)
def of_junk_under_a_seal(place):
    words = training(place, content=bytes(range(256)) * 30)
    seal(place / "out.h5.checkpoint")
    return words


@case("out.h5.checkpoint' ", "out.h5.checkpoint.1' ", "checksum", "cut short", "--resume")
def that_is_damaged_as_the_one_before(place):
    content = training_checkpoint(place).read_bytes()
    words = training(place, content=content[:900] + b"?" + content[901:])
    place.file("out.h5.checkpoint.1", content[:-5])
    return words


@case("out.h5.checkpoint'", "another run", "out.h5.checkpoint.1' is of this run", "rename")
def of_another_training_after_one_of_this(place):
    words = training(place, attribute("identity", "seed = 3"))
    place.copy(training_checkpoint(place), "out.h5.checkpoint.1")
    return words


@case("out.h5.checkpoint", "no checkpoint of a training")
def that_is_a_catalogue(place):
    return training(place, content=place.inputs.survey[0].read_bytes())


@case("out.h5.checkpoint", "another run", "--resume")
def of_another_training(place):
    return [*training(place), "--seed", 9]


@case("out.h5.checkpoint", "another run")
def of_another_command(place):
    return training(place, kind="score")


@case("out.h5.checkpoint", "another run")
def of_another_version(place):
    return training(place, attribute("identity", "grid = plane\nnetwork = 3\n"))


@case("out.h5.checkpoint", "identity")
def of_many_configurations(place):
    return training(place, attribute("identity", np.array(["a"] * 3000, h5py.string_dtype())))


@case("out.h5.checkpoint", "step")
def whose_step_is_no_number(place):
    return training(place, attribute("step", np.nan))


@case("out.h5.checkpoint", "step")
def whose_step_is_below_zero(place):
    return training(place, attribute("step", -4))


@case("out.h5.checkpoint", "step", ranks=3)
def of_many_steps(place):
    return training(place, attribute("step", np.arange(4000.0)))


@case("out.h5.checkpoint", "/training/first")
def without_a_vector(place):
    return training(place, dataset("first", lambda values: None))


@case("out.h5.checkpoint", "/training/weights")
def of_a_weight_too_few(place):
    return training(place, dataset("weights", lambda values: values[:-1]))


@case("out.h5.checkpoint", "finite")
def of_weights_that_are_no_numbers(place):
    return training(place, dataset("weights", lambda values: values * np.nan))


@case("out.h5.checkpoint", "second")
def of_squares_below_zero(place):
    return training(place, dataset("second", lambda values: values - 1))


@case("out.h5.checkpoint", "history")
def whose_history_is_torn(place):
    return training(place, dataset("history", lambda values: values.ravel()[:-2]))


@case("out.h5.checkpoint", "folder")
def that_is_a_folder(place):
    words = place.train(resume=True)
    (place / "out.h5.checkpoint").mkdir()
    return words


# Posterior samples


SAMPLING = dict(methods="posterior", chains=2, samples=60, burn_in=1, trajectories=1, levels=2, score_model="none",
                checkpoint_minutes=0)


def sampling_checkpoint(place):
    return killed(place.inputs, "sampled.h5", Place(place.inputs).map(**SAMPLING, resume=True))


def sampling(place, change=None, content=None, **changes):
    put_there(place, sampling_checkpoint(place), change, content)
    return place.map(**SAMPLING | changes, resume=True)


def put(name, value, group="posterior"):
    return lambda file: file[group].attrs.create(name, value)


def without(name):
    def change(file):
        del file["posterior"][name]
    return change


@case("out.h5.checkpoint", "cut short", ranks=3)
def of_samples_cut_short(place):
    return sampling(place, content=sampling_checkpoint(place).read_bytes()[:3000])


@case("out.h5.checkpoint", "no checkpoint of posterior samples")
def of_samples_that_is_of_a_training(place):
    return sampling(place, content=training_checkpoint(place).read_bytes())


@case("out.h5.checkpoint", "another run", "seed is", "--resume")
def of_samples_of_another_seed(place):
    return sampling(place, seed=8)


@case("out.h5.checkpoint", "position_0")
def of_samples_without_a_position(place):
    return sampling(place, without("position_0"))


@case("out.h5.checkpoint", "expected")
def of_samples_without_an_expectation(place):
    return sampling(place, without("current/expected"))


@case("out.h5.checkpoint", "damaged", ranks=3)
def of_samples_without_an_end(place):
    return sampling(place, put("samples", 1e15, "posterior/current"))


@case("out.h5.checkpoint", "damaged")
def of_fewer_samples_than_figures(place):
    return sampling(place, put("samples", 0, "posterior/current"))


@case("out.h5.checkpoint", "components")
def of_samples_of_many_components(place):
    return sampling(place, put("components", 1e12))


@case("out.h5.checkpoint", "damaged")
def of_samples_of_no_component(place):
    return sampling(place, put("components", 0))


@case("out.h5.checkpoint", "chain")
def of_samples_of_a_chain_beyond_the_last(place):
    return sampling(place, put("chain", 7))


@case("out.h5.checkpoint", "chain")
def of_samples_of_a_chain_that_is_no_number(place):
    return sampling(place, put("chain", np.nan))


@case("out.h5.checkpoint", "finite")
def of_samples_at_a_place_that_is_no_number(place):
    def change(file):
        file["posterior/position_0"][5] = np.nan
    return sampling(place, change)
