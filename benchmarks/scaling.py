#!/usr/bin/env python3
"""How every stage scales with ranks: times on one and two cores, messages on up to 64 ranks that share the cores, and what that
predicts for a cluster. Writes JSON and draws it; `--draw FILE` draws what was measured before.

Strong scaling: one survey, more ranks. Weak scaling: a survey that grows with the ranks. Times are those that the program
writes (/diagnostics/seconds), the least of the repeats. Nothing is timed while anything else runs; every map made while timing is
compared, bit for bit, with that of one rank. Messages are counted by libmpi_counts.so on small surveys."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent

# What happens in a stage, by the names of the program's clock.
STAGES = {"read": ("read catalogue",), "bin": ("bin galaxies",), "kaiser-squires": ("kaiser-squires",), "wiener": ("wiener",),
          "draws": ("wiener samples",), "deepmass": ("deepmass",), "posterior": ("posterior samples",),
          "write": ("write", "write kaiser-squires", "write wiener", "write samples", "write deepmass", "write posterior",
                    "write provenance")}
COUNTED_RANKS = (1, 2, 4, 8, 16, 32, 64)
PREDICTED_RANKS = tuple(2**k for k in range(6, 13))


class Survey:
    """A mock survey and how it is mapped. size: in units of the smallest."""

    def __init__(self, name, sky, prior, density, methods):
        self.name, self.sky, self.prior, self.density, self.methods = name, sky, prior, density, methods


def plane(npix, shape=(1, 1), methods=("ks,wiener,deepmass,posterior",)):
    prior = ["--spectrum", SOURCE / "data/cl_cosmos_like.txt"]
    sky = ["--center", "150,2", "--npix", f"{npix * shape[0]},{npix * shape[1]}", "--pixel-arcmin", "0.29"]
    return Survey(f"plane {npix * shape[0]} x {npix * shape[1]}", sky, prior, ["--density", "40", "--sigma-e", "0.28"], methods)


def sphere(nside, methods):
    prior = ["--spectrum", SOURCE / "data/cl_desy3_like.txt"]
    return Survey(f"sphere nside {nside}", ["--grid", "healpix", "--nside", str(nside)], prior,
                  ["--mask", "des-like", "--density", "0.5", "--sigma-e", "0.26"], methods)


class Runner:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
                            "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def run(self, ranks, words, counts=None):
        environment = dict(self.environment)
        launch = ["mpirun", "-n", str(ranks)]
        if counts is not None:
            environment["OMPI_MCA_mpi_yield_when_idle"] = "1"
            launch += ["-x", f"LD_PRELOAD={self.program.parent / 'libmpi_counts.so'}", "-x", f"MPI_COUNTS={counts}"]
        done = subprocess.run([*launch, self.program, *map(str, words)], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(map(str, words))} on {ranks} ranks failed: {done.stderr.strip()}")

    def catalogue(self, survey):
        path = self.folder / (survey.name.replace(" ", "_") + ".h5")
        if not path.exists():
            self.run(2, ["simulate", "--model", "lognormal", *survey.sky, *survey.prior, *survey.density, "--out-catalogue", path,
                         "--out-truth", self.folder / "truth.h5", "--overwrite"])
        return path

    def map(self, survey, ranks, methods, counts=None):
        out = self.folder / "maps.h5"
        chain = ["--chains", "1", "--burn-in", "2", "--samples", "2"] if "posterior" in methods else ["--samples", "2"]
        self.run(ranks, ["map", "--catalogue", self.catalogue(survey), *survey.sky, *survey.prior, "--methods", methods, *chain,
                         "--outside-card", "--out", out, "--overwrite"], counts)
        return out


def seconds_of(path):
    with h5py.File(path) as file:
        clock = dict(file["diagnostics/seconds"].attrs)
    return {stage: float(sum(clock.get(name, 0.0) for name in names)) for stage, names in STAGES.items()}


def maps_of(path):
    """Every dataset below /maps and /data, as bytes."""
    found = {}
    with h5py.File(path) as file:
        for group in ("maps", "data"):
            file[group].visititems(lambda name, item: found.update({f"{group}/{name}": item[()].tobytes()})
                                   if isinstance(item, h5py.Dataset) else None)
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
    share = busy_share(3.0)
    if share > 0.05 and not allow_busy:
        sys.exit(f"error: the machine is busy ({100 * share:.0f} % of its cores), and times would mean nothing; wait, or give "
                 "--allow-busy to try the script")
    return share


def times(runner, surveys, repeats, allow_busy):
    """surveys: by number of ranks. Seconds by ranks and stage; every run is checked against one rank's maps."""
    result = {}
    for ranks, survey in surveys.items():
        best, wrong = {}, []
        for methods in survey.methods:
            alone = maps_of(runner.map(survey, 1, methods))
            for _ in range(repeats):
                require_idle(allow_busy)
                path = runner.map(survey, ranks, methods)
                for stage, value in seconds_of(path).items():
                    best[stage] = min(value, best.get(stage, np.inf)) if value > 0 else best.get(stage, 0.0)
                ours = maps_of(path)
                wrong += [name for name in alone if ours.get(name) != alone[name]]
        if wrong:
            sys.exit(f"error: {survey.name} on {ranks} ranks differs from one rank in {sorted(set(wrong))}")
        result[ranks] = {"survey": survey.name, "seconds": best}
        print(f"{survey.name}, {ranks} ranks:", ", ".join(f"{s} {v:.2f} s" for s, v in best.items() if v > 0), flush=True)
    return result


def counts(runner, survey, methods, ranks_list):
    """Messages and bytes of each rank, by number of ranks."""
    result = {}
    for ranks in ranks_list:
        folder = Path(tempfile.mkdtemp(dir=runner.folder))
        runner.map(survey, ranks, methods, counts=folder)
        files = [json.loads((folder / f"rank_{r}.json").read_text()) for r in range(ranks)]
        result[ranks] = {kind: {"messages": [f[kind]["messages"] for f in files], "bytes": [f[kind]["bytes"] for f in files]}
                         for kind in files[0]}
        total = sum(sum(result[ranks][kind]["bytes"]) for kind in result[ranks])
        print(f"{survey.name}, {methods}, {ranks} ranks: {total / 1e6:.1f} MB sent, busiest over mean "
              f"{balance(result[ranks]):.2f}", flush=True)
    return result


def sent(by_kind, quantity):
    """Of each rank, over all kinds of calls."""
    return np.sum([kind[quantity] for kind in by_kind.values()], axis=0)


def balance(by_kind):
    sums = sent(by_kind, "bytes")
    return float(sums.max() / sums.mean()) if sums.sum() > 0 else 1.0


def power_law(ranks, values):
    """Exponent and value at one rank of a power law through the counts of 8 ranks and more."""
    some = [(np.log(r), np.log(v)) for r, v in zip(ranks, values) if r >= 8 and v > 0]
    if len(some) < 2:
        return 0.0, 0.0
    exponent, start = np.polyfit(*zip(*some), 1)
    return float(exponent), float(np.exp(start))


def predict(timed, counted, size_ratio, latency, bandwidth):
    """Time of a whole run on many ranks: the work of one rank shared out as far as two ranks showed that it can be, and the
    busiest rank's messages. size_ratio: pixels of the timed survey over those of the counted one."""
    work = {ranks: sum(v for stage, v in entry["seconds"].items() if stage not in ("read", "write"))
            for ranks, entry in timed.items()}
    serial = max(0.0, 2 * work[2] - work[1])
    ranks = sorted(counted)
    messages = power_law(ranks, [sent(counted[r], "messages").max() for r in ranks])
    volume = power_law(ranks, [sent(counted[r], "bytes").max() for r in ranks])
    table = []
    for p in PREDICTED_RANKS:
        parts = {"work": (work[1] - serial) / p, "not shared": serial, "latency": latency * messages[1] * p**messages[0],
                 "bandwidth": volume[1] * p**volume[0] * size_ratio / bandwidth}
        total = sum(parts.values())
        table.append({"ranks": p, "seconds": total, **parts, "efficiency": work[1] / (p * total),
                      "limit": max(parts, key=parts.get)})
    return {"one_rank_seconds": work[1], "serial_seconds": serial, "messages_exponent": messages[0],
            "bytes_exponent": volume[0], "latency": latency, "bytes_per_second": bandwidth, "table": table}


def measure(options):
    folder = Path(tempfile.mkdtemp(prefix="tessera-scaling-"))
    try:
        runner = Runner(options.program, folder)
        n, nside = (96, 64) if options.quick else (512, 512)
        small, coarse = (64, 32) if options.quick else (256, 64)
        ranks = [r for r in COUNTED_RANKS if r <= options.most_ranks]
        methods = ("ks,wiener,deepmass,posterior",)
        sky_methods = ("ks,wiener",) if options.quick else ("ks,wiener,deepmass,posterior",)
        result = {"cores": os.cpu_count(), "busy": require_idle(options.allow_busy), "skies": {}}
        for name, strong, weak, little, ratio, little_methods in (
                ("plane", {p: plane(n, methods=methods) for p in (1, 2)},
                 {p: plane(n, (p, 1), methods) for p in (1, 2)}, plane(small), (n / small)**2, "ks,wiener,deepmass,posterior"),
                ("sphere", {p: sphere(nside, sky_methods) for p in (1, 2)}, None, sphere(coarse, None), (nside / coarse)**2,
                 "ks,wiener")):
            entry = {"strong": times(runner, strong, options.repeats, options.allow_busy)}
            if weak:
                entry["weak"] = times(runner, weak, options.repeats, options.allow_busy)
            entry["counts"] = counts(runner, little, little_methods, ranks)
            entry["prediction"] = predict(entry["strong"], entry["counts"], ratio, options.latency, options.bandwidth)
            result["skies"][name] = entry
        return json.loads(json.dumps(result, default=lambda value: value.item()))
    finally:
        shutil.rmtree(folder)


def draw(result, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(15, 8), layout="constrained", squeeze=False)
    for row, (name, sky) in zip(axes, result["skies"].items()):
        strong = sky["strong"]
        stages = [s for s, v in strong["1"]["seconds"].items() if v > 0]
        places = np.arange(len(stages))
        for k, ranks in enumerate(strong):
            row[0].bar(places + 0.35 * k, [strong[ranks]["seconds"][s] for s in stages], 0.35, label=f"{ranks} ranks")
        row[0].set_xticks(places + 0.17, stages, rotation=30)
        row[0].set(yscale="log", ylabel="s", title=strong["1"]["survey"])
        row[0].legend(frameon=False)
        ranks = [int(r) for r in sky["counts"]]
        for quantity, scale, label in (("bytes", 1e6, "MB"), ("messages", 1, "messages")):
            sums = [sent(sky["counts"][str(r)], quantity) / scale for r in ranks]
            row[1].plot(ranks, [s.max() for s in sums], "o-", label=f"{label}, busiest rank")
            row[1].plot(ranks, [s.mean() for s in sums], "o:", label=f"{label}, mean rank")
        row[1].set(xscale="log", yscale="log", xlabel="ranks", title="sent by a rank (counted)")
        row[1].legend(frameon=False)
        table = sky["prediction"]["table"]
        for part in ("work", "not shared", "latency", "bandwidth"):
            row[2].plot([t["ranks"] for t in table], [t[part] for t in table], ":", label=part)
        row[2].plot([t["ranks"] for t in table], [t["seconds"] for t in table], "k-", label="in all")
        row[2].set(xscale="log", yscale="log", xlabel="ranks", ylabel="s", title="predicted, not measured")
        row[2].legend(frameon=False)
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=SOURCE / "build/bin/tessera", help="[build/bin/tessera]")
    parser.add_argument("--out", type=Path, default=Path("scaling.json"), help="JSON to write, and a picture beside it")
    parser.add_argument("--draw", type=Path, metavar="JSON", help="draw this, measure nothing")
    parser.add_argument("--quick", action="store_true", help="small surveys, to see that it works")
    parser.add_argument("--repeats", type=int, default=2, help="runs of which the fastest counts [2]")
    parser.add_argument("--most-ranks", type=int, default=64, help="to count messages on [64]")
    parser.add_argument("--latency", type=float, default=2e-6, help="of a message on the cluster, s [2e-6]")
    parser.add_argument("--bandwidth", type=float, default=1e9, help="of a rank's share of its node's network, bytes/s [1e9]")
    parser.add_argument("--allow-busy", action="store_true", help="time although the machine is busy: for trying the script")
    options = parser.parse_args()
    options.program = options.program.resolve()
    if options.draw:
        draw(json.loads(options.draw.read_text()), options.draw.with_suffix(".png"))
        return
    if not (options.program.parent / "libmpi_counts.so").exists():
        sys.exit("error: libmpi_counts.so is not beside the program; configure with -DTESSERA_BUILD_BENCHMARKS=ON and build")
    result = measure(options)
    options.out.write_text(json.dumps(result, indent=1))
    print(f"wrote {options.out}")
    for name, sky in result["skies"].items():
        prediction = sky["prediction"]
        print(f"{name}: {prediction['one_rank_seconds']:.1f} s of work on one rank, {prediction['serial_seconds']:.2f} s not shared")
        for line in prediction["table"]:
            print(f"  {line['ranks']:5d} ranks: {line['seconds']:8.3f} s, efficiency {line['efficiency']:.2f}, limited by "
                  f"{line['limit']}")
    draw(result, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
