#!/usr/bin/env python3
"""Draws how a network was trained, from the model file of `tessera train`: loss on training and on held-out skies, error
over that of the Wiener filter, and the scores of its model card against depth."""
import argparse
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

TRAINING, HELD_OUT, PLAIN = "#7a7a7a", "#1f5fa8", "#d1622b"


def read(path):
    with h5py.File(path) as file:
        if "training/history" not in file:
            raise ValueError(f"'{path}' holds no history of a training; give a file that tessera train wrote")
        history = file["training/history"][()]
        card = file["model"].attrs["card"] if "model" in file else ""
    rows, names = [], []
    for line in card.splitlines():
        if "columns of score:" in line:
            names = line.split("columns of score:")[1].split()
        if line.startswith("score = "):
            rows.append([float(word) for word in line[8:].split()])
    return history, {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)} if rows else {}


def draw_history(losses, ratio, history):
    step, training, held_out, square, rate = history.T
    losses.plot(step, training, "o-", color=TRAINING, ms=3, label="training surveys")
    losses.plot(step, held_out, "o-", color=HELD_OUT, ms=3, label="held-out surveys, averaged weights")
    best = np.argmin(held_out)
    losses.axvline(step[best], color=HELD_OUT, lw=0.8, ls=":")
    losses.set(xlabel="step", ylabel="loss", title="Loss")
    losses.legend(frameon=False)
    ratio.plot(step, np.sqrt(square), "o-", color=HELD_OUT, ms=3)
    ratio.set(xlabel="step", ylabel="RMSE over that of the Wiener filter", title="Held-out surveys, all depths")
    schedule = ratio.twinx()
    schedule.plot(step, rate, color=TRAINING, lw=0.8)
    schedule.set_ylabel("learning rate", color=TRAINING)


def draw_scores(ratio, pearson, cover, scores):
    density = scores["density"]
    ratio.errorbar(density, scores["ratio"], scores["ratio_error"], fmt="o-", color=HELD_OUT, ms=4, label="over Wiener")
    ratio.errorbar(density, scores["ks_ratio"], scores["ks_ratio_error"], fmt="s-", color=PLAIN, ms=4,
                   label="over Kaiser\N{EN DASH}Squires at 1\N{PRIME}")
    ratio.axhline(1, color="0.6", lw=0.8)
    ratio.set(ylabel="RMSE ratio", title="RMSE on test skies")
    pearson.errorbar(density, scores["r"], scores["r_gain_error"], fmt="o-", color=HELD_OUT, ms=4, label="DeepMass")
    pearson.plot(density, scores["r_wiener"], "s-", color=PLAIN, ms=4, label="Wiener")
    pearson.set(ylabel="Pearson r with the truth", title="Correlation")
    cover.plot(density, scores["within_1"], "o-", color=HELD_OUT, ms=4, label=r"within 1 $\sigma$")
    cover.plot(density, scores["within_2"], "s-", color=PLAIN, ms=4, label=r"within 2 $\sigma$")
    cover.plot(density, scores["z_deviation"], "^-", color=TRAINING, ms=4, label="standard deviation of z")
    for level, colour in ((0.683, HELD_OUT), (0.954, PLAIN), (1.0, TRAINING)):
        cover.axhline(level, color=colour, lw=0.8, ls=":")
    cover.set(ylabel="part of the pixels, or deviation", title="Calibration (dotted: Gaussian)")
    for axes in (ratio, pearson, cover):
        axes.set(xscale="log", xlabel=r"galaxies per arcmin$^2$")
        axes.set_xticks(density, [f"{value:g}" for value in density])
        axes.minorticks_off()
        axes.legend(frameon=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.h5", help="model file, or checkpoint of a training that goes on")
    parser.add_argument("--out", metavar="FILE", help="picture to write [MODEL.png]")
    options = parser.parse_args()
    try:
        history, scores = read(options.model)
        columns = 5 if scores else 2
        figure, axes = plt.subplots(1, columns, figsize=(4.2 * columns, 3.8), layout="constrained")
        draw_history(axes[0], axes[1], history)
        if scores:
            draw_scores(*axes[2:], scores)
        out = options.out or options.model.rsplit(".", 1)[0] + ".png"
        figure.savefig(out, dpi=110)
    except (OSError, ValueError, KeyError) as problem:
        sys.exit(f"error: {problem}")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
