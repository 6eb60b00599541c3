"""Solves a run's Wiener filter in data space, (N + P S P^T) y = d on the observed pixels and kappa = S P^T y, and
compares: by dense algebra on small fields, by conjugate gradients (scipy) on large ones. The run itself solves for
whitened harmonic coefficients. --std compares the standard deviation map with the exact posterior covariance."""
import argparse
import inspect

import numpy as np
from scipy import fft, linalg
from scipy.sparse.linalg import LinearOperator, cg

from common import Box, attribute, dataset, interpolate_spectrum, open_run, require, require_close, run_check

GROUP = "/diagnostics/wiener"
DENSE_DATA = 3000  # numbers in the data vector up to which dense algebra is chosen
DENSE_FIELD = 6000  # pixels of the field up to which the posterior covariance is built
STANDARD_ERRORS = 5


class Problem:
    """Data, noise and prior of a run."""

    def __init__(self, file):
        self.box = Box.of(file, GROUP)
        _, _, ell = self.box.modes()
        window = self.box.pixel_window() if attribute(file, GROUP, "pixel_window") else 1.0
        # Covariance per pixel: a field's FFT times `power` is the FFT of its product with the prior covariance.
        self.power = interpolate_spectrum(dataset(file, "/provenance/spectrum"), ell) * window**2 / self.box.pixel**2
        self.cosine, self.sine = self.box.shear_factors()
        sigma = dataset(file, "/data/noise_sigma")
        self.observed = dataset(file, "/data/mask") == 1
        require(np.array_equal(self.observed, sigma > 0), "noise_sigma is not positive exactly where mask is 1")
        require(self.observed.any(), "no pixel is observed")
        self.shape = sigma.shape
        gamma = [dataset(file, f"/data/gamma{c}")[self.observed] for c in (1, 2)]
        self.data = np.concatenate(gamma)
        self.noise_sigma = np.tile(sigma[self.observed], 2)


def solve_iterative(problem):
    """Posterior mean; conjugate gradients to 1e-9 on N^-1/2 (N + P S P^T) N^-1/2."""
    box, count = problem.box, problem.data.size // 2
    half = np.s_[:, :box.nx // 2 + 1]
    power, cosine, sine = problem.power[half], problem.cosine[half], problem.sine[half]
    observed = problem.observed

    def transform(values):
        field = np.zeros((box.ny, box.nx))
        field[:problem.shape[0], :problem.shape[1]][observed] = values
        return fft.rfft2(field)

    def field_of(modes):
        return fft.irfft2(modes, s=(box.ny, box.nx))[:problem.shape[0], :problem.shape[1]]

    def convergence_modes(y):
        return power * (cosine * transform(y[:count]) + sine * transform(y[count:]))

    def covariance(y):
        kappa = convergence_modes(y)
        return np.concatenate([field_of(factor * kappa)[observed] for factor in (cosine, sine)])

    sigma = problem.noise_sigma
    system = LinearOperator((2 * count, 2 * count), matvec=lambda u: u + covariance(u / sigma) / sigma, dtype=float)
    iterations = []
    relative = "rtol" if "rtol" in inspect.signature(cg).parameters else "tol"
    u, info = cg(system, problem.data / sigma, maxiter=10000, atol=0.0, callback=iterations.append, **{relative: 1e-9})
    require(info == 0, f"the oracle's conjugate gradients did not converge in {len(iterations)} iterations")
    print(f"oracle: {2 * count} data, {len(iterations)} iterations")
    return field_of(convergence_modes(u / sigma))


class DenseSolver:
    """The same posterior by explicit matrices, from correlation functions of the separation of two pixels."""

    def __init__(self, problem):
        self.problem = problem
        self.row, self.column = (index.ravel() for index in np.indices(problem.shape))
        self.seen = np.flatnonzero(problem.observed)
        self.everywhere = np.arange(self.row.size)
        c, s = problem.cosine, problem.sine
        self.kappa_data = np.hstack([self.prior(factor, self.everywhere, self.seen) for factor in (c, s)])
        data_data = np.block([[self.prior(a * b, self.seen, self.seen) for b in (c, s)] for a in (c, s)])
        self.total = linalg.cho_factor(data_data + np.diag(problem.noise_sigma**2))
        print(f"oracle: {problem.data.size} data, dense")

    def prior(self, factor, a, b):
        """Prior covariance between pixels a and b of fields whose modes' product is `factor` times kappa's."""
        box = self.problem.box
        correlation = np.fft.ifft2(factor * self.problem.power).real
        return correlation[np.subtract.outer(self.row[a], self.row[b]) % box.ny,
                           np.subtract.outer(self.column[a], self.column[b]) % box.nx]

    def mean(self):
        return (self.kappa_data @ linalg.cho_solve(self.total, self.problem.data)).reshape(self.problem.shape)

    def covariance(self):
        """Posterior covariance of kappa, [pixel][pixel]."""
        return (self.prior(1.0, self.everywhere, self.everywhere)
                - self.kappa_data @ linalg.cho_solve(self.total, self.kappa_data.T))


def check_std(std, covariance, prior, samples):
    """A draw's difference from the mean, d, and u - d, with u the prior's draw behind it, are independent with
    covariances C (the posterior's) and S - C. The run's variance weighs mean d^2 and S_ii - mean (u - d)^2 by their
    information. Over the pixels, its ratio to the exact variance must have the mean, the slope against the exact variance
    (is std large where it should be?) and the scatter that follow, with standard errors from the exact covariances."""
    require(samples > 0, "the run has no posterior samples")
    kept, taken = np.diag(covariance), np.diag(prior) - np.diag(covariance)
    deviation = std.ravel()**2 / kept - 1
    weight = taken**2 / (taken**2 + kept**2)  # of mean d^2
    error2 = 2 / samples * (np.outer(weight / kept, weight / kept) * covariance**2
                            + np.outer((1 - weight) / kept, (1 - weight) / kept) * (prior - covariance)**2)
    slope = np.log(kept) - np.log(kept).mean()

    def linear(weights, expected=0.0):
        return weights @ deviation, expected, np.sqrt(weights @ error2 @ weights)

    # The weights come from the estimate itself, which biases the ratio by at most its relative variance.
    bias = np.mean(np.diag(error2))
    scatter_error = np.sqrt(np.mean(2 * error2**2)) + 3 * np.diag(error2).mean() / samples
    statistics = {
        "mean of r - 1": linear(np.full(kept.size, 1 / kept.size)),
        "slope of r against ln(variance)": linear(slope / (slope @ slope)),
        "mean of (r - 1)^2": (np.mean(deviation**2), np.mean(np.diag(error2)), scatter_error),
    }
    for name, (value, expected, error) in statistics.items():
        sigmas = max(0.0, abs(value - expected) - (bias if "scatter" not in name else 0.0)) / error
        print(f"std, {name}: {value:.4f}, expected {expected:.4f} +- {error:.4f}: {sigmas:.1f} standard errors")
        require(sigmas < STANDARD_ERRORS,
                f"the std map's {name} is {value:.4f}, {sigmas:.1f} standard errors from {expected:.4f}")


def check():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", metavar="RUN.h5")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="largest relative rms difference [%(default)s]")
    parser.add_argument("--method", choices=("auto", "dense", "iterative"), default="auto", help="[%(default)s]")
    parser.add_argument("--std", action="store_true", help="check /maps/kappa_wiener_std too (small fields)")
    options = parser.parse_args()
    with open_run(options.run) as file:
        problem = Problem(file)
        wiener = dataset(file, "/maps/kappa_wiener")
        std = dataset(file, "/maps/kappa_wiener_std") if options.std else None
        samples = int(attribute(file, GROUP, "samples")) if options.std else 0
    small = problem.data.size <= DENSE_DATA and wiener.size <= DENSE_FIELD
    require(small or not (options.std or options.method == "dense"),
            f"the field is too large for dense algebra: {problem.data.size} data, {wiener.size} pixels; "
            f"the limits are {DENSE_DATA} and {DENSE_FIELD}")
    dense = options.std or options.method == "dense" or (small and options.method == "auto")
    solver = DenseSolver(problem) if dense else None
    require_close("/maps/kappa_wiener", wiener, solver.mean() if dense else solve_iterative(problem), options.tolerance)
    if options.std:
        require(std.shape == wiener.shape, f"the std map has shape {std.shape}, the mean {wiener.shape}")
        prior = solver.prior(1.0, solver.everywhere, solver.everywhere)
        check_std(std, solver.covariance(), prior, samples)


if __name__ == "__main__":
    run_check(check)
