"""Measures the sets of skies that `tessera compare --skies --out` measured, with numpy and scipy, and compares every
curve and every error."""
import argparse

import h5py
import numpy as np
from scipy import ndimage, special, stats

from common import CheckFailure, dataset, interpolate_spectrum, open_run, require, require_close, run_check

ARCMIN = np.radians(1 / 60)
PERCENTS = (1, 5, 50, 95, 99)
NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


class Skies:
    """A set of skies, or one map of a map file."""

    def __init__(self, path, map_name):
        with h5py.File(path) as file:
            if "skies/kappa" in file:
                group = file["skies"]
                self.kappa = group["kappa"][()].astype(float)
                self.pixel = group.attrs["pixel_arcmin"] * ARCMIN
                self.periodic, self.averaged = bool(group.attrs["periodic"]), bool(group.attrs["pixel_averaged"])
                self.spectra = group["ell"][()], group["c_ell"][()]
                if not (np.isfinite(self.spectra[1]).all() and (self.spectra[1] > 0).all()):
                    self.spectra = None
            else:
                self.kappa = file[f"maps/{map_name}"][()][np.newaxis]
                self.pixel = np.radians(file["wcs"].attrs["CDELT2"])
                self.periodic, self.averaged, self.spectra = False, False, None
        shape = self.kappa.shape[1:]
        frequency = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]
        self.ell = 2 * np.pi * np.hypot(*frequency) / self.pixel
        self.window = np.sinc(frequency[0]) * np.sinc(frequency[1])

    def margin(self, reach):
        return 0 if self.periodic else int(np.ceil(reach / self.pixel - 1e-9))

    def smooth(self, sky, window):
        return np.fft.ifft2(np.fft.fft2(sky) * window).real


def inner(sky, margin):
    return sky[margin:sky.shape[0] - margin, margin:sky.shape[1] - margin]


def in_bins(values, edges):
    """Numbers in [edge, next edge): numpy's histogram closes the last bin."""
    return np.histogram(values[values < edges[-1]], edges)[0].astype(float)


def power(skies, index, edges):
    sky, ell = skies.kappa[index], skies.ell
    if not skies.periodic:
        tapers = [np.sin(np.pi / 2 * np.minimum(1, (np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) / (0.1 * n)))**2
                  for n in sky.shape]
        window = np.outer(*tapers)
        sky = (sky - sky.mean()) * window / np.sqrt(np.mean(window**2))
    found = np.abs(np.fft.fft2(sky))**2 * skies.pixel**2 / sky.size
    result = {"modes": np.histogram(ell, edges)[0].astype(float)}
    result["power"] = np.histogram(ell, edges, weights=found)[0] / result["modes"]
    if skies.spectra is not None:
        table = np.column_stack([skies.spectra[0], skies.spectra[1][index]])
        within = (ell >= edges[0]) & (ell <= edges[-1])
        clamped = np.clip(ell[within], *table[[0, -1], 0])
        expected = np.zeros_like(ell)
        expected[within] = interpolate_spectrum(table, clamped) * (skies.window[within]**2 if skies.averaged else 1)
        result["power_expected"] = np.histogram(ell, edges, weights=expected)[0] / result["modes"]
        result["power_ratio"] = result["power"] / result["power_expected"]
    return result


def moments(values, prefix=""):
    values = values.ravel()
    skewness = stats.skew(values)
    return {f"{prefix}rms": values.std(), f"{prefix}skewness": skewness, f"{prefix}kurtosis": stats.kurtosis(values),
            f"{prefix}s3": skewness / values.std()}


def one_point(skies, sky, axes):
    rows = []
    for sigma in axes["smoothing"] * ARCMIN:
        map_ = skies.smooth(sky, np.exp(-0.5 * (skies.ell * sigma)**2)) if sigma > 0 else sky
        values = inner(map_, skies.margin(3 * sigma))
        nu = ((values - values.mean()) / values.std()).ravel()
        rows.append(moments(values) | {
            "percentiles": np.percentile(values, PERCENTS),
            "pdf": in_bins(nu, axes["pdf"]) / nu.size / np.diff(axes["pdf"])})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def top_hat(skies, sky, axes):
    rows = []
    for radius in axes.get("top_hat", np.empty(0)) * ARCMIN:
        x = skies.ell * radius
        window = np.where(x > 0, 2 * special.j1(x) / np.where(x > 0, x, 1), 1)
        rows.append(moments(inner(skies.smooth(sky, window), skies.margin(radius)), "top_hat_"))
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def extrema(skies, sky, axes, scale):
    sigma = scale * ARCMIN
    map_ = skies.smooth(sky, np.exp(-0.5 * (skies.ell * sigma)**2)) if sigma > 0 else sky
    mode = "wrap" if skies.periodic else "nearest"
    margin = 0 if skies.periodic else max(1, skies.margin(3 * sigma))
    values = inner(map_, margin)
    area = values.size * np.degrees(skies.pixel)**2
    peaks = values[values > inner(ndimage.maximum_filter(map_, footprint=NEIGHBOURS, mode=mode), margin)]
    minima = values[values < inner(ndimage.minimum_filter(map_, footprint=NEIGHBOURS, mode=mode), margin)]
    return {"peaks_above": np.array([np.sum(peaks > level) for level in axes["thresholds"]]) / area,
            "minima_below": np.array([np.sum(minima < level) for level in axes["minima"]]) / area,
            "peaks_nu": in_bins((peaks - values.mean()) / values.std(), axes["nu"]) / area,
            "minima_nu": in_bins((minima - values.mean()) / values.std(), axes["nu"]) / area}


def starlet(skies, sky, axes, scales):
    mode, smooth, rows = "wrap" if skies.periodic else "mirror", sky, []
    for j in range(scales):
        kernel = np.zeros(4 * 2**j + 1)
        kernel[::2**j] = np.array([1, 4, 6, 4, 1]) / 16
        next_ = smooth
        for axis in (0, 1):
            next_ = ndimage.convolve1d(next_, kernel, axis=axis, mode=mode)
        w, smooth = smooth - next_, next_
        size, nu = np.abs(w).ravel(), (w / np.sqrt(np.mean(w**2))).ravel()
        kept = nu < axes["starlet"][-1]
        rows.append((np.sqrt(np.mean(w**2)), size.mean(),
                     np.histogram(nu[kept], axes["starlet"], weights=size[kept])[0] / w.size))
    return {name: np.array(values) for name, values in zip(("starlet_rms", "starlet_l1", "starlet_bins"), zip(*rows))}


def measure(skies, axes, scale, scales):
    """{curve: [sky][...]}"""
    found = [power(skies, index, axes["ell"]) | one_point(skies, sky, axes) | top_hat(skies, sky, axes)
             | extrema(skies, sky, axes, scale) | starlet(skies, sky, axes, scales)
             for index, sky in enumerate(skies.kappa)]
    return {name: np.array([sky[name] for sky in found]) for name in found[0]}


def check_set(file, group, map_name, axes, tolerance):
    skies = Skies(group.attrs["file"], map_name)
    scales = len(dataset(file, f"{group.name}/starlet_l1"))
    curves = measure(skies, axes, file["axes"].attrs["extrema_arcmin"], scales)
    stored = {name for name in group if not name.endswith("_error")}
    require(stored == set(curves), f"{group.name} holds {sorted(stored ^ set(curves))} or lacks it")
    for name, values in curves.items():
        count = len(values)
        require_close(f"{group.name}/{name}", group[name][()], values.mean(axis=0), tolerance)
        error = group[f"{name}_error"][()]
        if count == 1:
            require(np.isnan(error).all(), f"{name} has an error from a single sky")
            continue
        expected = values.std(axis=0, ddof=1) / np.sqrt(count)
        require(error.shape == expected.shape, f"{name}_error has shape {error.shape}")
        # Errors are differences of like numbers: measure them by the values.
        scale = np.sqrt(np.mean(values.astype(float)**2))
        worst = np.max(np.abs(error - expected)) / scale
        require(worst < tolerance, f"{group.name}/{name}_error differs from the oracle by {worst:.2e} of the values")


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("statistics", help="output of `tessera compare --skies --out`")
    parser.add_argument("--map", default="kappa", help="map of files that are no sets")
    parser.add_argument("--tolerance", type=float, default=1e-10)
    options = parser.parse_args()
    with open_run(options.statistics) as file:
        if "sets" not in file:
            raise CheckFailure(f"'{options.statistics}' holds no sets")
        axes = {name: values[()] for name, values in file["axes"].items()}
        for group in file["sets"].values():
            check_set(file, group, options.map, axes, options.tolerance)


if __name__ == "__main__":
    run_check(check)
