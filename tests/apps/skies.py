"""Small sets of skies in the format of io/sky_set.hpp, made with numpy: Gaussian and shifted lognormal."""
import h5py
import numpy as np


def grid(shape, pixel_arcmin):
    """(ell [ny][nx], window of the pixel [ny][nx], side of a pixel in radians)"""
    pixel = np.radians(pixel_arcmin / 60)
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]
    return 2 * np.pi * np.hypot(fx, fy) / pixel, np.sinc(fx) * np.sinc(fy), pixel


def sky(shape, pixel_arcmin, table, random, shift=None):
    """Periodic map, mean over pixels. shift: of a lognormal field, None for a Gaussian one."""
    ell, window, pixel = grid(shape, pixel_arcmin)
    power = np.exp(np.interp(np.log(np.maximum(ell, 1e-9)), *np.log(table))) * window**2
    power[0, 0] = 0
    if shift is not None:
        xi = np.fft.ifft2(power).real / pixel**2
        power = np.maximum(np.fft.fft2(np.log(1 + xi / shift**2)).real, 0) * pixel**2
    field = np.fft.ifft2(np.fft.fft2(random.standard_normal(shape)) * np.sqrt(power) / pixel).real
    if shift is None:
        return field
    return shift * (np.exp(field - power.sum() / (pixel**2 * field.size) / 2) - 1)


def write_set(path, skies, pixel_arcmin, table, periodic=True, pixel_averaged=True, source="test", scale=None):
    """table: (ell, C_ell), the same for all skies but for the factors `scale`."""
    count = len(skies)
    with h5py.File(path, "w") as file:
        group = file.create_group("skies")
        group.attrs.update(format="tessera skies 1", pixel_arcmin=float(pixel_arcmin), periodic=np.int64(periodic),
                           pixel_averaged=np.int64(pixel_averaged), source=source, spectrum_source="given")
        group["kappa"] = np.asarray(skies, np.float32)
        group["split"], group["realisation"] = np.zeros(count), np.arange(float(count))
        group["ell"] = table[0]
        group["c_ell"] = np.outer(np.ones(count) if scale is None else scale, table[1])


def make_set(path, count, shape, pixel_arcmin, table, shift=None, seed=1, **options):
    random = np.random.default_rng(seed)
    skies = [sky(shape, pixel_arcmin, table, random, shift) for _ in range(count)]
    write_set(path, skies, pixel_arcmin, table, source="lognormal" if shift else "gaussian", **options)
    return path
