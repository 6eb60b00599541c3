#!/usr/bin/env python3
"""Draws how far posterior samples can be trusted, from the file of `tessera calibrate`: where truths stand among samples,
the width of the posterior, power, peaks and errors against the truth."""
import argparse
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

OURS, TRUTH, OTHER, LIGHT = "#1f5fa8", "#222222", "#d1622b", "#9a9a9a"


class Calibration:
    def __init__(self, path):
        with h5py.File(path) as file:
            if "calibration" not in file:
                raise ValueError(f"'{path}' holds no calibration; give a file that tessera calibrate wrote")
            group = file["calibration"]
            names = group["figures"].attrs["columns"].split()
            self.figures = dict(zip(names, group["figures"][()].T))
            self.ell = group["ell"][()]
            self.power = {name: group[f"{name}_power"][()] for name in ("truth", "sample", "mean")}
            self.ranks = {name: dataset[()] for name, dataset in group["ranks"].items()}
        self.surveys = len(self.figures["r"])
        # Of the Gaussians that maps were smoothed by, arcmin.
        self.scales = sorted((name.split("_")[0] for name in self.ranks if name.endswith("_arcmin")), key=float)

    def mean_error(self, values):
        return np.mean(values), np.std(values, ddof=1) / np.sqrt(self.surveys) if self.surveys > 1 else np.nan


def draw_coverage(axes, calibration):
    """Part of the truths below each quantile of the samples, less the quantile."""
    smoothed = [(f"{scale}_arcmin", f"smoothed by {scale}\N{PRIME}") for scale in calibration.scales[:2]]
    quantities = [("pixel", "observed pixels"), *smoothed, ("peak", "peaks of the mean map"), ("bands", "band powers")]
    for (name, label), colour in zip(quantities, plt.get_cmap("viridis")(np.linspace(0, 0.9, len(quantities)))):
        counts = calibration.ranks[name]
        places = np.arange(1, len(counts)) / len(counts)
        axes.plot(places, np.cumsum(counts)[:-1] / counts.sum() - places, color=colour, label=label)
    axes.axhline(0, color=LIGHT, lw=0.8)
    axes.set(xlabel="quantile of the samples", ylabel="part of the truths below, less the quantile",
             title="Coverage (zero if calibrated)", xlim=(0, 1))
    axes.legend(frameon=False, fontsize="small")


def draw_tarp(axes, calibration):
    levels = np.linspace(0, 1, 101)
    for name, label, colour in (("tarp_pixels", "pixels", OURS), ("tarp_smooth", f"smoothed by {calibration.scales[1]}\N{PRIME}", OTHER)):
        axes.plot(levels, np.mean(calibration.figures[name][:, None] <= levels, axis=0), color=colour, label=label)
    scatter = 2 * np.sqrt(levels * (1 - levels) / calibration.surveys)
    axes.fill_between(levels, levels - scatter, levels + scatter, color=LIGHT, alpha=0.3, lw=0)
    axes.plot(levels, levels, color=LIGHT, lw=0.8)
    axes.set(xlabel="credibility", ylabel="expected coverage", title="TARP, whole maps (grey: 2 sigma of chance)",
             xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)


def draw_widths(axes, calibration):
    z = calibration.figures["z_many"]
    axes.hist(z, bins=15, color=OURS, alpha=0.8)
    mean, error = calibration.mean_error(z)
    axes.axvline(1, color=LIGHT, lw=0.8)
    axes.set(xlabel="standard deviation of (truth \N{MINUS SIGN} mean) / std", ylabel="surveys",
             title=f"Width, for many samples: {mean:.3f} \N{PLUS-MINUS SIGN} {error:.3f}")


def draw_power(axes, calibration):
    total = calibration.power["truth"].sum(axis=0)
    for name, label, colour in (("sample", "samples", OURS), ("mean", "mean map", OTHER)):
        ratio = calibration.power[name].sum(axis=0) / total
        # Paired scatter of the ratio over surveys.
        rest = calibration.power[name] - ratio * calibration.power["truth"]
        error = np.sqrt(np.sum(rest**2, axis=0)) / total
        axes.errorbar(calibration.ell, ratio, error, fmt="o-", ms=4, color=colour, label=label)
    axes.axhspan(0.9, 1.1, color=LIGHT, alpha=0.3, lw=0)
    axes.set(xscale="log", xlabel=r"$\ell$", ylabel="power over the truth's", ylim=(0, 1.4), title="Power (grey: 10 %)")
    axes.legend(frameon=False)


def draw_peaks(axes, calibration):
    levels = sorted((name.rsplit("_", 1)[1] for name in calibration.figures if name.startswith("truth_peaks")), key=float)
    for shift, (of, label, colour) in enumerate((("truth", "truth", TRUTH), ("sample", "samples", OURS),
                                                 ("mean", "mean map", OTHER))):
        found = [calibration.mean_error(calibration.figures[f"{of}_peaks_{level}"]) for level in levels]
        axes.errorbar(np.arange(len(levels)) + 0.12 * (shift - 1), *zip(*[(m, e) for m, e in found]), fmt="o", ms=4,
                      color=colour, label=label)
    axes.set_xticks(range(len(levels)), levels)
    axes.set(yscale="log", xlabel=rf"peaks at {calibration.scales[0]} arcmin above $\kappa$", ylabel="per field", title="Peaks")
    axes.legend(frameon=False)


def draw_errors(axes, calibration):
    wiener = calibration.figures["rmse_wiener"]
    entries = [("posterior mean", calibration.figures["rmse"])]
    if np.any(calibration.figures["rmse_deepmass"] > 0):
        entries.append(("DeepMass", calibration.figures["rmse_deepmass"]))
    for place, (_, values) in enumerate(entries):
        mean, error = calibration.mean_error(values / wiener)
        axes.errorbar(place, mean, error, fmt="o", color=OURS)
        axes.annotate(f"{mean:.3f}", (place, mean), xytext=(6, 4), textcoords="offset points")
    axes.axhline(1, color=LIGHT, lw=0.8)
    axes.set_xticks(range(len(entries)), [name for name, _ in entries])
    axes.set(ylabel="RMSE over Wiener's", title="Errors", xlim=(-0.5, len(entries) - 0.3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calibration", metavar="CALIBRATION.h5", help="file of tessera calibrate")
    parser.add_argument("--out", metavar="FILE", help="picture to write [CALIBRATION.png]")
    options = parser.parse_args()
    try:
        calibration = Calibration(options.calibration)
        figure, axes = plt.subplots(2, 3, figsize=(14, 8), layout="constrained")
        for draw, panel in zip((draw_coverage, draw_tarp, draw_widths, draw_power, draw_peaks, draw_errors), axes.flat):
            draw(panel, calibration)
        figure.suptitle(f"{calibration.surveys} mock surveys")
        out = options.out or options.calibration.rsplit(".", 1)[0] + ".png"
        figure.savefig(out, dpi=110)
        print(f"wrote {out}")
    except (OSError, ValueError, KeyError) as problem:
        sys.exit(f"error: {problem}")


if __name__ == "__main__":
    main()
