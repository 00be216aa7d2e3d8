"""Which KPIs are scored and on what scale: each is first brought to a scale of even noise.

A success rate near 100 %, a power over five decades and a mean CQI cannot share one notion of
"far from expected". Shares of attempts take the arcsine root (even noise, whatever the share),
occupancies the logit (more load moves a busy and an idle cell alike), positive quantities the
logarithm, rates of rare events the root; anything else stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logit

from semantic_layer.kpis import DEFAULT_PROFILE, Kpi
from tasks.anomaly.arrays import Floats

Scale = Literal["share", "occupancy", "positive", "rate", "plain"]

_SITE_CLASS = "ManagedElement"
_EDGE_PCT = 0.5  # keeps an empty and a full cell finite
_SMALLEST_RELATIVE = 0.02  # of the typical value: below it, a positive quantity counts as nothing


@dataclass(frozen=True, slots=True)
class ScoredKpi:
    """What scoring needs to know of one KPI.

    Attributes:
        name: the KPI's name in the catalogue.
        column: its column in `cell_kpis`.
        unit: its unit, as people read it.
        better: `higher`, `lower` or `neither`.
        scale: `share` or `occupancy` (both 0 to 100 %), `positive`, `rate`
            or `plain`.
        critical: its critical threshold, on the worse side; None where it has none.
    """

    name: str
    column: str
    unit: str
    better: str
    scale: Scale
    critical: float | None = None

    def is_critical(self, value: float) -> bool:
        """Tell whether `value` is at or beyond the critical threshold."""
        if self.critical is None or self.better == "neither":
            return False
        return value <= self.critical if self.better == "higher" else value >= self.critical


def scored_kpis(kpis: Sequence[Kpi]) -> list[ScoredKpi]:
    """Return the KPIs by which cells are scored, in the catalogue's order.

    KPIs of the managed element stand on each of its cells, but blame none of them: left out.
    """
    return [
        ScoredKpi(
            kpi.name,
            kpi.column,
            kpi.unit,
            kpi.better,
            _scale_of(kpi),
            kpi.threshold(DEFAULT_PROFILE, "critical"),
        )
        for kpi in kpis
        if kpi.is_scored and kpi.object_class != _SITE_CLASS
    ]


def _scale_of(kpi: Kpi) -> Scale:
    if kpi.unit == "%":
        return "occupancy" if kpi.category == "utilization" else "share"
    if kpi.low is not None and kpi.low >= 0:
        return "rate" if kpi.category == "retainability" else "positive"
    return "plain"


def to_even_noise(values: Floats, scale: Scale, typical: Floats) -> Floats:
    """Return `values` on their scale of even noise; NaN stays NaN.

    Args:
        values: any shape (cells first), in the KPI's unit.
        scale: the KPI's scale.
        typical: one typical value a cell, broadcastable to `values`; only `positive` reads it.
    """
    if scale == "share":
        return np.asarray(np.arcsin(np.sqrt(np.clip(values, 0.0, 100.0) / 100.0)))
    if scale == "occupancy":
        return np.asarray(logit((np.clip(values, 0.0, 100.0) + _EDGE_PCT) / (100 + 2 * _EDGE_PCT)))
    if scale == "rate":
        return np.asarray(np.sqrt(np.maximum(values, 0.0)))
    if scale == "positive":
        return np.asarray(np.log(np.maximum(values, 0.0) + _SMALLEST_RELATIVE * typical))
    return values


def from_even_noise(values: Floats, scale: Scale, typical: Floats) -> Floats:
    """Return values in the KPI's unit again; the inverse of `to_even_noise` inside its bounds."""
    if scale == "share":
        return np.asarray(100.0 * np.sin(np.clip(values, 0.0, np.pi / 2)) ** 2)
    if scale == "occupancy":
        return np.asarray(np.clip(expit(values) * (100 + 2 * _EDGE_PCT) - _EDGE_PCT, 0.0, 100.0))
    if scale == "rate":
        return np.asarray(np.maximum(values, 0.0) ** 2)
    if scale == "positive":
        exact = np.exp(np.minimum(values, 80.0)) - _SMALLEST_RELATIVE * typical
        return np.asarray(np.maximum(exact, 0.0))
    return values
