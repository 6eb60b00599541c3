"""What the oracles on the sphere share: groups of map files, modes as real vectors, shear and its exact transpose. With
healpy and numpy only."""
import healpy
import numpy as np

from common import attribute, dataset, interpolate_spectrum, open_run, require


class SphereMaps:
    """A file of maps on HEALPix pixels. Maps come on the whole sky, RING, zero where nothing is stored."""

    def __init__(self, path):
        self.file = open_run(path)
        require("healpix" in self.file, f"'{path}' has no group /healpix: it holds no maps of the sphere")
        self.nside = int(attribute(self.file, "/healpix", "nside"))
        require(attribute(self.file, "/healpix", "ordering") == "NESTED", "the pixels of /healpix are not NESTED")
        self.stored = self.ring(dataset(self.file, "/healpix/pixel"))

    def ring(self, nested):
        require(nested.size and nested.min() >= 0 and nested.max() < healpy.nside2npix(self.nside),
                f"'{self.file.filename}' has pixels that nside {self.nside} has not")
        return healpy.nest2ring(self.nside, nested)

    def map(self, name):
        value, pixel = dataset(self.file, f"{name}/value"), self.ring(dataset(self.file, f"{name}/pixel"))
        require(value.shape == pixel.shape, f"{name} has {value.shape} values on {pixel.shape} pixels")
        field = np.zeros(healpy.nside2npix(self.nside))
        field[pixel] = value
        require(np.isfinite(field).all(), f"{name} has values that are not finite")
        return field


class Sphere:
    """Modes up to lmax on the pixels of nside. A real field is the vector of its coefficients on real harmonics, which
    are orthonormal: a_l0, and sqrt(2) times the real and imaginary parts of a_lm for m > 0. So the plain dot product
    counts every mode once, and <x^2> = C_l."""

    def __init__(self, nside, lmax):
        require(2 <= lmax <= 4 * nside, f"lmax is {lmax}; nside {nside} takes 2 to {4 * nside}")
        self.nside, self.lmax = nside, lmax
        self.l, self.m = healpy.Alm.getlm(lmax)
        self.positive = self.m > 0
        self.ell = np.concatenate([self.l, self.l[self.positive]])  # of the vector's elements
        l = np.maximum(np.arange(lmax + 1.0), 1)
        self.shear_of_kappa = np.sqrt((l - 1) * (l + 2) / (l * (l + 1)))[self.l] * (self.l > 1)

    @property
    def pixel_area(self):
        return healpy.nside2pixarea(self.nside)

    def alm(self, x):
        a = x[:self.l.size].astype(complex)
        a[self.positive] = (a[self.positive] + 1j * x[self.l.size:]) / np.sqrt(2)
        return a

    def vector(self, a):
        return np.concatenate([np.where(self.positive, np.sqrt(2), 1) * a.real, np.sqrt(2) * a.imag[self.positive]])

    def synthesis(self, x):
        return healpy.alm2map(self.alm(x), self.nside, lmax=self.lmax)

    def shear(self, kappa_e, kappa_b=None):
        """gamma1, gamma2, x West and y North. HEALPix has x to the South, y to the East: Q = -gamma1, U = gamma2. In
        that mirrored frame gamma -> i gamma takes the other sign, so the modes of B do."""
        a_e = self.shear_of_kappa * self.alm(kappa_e)
        a_b = np.zeros_like(a_e) if kappa_b is None else -self.shear_of_kappa * self.alm(kappa_b)
        q, u = healpy.alm2map_spin([a_e, a_b], self.nside, 2, self.lmax)
        return -q, u

    def shear_transpose(self, gamma1, gamma2):
        """Modes of E and B. map2alm_spin is the sum over pixels times their area: one pass without weights."""
        a_e, a_b = healpy.map2alm_spin([-gamma1, gamma2], 2, self.lmax)
        factor = self.shear_of_kappa / self.pixel_area
        return self.vector(factor * a_e), self.vector(-factor * a_b)

    def dot_test(self, random):
        """Relative difference of (A x) . g and x . (A^T g), equal if one is the other's transpose; g = A x + noise, so
        that nothing cancels."""
        x = random.normal(size=(2, self.ell.size))
        gamma = np.array(self.shear(*x))
        g = gamma + random.normal(size=gamma.shape) * np.std(gamma)
        product = np.sum(gamma * g)
        return abs(product - np.sum(x * self.shear_transpose(*g))) / abs(product)


def spectrum_of_file(path, lmax):
    """C_l for l = 0 ... lmax from lines `ell C_ell`, linear in ln-ln; zero below l = 2."""
    table = np.loadtxt(path, ndmin=2)
    require(table.shape[1] == 2, f"'{path}' has {table.shape[1]} columns; ell and C_ell are expected")
    return np.concatenate([[0, 0], interpolate_spectrum(table, np.arange(2.0, lmax + 1))])



def check_against_closed_form(sphere, pixel):
    """kappa of one point, l = 2 ... lmax: the sum of (2l+1)/4pi P_l, and its shear tangential, the sum of (2l+1) /
    (4pi l(l+1)) P_l^2 of the distance (de Putter & Takada 2010); and the curl's shear turned by 45 degrees."""
    npix = healpy.nside2npix(sphere.nside)
    point = np.zeros(npix)
    point[pixel] = 1 / sphere.pixel_area
    x = sphere.vector(healpy.map2alm(point, lmax=sphere.lmax, iter=0)) * (sphere.ell > 1)
    centre, places = (np.array(healpy.pix2vec(sphere.nside, p)) for p in (pixel, np.arange(npix)))
    cosine = np.clip(centre @ places, -1, 1)
    theta, phi = healpy.pix2ang(sphere.nside, np.arange(npix))
    north = np.array([-np.cos(theta) * np.cos(phi), -np.cos(theta) * np.sin(phi), np.sin(theta)])
    west = np.array([np.sin(phi), -np.cos(phi), np.zeros(npix)])
    twice = 2 * np.arctan2(centre @ north, centre @ west)  # direction to the point, from x to y
    l = np.arange(sphere.lmax + 1)
    terms = (2 * l + 1) / (4 * np.pi) * (l > 1)
    legendre = np.polynomial.legendre
    kappa = legendre.legval(cosine, terms)
    tangential = (1 - cosine**2) * legendre.legval(cosine, legendre.legder(terms / np.maximum(l * (l + 1), 1), 2))
    gamma = -tangential * np.exp(1j * twice)
    for name, ours, expected in (("convergence", sphere.synthesis(x), kappa),
                                 ("shear", complex_shear(sphere.shear(x)), gamma),
                                 ("curl's shear", complex_shear(sphere.shear(0 * x, x)), 1j * gamma)):
        difference = np.abs(ours - expected).max() / np.abs(expected).max()
        print(f"{name} of a point against its closed form: largest difference {difference:.1e}")
        require(difference < 1e-10, f"the {name} of a point differs from its closed form by {difference:.1e}")


def complex_shear(gamma):
    return gamma[0] + 1j * gamma[1]
