"""The effect of a change: how its cells moved against cells alike that nobody touched.

Difference in differences on a KPI's two sums: sums are added over cells and periods first, then
divided. What the control cells did is what the changed cells would have done; each control cell,
taken as if it were the changed one, says how far a cell strays without any change.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Periods:
    """Starts of the periods compared: before the change, and after it settled."""

    before: tuple[datetime, ...]
    after: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change did to a KPI of some cells.

    Attributes:
        kpi: name in the semantic layer.
        before, after: value of the changed cells, in the KPI's unit.
        expected_after: value that they would have had, as the control cells moved.
        gain: relative change towards better; negative is towards worse.
        low, high: bounds of the gain at the confidence asked for.
        placebo_gains: what each control cell shows as if it had been changed.
        controls: the control cells, sorted as the placebos.
    """

    kpi: str
    before: float
    after: float
    expected_after: float
    gain: float
    low: float
    high: float
    placebo_gains: tuple[float, ...]
    controls: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the effect as JSON values, rounded to what can be meant."""
        told = {name: value for name, value in asdict(self).items() if name != "placebo_gains"}
        numbers = {
            name: round(value, 6) for name, value in told.items() if isinstance(value, float)
        }
        return {**told, **numbers, "controls": list(self.controls)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an effect is measured.

    Attributes:
        kpi, better: what is measured, and which way is good.
        factor: from the quotient of sums to the KPI's unit.
        confidence: share of placebo gains that the interval covers.
        least_base_share: the gain is relative to at least this share of the controls' value.
        least_controls: control cells with data below which nothing is stated.
    """

    kpi: str
    better: Better
    factor: float
    confidence: float
    least_base_share: float
    least_controls: int


def effect_of(
    sums: pl.DataFrame,
    changed: Sequence[str],
    controls: Sequence[str],
    periods: Periods,
    how: Comparison,
) -> Effect | None:
    """Return what a change did to a KPI; None where data or control cells are too few.

    Args:
        sums: cell_dn, period_start, above, below: the KPI's two sums a cell and period. A cell
            without a row, or whose `below` is 0, told nothing of the KPI in that period.
        changed: the cells of the change, taken together.
        controls: cells to compare with; those without data in every period compared are left out,
            for no data is no control.
        periods: what is compared.
        how: the measure.

    Source: difference in differences with permutation inference over untreated units (Abadie,
    Diamond, Hainmueller 2010); no unit is weighted.
    """
    own = _both(sums.filter(pl.col("cell_dn").is_in(list(changed))), periods)
    others = _both(_whole(sums, controls, periods), periods).sort("cell_dn")
    if own.is_empty() or others.height < how.least_controls:
        return None
    own_sums = own.select(_SUMS).sum().to_numpy().astype(np.float64)
    other_sums = others.select(_SUMS).to_numpy().astype(np.float64)
    together = other_sums.sum(axis=0)
    before, after, foreseen, gain = (
        float(values[0]) for values in _gains(own_sums, together[None, :], how)
    )
    placebos = _gains(other_sums, together[None, :] - other_sums, how)[3]
    if not np.isfinite(gain) or np.isfinite(placebos).sum() < how.least_controls:
        return None
    known = placebos[np.isfinite(placebos)]
    edge = (1.0 - how.confidence) / 2.0
    # Outward to a control cell that was seen: between two of them nothing is known.
    low = gain - float(np.quantile(known, 1.0 - edge, method="higher"))
    high = gain - float(np.quantile(known, edge, method="lower"))
    names = tuple(others["cell_dn"].to_list())
    return Effect(
        how.kpi, before, after, foreseen, gain, low, high, tuple(map(float, placebos)), names
    )


_SUMS = ("before_above", "before_below", "after_above", "after_below")


def _both(sums: pl.DataFrame, periods: Periods) -> pl.DataFrame:
    """Return each cell's sums before and after; cells that told nothing on a side are left out."""
    is_before = pl.col("period_start").is_in(list(periods.before))
    is_after = pl.col("period_start").is_in(list(periods.after))
    told = sums.filter(pl.col("below") != 0)
    sides = [
        pl.col(name).filter(is_side).sum().alias(f"{side}_{name}")
        for side, is_side in (("before", is_before), ("after", is_after))
        for name in ("above", "below")
    ]
    grouped = told.group_by("cell_dn").agg(sides)
    return grouped.filter((pl.col("before_below") != 0) & (pl.col("after_below") != 0))


def _whole(sums: pl.DataFrame, controls: Sequence[str], periods: Periods) -> pl.DataFrame:
    """Return the sums of control cells that told the KPI in every period compared."""
    every = [*periods.before, *periods.after]
    told = sums.filter(
        pl.col("cell_dn").is_in(list(controls))
        & pl.col("period_start").is_in(every)
        & (pl.col("below") != 0)
    )
    return told.filter(pl.col("period_start").n_unique().over("cell_dn") == len(every))


def _gains(cells: Floats, others: Floats, how: Comparison) -> tuple[Floats, Floats, Floats, Floats]:
    """Return each row's value before and after, the value foreseen, and the relative gain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        before = how.factor * cells[:, 0] / cells[:, 1]
        after = how.factor * cells[:, 2] / cells[:, 3]
        other_before = np.broadcast_to(how.factor * others[:, 0] / others[:, 1], before.shape)
        other_after = np.broadcast_to(how.factor * others[:, 2] / others[:, 3], before.shape)
        moved = before * other_after / other_before
    foreseen = np.where(other_before > 0, moved, before + other_after - other_before)
    base = np.maximum(np.abs(foreseen), how.least_base_share * np.abs(other_after))
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(
            base > 0, (after - foreseen) / base, np.where(after == foreseen, 0, np.nan)
        )
    return before, after, foreseen, change if how.better == "higher" else -change
