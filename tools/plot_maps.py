#!/usr/bin/env python3
"""Draws the maps of a run side by side on the sky: North up, East left. Pixels without galaxies are grey where a map
says nothing about them; in the other maps a line marks the border of the data."""
import argparse
import os
import sys
from dataclasses import dataclass
from typing import Callable

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from scipy import ndimage

DEFAULT_MAPS = ("kappa_ks_e", "kappa_wiener", "truth", "snr", "kappa_ks_b", "kappa_wiener_std", "count")
DEEPMASS_MAPS = ("kappa_ks_e", "kappa_wiener", "kappa_deepmass", "truth", "kappa_ks_b", "kappa_wiener_std",
                 "kappa_deepmass_std", "count")
POSTERIOR_MAPS = ("kappa_wiener", "kappa_deepmass", "kappa_posterior", "truth", "sample_1", "sample_2",
                  "kappa_posterior_std", "probability")
TITLES = {
    "kappa_posterior": "Posterior: mean",
    "kappa_posterior_std": "Posterior: standard deviation",
    "kappa_posterior_skewness": "Posterior: skewness",
    "sample_1": "A posterior sample",
    "sample_2": "A sample of another chain",
    "kappa_map": "Maximum of the posterior",
    "kappa_starlet": "Starlet prior",
    "kappa_tv": "Total-variation prior",
    "kappa_ks_e": "Kaiser\N{EN DASH}Squires, E mode",
    "kappa_ks_b": "Kaiser\N{EN DASH}Squires, B mode",
    "kappa_wiener": "Wiener filter: posterior mean",
    "kappa_wiener_std": "Wiener filter: standard deviation",
    "kappa_deepmass": "DeepMass: posterior mean",
    "kappa_deepmass_std": "DeepMass: standard deviation",
    "snr": "Signal to noise of the Wiener map",
    "truth": "Truth",
    "count": "Galaxies",
}
UNOBSERVED = "0.8"
SPECK = 12  # pixels; holes and islands of the mask up to this size are left out of its outline
PANEL = 4.4  # inches


@dataclass(frozen=True)
class Family:
    """Panels that share a colour scale: the limits follow from the values of all of them."""
    quantity: str
    colours: str
    limits: Callable
    needs_galaxies: bool = False  # says nothing where there are none


def symmetric(percent):
    def limits(values):
        highest = np.percentile(np.abs(values), percent)
        return -highest, highest
    return limits


def percentiles(low, high):
    return lambda values: tuple(np.percentile(values, (low, high)))


FAMILIES = {
    "ks": Family(r"convergence $\kappa$", "RdBu_r", symmetric(99.5), needs_galaxies=True),
    "kappa": Family(r"convergence $\kappa$", "inferno", percentiles(0.5, 99.7)),
    "std": Family(r"standard deviation $\sigma_\kappa$", "viridis", percentiles(0.1, 99.9)),
    "snr": Family(r"$\kappa\,/\,\sigma_\kappa$", "RdBu_r", symmetric(99.9)),
    "shear": Family(r"shear $\gamma$", "RdBu_r", symmetric(99.0), needs_galaxies=True),
    "count": Family("galaxies per pixel", "cividis", lambda values: (0, np.percentile(values, 99.5)), True),
    "probability": Family("posterior probability", "magma", lambda values: (0, 1)),
    "other": Family("", "viridis", percentiles(0.5, 99.5)),
}


def family_of(name):
    if name in ("snr", "count"):
        return name
    if name.startswith("kappa_ks"):
        return "ks"
    if name.startswith("gamma"):
        return "shear"
    if name.endswith("_std"):
        return "std"
    if name.startswith("probability"):
        return "probability"
    if name.endswith("_skewness"):
        return "other"
    return "kappa" if name == "truth" or name.startswith("sample") or name.startswith("kappa") else "other"


def open_maps(path):
    try:
        return h5py.File(path, "r")
    except OSError as problem:
        raise OSError(f"cannot read '{path}' ({problem})") from problem


class Run:
    """What is drawn, read from the run and, if given, the truth."""

    def __init__(self, path, truth_path):
        with open_maps(path) as file:
            if "healpix" in file:
                raise ValueError(f"'{path}' holds maps of the sphere; draw them with tools/plot_sphere.py")
            self.wcs = WCS(fits.Header.fromstring(file["wcs"].attrs["header"], sep="\n"))
            self.maps, self.units = {}, {}
            for group in ("data", "maps"):
                for name, dataset in file.get(group, {}).items():
                    if dataset.ndim == 2:
                        self.maps[name] = dataset[()]
                        self.units[name] = dataset.attrs.get("units", "")
            smoothing = file.get("diagnostics/kaiser_squires")
            self.smoothing = smoothing.attrs.get("smoothing_arcmin", 0) if smoothing else 0
        self.observed = self.maps["mask"] == 1 if "mask" in self.maps else None
        if {"kappa_wiener", "kappa_wiener_std"} <= set(self.maps):
            std = self.maps["kappa_wiener_std"]
            self.add("snr", np.divide(self.maps["kappa_wiener"], std, out=np.zeros_like(std), where=std > 0))
        if truth_path:
            self.add("truth", read_truth(truth_path, self))
        self.read_posterior(path)

    def read_posterior(self, path):
        """A sample of the first and one of the last chain; detections; the finest map of probability by a short name."""
        self.detections = []
        with open_maps(path) as file:
            samples = file.get("maps/kappa_posterior_samples")
            if samples is None:
                return
            self.add("sample_1", samples[0].astype(float))
            self.add("sample_2", samples[-1].astype(float))
            table = {name: column[()] for name, column in file.get("detections", {}).items()}
        scales = [name for name in self.maps if name.startswith("probability_")]
        if scales:
            finest = min(scales, key=lambda name: float(name[len("probability_"):-len("arcmin")]))
            self.add("probability", self.maps[finest])
            TITLES["probability"] = f"Probability above threshold at {finest[len('probability_'):-len('arcmin')]}′"
        if table:
            self.detections = [dict(zip(table, row)) for row in zip(*table.values())]

    def add(self, name, values):
        self.maps[name], self.units[name] = values, "1"

    @property
    def shape(self):
        return next(iter(self.maps.values())).shape

    @property
    def pixel_arcmin(self):
        return 60 * abs(self.wcs.wcs.cdelt[1])

    def chosen(self, names):
        if names is None:
            usual = DEEPMASS_MAPS if "kappa_deepmass" in self.maps else DEFAULT_MAPS
            usual = POSTERIOR_MAPS if "kappa_posterior" in self.maps else usual
            names = [name for name in usual if name in self.maps]
        for name in names:
            if name not in self.maps:
                raise ValueError(f"there is no map '{name}'; the run offers {', '.join(sorted(self.maps))}")
        if not names:
            raise ValueError("the run holds no map to draw")
        return names

    def title(self, names, separator):
        side = " × ".join(f"{n * self.pixel_arcmin:.4g}′" for n in self.shape[::-1])
        parts = [f"field {side}, pixels of {self.pixel_arcmin:.3g}′"]
        if "count" in self.maps:
            parts.insert(0, f"{self.maps['count'].sum():,.0f} galaxies")
        if self.smoothing > 0 and any(family_of(name) == "ks" for name in names):
            parts.append(f"Kaiser–Squires maps smoothed with a Gaussian of σ = {self.smoothing:.3g}′")
        return separator.join(parts)


def read_truth(path, run):
    with open_maps(path) as file:
        truth = file["maps/kappa"][()]
        wcs = WCS(fits.Header.fromstring(file["wcs"].attrs["header"], sep="\n"))
    if truth.shape != run.shape or not wcs.wcs.compare(run.wcs.wcs, tolerance=1e-9):
        raise ValueError("the truth lies on another grid than the run")
    return truth


def outline(observed):
    """The mask without specks, for a contour; None if there is no border to show."""
    def without_specks(mask):
        labels, count = ndimage.label(mask)
        sizes = ndimage.sum_labels(mask, labels, np.arange(1, count + 1))
        return mask & ~np.isin(labels, 1 + np.flatnonzero(sizes <= SPECK))

    smooth = without_specks(~without_specks(~observed))
    return None if smooth.all() or not smooth.any() else smooth


def scale_of(name):
    """Maps with the same answer share their colour scale."""
    family = family_of(name)
    return name if family == "other" else family


def colour_limits(run, names):
    """(lowest, highest) by scale; kappa maps are judged by the pixels with galaxies."""
    values = {}
    for name in names:
        everywhere = run.observed is None or family_of(name) == "other"
        seen = run.maps[name] if everywhere else run.maps[name][run.observed]
        values.setdefault(scale_of(name), []).append((name, seen[np.isfinite(seen)]))
    limits = {}
    for scale, parts in values.items():
        low, high = FAMILIES[family_of(parts[0][0])].limits(np.concatenate([seen for _, seen in parts]))
        limits[scale] = (low, high) if high > low else (low - 0.5, low + 0.5)
    return limits


def scale_label(run, name):
    family = FAMILIES[family_of(name)]
    unit = run.units.get(name, "")
    if name == "count":
        return f"{family.quantity} of ({run.pixel_arcmin:.3g}′)²"
    if name == "snr" or not unit:
        return family.quantity or name
    return f"{family.quantity or name} ({'dimensionless' if unit == '1' else unit})"


def label_axes(axes, left, bottom, degrees):
    ra, dec = axes.coords
    style = "d.d" if degrees > 0.8 else "d.dd" if degrees > 0.08 else "d.ddd"
    for coordinate, label, side, shown in ((ra, "Right ascension", "b", bottom), (dec, "Declination", "l", left)):
        coordinate.set_major_formatter(style)
        coordinate.set_ticks(number=5)
        coordinate.set_ticklabel(size=9, exclude_overlapping=True)
        coordinate.set_ticks_position(side)
        coordinate.display_minor_ticks(False)
        coordinate.set_ticklabel_visible(shown)
        coordinate.set_axislabel(label if shown else "", minpad=0.6)
        if not shown:
            coordinate.set_auto_axislabel(False)


def draw_detections(axes, run):
    """A ring of two standard deviations of the scale about each; names beside those that have one."""
    for found in run.detections:
        radius = 2 * found["scale_arcmin"] / run.pixel_arcmin
        axes.add_patch(plt.Circle((found["x"], found["y"]), radius, fill=False, color="cyan", lw=0.8))
    for ra, dec, text in run.labels:
        x, y = run.wcs.all_world2pix(ra, dec, 0)
        if 0 <= x < run.shape[1] and 0 <= y < run.shape[0]:
            axes.plot(x, y, "+", color="white", ms=6, mew=0.8)
            axes.annotate(text, (x, y), xytext=(5, 5), textcoords="offset points", color="white", fontsize=7)


def read_labels(path):
    """Lines `ra dec name`, degrees; what follows # is a comment."""
    labels = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split(None, 2)
            if words:
                if len(words) < 3:
                    raise ValueError(f"'{path}' has the line '{line.strip()}'; 'ra dec name' is expected")
                labels.append((float(words[0]), float(words[1]), words[2].strip()))
    return labels


def draw_panel(axes, run, name, limits, border):
    family = FAMILIES[family_of(name)]
    values = run.maps[name]
    axes.set_facecolor(UNOBSERVED)
    if family.needs_galaxies and run.observed is not None:
        values = np.where(run.observed, values, np.nan)
    elif border is not None:
        line = "white" if family.colours in ("inferno", "viridis") else "0.25"
        axes.contour(border.astype(float), levels=[0.5], colors=line, linewidths=0.5, alpha=0.8)
    if name in ("kappa_posterior", "probability"):
        draw_detections(axes, run)
    image = axes.imshow(values, origin="lower", cmap=family.colours, vmin=limits[0], vmax=limits[1],
                        interpolation="nearest")
    axes.set_title(TITLES.get(name, name), fontsize=11)
    extend = "max" if name == "count" else "both"
    bar = axes.figure.colorbar(image, cax=axes.inset_axes([1.025, 0, 0.045, 1]), extend=extend, extendfrac=0.03)
    bar.set_label(scale_label(run, name), fontsize=9)
    bar.ax.tick_params(labelsize=8)


def draw(run, names, path):
    columns = len(names) if len(names) <= 3 else -(-len(names) // 2) if len(names) <= 8 else 4
    rows = -(-len(names) // columns)
    ny, nx = run.shape
    height = PANEL * min(max(ny / nx, 0.35), 2.0)
    figure = plt.figure(figsize=(0.4 + 1.2 * PANEL * columns, 0.7 + (height + 0.45) * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    limits = colour_limits(run, names)
    border = outline(run.observed) if run.observed is not None else None
    for index, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, index + 1, projection=run.wcs)
        draw_panel(axes, run, name, limits[scale_of(name)], border)
        label_axes(axes, index % columns == 0, index + columns >= len(names), min(ny, nx) * run.pixel_arcmin / 60)
    figure.suptitle(run.title(names, "  ·  " if columns > 1 else "\n"), fontsize=12 if columns > 1 else 10)
    figure.savefig(path, dpi=150)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5", help="output of `tessera map`")
    parser.add_argument("--truth", metavar="TRUTH.h5", help="truth of a mock survey, drawn beside the Wiener map")
    parser.add_argument("--names", metavar="FILE", help="known structures to mark, lines `ra dec name` in degrees")
    parser.add_argument("--out", metavar="PICTURE.png", help="picture to write [the run's name with .png]")
    parser.add_argument("--maps", metavar="NAME,NAME,...", type=lambda text: text.split(","),
                        help="datasets of /maps or /data to draw, snr, truth [" + ",".join(DEFAULT_MAPS) + "]")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        run = Run(options.run, options.truth)
        run.labels = read_labels(options.names) if options.names else []
        draw(run, run.chosen(options.maps), options.out or os.path.splitext(options.run)[0] + ".png")
    except (OSError, KeyError, ValueError) as problem:
        print("error:", " ".join(str(problem).split()), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
