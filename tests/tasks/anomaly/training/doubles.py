"""Families that are easy to think about, and the small panels that they are tried on."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.families.family import Panel
from tasks.stored_models import StoredModel

KPI_NAMES = tuple(f"kpi_{number}" for number in range(8))
SLOTS = 24
WEEK = 7 * SLOTS


@dataclass(frozen=True, slots=True)
class Widest:
    """The widest deviation of any KPI; knows no co-movement."""

    name = "widest"
    title = "Widest"
    reason = "A double."
    context_periods = 0

    def fit(self, panel, seed):
        return StoredModel(self.name, panel.kpis, {}, {"seed": np.array([seed])})

    def scores(self, _model, panel):
        values = np.abs(panel.values)
        return np.where(np.isfinite(values).any(axis=1), np.nan_to_num(values).max(axis=1), np.nan)

    def parts(self, _model, panel):
        return np.abs(panel.values)


@dataclass(frozen=True, slots=True)
class Joint(Widest):
    """The joint distance, given how KPIs of the history move together."""

    name = "joint"
    context_periods = 2

    def fit(self, panel, _seed):
        rows = np.nan_to_num(panel.values.transpose(0, 2, 1).reshape(-1, len(panel.kpis)))
        covariance = rows.T @ rows / len(rows) + 0.05 * np.eye(len(panel.kpis))
        return StoredModel(
            self.name, panel.kpis, {}, {"precision": np.linalg.inv(covariance).astype(np.float32)}
        )

    def scores(self, model, panel):
        filled = np.nan_to_num(panel.values)
        squares = np.einsum("ckt,kl,clt->ct", filled, model.arrays["precision"], filled)
        lasting = squares.copy()
        lasting[:, 1:] += squares[:, :-1]
        lasting[:, 2:] += squares[:, :-2]
        return np.where(np.isfinite(panel.values).any(axis=1), lasting, np.nan)


@dataclass(frozen=True, slots=True)
class Blind(Widest):
    """Noise; it finds nothing but by chance."""

    name = "blind"

    def scores(self, _model, panel):
        return np.random.default_rng(1).random((panel.values.shape[0], panel.values.shape[2]))


def moving_together(cells=40, weeks=4, seed=3):
    """Return a calm panel whose KPIs follow one load, hourly."""
    random = np.random.default_rng(seed)
    periods = weeks * WEEK
    load = random.normal(size=(cells, 1, periods))
    own = random.normal(size=(cells, len(KPI_NAMES), periods))
    values = (0.9 * load + np.sqrt(1 - 0.81) * own).astype(np.float32)
    return Panel(values, KPI_NAMES, SLOTS)


def names_of(panel):
    return [f"NRCellDU={cell}" for cell in range(panel.values.shape[0])]


class CountedSeconds:
    """A clock of CPU time that takes a tenth of a second a look."""

    def __init__(self):
        self.spent = 0.0

    def __call__(self):
        self.spent += 0.1
        return self.spent
