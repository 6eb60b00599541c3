#!/usr/bin/env python3
"""How every stage scales with ranks: times on one and two cores, messages and bytes of up to 64 ranks that share the cores, and
what that predicts for a cluster. Writes JSON and draws it.

Strong scaling: one survey, more ranks. Larger: a survey of four times the pixels. All figures are those that the program writes
(/diagnostics/ranks), times the least of the repeats on the slowest rank. Nothing is timed while anything else runs; every map made
while timing or counting is compared with that of one rank: bit for bit, or, of the sphere with other blocks of rings, to rounding.
Only the chain of the larger survey, which is run once, is compared with nothing.

"""
import argparse
import json
import math
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import scaling_model
from scaling_picture import draw
from scaling_runs import (SOURCE, Reference, Runner, memory_of, plane, require_idle, seconds_of, sent_of, sphere, usage_of)
from scaling_tables import tell, tell_times, write_markdown

COUNTED_RANKS = (1, 2, 4, 8, 16, 32, 64)
BLOCKS = (8, 64)  # of rings, to see what small blocks cost


def skies(quick):
    """name: surveys by role. Galaxies in a pixel are as many in all; tiles of the counted ones are at least 64, so that every rank
    has one."""
    if quick:
        return {"plane": {"timed": plane(96, 96), "larger": plane(192, 192), "counted": plane(64, 64, tile=16),
                          "target": plane(8192, 8192)},
                "sphere": {"timed": sphere(32, density=1 / 512), "larger": sphere(64, tile=32, density=1 / 128),
                           "counted": sphere(32, tile=8, density=1 / 512), "target": sphere(2048, density=8)}}
    return {"plane": {"timed": plane(512, 512), "larger": plane(1024, 1024), "counted": plane(192, 384, tile=24),
                      "target": plane(8192, 8192)},
            "sphere": {"timed": sphere(256, density=1 / 8), "larger": sphere(512, density=1 / 2),
                       "counted": sphere(64, tile=8, density=1 / 128), "target": sphere(2048, density=8)}}


def stages_of(runner, survey, ranks, methods, reference, steps=0):
    """One run of everything: (usage by stage, maps)."""
    catalogue, truth = runner.simulate(survey, ranks)
    rounding = survey.exact_ranks is not None and ranks > survey.exact_ranks
    reference.check((survey.name, "truth"), truth, ranks, rounding)
    usage = usage_of(truth)
    usage.pop("write", None)
    if steps:
        model = runner.train(survey, ranks, steps)
        reference.check((survey.name, "model"), model, ranks, rounding)
        usage["train"] = usage_of(model)["train"]
    maps = runner.map(survey, ranks, catalogue, methods)
    reference.check((survey.name, "maps"), maps, ranks, rounding)
    return {**usage, **usage_of(maps)}, maps


def least(best, seconds):
    """The smaller time of each stage."""
    return {**best, **{stage: min(value, best.get(stage, math.inf)) for stage, value in seconds.items()}}


def timed(runner, survey, ranks, options, reference, steps=0, repeated=None):
    """repeated: methods of the repeats, if not all."""
    best, sent, memory = {}, {}, 0.0
    for repeat in range(options.repeats):
        require_idle(options.allow_busy)
        methods = repeated if repeat > 0 and repeated else options.methods
        usage, maps = stages_of(runner, survey, ranks, methods, reference, steps)
        best, sent, memory = least(best, seconds_of(usage)), {**sent, **sent_of(usage)}, max(memory, memory_of(maps))
    tell_times(f"{survey.name}, {ranks} rank{'s' if ranks > 1 else ''}", best, memory)
    return {"survey": survey.name, "seconds": best, "memory": memory, "sent": sent}


def crowded(runner, survey, options, reference):
    """One rank on every core, each with the survey to itself; the slowest."""
    runners = [Runner(options.program, Path(tempfile.mkdtemp(dir=runner.folder))) for _ in range(os.cpu_count())]
    best = {}
    for _ in range(options.repeats):
        require_idle(options.allow_busy)
        with ThreadPoolExecutor(len(runners)) as pool:
            runs = list(pool.map(lambda own: stages_of(own, survey, 1, options.methods, reference, options.steps), runners))
        best = least(best, {stage: max(seconds_of(usage)[stage] for usage, _ in runs) for stage in runs[0][0]})
    tell_times(f"{survey.name}, 1 rank on every core", best)
    return {"survey": survey.name, "seconds": best}


def larger(runner, survey, options):
    """The larger survey on two ranks; all but its chain, which takes long, is repeated and compared with one rank."""
    reference, methods = Reference(), ",".join(m for m in options.methods.split(",") if m != "posterior")
    catalogue, truth = runner.simulate(survey, 1)
    reference.check((survey.name, "truth"), truth, 1)
    reference.check((survey.name, "maps"), runner.map(survey, 1, catalogue, methods), 1)
    return timed(runner, survey, 2, options, reference, repeated=methods)


def with_blocks(runner, survey, options, reference):
    """{blocks of rings: seconds of the Wiener mean on two ranks}."""
    catalogue, _ = runner.simulate(survey, 2)
    best = dict.fromkeys(BLOCKS, math.inf)
    for _ in range(options.repeats):
        for blocks in BLOCKS:
            require_idle(options.allow_busy)
            maps = runner.map(survey, 2, catalogue, "ks,wiener", ["--ring-blocks", blocks])
            reference.check((survey.name, "maps"), maps, 2, rounding=True, partly=True)
            best[blocks] = min(best[blocks], seconds_of(usage_of(maps))["wiener"])
    words = ", ".join(f"with {blocks} blocks of rings {seconds:.3f} s" for blocks, seconds in best.items())
    print(f"{survey.name}, 2 ranks: Wiener mean {words}", flush=True)
    return best


def counted(runner, survey, ranks, options, reference):
    usage, maps = stages_of(runner, survey, ranks, options.methods, reference)
    memory, sent = memory_of(maps), sent_of(usage)
    total = {kind: [sum(entry[kind][i] for entry in sent.values()) for i in (0, 1)] for kind in ("bytes", "messages")}
    print(f"{survey.name}, {ranks} ranks: {total['bytes'][0] / 1e6:.1f} MB in {total['messages'][0]:.0f} messages by the busiest "
          f"rank of a stage, {total['bytes'][1] / 1e6:.1f} MB by the mean rank, {memory / 1e9:.2f} GB a rank", flush=True)
    return {"sent": sent, "memory": memory}


def measure_sky(runner, surveys, options):
    reference, survey, small = Reference(), surveys["timed"], surveys["counted"]
    sky = {"strong": {p: timed(runner, survey, p, options, reference, options.steps) for p in (1, 2)}}
    maps = {"timed": shutil.copy(runner.folder / "maps.h5", runner.folder / "timed.h5")}
    sky["crowded"] = crowded(runner, survey, options, reference)
    if survey.on_sphere:
        sky["blocks"] = with_blocks(runner, survey, options, reference)
    sky["larger"] = larger(runner, surveys["larger"], options)
    maps["larger"] = maps["target"] = shutil.copy(runner.folder / "maps.h5", runner.folder / "larger.h5")
    of_small = Reference()
    sky["counts"] = {p: counted(runner, small, p, options, of_small) for p in COUNTED_RANKS if p <= options.most_ranks}
    maps["counted"] = runner.folder / "maps.h5"
    sky["surveys"] = {role: vars(one.described(maps[role])) for role, one in surveys.items()}
    return sky


def measure(options):
    folder = Path(tempfile.mkdtemp(prefix="tessera-scaling-"))
    try:
        runner, result = Runner(options.program, folder), {"cores": os.cpu_count(), "skies": {}}
        for name, surveys in skies(options.quick).items():
            result["skies"][name] = measure_sky(runner, surveys, options)
        return json.loads(json.dumps(rounded(result)))
    finally:
        shutil.rmtree(folder)


def rounded(values, digits=4):
    """To significant digits; counts to more, since differences are made of them."""
    if isinstance(values, dict):
        return {key: rounded(value, 7 if key in ("sent", "surveys") else digits) for key, value in values.items()}
    if isinstance(values, list):
        return [rounded(value, digits) for value in values]
    return float(f"{values:.{digits}g}") if isinstance(values, float) else values


def numbers(text):
    return [float(word) for word in text.split(",")]


def options_of():
    parser = argparse.ArgumentParser(description=__doc__ + scaling_model.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=SOURCE / "build/bin/tessera", help="[build/bin/tessera]")
    parser.add_argument("--out", type=Path, default="scaling.json", help="JSON to write, and a picture beside it [%(default)s]")
    parser.add_argument("--draw", type=Path, metavar="JSON", help="predict from these measurements and draw them, measure nothing")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    parser.add_argument("--latency", type=float, help="of a message on the cluster, s [2e-6, or that of JSON]")
    parser.add_argument("--bandwidth", type=numbers, metavar="LIST", help="of a rank's share of its node's network, bytes/s; 2e8 "
                        "is that of 64 ranks on a node with 100 Gbit/s [1e9,2e8, or those of JSON]")
    parser.add_argument("--quick", action="store_true", help="small surveys, to see that it works; what they predict means nothing")
    parser.add_argument("--methods", default="ks,wiener,deepmass,posterior", help="of map; with ks,wiener [%(default)s]")
    parser.add_argument("--steps", type=int, default=8, help="of a training that is timed [8]; 0: none")
    parser.add_argument("--repeats", type=int, default=2, help="runs of which the fastest counts [2]")
    parser.add_argument("--most-ranks", type=int, default=64, help="to count messages on, 2 or more [64]")
    parser.add_argument("--allow-busy", action="store_true", help="time although the machine is busy: for trying the script")
    options = parser.parse_args()
    options.program = options.program.resolve()
    return options


def main():
    options = options_of()
    result = json.loads(options.draw.read_text()) if options.draw else measure(options)
    stored = result.get("prediction", {}).get("plane", {"latency": 2e-6, "tables": [{"bandwidth": 1e9}, {"bandwidth": 2e8}]})
    latency = stored["latency"] if options.latency is None else options.latency
    bandwidths = options.bandwidth or [table["bandwidth"] for table in stored["tables"]]
    result["prediction"] = scaling_model.predict(result, latency, bandwidths)
    if not options.draw:
        options.out.write_text(json.dumps(rounded(result), indent=1))
        print(f"wrote {options.out}")
    if options.markdown:
        write_markdown(result)
    else:
        tell(result)
    draw(result, (options.draw or options.out).with_suffix(".png"))


if __name__ == "__main__":
    main()
