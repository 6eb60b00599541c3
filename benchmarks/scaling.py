#!/usr/bin/env python3
"""How every stage scales with ranks: times on one and two cores, messages and load on up to 64 ranks that share the cores, and what
that predicts for a cluster. Writes JSON and draws it; `--draw FILE` draws what was measured before.

Strong scaling: one survey, more ranks. Weak scaling: a survey that grows with the ranks. All figures are those that the program
writes (/diagnostics/ranks), times the least of the repeats on the slowest rank. Nothing is timed while anything else runs; every
map made while timing or counting is compared with that of one rank: bit for bit, or, of the sphere on more ranks than it has
blocks of rings, to rounding.

The model, for each stage of a survey `growth` times the timed one, on p ranks:

    seconds = work growth^a ceil(units / p) / units + whole growth + messages(p) latency + bytes(p) growth / bandwidth

work: seconds of one rank while every other core does the same on its own, since the cores of a node share its memory. a: of a
survey of another size, between 1 and 3/2; 3/2 for transforms of the sphere, whose cost goes as lmax^3. units: what can be dealt out -
rows of the box, tiles of a network, pairs of rings. messages and bytes: of the busiest rank, power laws in p through the counts of 8
ranks and more. What two ranks take beyond work / 2 is, on the plane, the exchange itself, which bytes / bandwidth stands for: nothing
there is done by every rank; the rate it implies within a node is printed. On the sphere every rank has all coefficients, and it is
taken for the work on them, `whole`. Not in the model: a network that others use, the file system."""
import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent

# What happens in a stage, by the names of the program's clock, and what limits how it is shared.
STAGES = {"simulate": (("sky", "galaxies"), "galaxies"), "train": (("training",), "surveys"),
          "read": (("read catalogue",), "galaxies"), "bin": (("bin galaxies",), "galaxies"),
          "kaiser-squires": (("kaiser-squires",), "transform"), "wiener": (("wiener",), "transform"),
          "draws": (("wiener samples",), "transform"), "deepmass": (("deepmass",), "network"),
          "posterior": (("posterior samples",), "network"),
          "write": (("write", "write kaiser-squires", "write wiener", "write samples", "write deepmass", "write posterior",
                     "write provenance"), "disk")}
COUNTED_RANKS = (1, 2, 4, 8, 16, 32, 64)
PREDICTED_RANKS = tuple(2**k for k in range(6, 13))


class Survey:
    """A mock survey, how it is mapped, and into what its work can be dealt."""

    def __init__(self, name, sky, prior, density, pixels, units, exact_ranks=math.inf):
        """units: {limit: parts}; exact_ranks: up to so many the bits are the same."""
        self.name, self.sky, self.prior, self.density, self.pixels, self.units = name, sky, prior, density, pixels, units
        self.exact_ranks = exact_ranks


def plane(nx, ny, tile=256):
    box = 2 * ny
    return Survey(f"plane {nx} x {ny}", ["--center", "150,2", "--npix", f"{nx},{ny}", "--pixel-arcmin", "0.29"],
                  ["--spectrum", SOURCE / "data/cl_cosmos_like.txt"], ["--density", "40", "--sigma-e", "0.28"], nx * ny,
                  {"transform": box, "network": math.ceil(nx / tile) * math.ceil(ny / tile)})


def sphere(nside, tile=128, share=0.1, density=0.5):
    """share: of the sky that holds data; density: of the galaxies, 1/arcmin^2."""
    tiles = max(1, round(share * 12 * (nside / min(tile, nside)) ** 2))
    return Survey(f"sphere nside {nside}", ["--grid", "healpix", "--nside", nside], ["--spectrum", SOURCE / "data/cl_desy3_like.txt"],
                  ["--mask", "des-like", "--density", density, "--sigma-e", "0.26"], 12 * nside**2,
                  {"transform": 2 * nside, "network": tiles}, max(8, nside // 128))


class Runner:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
                            "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def run(self, ranks, words):
        """What the program says."""
        waiting = {"OMPI_MCA_mpi_yield_when_idle": "1" if ranks > os.cpu_count() else "0"}
        done = subprocess.run(["mpirun", "-n", str(ranks), self.program, *map(str, words)], env={**self.environment, **waiting},
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(map(str, words))} on {ranks} ranks failed: {done.stderr.strip()}")
        return done.stdout

    def simulate(self, survey, ranks):
        """The catalogue and the truth."""
        catalogue, truth = (self.folder / f"{survey.name.replace(' ', '_')}_{kind}.h5" for kind in ("catalogue", "truth"))
        self.run(ranks, ["simulate", "--model", "lognormal", *survey.sky, *survey.prior, *survey.density, "--out-catalogue", catalogue,
                         "--out-truth", truth, "--overwrite"])
        return catalogue, truth

    def train(self, survey, ranks, steps):
        out = self.folder / "model.h5"
        sky = survey.sky if "healpix" in survey.sky else ["--npix", "256", "--pixel-arcmin", "0.29"]
        self.run(ranks, ["train", "deepmass", *sky, *survey.prior, "--model", "lognormal", "--steps", steps, "--validate", steps,
                         "--validation-surveys", "2", "--test-surveys", "2", "--density", "5:40", "--out", out, "--overwrite"])
        return out

    def map(self, survey, ranks, catalogue, methods):
        out = self.folder / "maps.h5"
        chain = ["--chains", "1", "--burn-in", "2", "--samples", "2"] if "posterior" in methods else ["--samples", "2"]
        self.run(ranks, ["map", "--catalogue", catalogue, *survey.sky, *survey.prior, "--methods", methods, *chain, "--outside-card",
                         "warn", "--out", out, "--overwrite"])
        return out


def usage_of(path):
    """{stage: {seconds, bytes, messages}, each by rank}."""
    with h5py.File(path) as file:
        ranks = file["diagnostics/ranks"]
        names = ranks.attrs["stages"]
        names = (names.decode() if isinstance(names, bytes) else names).split(",")
        columns = {kind: ranks[f"stage_{name}"][:] for kind, name in
                   (("seconds", "seconds"), ("bytes", "bytes_sent"), ("messages", "messages_sent"))}
    found = {}
    for stage, (wanted, _) in STAGES.items():
        places = [i for i, name in enumerate(names) if name in wanted]
        if places:
            found[stage] = {kind: values[:, places].sum(axis=1).tolist() for kind, values in columns.items()}
    return found


def memory_of(path):
    with h5py.File(path) as file:
        return float(file["diagnostics/ranks/peak_memory"][:].max())


def products_of(path):
    """Every dataset but diagnostics."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]})
                        if isinstance(item, h5py.Dataset) and not name.startswith("diagnostics/") and item.dtype != object else None)
    return found


def busy_share(seconds):
    """Share of the machine's cores that something uses."""
    def read():
        values = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(values), values[3] + values[4]
    total, idle = read()
    time.sleep(seconds)
    later, later_idle = read()
    return 1 - (later_idle - idle) / max(later - total, 1)


def require_idle(allow_busy):
    share = busy_share(2.0)
    if share > 0.05 and not allow_busy:
        sys.exit(f"error: the machine is busy ({100 * share:.0f} % of its cores), and times would mean nothing; wait, or give "
                 "--allow-busy to try the script")


class Reference:
    """Products of one rank, with which those of more are compared."""

    def __init__(self):
        self.products = {}

    @staticmethod
    def same(ours, expected, rounding):
        if ours.shape != expected.shape or not rounding:
            return ours.tobytes() == expected.tobytes()
        return np.linalg.norm(ours.ravel() - expected.ravel()) <= 1e-5 * np.linalg.norm(expected.ravel())

    def check(self, key, path, ranks, rounding):
        products = products_of(path)
        reference = self.products.setdefault(key, products)
        wrong = sorted(name for name in reference if name not in products or not self.same(products[name], reference[name], rounding))
        if wrong:
            sys.exit(f"error: {key} on {ranks} ranks differs from one rank in {wrong}")


def stages_of(runner, survey, ranks, methods, steps, reference):
    """One run of everything; usage by stage, and the memory of a rank."""
    catalogue, truth = runner.simulate(survey, ranks)
    rounding = ranks > survey.exact_ranks
    reference.check((survey.name, "truth"), truth, ranks, rounding)
    usage = usage_of(truth)
    usage.pop("write", None)
    if steps:
        model = runner.train(survey, ranks, steps)
        reference.check((survey.name, "model"), model, ranks, rounding)
        usage["train"] = usage_of(model)["train"]
    maps = runner.map(survey, ranks, catalogue, methods)
    reference.check((survey.name, "maps"), maps, ranks, rounding)
    return {**usage, **usage_of(maps)}, memory_of(maps)


def seconds_of(usage):
    return {stage: max(entry["seconds"]) for stage, entry in usage.items()}


def timed(runner, survey, ranks, options, reference, steps=None):
    best, memory = {}, 0.0
    for _ in range(options.repeats):
        require_idle(options.allow_busy)
        usage, memory = stages_of(runner, survey, ranks, options.methods, options.steps if steps is None else steps, reference)
        for stage, seconds in seconds_of(usage).items():
            best[stage] = min(seconds, best.get(stage, math.inf))
    sent = {stage: max(entry["bytes"]) for stage, entry in usage.items()}
    tell_times(f"{survey.name}, {ranks} ranks", best, memory)
    return {"survey": survey.name, "seconds": best, "memory": memory, "bytes": sent}


def tell_times(what, seconds, memory):
    print(f"{what}:", ", ".join(f"{s} {v:.2f} s" for s, v in seconds.items()), f"{memory / 1e9:.2f} GB a rank", flush=True)


def crowded(runner, survey, options, reference):
    """One rank on every core, each with the survey to itself; the slowest."""
    require_idle(options.allow_busy)
    runners = [Runner(options.program, Path(tempfile.mkdtemp(dir=runner.folder))) for _ in range(os.cpu_count())]
    with ThreadPoolExecutor(len(runners)) as pool:
        runs = list(pool.map(lambda own: stages_of(own, survey, 1, options.methods, options.steps, reference), runners))
    seconds = {stage: max(seconds_of(usage)[stage] for usage, _ in runs) for stage in runs[0][0]}
    tell_times(f"{survey.name}, 1 rank on every core", seconds, runs[0][1])
    return {"survey": survey.name, "seconds": seconds}


def counted(runner, survey, ranks, options, reference):
    usage, memory = stages_of(runner, survey, ranks, options.methods, 0, reference)
    table = {stage: {kind: entry[kind] for kind in ("bytes", "messages")} for stage, entry in usage.items()}
    total = {kind: np.sum([entry[kind] for entry in table.values()], axis=0) for kind in ("bytes", "messages")}
    print(f"{survey.name}, {ranks} ranks: {total['bytes'].sum() / 1e6:.1f} MB in {total['messages'].sum():.0f} messages, busiest rank "
          f"over mean {balance(total['bytes']):.2f}, {memory / 1e9:.2f} GB a rank", flush=True)
    return {"stages": table, "memory": memory}


def balance(values):
    values = np.asarray(values)
    return float(values.max() / values.mean()) if values.sum() > 0 else 1.0


def power_law(ranks, values):
    """Value at one rank and exponent of a power law through the counts of 8 ranks and more; zero without them."""
    some = [(math.log(r), math.log(v)) for r, v in zip(ranks, values) if r >= 8 and v > 0]
    if len(some) < 2:
        return 0.0, 0.0
    exponent, start = np.polyfit(*zip(*some), 1)
    return float(math.exp(start)), float(exponent)


def exponent(seconds, other, growth):
    """Of the growth of a stage's time with a survey that is `growth` times larger."""
    return min(1.5, max(1.0, math.log(other / seconds) / math.log(growth)))


def predict(entry, surveys, options):
    """The model of the head of this file. surveys: timed, of another size, counted, predicted."""
    large, other, small, target = surveys
    strong, counts = entry["strong"], entry["counts"]
    on_sphere = "healpix" in target.sky
    growth, ranks, table = target.pixels / large.pixels, sorted(counts), []
    parts = {}
    for stage, work in entry["crowded"]["seconds"].items():
        limit = STAGES[stage][1]
        if limit in ("disk", "surveys") or stage == "read":
            continue  # disk and training are no matter of the survey's ranks
        shared = strong[2]["seconds"][stage]
        beyond = max(0.0, shared - work / 2)
        power = exponent(shared, entry["size"]["seconds"][stage], other.pixels / large.pixels)
        laws = {kind: power_law(ranks, [max(counts[r]["stages"][stage][kind]) for r in ranks]) for kind in ("bytes", "messages")}
        parts[stage] = {"work": work - (2 * beyond if on_sphere else 0.0), "whole": beyond if on_sphere else 0.0,
                        "units": target.units.get(limit, math.inf), "power": 1.5 if on_sphere and limit == "transform" else power,
                        "rate": strong[2]["bytes"][stage] / beyond if beyond > 0 else math.inf, **laws}
    for p in PREDICTED_RANKS:
        row = {"ranks": p, "stages": {}, "work": 0.0, "whole": 0.0, "latency": 0.0, "bandwidth": 0.0}
        for stage, part in parts.items():
            pieces = {"work": part["work"] * growth ** part["power"] * share(part["units"], p), "whole": part["whole"] * growth,
                      "latency": part["messages"][0] * p ** part["messages"][1] * options.latency,
                      "bandwidth": part["bytes"][0] * p ** part["bytes"][1] * target.pixels / small.pixels / options.bandwidth}
            row["stages"][stage] = sum(pieces.values())
            for name, value in pieces.items():
                row[name] += value
        row["seconds"] = sum(row["stages"].values())
        alone = sum(part["work"] * growth ** part["power"] + part["whole"] * growth for part in parts.values())
        row["efficiency"] = alone / (p * row["seconds"])
        row["limit"] = max(("work", "whole", "latency", "bandwidth"), key=row.get)
        row["slowest"] = max(row["stages"], key=row["stages"].get)
        table.append(row)
    return {"survey": target.name, "latency": options.latency, "bandwidth": options.bandwidth, "units": target.units,
            "parts": {stage: {name: None if isinstance(value, float) and math.isinf(value) else value for name, value in part.items()}
                      for stage, part in parts.items()},
            "table": table}


def share(units, ranks):
    """Of the work, that the busiest rank does."""
    return 1 / ranks if math.isinf(units) else math.ceil(units / ranks) / units


def skies(quick):
    """name: (survey to time, of another size, to count on, to predict). The second is, on the plane, the first's double, and so the
    weak scaling from one rank to two; on the sphere transforms know no half."""
    if quick:
        return {"plane": (plane(96, 96), plane(96, 192), plane(64, 64), plane(4096, 4096)),
                "sphere": (sphere(64, density=0.05), sphere(128, density=0.2), sphere(32, density=0.05), sphere(2048))}
    return {"plane": (plane(512, 512), plane(512, 1024), plane(256, 256, tile=64), plane(8192, 8192)),
            "sphere": (sphere(256), sphere(512, density=2), sphere(64, density=0.05), sphere(2048))}


def measure(options):
    folder = Path(tempfile.mkdtemp(prefix="tessera-scaling-"))
    try:
        runner, result = Runner(options.program, folder), {"cores": os.cpu_count(), "skies": {}}
        for name, surveys in skies(options.quick).items():
            large, other, small, _ = surveys
            reference = Reference()
            entry = {"strong": {p: timed(runner, large, p, options, reference) for p in (1, 2)}}
            entry["crowded"] = crowded(runner, large, options, reference)
            entry["size"] = timed(runner, other, 2, options, Reference(), 0)
            ranks = [r for r in COUNTED_RANKS if r <= options.most_ranks]
            entry["counts"] = {p: counted(runner, small, p, options, reference) for p in ranks}
            entry["counted"] = small.name
            entry["prediction"] = predict(entry, surveys, options)
            result["skies"][name] = entry
        return json.loads(json.dumps(result))
    finally:
        shutil.rmtree(folder)


def draw_bars(axes, runs, title):
    stages = list(runs["1"]["seconds"])
    places = np.arange(len(stages))
    for k, ranks in enumerate(runs):
        axes.bar(places + 0.35 * k, [runs[ranks]["seconds"].get(s, math.nan) for s in stages], 0.35,
                 label=f"{runs[ranks]['survey']}, {ranks} ranks")
    axes.set_xticks(places + 0.17, stages, rotation=40, ha="right")
    axes.set(yscale="log", ylabel="s", title=title)
    axes.legend(frameon=False)


def draw_counts(axes, counts, title):
    ranks = [int(r) for r in counts]
    for kind, scale, label in (("bytes", 1e6, "MB"), ("messages", 1, "messages")):
        sums = [np.sum([s[kind] for s in counts[str(r)]["stages"].values()], axis=0) / scale for r in ranks]
        line, = axes.plot(ranks, [s.max() for s in sums], "o-", label=f"{label}, busiest rank")
        axes.plot(ranks, [s.mean() for s in sums], "o:", color=line.get_color(), label=f"{label}, mean rank")
    axes.set(xscale="log", yscale="log", xlabel="ranks", title=title)
    axes.legend(frameon=False)


def draw_prediction(axes, prediction):
    table = prediction["table"]
    ranks = [t["ranks"] for t in table]
    for part in ("work", "whole", "latency", "bandwidth"):
        axes.plot(ranks, [t[part] for t in table], ":", label=part)
    axes.plot(ranks, [t["seconds"] for t in table], "k-", label="in all")
    axes.set(xscale="log", yscale="log", xlabel="ranks", ylabel="s", title=f"{prediction['survey']}: predicted, not measured")
    axes.legend(frameon=False)


def draw(result, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(result["skies"]), 4, figsize=(20, 5 * len(result["skies"])), layout="constrained", squeeze=False)
    for row, sky in zip(axes, result["skies"].values()):
        draw_bars(row[0], sky["strong"], "strong scaling")
        draw_bars(row[1], {"1": sky["strong"]["1"], "2": sky["size"]}, "a larger survey")
        draw_counts(row[2], sky["counts"], f"sent by a rank (counted, {sky['counted']})")
        draw_prediction(row[3], sky["prediction"])
    figure.savefig(path, dpi=90)
    print(f"wrote {path}")


def tell(result):
    for sky in result["skies"].values():
        prediction = sky["prediction"]
        for stage, part in prediction["parts"].items():
            rate = "" if part["rate"] is None or part["whole"] > 0 else f", exchange at {part['rate'] / 1e9:.1f} GB/s"
            print(f"  {stage}: work {part['work']:.2f} s, whole {part['whole']:.2f} s, grows to the {part['power']:.2f}{rate}")
        print(f"{prediction['survey']}, predicted:")
        for line in prediction["table"]:
            print(f"  {line['ranks']:5d} ranks: {line['seconds']:8.2f} s, efficiency {line['efficiency']:.2f}, limited by {line['limit']}, "
                  f"slowest stage {line['slowest']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=SOURCE / "build/bin/tessera", help="[build/bin/tessera]")
    parser.add_argument("--out", type=Path, default=Path("scaling.json"), help="JSON to write, and a picture beside it")
    parser.add_argument("--draw", type=Path, metavar="JSON", help="draw this, measure nothing")
    parser.add_argument("--quick", action="store_true", help="small surveys, to see that it works")
    parser.add_argument("--methods", default="ks,wiener,deepmass,posterior", help="of map [%(default)s]")
    parser.add_argument("--steps", type=int, default=8, help="of a training that is timed [8]; 0: none")
    parser.add_argument("--repeats", type=int, default=2, help="runs of which the fastest counts [2]")
    parser.add_argument("--most-ranks", type=int, default=64, help="to count messages on [64]")
    parser.add_argument("--latency", type=float, default=2e-6, help="of a message on the cluster, s [2e-6]")
    parser.add_argument("--bandwidth", type=float, default=1e9, help="of a rank's share of its node's network, bytes/s [1e9]")
    parser.add_argument("--allow-busy", action="store_true", help="time although the machine is busy: for trying the script")
    options = parser.parse_args()
    options.program = options.program.resolve()
    result = json.loads(options.draw.read_text()) if options.draw else measure(options)
    if not options.draw:
        options.out.write_text(json.dumps(result, indent=1))
        print(f"wrote {options.out}")
    tell(result)
    draw(result, (options.draw or options.out).with_suffix(".png"))


if __name__ == "__main__":
    main()
