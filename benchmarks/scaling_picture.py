"""Draws what was measured and what is predicted."""
import math

import numpy as np

from scaling_model import PIECES


def draw_bars(axes, runs, title):
    """runs: {label: seconds by stage}."""
    stages, width = list(next(iter(runs.values()))), 0.8 / len(runs)
    places = np.arange(len(stages))
    for k, (label, seconds) in enumerate(runs.items()):
        axes.bar(places + width * k, [seconds.get(s, math.nan) for s in stages], width, label=label)
    axes.set_xticks(places + 0.3, stages, rotation=40, ha="right")
    axes.set(yscale="log", ylabel="s", title=title)
    axes.legend(frameon=False)


def draw_counts(axes, counts, title):
    ranks = [int(r) for r in counts]
    for kind, scale, label in (("bytes", 1e6, "MB"), ("messages", 1, "messages")):
        sums = np.array([np.sum([entry[kind] for entry in run["sent"].values()], axis=0) / scale for run in counts.values()])
        line, = axes.plot(ranks, sums[:, 0], "o-", label=f"{label}, busiest rank of a stage")
        axes.plot(ranks, sums[:, 1], "o:", color=line.get_color(), label=f"{label}, mean rank")
    axes.set(xscale="log", yscale="log", xlabel="ranks", title=title)
    axes.legend(frameon=False)


def draw_prediction(axes, prediction):
    for k, table in enumerate(prediction["tables"]):
        rows, speed = table["rows"], f"{table['bandwidth'] / 1e9:g} GB/s"
        ranks = [row["ranks"] for row in rows]
        for i, piece in enumerate(PIECES):
            if k == 0 or piece == "bandwidth":
                axes.plot(ranks, [row[piece] for row in rows], ":" if k == 0 else "-.", color=f"C{i}",
                          label=f"{piece}, {speed}" if piece == "bandwidth" else piece)
        axes.plot(ranks, [row["seconds"] for row in rows], "k-" if k == 0 else "k--", label=f"in all, {speed}")
    values = [row["seconds"] for table in prediction["tables"] for row in table["rows"]]
    axes.set(xscale="log", yscale="log", xlabel="ranks", ylabel="s", ylim=(1e-3 * max(values), 2 * max(values)),
             title=f"{prediction['target']['name']}: predicted, not measured")
    axes.legend(frameon=False)


def draw(result, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    skies = result["skies"]
    figure, axes = plt.subplots(len(skies), 4, figsize=(22, 5.5 * len(skies)), layout="constrained", squeeze=False)
    for row, (name, sky) in zip(axes, skies.items()):
        one, two, more = sky["strong"]["1"], sky["strong"]["2"], sky["larger"]
        draw_bars(row[0], {"1 rank": one["seconds"], "1 rank on every core": sky["crowded"]["seconds"], "2 ranks": two["seconds"]},
                  f"{one['survey']}: strong scaling")
        draw_bars(row[1], {two["survey"]: two["seconds"], more["survey"]: more["seconds"]}, "2 ranks: a larger survey")
        draw_counts(row[2], sky["counts"], f"sent by a rank (counted, {sky['surveys']['counted']['name']})")
        draw_prediction(row[3], result["prediction"][name])
    figure.savefig(path, dpi=80)
    print(f"wrote {path}")
