"""Files of maps on the sphere as the program writes them, for tests of what reads them."""
import h5py
import healpy
import numpy as np

UNITS = {"count": "galaxies"}


def write_sphere_file(path, nside, stored, maps):
    """maps: {"maps/kappa_wiener": field}, fields on the whole sky [..., npix], NESTED; stored: increasing NESTED
    indices of the pixels to keep."""
    with h5py.File(path, "w") as file:
        file.create_group("healpix").attrs.update(nside=nside, ordering="NESTED", coordsys="C")
        file["healpix/pixel"] = np.asarray(stored, dtype="i8")
        for name, field in maps.items():
            group = file.create_group(name)
            group["value"] = np.asarray(field, dtype="f8")[..., stored]
            group["pixel"] = file["healpix/pixel"]  # a hard link
            group.attrs.update(pixelization="healpix", nside=nside, npix=healpy.nside2npix(nside), nest=1,
                               units=UNITS.get(name.rpartition("/")[2], "1"), description="of a test")


def tiles_near(mask, nside, tile_nside):
    """Pixels of all tiles, pixels of tile_nside, that hold a pixel of the mask (NESTED)."""
    return np.flatnonzero(np.repeat(mask.reshape(12 * tile_nside**2, -1).any(axis=1), (nside // tile_nside)**2))
