"""How unlikely the KPIs are together when a cell has several ways to be normal."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.clusters import cluster_centers, nearest
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.gaussians import (
    Gaussian,
    blame,
    distances,
    gaussian,
    moments,
    shrunk_covariance,
)
from tasks.anomaly.families.rows import as_parts, as_periods, as_rows, numbers, sampled_rows
from tasks.stored_models import StoredModel

_START_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class GaussianMixture:
    """Density of a mixture of Gaussians, learnt by expectation and maximization.

    KPIs that lack in a period are integrated out: the density is of what was observed. In
    learning, they stand at their conditional mean under one Gaussian. The least likely rows teach
    nothing, so that earlier faults found no component.

    Attributes:
        components: ways to be normal.
        rounds: of expectation and maximization, at most.
        least_gain: of the mean log density in a round, under which learning ends.
        trimmed: share of rows that teach nothing, as least likely.
        floor: variance added to every KPI's, in squared spreads.
        fit_rows: most periods to learn from.
        fewest_rows: periods without which nothing is learnt.
    """

    components: int = 8
    rounds: int = 30
    least_gain: float = 2e-3
    trimmed: float = 0.005
    floor: float = 0.02
    fit_rows: int = 20_000
    fewest_rows: int = 480

    name = "gaussian_mixture"
    title = "Gaussian mixture"
    reason = (
        "Sees correlations that break while every KPI stays within its limits, also where KPIs go "
        "together in one way when busy, in another at night: one covariance averages those."
    )

    @property
    def context_periods(self) -> int:
        """None: a period is judged alone."""
        return 0

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return weights, means and covariances of the components."""
        rows = _completed(sampled_rows(panel, self.fit_rows, self.fewest_rows, seed))
        centers = cluster_centers(rows, self.components, _START_ROUNDS, seed)
        belongs = np.eye(len(centers), dtype=np.float32)[nearest(rows, centers)[0][:, 0]]
        mixture = self._learnt(rows, belongs)
        before = -np.inf
        for _ in range(self.rounds):
            logs = np.stack([_log_density(rows, *part) for part in mixture], axis=1)
            top = logs.max(axis=1, keepdims=True)
            likely = np.exp(logs - top)
            total = likely.sum(axis=1, keepdims=True)
            density = (np.log(total) + top)[:, 0]
            likely *= (density >= np.quantile(density, self.trimmed))[:, None] / total
            mixture = self._learnt(rows, likely.astype(np.float32))
            if density.mean() - before < self.least_gain:
                break
            before = float(density.mean())
        arrays = {
            "weights": np.array([weight for weight, _, _ in mixture]),
            "means": np.stack([mean for _, mean, _ in mixture]),
            "covariances": np.stack([covariance for _, _, covariance in mixture]),
        }
        return StoredModel(self.name, panel.kpis, {}, arrays)

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the distance from the densest normal state, [cells, periods].

        The root, for each KPI observed, of twice the fall of log density from the densest
        component's middle: for one component, the root of its squared distance.
        """
        rows = as_rows(panel)
        logs, peaks = [], []
        for weight, normal in _parts(model, self.name, panel):
            found = distances(rows, normal)
            peak = np.log(weight) - found.log_determinants / 2
            logs.append(peak - found.squares / 2)
            peaks.append(peak)
        density = _log_sum(np.stack(logs))
        observed = np.maximum(np.isfinite(rows).sum(axis=1), 1)
        fall = np.maximum(np.stack(peaks).max(axis=0) - density, 0)
        return as_periods(np.sqrt(2 * fall / observed), panel)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return what each KPI strays by itself and against the others, by likely component."""
        rows = as_rows(panel)
        logs, falls = [], []
        for weight, normal in _parts(model, self.name, panel):
            found = distances(rows, normal)
            logs.append(np.log(weight) - (found.log_determinants + found.squares) / 2)
            falls.append(blame(found, normal))
        belongs = np.exp(np.stack(logs) - _log_sum(np.stack(logs)))
        return as_parts(np.einsum("gr,grk->rk", belongs, np.stack(falls)), panel)

    def _learnt(self, rows: Floats, belongs: Floats) -> list[tuple[float, Floats, Floats]]:
        """Return weight, mean and covariance of each component that keeps enough rows."""
        sizes = belongs.sum(axis=0, dtype=np.float64)
        found = []
        for size, weights in zip(sizes, belongs.T, strict=True):
            if size > 2 * rows.shape[1] or size == sizes.max():
                mean, covariance = moments(rows, weights)
                shrunk = shrunk_covariance(covariance, float(size), self.floor)
                found.append((float(size), mean, shrunk))
        total = sum(size for size, _, _ in found)
        return [(size / total, mean, covariance) for size, mean, covariance in found]


def _completed(rows: Floats) -> Floats:
    if np.isfinite(rows).all():
        return rows
    mean, covariance = moments(rows)
    normal = gaussian(mean, shrunk_covariance(covariance, len(rows), 0.02))
    return np.asarray(distances(rows, normal).filled + mean.astype(np.float32))


def _log_density(rows: Floats, weight: float, mean: Floats, covariance: Floats) -> Floats:
    """Return the log density of complete rows but for a constant that all components share."""
    factor = np.linalg.inv(np.linalg.cholesky(covariance))
    whitened = (rows - mean.astype(np.float32)) @ factor.T.astype(np.float32)
    squares = np.einsum("rk,rk->r", whitened, whitened)
    return np.asarray(np.log(weight) + np.log(np.diagonal(factor)).sum() - squares / 2, np.float64)


def _parts(model: StoredModel, name: str, panel: Panel) -> Iterator[tuple[float, Gaussian]]:
    check_signature(model, name, panel)
    means, covariances = numbers(model, "means"), numbers(model, "covariances")
    for weight, mean, covariance in zip(numbers(model, "weights"), means, covariances, strict=True):
        yield float(weight), gaussian(mean, covariance)


def _log_sum(logs: Floats) -> Floats:
    """Return the log of the sum of exponentials over the first axis."""
    top = logs.max(axis=0)
    return np.asarray(np.log(np.exp(logs - top).sum(axis=0)) + top)
