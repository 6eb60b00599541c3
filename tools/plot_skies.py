#!/usr/bin/env python3
"""Draws what `tessera compare --skies --out STATS.h5` measured: power against its input, one-point PDF, skewness and
kurtosis against smoothing, peaks, minima, starlet l1-norm, each with standard errors over the skies; and, with --maps, a
sky of each set on one colour scale."""
import argparse
import os
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

COLOURS = ("#1f5fa8", "#d1622b", "#2b8a4b", "#8250a8", "#7a7a7a", "#b8912a")
MARKERS = "osD^vP"
PROMISED = 0.03  # power within this of its input
PROMISED_ELL = 100, 20000


class Set:
    """The curves of one set of skies."""

    def __init__(self, group, label, number, is_reference):
        self.curves = {name: values[()] for name, values in group.items()}
        self.file, self.skies = group.attrs["file"], int(group.attrs["skies"])
        self.label = (label or os.path.splitext(os.path.basename(self.file))[0]) + f" ({self.skies})"
        self.style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        self.reference = is_reference

    def get(self, name, *index):
        """Values and errors; None if the set has no such curve."""
        if name not in self.curves:
            return None
        return self.curves[name][index], np.nan_to_num(self.curves[f"{name}_error"][index])


def read(path, labels):
    with h5py.File(path) as file:
        if "sets" not in file:
            raise ValueError(f"'{path}' holds no statistics of skies; make it by tessera compare --skies ... --out")
        axes = {name: values[()] for name, values in file["axes"].items()}
        axes["extrema_arcmin"] = float(file["axes"].attrs["extrema_arcmin"])
        reference = int(file["sets"].attrs["reference"])
        names = sorted(file["sets"], key=int)
        if labels and len(labels) != len(names):
            raise ValueError(f"--labels names {len(labels)} sets and '{path}' holds {len(names)}")
        sets = [Set(file["sets"][name], labels[i] if labels else None, i, i == reference)
                for i, name in enumerate(names)]
    return axes, sets


def draw(axes, sets, x, curve, *index, shift=0.0, keep=None):
    """One curve of every set, side by side by a little so that error bars do not hide each other."""
    for number, each in enumerate(sets):
        found = each.get(curve, *index)
        if found is None:
            continue
        values, errors = found
        chosen = np.isfinite(values) if keep is None else np.isfinite(values) & keep(values)
        if chosen.any():
            offset = (number - (len(sets) - 1) / 2) * shift
            axes.errorbar((x * (1 + offset))[chosen], values[chosen], errors[chosen], ms=3.5, lw=1.2, elinewidth=1,
                          capsize=1.5, label=each.label, **each.style)


def positive(values):
    return values > 0


def finish(axes, title, x, y):
    axes.set_title(title, fontsize=10.5, loc="left")
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color="0.92", lw=0.6)
    axes.set_axisbelow(True)


def power_panel(axes, bins, sets):
    centre = np.sqrt(bins["ell"][1:] * bins["ell"][:-1])
    axes.set_xscale("log")
    if any("power_ratio" in each.curves for each in sets):
        axes.fill_between(PROMISED_ELL, 1 - PROMISED, 1 + PROMISED, color="0.88", lw=0, label="±3 %")
        axes.axhline(1, color="0.4", lw=0.8)
        draw(axes, sets, centre, "power_ratio", shift=0.02)
        axes.set_ylim(0.85, 1.15)
        finish(axes, "Power over its input", r"multipole $\ell$", r"$C_\ell\,/\,C_\ell^{\rm input}$")
        axes.legend(handles=[axes.get_legend_handles_labels()[0][0]], labels=["±3 %"], fontsize=8, frameon=False,
                    loc="upper right")
    else:
        axes.set_yscale("log")
        draw(axes, sets, centre, "power")
        finish(axes, "Power", r"multipole $\ell$", r"$C_\ell$ (steradian)")


def pdf_panel(axes, bins, sets, scale):
    row = int(np.argmin(np.abs(bins["smoothing"] - scale)))
    nu = 0.5 * (bins["pdf"][1:] + bins["pdf"][:-1])
    axes.set_yscale("log")
    axes.plot(nu, np.exp(-nu**2 / 2) / np.sqrt(2 * np.pi), color="0.6", lw=1, ls="--", zorder=1)
    for each in sets:
        values, errors = each.get("pdf", row)
        seen = values > 0
        colour = each.style["color"]
        axes.plot(nu[seen], values[seen], lw=1.4, color=colour)
        axes.fill_between(nu[seen], np.maximum(values - errors, 1e-9)[seen], (values + errors)[seen], color=colour,
                          alpha=0.25, lw=0)
    axes.set_ylim(1e-6, 2)
    axes.set_xlim(-4.5, 12)
    smoothing = bins["smoothing"][row]
    finish(axes, "One-point PDF, " + (f"σ = {smoothing:g}′" if smoothing else "pixels"),
           r"$(\kappa-\bar\kappa)\,/\,\sigma_\kappa$", "density (dashed: Gaussian)")


def moment_panel(axes, bins, sets, curve):
    scales = bins["smoothing"]
    place = np.where(scales > 0, scales, 0.5 * scales[scales > 0].min() if (scales > 0).any() else 1.0)
    axes.set_xscale("log")
    draw(axes, sets, place, curve, shift=0.03)
    axes.set_xticks(place, ["0" if scale == 0 else f"{scale:g}" for scale in scales])
    axes.minorticks_off()
    axes.axhline(0, color="0.6", lw=0.8)
    if curve == "kurtosis":
        axes.set_yscale("symlog", linthresh=1)
    finish(axes, f"{curve.capitalize()}", "Gaussian smoothing σ (arcmin)",
           r"$\langle\kappa^3\rangle/\sigma^3$" if curve == "skewness" else r"$\langle\kappa^4\rangle/\sigma^4-3$")


def extrema_panel(axes, bins, sets, curve, title):
    nu = 0.5 * (bins["nu"][1:] + bins["nu"][:-1])
    axes.set_yscale("log")
    draw(axes, sets, nu, curve, keep=positive)
    counts = np.concatenate([each.get(curve)[0] for each in sets])
    if (counts > 0).any():  # error bars of single extrema reach down to nothing
        axes.set_ylim(0.3 * counts[counts > 0].min(), 3 * counts.max())
    finish(axes, f"{title}, σ = {bins['extrema_arcmin']:g}′", r"$\nu=(\kappa-\bar\kappa)\,/\,\sigma_\kappa$",
           "per square degree and bin")


def starlet_panel(axes, sets):
    """l1-norm over that of a Gaussian of the same rms: 1 for a Gaussian field, less for a sparse one."""
    for each in sets:
        l1, error = each.get("starlet_l1")
        scale = each.get("starlet_rms")[0] * np.sqrt(2 / np.pi)
        axes.errorbar(2.0**np.arange(len(l1)), l1 / scale, error / scale, ms=3.5, lw=1.2, capsize=1.5, **each.style)
    axes.set_xscale("log", base=2)
    axes.axhline(1, color="0.6", lw=0.8)
    finish(axes, "Starlet l1-norm", "scale (pixels)", "mean |w| over a Gaussian's of like rms")
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%d"))


def read_map(path):
    """The first sky and the side of its pixels."""
    with h5py.File(path) as file:
        if "skies/kappa" in file:
            return file["skies/kappa"][0], float(file["skies"].attrs["pixel_arcmin"])
        return file["maps/kappa"][()], 60 * float(file["wcs"].attrs["CDELT2"])


def map_panels(figure, grid, paths, labels):
    maps = [read_map(path) for path in paths]
    values = np.concatenate([sky.ravel() for sky, _ in maps])
    low, high = np.percentile(values, (0.5, 99.7))
    panels = [figure.add_subplot(grid[0, i]) for i in range(len(maps))]
    for panel, (sky, pixel), label in zip(panels, maps, labels):
        side = np.array(sky.shape[::-1]) * pixel
        image = panel.imshow(sky, origin="lower", cmap="inferno", vmin=low, vmax=high, interpolation="nearest",
                             extent=(0, side[0], 0, side[1]))
        panel.set_title(label, fontsize=10.5, loc="left")
        panel.set_xlabel("arcmin", fontsize=9)
        panel.tick_params(labelsize=8)
    bar = figure.colorbar(image, ax=panels, extend="both", pad=0.01, aspect=30, fraction=0.04)
    bar.set_label(r"convergence $\kappa$", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def picture(bins, sets, paths, path, pdf_scale):
    figure = plt.figure(figsize=(15, 7.4 + (4.6 if paths else 0)), layout="constrained")
    parts = figure.subfigures(2 if paths else 1, 1, height_ratios=[1, 1.65] if paths else None, squeeze=False)[:, 0]
    if paths:
        names = {os.path.realpath(each.file): each.label for each in sets}
        labels = [names.get(os.path.realpath(each), os.path.basename(each)).rpartition(" (")[0]
                  or os.path.basename(each) for each in paths]
        map_panels(parts[0], parts[0].add_gridspec(1, len(paths)), paths, labels)
    panels = parts[-1].subplots(2, 4)
    power_panel(panels[0, 0], bins, sets)
    pdf_panel(panels[0, 1], bins, sets, pdf_scale)
    moment_panel(panels[0, 2], bins, sets, "skewness")
    moment_panel(panels[0, 3], bins, sets, "kurtosis")
    extrema_panel(panels[1, 0], bins, sets, "peaks_nu", "Peaks")
    extrema_panel(panels[1, 1], bins, sets, "minima_nu", "Minima")
    starlet_panel(panels[1, 2], sets)
    panels[1, 3].axis("off")
    handles = [plt.Line2D([], [], ms=5, lw=1.4, label=each.label + (", reference" if each.reference else ""),
                          **each.style) for each in sets]
    panels[1, 3].legend(handles=handles, title="sets of skies (their number)", loc="center left", fontsize=10,
                        frameon=False, alignment="left", handlelength=2.5)
    figure.savefig(path, dpi=120)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("statistics", metavar="STATS.h5", help="output of `tessera compare --skies --out`")
    parser.add_argument("--maps", metavar="SET.h5,...", type=lambda text: text.split(","), default=[],
                        help="sets, or files with a map, of which the first sky is drawn")
    parser.add_argument("--labels", metavar="NAME,...", type=lambda text: text.split(","),
                        help="names of the sets [their files']")
    parser.add_argument("--pdf-arcmin", metavar="X", type=float, default=1.0, help="smoothing of the PDF [1, or nearest]")
    parser.add_argument("--out", metavar="PICTURE.png", help="picture to write [the statistics' name with .png]")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        bins, sets = read(options.statistics, options.labels)
        picture(bins, sets, options.maps, options.out or os.path.splitext(options.statistics)[0] + ".png",
                options.pdf_arcmin)
    except (OSError, KeyError, ValueError) as problem:
        print("error:", " ".join(str(problem).split()), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
