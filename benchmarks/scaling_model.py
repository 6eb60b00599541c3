"""The model. Predicted are binning, Kaiser-Squires, the Wiener mean, two draws, DeepMass and a chain of 2 samples after 2
trajectories of burn-in; a chain as usual (burn-in 40, 32 samples, 8 trajectories a sample, 10 levels of descent) takes that chain's
time by its network evaluations, 1 + burn-in + samples (trajectories + levels): the first level of the descent is known. Left out:
simulation (real surveys have a catalogue), reading and writing (they are the file system's), training.

A stage is cut into parts by what can be dealt out, and of each part, on p ranks,

    seconds = work grown share(p) blocks(p) + whole grown rest(p) + messages(p) latency + bytes(p) / bandwidth

share(p), of the busiest rank. Transforms of the plane: mean of ceil(n / p) / n for the rows and the columns of the box (nx / 2 + 1
of them); of the sphere: ceil(blocks / p) / blocks for its blocks of rings. Networks: the same for tiles. Galaxies: 1 / p.
blocks(p): 1 + k / (pairs of rings in a block), over that of the timed survey; k is fitted to the Wiener mean with 8 and with 64
blocks. 1 on the plane.
whole: on the sphere what every rank does (rest = 1), whose transforms begin and end with all coefficients. Of binning on the
plane, what the ranks with rows of the field do, the padding being others': rest = ceil(box rows / p) / field rows, at most 1.

Three times fix a part: T1 of one crowded rank, one on every core, each with the survey to itself, so that memory is shared by as
many ranks as there are cores here (two of a virtual machine: no full node); T2 of two ranks; and that of two ranks on a larger
survey.
- T1 = work + whole, T2 = work share(2) + whole rest(2) + exchange. On the plane nothing but binning has a `whole`, and the exchange
  is what is left. Elsewhere it is the bytes of two ranks over the rate at which the plane's transforms exchange theirs.
- Where two ranks are faster than that allows (half the survey each, and caches hold it), work follows from T2 alone and the model
  misses T1. Such parts are marked.
- Work grows to the larger survey as measured, and from there as the same power of the part's size (pixels of transforms, tiles of
  networks), at least 1 and at most the bytes' power and 1/2, as lmax^3 of a transform; of galaxies, linearly. What caches add
  between the two surveys is carried on. `whole` grows as bytes, tiles or galaxies.
- The transforms in a stage with a network (DeepMass, chain) take the Wiener mean's seconds for each byte they exchange.

bytes(p) and messages(p) are counted on a small survey on 8 ranks and more, and fitted by least squares of relative errors with
coefficients that are not negative: messages m0 + m1 p; bytes c0 (p - 1) / p + c1 / p on the sphere, whose ranks send and get all
coefficients but their own, c0 + c1 (p - 1) / p^2 on the plane, where a rank keeps its own part of a transpose. Bytes are the mean
rank's, on the plane times p share(p) for the busiest. Collectives count as ceil(log2 p) messages, gathers of coefficients as p - 1
round a ring, assumptions about MPI.
- Iterations grow with the survey: beyond the larger timed survey bytes grow as between the two timed ones (at least as pixels), and
  messages by what of that is not pixels. Both are overstated if iterations level off. c0 of the plane, sums over lines of the box,
  grows with iterations and the side.
- What networks exchange is known without a fit: one rank sends itself all of it. It grows with the tiles, which have the same
  windows in the timed survey and the target; the busiest rank has the greater of its shares of tiles and of the field. Their
  messages are counted in small tiles, whose halos touch more ranks than the target's: overstated.
- Every galaxy is sent to its pixel's owner, 40 bytes each, at least: mock catalogues of the sphere lie in the order of pixels,
  others do not.

Memory of a rank = base + replicated + v / p, from the peaks of one and two ranks: v from their difference; base, from the plane:
process and network library. replicated, on the sphere: what a rank keeps of all coefficients, which transforms begin and end with,
known: 32 bytes a coefficient times (2 + log2(a rank's blocks) + 1 - 1 / p); and what is then left of the peaks, grown with pixels.
Before a run on the sphere the program asks for that and 8 bytes times (59 per pixel + 2 x 48 per coefficient) / p, which is printed
beside: base and the catalogue, which is there by then, not included.

Efficiency: the model's time of one crowded rank over p times that of p ranks. Not in the model: a network that others use, ranks
that wait for each other, the file system. What two ranks take beyond half of one rank's time is a small difference of large numbers:
every prediction is made again with the times of two ranks on the timed survey 5 % shorter and longer, as they vary between runs."""
import copy
import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

STAGE_LIMITS = {"bin": "galaxies", "kaiser-squires": "transform", "wiener": "transform", "draws": "transform",
                "deepmass": "network", "posterior": "network"}
PIECES = ("work", "whole", "latency", "bandwidth")
PREDICTED_RANKS = (16, *(2**k for k in range(6, 13)))
SPREAD = 0.05  # of the times of two ranks, from one run to another
BYTES_OF_A_GALAXY = 40


@dataclass
class Geometry:
    """What a survey has to be dealt out. field and box: of the plane, in pixels; nside: of the sphere, 0 on the plane."""
    name: str
    pixels: int
    galaxies: float = 0.0
    tiles: int = 1
    field_ny: int = 0
    box_nx: int = 0
    box_ny: int = 0
    nside: int = 0

    def size(self, limit):
        return {"galaxies": self.galaxies, "transform": self.pixels, "network": self.tiles}[limit]

    def blocks(self, ranks):
        """Of rings, as RingDistribution has them."""
        blocks = max(8, 2 * self.nside // 256)
        while blocks < ranks:
            blocks *= 2
        return min(blocks, 2 * self.nside)

    def own_blocks(self, ranks):
        """Of the rank with most of them."""
        return math.ceil(self.blocks(ranks) / ranks)

    def pairs(self, ranks):
        return 2 * self.nside / self.blocks(ranks)

    def coefficients(self):
        return (2 * self.nside + 1) * (2 * self.nside + 2) / 2

    def share(self, limit, ranks):
        if limit == "galaxies":
            return 1 / ranks
        if limit == "network":
            return dealt(self.tiles, ranks)
        if self.nside > 0:
            return dealt(self.blocks(ranks), ranks)
        return (dealt(self.box_ny, ranks) + dealt(self.box_nx // 2 + 1, ranks)) / 2

    def field_share(self, ranks):
        """Of the pixels that hold data, what the rank with most of them has."""
        return 1 / ranks if self.nside > 0 else min(1.0, math.ceil(self.box_ny / ranks) / self.field_ny)

    def rest(self, ranks):
        return 1.0 if self.nside > 0 else self.field_share(ranks)


def dealt(units, ranks):
    return math.ceil(units / ranks) / units


def even_tiles(nx, ny, side, alignment=4):
    """How many tiles the plane has, as src/sky/plane_tiles.cpp counts them."""
    def aligned(n, parts):
        return alignment * math.ceil(math.ceil(n / parts) / alignment)
    width, height = aligned(nx, math.ceil(nx / (2 * side))), aligned(ny, max(2, math.ceil(ny / side)))
    return math.ceil(nx / width) * math.ceil(ny / height)


class Measured:
    """What was measured on one kind of sky."""

    def __init__(self, sky):
        self.timed, self.larger, self.counted, self.target = (Geometry(**sky["surveys"][role])
                                                              for role in ("timed", "larger", "counted", "target"))
        self.strong = {int(p): run for p, run in sky["strong"].items()}
        self.crowded, self.larger_run, self.blocks = sky["crowded"]["seconds"], sky["larger"], sky.get("blocks")
        self.counts = {int(p): run["sent"] for p, run in sky["counts"].items()}
        self.memory = {p: self.strong[p]["memory"] for p in (1, 2)}
        self.on_sphere = self.timed.nside > 0

    def stages(self):
        return [stage for stage in STAGE_LIMITS if stage in self.crowded]

    def network_bytes(self, stage):
        """Of all ranks together, on the timed survey."""
        return self.strong[1]["sent"][stage]["bytes"][0] if STAGE_LIMITS[stage] == "network" else 0.0

    def transform_bytes(self, stage, run, tiles):
        """Of the mean of two ranks, without the network's."""
        return max(run["sent"][stage]["bytes"][1] - self.network_bytes(stage) * tiles / self.timed.tiles / 2, 0.0)

    def counted_bytes(self, stage):
        """{ranks: of the mean rank, without the network's}."""
        network = self.counts[1][stage]["bytes"][0] if STAGE_LIMITS[stage] == "network" else 0.0
        return {p: sent[stage]["bytes"][1] - network / p for p, sent in self.counts.items() if p > 1}


@dataclass
class Part:
    """Of a stage. first, second, larger: seconds of one crowded rank, of two ranks, of two with the larger survey. sent,
    sent_larger: by a rank of the two."""
    stage: str
    limit: str
    first: float
    second: float
    larger: float
    sent: float
    sent_larger: float
    work: float = 0.0
    whole: float = 0.0
    exchange: float = 0.0  # seconds of two ranks
    follows_first: bool = True
    grown: float = 1.0  # work of the larger survey over that of the timed one
    power: float = 1.0

    def seconds(self, survey, ranks, growth=(1.0, 1.0), blocks=1.0):
        """(work, whole) of so many ranks; growth: of work and of whole."""
        return (self.work * growth[0] * survey.share(self.limit, ranks) * blocks, self.whole * growth[1] * survey.rest(ranks))


def basis_bytes(survey, ranks):
    """What a rank keeps of all coefficients of E and B: see SphereBasis."""
    if survey.nside == 0:
        return 0.0
    return 32 * survey.coefficients() * (2 + math.log2(survey.own_blocks(ranks)) + 1 - 1 / ranks)


def law(values, terms):
    """Coefficients, not negative, of the two terms that fit {ranks: value} of 8 ranks and more."""
    some = {p: v for p, v in values.items() if v > 0 and p >= min(8, max(values))}
    if not some:
        return np.zeros(2)
    return nnls(np.array([np.array(terms(p)) / v for p, v in some.items()]), np.ones(len(some)))[0]


def bytes_terms(on_sphere):
    return (lambda p: ((p - 1) / p, 1 / p)) if on_sphere else (lambda p: (1.0, (p - 1) / p**2))


def message_terms(p):
    return 1.0, float(p)


def node_rate(plane):
    """Bytes/s of a rank's transposes within these cores, from what two ranks take beyond half of a crowded rank's time or, if that
    is nothing, of a single rank's; infinite if that is nothing either."""
    stages = [s for s in plane.stages() if STAGE_LIMITS[s] == "transform"]
    sent = sum(plane.transform_bytes(s, plane.strong[2], plane.timed.tiles) for s in stages)
    share = plane.timed.share("transform", 2)
    for first in (plane.crowded, plane.strong[1]["seconds"]):
        beyond = sum(plane.strong[2]["seconds"][s] - share * first[s] for s in stages)
        if beyond > 0:
            return sent / beyond
    return math.inf


class Model:
    """Of one kind of sky; the plane's measurements give the rate of exchange and the base of memory to both."""

    def __init__(self, sky, plane):
        self.sky, self.rate = sky, node_rate(plane)
        self.base = 2 * plane.memory[2] - plane.memory[1]
        self.k = 0.0
        self.parts = [self.solved(part) for stage in sky.stages() for part in self.cut(stage)]
        if sky.on_sphere and sky.blocks:
            self.k = self.cost_of_blocks()
        for part in self.parts:
            self.grow(part)
        self.check()

    def cut(self, stage):
        sky, limit = self.sky, STAGE_LIMITS[stage]
        runs = (sky.crowded, sky.strong[2]["seconds"], sky.larger_run["seconds"])
        sent = (sky.transform_bytes(stage, sky.strong[2], sky.timed.tiles),
                sky.transform_bytes(stage, sky.larger_run, sky.larger.tiles))
        if limit != "network":
            return [Part(stage, limit, *(run[stage] for run in runs), *sent)]
        wiener = [sky.transform_bytes("wiener", run, 0) for run in (sky.strong[2], sky.strong[2], sky.larger_run)]
        like = [own / of_wiener for own, of_wiener in zip((sent[0], *sent), wiener)]
        transforms = [min(run["wiener"] * ratio, 0.9 * run[stage]) for run, ratio in zip(runs, like)]
        network = [sky.network_bytes(stage) * survey.tiles / sky.timed.tiles * self.network_share(survey, 2)
                   for survey in (sky.timed, sky.larger)]
        return [Part(stage, "transform", *transforms, *sent),
                Part(stage, "network", *(run[stage] - own for run, own in zip(runs, transforms)), *network)]

    @staticmethod
    def network_share(survey, ranks):
        return max(survey.share("network", ranks), survey.field_share(ranks))

    def solved(self, part):
        """work, whole and exchange from the times of one and two ranks."""
        survey = self.sky.timed
        share, rest = survey.share(part.limit, 2), survey.rest(2)
        part.exchange = min(part.sent / self.rate, part.second / 2)
        if not self.sky.on_sphere and part.limit != "galaxies":
            beyond = part.second - share * part.first
            if beyond >= 0:
                part.work, part.exchange = part.first, beyond
                return part
        elif share < rest:
            whole = (part.second - part.exchange - share * part.first) / (rest - share)
            if 0 <= whole <= part.first:
                part.work, part.whole = part.first - whole, whole
                return part
        part.work, part.follows_first = (part.second - part.exchange) / share, False
        return part

    def cost_of_blocks(self):
        """k of 1 + k / pairs, from the Wiener mean of two ranks with few and with many blocks."""
        wiener = next(part for part in self.parts if part.stage == "wiener")
        (few, fast), (many, slow) = sorted((int(b), s) for b, s in self.sky.blocks.items())
        dealt_out = [max(seconds - wiener.whole - wiener.exchange, 1e-9) for seconds in (fast, slow)]
        ratio, pairs = dealt_out[1] / dealt_out[0], 2 * self.sky.timed.nside
        return min(max(ratio - 1, 0.0) / max(many / pairs - ratio * few / pairs, 1e-6), 1e3)

    def factor_of_blocks(self, part, survey, ranks):
        """Over that of the timed survey."""
        if not self.sky.on_sphere or part.limit != "transform":
            return 1.0
        return (1 + self.k / survey.pairs(ranks)) / (1 + self.k / self.sky.timed.pairs(2))

    def grow(self, part):
        """By the time of the larger survey."""
        sky = self.sky
        exchange = part.exchange * (part.sent_larger / part.sent if part.sent > 0 else 1.0)
        blocks = self.factor_of_blocks(part, sky.larger, 2)
        work, whole = part.seconds(sky.larger, 2, (1.0, self.whole_growth(part, sky.larger)), blocks)
        left = part.larger - exchange - whole
        part.grown = left / work if left > 0 else part.larger / part.second
        if part.limit != "galaxies":
            part.power = min(self.power(part, part.grown), self.bytes_power(part) + 0.5)

    def power(self, part, grown):
        """Of the part's size, from its growth to the larger survey."""
        growth = self.sky.larger.size(part.limit) / self.sky.timed.size(part.limit)
        return max(1.0, math.log(grown) / math.log(growth)) if growth > 1 else 1.0

    def bytes_power(self, part):
        return self.power(part, part.sent_larger / part.sent) if part.sent > 0 else 1.0

    def bytes_growth(self, part, survey, start):
        """Of transforms, from `start` bytes on two ranks; survey: the larger one, or beyond."""
        return part.sent_larger * (survey.pixels / self.sky.larger.pixels)**self.bytes_power(part) / start if start > 0 else 0.0

    def whole_growth(self, part, survey):
        if part.limit == "transform":
            return self.bytes_growth(part, survey, part.sent)
        return survey.size(part.limit) / self.sky.timed.size(part.limit)

    def check(self):
        """The model returns what was measured."""
        sky = self.sky
        for stage in sky.stages():
            parts = [part for part in self.parts if part.stage == stage]
            two = sum(sum(part.seconds(sky.timed, 2)) + part.exchange for part in parts)
            assert math.isclose(two, sky.strong[2]["seconds"][stage], rel_tol=1e-9), (stage, two)
            one = sum(sum(part.seconds(sky.timed, 1)) if part.follows_first else part.first for part in parts)
            assert math.isclose(one, sky.crowded[stage], rel_tol=1e-9), (stage, one)

    def sent(self, part, ranks):
        """(messages, bytes) of the busiest rank at the target."""
        sky, target = self.sky, self.sky.target
        if part.limit == "network":  # its messages are in those of the stage, which go with the transforms
            total = sky.network_bytes(part.stage) * target.tiles / sky.timed.tiles
            return 0.0, total * self.network_share(target, ranks)
        counted = sky.counted_bytes(part.stage)
        constant, shrinking = law(counted, bytes_terms(sky.on_sphere)) * bytes_terms(sky.on_sphere)(ranks)
        messages = law({p: sent[part.stage]["messages"][0] for p, sent in sky.counts.items() if p > 1}, message_terms)
        messages = messages @ message_terms(ranks)
        if part.limit == "galaxies":
            at_least = BYTES_OF_A_GALAXY * target.galaxies * target.field_share(ranks)
            of_mocks = 0.0 if sky.on_sphere else (constant + shrinking) * target.galaxies / sky.counted.galaxies
            return messages, max(of_mocks, at_least)
        growth, pixels = self.bytes_growth(part, target, counted[2]), target.pixels / sky.counted.pixels
        messages *= max(growth / pixels, 1.0)
        if sky.on_sphere:
            return messages, (constant + shrinking) * growth
        return messages, (constant / math.sqrt(pixels) + shrinking) * growth * ranks * target.share("transform", ranks)

    def pieces(self, part, ranks, latency, bandwidth):
        sky, target = self.sky, self.sky.target
        grown = part.grown * (target.size(part.limit) / sky.larger.size(part.limit))**part.power
        work, whole = part.seconds(target, ranks, (grown, self.whole_growth(part, target)),
                                   self.factor_of_blocks(part, target, ranks))
        messages, sent = self.sent(part, ranks) if ranks > 1 else (0.0, 0.0)
        return {"work": work, "whole": whole, "latency": messages * latency, "bandwidth": sent / bandwidth}

    def memory(self, ranks):
        """Of a rank, bytes."""
        sky, target = self.sky, self.sky.target
        growth = target.pixels / sky.timed.pixels
        one, two = (sky.memory[p] - basis_bytes(sky.timed, p) for p in (1, 2))
        shrinks = 2 * (one - two)
        if not sky.on_sphere:
            return self.base + shrinks * growth * dealt(target.box_ny, ranks)
        replicated = max(2 * two - one - self.base, 0.0) * growth
        return self.base + replicated + basis_bytes(target, ranks) + shrinks * growth * target.share("transform", ranks)

    def memory_asked(self, ranks):
        """By the program, for a chain on the sphere: require_sphere_memory with the numbers of apps/map.cpp."""
        target = self.sky.target
        column = 2 * target.nside + 1
        own = target.coefficients() / ranks + column
        return basis_bytes(target, ranks) + 8 * (59 * target.pixels / ranks + 2 * (48 * own + 2 * (ranks - 1) * column))

    def row(self, ranks, latency, bandwidth, alone):
        row = {"ranks": ranks, "stages": {}, **dict.fromkeys(PIECES, 0.0)}
        for part in self.parts:
            pieces = self.pieces(part, ranks, latency, bandwidth)
            row["stages"][part.stage] = row["stages"].get(part.stage, 0.0) + sum(pieces.values())
            for name, value in pieces.items():
                row[name] += value
        row["seconds"] = sum(row["stages"].values())
        assert math.isclose(row["seconds"], sum(row[name] for name in PIECES), rel_tol=1e-9)
        row["usual_chain"] = row["stages"].get("posterior", 0.0) * evaluations(40, 32) / evaluations(2, 2)
        row["efficiency"] = alone / (ranks * row["seconds"])
        row["limit"], row["slowest"] = max(PIECES, key=row.get), max(row["stages"], key=row["stages"].get)
        row["memory"] = self.memory(ranks)
        if self.sky.on_sphere:
            row["memory_asked"] = self.memory_asked(ranks)
        return row

    def table(self, latency, bandwidth):
        alone = sum(sum(self.pieces(part, 1, latency, bandwidth).values()) for part in self.parts)
        return [self.row(p, latency, bandwidth, alone) for p in PREDICTED_RANKS]


def evaluations(burn_in, samples, trajectories=8, levels=10):
    """Of the network, by a chain."""
    return 1 + burn_in + samples * (trajectories + levels)


def models(skies, factor=1.0):
    """One for every sky; factor: on the times of two ranks."""
    skies = copy.deepcopy(skies)
    for sky in skies.values():
        sky["strong"]["2"]["seconds"] = {stage: factor * s for stage, s in sky["strong"]["2"]["seconds"].items()}
        if "blocks" in sky:
            sky["blocks"] = {blocks: factor * s for blocks, s in sky["blocks"].items()}
    measured = {name: Measured(sky) for name, sky in skies.items()}
    return {name: Model(sky, measured["plane"]) for name, sky in measured.items()}


def tables(name, variants, latency, bandwidths):
    """variants: models of all skies, those of other times after the first. Rows know what the others say: "spread"."""
    found = []
    for bandwidth in bandwidths:
        rows, *others = (model[name].table(latency, bandwidth) for model in variants)
        for row, *same in zip(rows, *others):
            row["spread"] = sorted(other["seconds"] for other in same)
        found.append({"bandwidth": bandwidth, "rows": rows})
    return found


def predict(result, latency, bandwidths):
    """For every sky of `result`: {target, exchange: bytes/s, blocks: k, parts, tables: one for each bandwidth}."""
    variants = [models(result["skies"], factor) for factor in (1.0, 1.0 - SPREAD, 1.0 + SPREAD)]
    found = {}
    for name, model in variants[0].items():
        sky = model.sky
        told = ("stage", "limit", "work", "whole", "exchange", "power", "follows_first")
        parts = [{**{quantity: getattr(part, quantity) for quantity in told}, "bytes_power": model.bytes_power(part)}
                 for part in model.parts]
        found[name] = {"target": vars(sky.target), "rate": None if math.isinf(model.rate) else model.rate, "blocks": model.k,
                       "parts": parts, "latency": latency,
                       "tables": tables(name, variants, latency, bandwidths)}
    return found
