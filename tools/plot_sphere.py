#!/usr/bin/env python3
"""Draws the maps of a run on the sphere, each on the whole sky (Mollweide) and on its footprint (gnomonic if it is
small, else orthographic): North up, East left. What was not observed is grey."""
import argparse
import os
import sys
import textwrap
from functools import cached_property

import h5py
import healpy
import numpy as np
from healpy import projector
from matplotlib import patheffects
from matplotlib.patches import Ellipse

from plot_maps import (DEEPMASS_MAPS, DEFAULT_MAPS, FAMILIES, POSTERIOR_MAPS, TITLES, UNOBSERVED, family_of, open_maps,
                       plt, symmetric)

SMALL, LARGE = 10, 80  # degrees from the footprint's centre: gnomonic below, both hemispheres above
CELL = 4.4  # inches, width of a map
DPI = 150
GAP = 0.45  # inches between the two views, for labels
FINER = 2  # pixels of the pictures' arrays per pixel on paper
STEPS = (30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)  # degrees between lines of the graticule
LINE = {"color": "0.35", "lw": 0.4, "alpha": 0.7}
OUTLINED = [patheffects.withStroke(linewidth=2, foreground="white", alpha=0.8)]


def first_of_each(increasing):
    """Where each value of an increasing array begins (numpy.unique would sort, with several times the memory)."""
    return np.flatnonzero(np.diff(increasing, prepend=increasing[0] - 1))


class PartialMap:
    """Values on some pixels, NESTED and increasing, each with the part of it that was observed. Never the whole sky:
    at nside 4096 that is 1.6 GB a map."""

    def __init__(self, nside, pixel, part, value):
        self.nside, self.pixel, self.part, self.value = nside, pixel, part, value

    def degraded(self, nside):
        """Means over the observed pixels in each pixel of nside, if that is coarser."""
        if nside >= self.nside:
            return self
        children = (self.nside // nside)**2
        parent = self.pixel // children
        first = first_of_each(parent)
        part = np.add.reduceat(self.part, first)
        return PartialMap(nside, parent[first], part / children, np.add.reduceat(self.part * self.value, first) / part)

    def smoothed(self, sigma):
        """Convolved with a Gaussian, as is the observed part, by which it is divided: zeros of the unobserved sky do
        not leak in. On pixels of half sigma at most, if the map has them."""
        nside = 2**int(np.ceil(np.log2(2 * healpy.nside2resol(1) / sigma)))
        coarse = self.degraded(max(nside, 1))
        ring, sky = healpy.nest2ring(coarse.nside, coarse.pixel), np.zeros(healpy.nside2npix(coarse.nside))

        def convolved(values):
            sky[ring] = values
            lmax = min(3 * coarse.nside - 1, int(5 / sigma) + 1)
            return healpy.smoothing(sky, sigma=sigma, lmax=lmax, iter=1)[ring]

        value = convolved(coarse.part * coarse.value) / convolved(coarse.part)
        return PartialMap(coarse.nside, coarse.pixel, coarse.part, value)

    def at(self, pixel):
        """Values at pixels of this nside (-1: none), NaN where there are none."""
        place = np.minimum(np.searchsorted(self.pixel, pixel), self.pixel.size - 1)
        return np.where(self.pixel[place] == pixel, self.value[place], np.nan)


class SphereRun:
    """The maps of a file, read when they are drawn."""

    def __init__(self, path, truth_path, smooth_arcmin):
        self.file, self.smooth = open_maps(path), np.radians(smooth_arcmin / 60)
        if "healpix" not in self.file:
            raise ValueError(f"'{path}' holds no maps of the sphere; tools/plot_maps.py draws those of the plane")
        self.nside, self.pixel = int(self.file["healpix"].attrs["nside"]), self.file["healpix/pixel"][()]
        self.groups = {name: group for place in ("data", "maps") for name, group in self.file.get(place, {}).items()
                       if isinstance(group, h5py.Group) and "value" in group}
        self.truth = self.read_truth(truth_path) if truth_path else None
        self.observed = np.ones(self.pixel.size, bool)
        if "mask" in self.groups:
            self.observed = self.groups["mask"]["value"][()] == 1
        if not self.observed.any():
            raise ValueError(f"'{path}' has no observed pixel")

    def read_truth(self, path):
        with open_maps(path) as file:
            group = file["maps/kappa"] if "healpix" in file else None
            if group is None or group.attrs["nside"] != self.nside:
                raise ValueError("the truth lies on another grid than the run")
            pixel, value = group["pixel"][()], group["value"][()]
        return PartialMap(self.nside, pixel, np.ones(pixel.size), value).at(self.pixel)

    @property
    def names(self):
        stacks = {name for name, group in self.groups.items() if group["value"].ndim > 1}
        derived = {"sample_1", "sample_2"} if "kappa_posterior_samples" in stacks else set()
        derived |= {"truth"} if self.truth is not None else set()
        derived |= {"snr"} if {"kappa_wiener", "kappa_wiener_std"} <= set(self.groups) else set()
        return set(self.groups) - stacks | derived

    def chosen(self, names):
        if names is None:
            usual = DEEPMASS_MAPS if "kappa_deepmass" in self.names else DEFAULT_MAPS
            usual = POSTERIOR_MAPS if "kappa_posterior" in self.names else usual
            names = [name for name in usual if name in self.names]
        for name in names:
            if name not in self.names:
                raise ValueError(f"there is no map '{name}'; the run offers {', '.join(sorted(self.names))}")
        if not names:
            raise ValueError("the run holds no map to draw")
        return names

    def values(self, name):
        if name == "truth":
            return self.truth
        if name == "snr":
            mean, std = self.values("kappa_wiener"), self.values("kappa_wiener_std")
            return np.divide(mean, std, out=np.full_like(mean, np.nan), where=std > 0)
        if name.startswith("sample_"):
            return self.groups["kappa_posterior_samples"]["value"][0 if name == "sample_1" else -1].astype(float)
        return self.groups[name]["value"][()].astype(float)

    def smooths(self, name):
        """Whether --smooth means this map: the others are not linear in the sky."""
        return self.smooth > 0 and family_of(name) in ("kappa", "ks", "shear")

    def map(self, name):
        values = self.values(name)
        shown = np.isfinite(values) & (self.observed if FAMILIES[family_of(name)].needs_galaxies else self.filled)
        if not shown.any():
            raise ValueError(f"'{name}' has no value where the run observed")
        result = PartialMap(self.nside, self.pixel[shown], np.ones(np.count_nonzero(shown)), values[shown])
        return result.smoothed(self.smooth) if self.smooths(name) else result

    @cached_property
    def filled(self):
        """Observed pixels and chance gaps between them, across which maps with a prior are shown."""
        first = first_of_each(self.pixel // 4)
        size = np.diff(first, append=self.pixel.size)
        likely = ~self.observed & np.repeat(np.add.reduceat(self.observed, first, dtype="i1") > 2, size)
        around = healpy.get_all_neighbours(self.nside, self.pixel[likely], nest=True)
        filled = self.observed.copy()
        filled[likely] = np.isin(around, self.pixel[self.observed]).sum(axis=0) > 5
        return filled

    @cached_property
    def outline(self):
        """The footprint in coarse pixels: centre (unit vector), degrees to the farthest, directions."""
        nside = min(self.nside, 128)
        coarse = self.pixel[self.observed] // (self.nside // nside)**2
        places = np.array(healpy.pix2vec(nside, coarse[first_of_each(coarse)], nest=True))
        centre = places.mean(axis=1) + [0, 1e-9, 0]
        for step in range(1, 400):  # towards the farthest: the centre of the smallest cap (Badoiu & Clarkson 2003)
            centre = centre / np.linalg.norm(centre)
            centre = centre + (places[:, np.argmin(centre @ places)] - centre) / (step + 1)
        centre = centre / np.linalg.norm(centre)
        return centre, np.degrees(np.arccos(np.clip((centre @ places).min(), -1, 1))), places

    def title(self, names):
        area = healpy.nside2pixarea(self.nside, degrees=True) * np.count_nonzero(self.observed)
        parts = [f"{area:,.0f} deg² observed" if area >= 10 else f"{area:.2g} deg² observed",
                 f"nside {self.nside}, pixels of {healpy.nside2resol(self.nside, arcmin=True):.3g}′"]
        if "count" in self.groups:
            parts.insert(0, f"{self.values('count').sum():,.0f} galaxies")
        squires = self.file.get("diagnostics/kaiser_squires")
        smoothing = squires.attrs.get("smoothing_arcmin", 0) if squires else 0
        if smoothing > 0 and any(family_of(name) == "ks" for name in names):
            parts.append(f"Kaiser–Squires maps smoothed with a Gaussian of σ = {smoothing:.3g}′")
        if any(map(self.smooths, names)):
            parts.append(f"κ and γ smoothed with σ = {np.degrees(self.smooth) * 60:.3g}′ for this picture")
        return "  ·  ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


class View:
    """A projection and the part of its plane that is drawn: x and y from low to high, `width` array pixels wide."""

    def __init__(self, projection, low, high, width):
        self.projection, self.low, self.high = projection, np.array(low), np.array(high)
        size = (self.high - self.low) * width / (high[0] - low[0])
        x, y = (low[i] + (np.arange(round(size[i])) + 0.5) * (high[i] - low[i]) / round(size[i]) for i in (0, 1))
        x, y = np.meshgrid(x, y)
        self.directions = np.array(projection.xy2vec(x.ravel(), y.ravel())).reshape(3, *x.shape)
        # The coarsest pixels that are not much larger than those of the array; Mollweide's units are 1.4 radian.
        radians = (1.4 if isinstance(projection, projector.MollweideProj) else 1) * (high[0] - low[0]) / width
        self.nside = 2**int(np.ceil(np.log2(healpy.nside2resol(1) / radians)))
        self.pixels = {}

    @property
    def aspect(self):
        size = self.high - self.low
        return size[1] / size[0]

    def image(self, partial):
        coarse = partial.degraded(self.nside)
        if coarse.nside not in self.pixels:
            seen = np.isfinite(self.directions[0])
            self.pixels[coarse.nside] = np.full(seen.shape, -1)
            self.pixels[coarse.nside][seen] = healpy.vec2pix(coarse.nside, *self.directions[:, seen], nest=True)
        return coarse.at(self.pixels[coarse.nside])

    def line(self, lon, lat):
        """x and y along a line of the graticule, NaN where it is out of sight or goes around the back of the sky."""
        x, y = self.projection.ang2xy(*np.broadcast_arrays(lon, lat), lonlat=True)
        broken = np.hypot(np.diff(x, append=x[-1]), np.diff(y, append=y[-1])) > 0.05
        return np.where(broken, np.nan, x), y


def view_of_sky(run, width):
    centre, radius, _ = run.outline
    lon = 30 * round(healpy.vec2ang(centre, lonlat=True)[0].item() / 30) if radius < LARGE else 0
    return View(projector.MollweideProj(rot=(lon, 0)), (-2, -1), (2, 1), width)


def ring_around(run, sky):
    """x and y of a ring, if the footprint is so small that it is overlooked on the whole sky."""
    centre, radius, _ = run.outline
    if radius > SMALL:
        return None
    lon, lat = (angle.item() for angle in healpy.vec2ang(centre, lonlat=True))
    turn, away = np.linspace(0, 2 * np.pi, 200), np.radians(max(1.2 * radius, 3))
    ring = np.array([np.full(turn.size, np.cos(away)), np.sin(away) * np.cos(turn), np.sin(away) * np.sin(turn)])
    return sky.line(*healpy.vec2ang(healpy.Rotator(rot=(lon, lat)).I(ring).T, lonlat=True))


def view_of_footprint(run, width):
    centre, radius, places = run.outline
    if radius > LARGE:
        return View(projector.OrthographicProj(rot=(0, 0), half_sky=False), (-2, -1), (2, 1), width)
    rot = tuple(angle.item() for angle in healpy.vec2ang(centre, lonlat=True))
    if radius < SMALL:
        projection = projector.GnomonicProj(rot=rot)
    else:
        projection = projector.OrthographicProj(rot=rot, half_sky=True)
    xy = np.array(projection.vec2xy(*places))
    low, high = np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)
    margin = 0.04 * (high - low).max() + healpy.nside2resol(run.nside)
    return View(projection, low - margin, high + margin, width)


def crossings(along, across, edge):
    """Where a line crosses an edge of the picture."""
    side = np.sign(across - edge)
    here = np.flatnonzero(side[:-1] * side[1:] < 0)
    part = (edge - across[here]) / (across[here + 1] - across[here])
    return along[here] + part * (along[here + 1] - along[here])


def label(axis, value):
    value = np.round(value, 6) + 0.0
    return f"{value % 360:g}°" if axis == 0 else (f"{value:+g}°" if value else "0°").replace("-", "\N{MINUS SIGN}")


def label_edge(axes, view, axis, lines):
    """Labels lines of RA (axis 0) below or above the frame, where more of them find room, of Dec left of it. False if
    fewer than two do or if they do not come in order."""
    found = []
    for edge in (view.low, view.high)[:2 - axis]:
        ticks = sorted((place, value) for value, xy in lines.items()
                       for place in crossings(xy[axis], xy[1 - axis], edge[1 - axis])
                       if view.low[axis] < place < view.high[axis])
        order = np.sign(np.diff([value for _, value in ticks]))
        room = np.diff([place for place, _ in ticks]) > 0.07 * (view.high[axis] - view.low[axis])
        found.append(ticks if abs(order.sum()) == order.size > 0 and room.all() else [])
    second = len(found[-1]) > len(found[0])
    if not found[second]:
        return False
    ruler = (axes.xaxis, axes.yaxis)[axis]
    ruler.set_ticks([place for place, _ in found[second]], [label(axis, value) for _, value in found[second]])
    side = "left" if axis else "top" if second else "bottom"
    ruler.set_ticks_position(side)
    ruler.set_label_position(side)
    ruler.set_label_text(("Right ascension", "Declination")[axis], fontsize=8)
    return True


def draw_graticule(axes, view, whole):
    """Lines of RA and Dec, labelled at the frame or, where that has no room or is none, inside."""
    lon, lat = healpy.vec2ang(view.directions[:, np.isfinite(view.directions[0])].T, lonlat=True)
    middle = view.projection.get_center(lonlat=True)
    lon = (lon - middle[0] + 180) % 360 - 180
    steps = [30, 30] if whole else [next(s for s in STEPS if np.ptp(values) >= 3 * s or s == STEPS[-1])
                                    for values in (lon, lat)]
    ranges = [np.linspace(max(v.min() - 0.1 * np.ptp(v), -end), min(v.max() + 0.1 * np.ptp(v), end), 3000)
              for v, end in ((lon, 180), (lat, 90))]
    ranges[0] += middle[0]
    values = [step * np.arange(np.ceil(r[0] / step), np.floor(r[-1] / step) + 1) for step, r in zip(steps, ranges)]
    if np.ptp(ranges[0]) == 360:  # both ends are one meridian
        values[0] = values[0][:round(360 / steps[0])]
    for axis in (0, 1):
        lines = {value: view.line(*((value, ranges[1]) if axis == 0 else (ranges[0], value))) for value in values[axis]}
        for x, y in lines.values():
            axes.plot(x, y, **LINE)
        if whole or not label_edge(axes, view, axis, lines):
            parallel, meridian = (step * np.round(place / step) for step, place in
                                  ((steps[1], np.clip(lat.mean(), -60, 60)), (steps[0], middle[0])))
            label_inside(axes, view, axis, values[axis], (0, middle[0]) if whole else (parallel, meridian), whole)


def label_inside(axes, view, axis, values, along, whole):
    """RA along a parallel, Dec along a meridian; on the whole sky Dec at its left limb."""
    limb = 179.9 if isinstance(view.projection, projector.MollweideProj) else 89.9
    for value in values:
        if whole and axis == 0 and abs((value - along[1] + limb) % (2 * limb) - limb) > limb - 35:
            continue  # close to the limb
        if axis == 1 and abs(value) == 90:
            continue
        ra = value if axis == 0 else along[1] + limb if whole else along[1]
        x, y = view.projection.ang2xy(ra, value if axis == 1 else along[0], lonlat=True)
        beside = whole and axis == 1
        axes.text(x - 0.03 * beside, y, label(axis, value), fontsize=6.5, color="0.1", va="center",
                  ha="right" if beside else "center", clip_on=not whole, path_effects=OUTLINED)


def draw_view(figure, box, view, image, colours, limits, mark):
    """box: left, bottom, width, height in inches. mark: x and y of a line to draw."""
    size = np.tile(figure.get_size_inches(), 2)
    axes = figure.add_axes(np.array(box) / size)
    whole = view.high[0] == 2
    discs = [plt.Circle((0, 0), 1)]
    if isinstance(view.projection, projector.MollweideProj):
        discs = [Ellipse((0, 0), 4, 2)]
    elif whole:
        discs = [plt.Circle((x, 0), 1) for x in (-1, 1)]
    elif isinstance(view.projection, projector.GnomonicProj):
        discs = [plt.Rectangle(view.low, *(view.high - view.low))]
    for disc in discs:
        disc.set(facecolor=UNOBSERVED, edgecolor="0.3", lw=0.6)
        axes.add_patch(disc)
    shown = axes.imshow(image, origin="lower", extent=np.ravel([view.low, view.high], order="F"), aspect="auto",
                        cmap=colours, vmin=limits[0], vmax=limits[1], zorder=1.5)
    axes.set(xlim=(view.low[0], view.high[0]), ylim=(view.low[1], view.high[1]), xticks=[], yticks=[])
    draw_graticule(axes, view, whole)
    if mark is not None:
        axes.plot(*mark, color="#d1622b", lw=1)
    axes.tick_params(labelsize=7.5, length=2)
    if whole:
        axes.axis("off")
        axes.set(xlim=(-2.01, 2.01), ylim=(-1.01, 1.01))
    return shown


def scale_of(name):
    family = family_of(name)
    return name if family == "other" else family


def scales_of(names, pictures):
    """Colours and limits by name. All of kappa share a scale that is symmetric about zero; Kaiser-Squires maps have one
    of their own if their noise would leave the others pale."""
    seen = {}
    for name in names:
        values = pictures[name][-1]
        seen.setdefault(scale_of(name), []).append(values[np.isfinite(values)])
    limits = {}
    for scale, parts in seen.items():
        find = symmetric(99.7) if scale in ("kappa", "ks") else FAMILIES.get(scale, FAMILIES["other"]).limits
        low, high = find(np.concatenate(parts))
        limits[scale] = (low, high) if high > low else (low - 0.5, low + 0.5)
    if "kappa" in limits and "ks" in limits and limits["ks"][1] < 2 * limits["kappa"][1]:
        limits["kappa"] = limits["ks"] = max(limits["kappa"], limits["ks"], key=lambda limit: limit[1])
    return {name: ("RdBu_r" if scale_of(name) == "kappa" else FAMILIES[family_of(name)].colours, limits[scale_of(name)])
            for name in names}


def scale_label(run, name):
    if name == "count":
        return f"galaxies per pixel of ({healpy.nside2resol(run.nside, arcmin=True):.3g}′)²"
    quantity = FAMILIES[family_of(name)].quantity or name
    unit = run.groups[name].attrs.get("units", "") if name in run.groups else "1"
    return quantity if name == "snr" or not unit else f"{quantity} ({'dimensionless' if unit == '1' else unit})"


def draw(run, names, path):
    width = round(CELL * DPI * FINER)
    views = [view_of_sky(run, width), view_of_footprint(run, width)]
    marks = [ring_around(run, views[0]), None]
    pictures = {}
    for name in names:
        partial = run.map(name)
        pictures[name] = [view.image(partial) for view in views]
    scales = scales_of(names, pictures)
    columns = min(len(names), 2 if len(names) == 4 else 3 if len(names) < 7 else 4)
    rows = -(-len(names) // columns)
    heights = [CELL * view.aspect for view in views]
    shrink = min(1, 1.1 * CELL / heights[1])  # of a tall footprint
    left, bar, foot = 0.65, 0.55, 0.95  # inches: Dec labels; the scale; from it to the footprint
    cell = np.array([left + CELL + 0.2, foot + shrink * heights[1] + GAP + heights[0] + 0.35])
    lines = textwrap.wrap(run.title(names), round(9 * cell[0] * columns))
    figure = plt.figure(figsize=cell * [columns, rows] + [0.1, 0.3 + 0.25 * len(lines)])
    for index, name in enumerate(names):
        x, y = left + cell[0] * (index % columns), 0.1 + cell[1] * (rows - 1 - index // columns)
        field = (x + (1 - shrink) * CELL / 2, y + foot, shrink * CELL, shrink * heights[1])
        sky = (x, field[1] + field[3] + GAP, CELL, heights[0])
        for view, image, box, mark in zip(views, pictures[name], (sky, field), marks):
            shown = draw_view(figure, box, view, image, *scales[name], mark)
        figure.text((x + CELL / 2) / figure.get_figwidth(), (sky[1] + sky[3] + 0.1) / figure.get_figheight(),
                    TITLES.get(name, name), ha="center", fontsize=11)
        axes = figure.add_axes(np.array((x + 0.1 * CELL, y + bar - 0.1, 0.8 * CELL, 0.1))
                               / np.tile(figure.get_size_inches(), 2))
        scale = figure.colorbar(shown, cax=axes, orientation="horizontal", extend="max" if name == "count" else "both",
                                extendfrac=0.03)
        scale.set_label(scale_label(run, name), fontsize=9, labelpad=2)
        axes.tick_params(labelsize=8)
        axes.locator_params(nbins=6)
    figure.suptitle("\n".join(line.strip(" ·") for line in lines), fontsize=12, y=1 - 0.12 / figure.get_figheight(),
                    va="top")
    figure.savefig(path, dpi=DPI)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5", help="maps of the sphere, output of `tessera map`")
    parser.add_argument("--truth", metavar="TRUTH.h5", help="truth of a mock survey, drawn beside the Wiener map")
    parser.add_argument("--smooth", metavar="ARCMIN", type=float, default=0,
                        help="standard deviation of a Gaussian for the maps of kappa and shear and the truth, within "
                        "what was observed [none]")
    parser.add_argument("--out", metavar="PICTURE.png", help="picture to write [the run's name with .png]")
    parser.add_argument("--maps", metavar="NAME,NAME,...", type=lambda text: text.split(","),
                        help="groups of /maps or /data to draw, snr, truth [" + ",".join(DEFAULT_MAPS) + "]")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        if not 0 <= options.smooth < 3600:
            raise ValueError(f"--smooth is {options.smooth:g}; a width from 0 to 3600 arcmin is expected")
        run = SphereRun(options.run, options.truth, options.smooth)
        draw(run, run.chosen(options.maps), options.out or os.path.splitext(options.run)[0] + ".png")
    except (OSError, KeyError, ValueError) as problem:
        print("error:", " ".join(str(problem).split()), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
