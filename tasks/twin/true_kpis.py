"""Which KPIs a fault measurably moved in which cell, by counting the run with it and without.

Both states are counted over hours that the fault affects, several times over, so that chance
averages out, and turned into KPIs by the semantic layer. A KPI moved where it differs, on average
over those hours, by more than the sound cell differs from itself at the same hours of other days.
Nothing outside of the evaluation may read what comes from here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.kpis import Kpi, aggregate_kpis
from semantic_layer.loading import Catalogue
from tasks.twin.delivered_rows import Run
from tasks.twin.lte_measurements import lte_measurements
from tasks.twin.measurements import Columns, Stretch, nr_measurements
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S, PERIODS_A_DAY
from tasks.twin.true_scene import Scene

Integers = npt.NDArray[np.int64]

MOVED = 2.0
"""A KPI moved from this many day-to-day spreads of one hour on."""

_PERIODS_AN_HOUR = 3600 // PERIOD_S
_MOST_HOURS = 8
_LOOKS = 24  # hours counted a side, at least: chance then adds a fifth of its size to a difference
_OTHER_DAYS = 10
_DIGITS = 5
_SMALLEST_SPREAD = 1e-3  # of the typical value: a KPI that never moved is not infinitely sure
_COUNTERS = {"NR": "NRCellDU", "LTE": "EUtranCellFDD"}

TRUE_KPIS: dict[str, pl.DataType | type[pl.DataType]] = {
    "fault_id": pl.String,
    "kind": pl.String,
    "cell_dn": pl.String,
    "kpi": pl.String,
    "effect": pl.Float64,
    "is_moved": pl.Boolean,
    "hours_count": pl.Int32,
}
"""A row a fault, cell that it affects and scored KPI of the cell that has a value.

`effect` is the mean difference in day-to-day spreads of an hour, negative where the KPI fell.
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """One fault's cells of one technology, the hours looked at (as periods), and of other days."""

    technology: str
    cells: Integers
    hours: Integers
    other_days: Integers


def true_kpis(run: Run, scene: Scene, cell_periods: pl.DataFrame) -> pl.DataFrame:
    """Return how far each fault moved each scored KPI of each cell that it affects.

    Args:
        run: how the network counts.
        scene: the states with faults and without.
        cell_periods: as `true_effects` tells them; only periods affected and measured count.
    """
    touched = cell_periods.filter("is_affected", "has_data")
    cell_number = {cell.dn: cell.index for cell in scene.network.cells}
    period = {start: number for number, start in enumerate(scene.calendar.starts)}
    keyed = touched.select(
        "fault_id",
        "kind",
        pl.col("cell_dn").replace_strict(cell_number, return_dtype=pl.Int64).alias("cell"),
        pl.col("period_start").replace_strict(period, return_dtype=pl.Int64).alias("period"),
    )
    frames = [pl.DataFrame(schema=TRUE_KPIS)]
    faults = keyed.group_by("fault_id", "kind", maintain_order=True)
    for number, ((fault_id, kind), rows) in enumerate(faults):
        rng = np.random.default_rng([run.seed, 41, number])
        for place in _places(scene, rows):
            moved = _moved(run, scene, place, rng)
            frames.append(
                moved.with_columns(
                    fault_id=pl.lit(fault_id), kind=pl.lit(kind), hours_count=len(place.hours)
                ).select(pl.col(name).cast(dtype) for name, dtype in TRUE_KPIS.items())
            )
    return pl.concat(frames).sort("fault_id", "cell_dn", "kpi")


def _places(scene: Scene, rows: pl.DataFrame) -> Iterator[_Place]:
    """Yield where to look at one fault: cells that share affected hours are counted together."""
    hours = rows.select("cell", pl.col("period") // _PERIODS_AN_HOUR).unique()
    alike = (
        hours.sort("cell", "period")
        .group_by("cell", maintain_order=True)
        .agg("period")
        .group_by("period", maintain_order=True)
        .agg("cell")
    )
    for touched_hours, cells in alike.iter_rows():
        chosen = np.array(touched_hours)[_spread_evenly(len(touched_hours))]
        others = _other_days(scene.calendar.periods, chosen)
        for technology in _COUNTERS:
            named = [c for c in cells if scene.network.cells[c].band.technology == technology]
            if named:
                yield _Place(technology, np.array(named), chosen, others)


def _spread_evenly(count: int) -> Integers:
    """Return which of `count` hours to look at: all, or some spread over them."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_HOURS)).round().astype(np.int64))


def _other_days(periods: int, hours: Integers) -> Integers:
    """Return the same hours on the days nearest by, [days, hours]; all inside of the run."""
    a_day = PERIODS_A_DAY // _PERIODS_AN_HOUR
    last = periods // _PERIODS_AN_HOUR
    steps = sorted((s for s in range(-periods, periods) if s), key=lambda step: (abs(step), step))
    inside = (hours + step * a_day for step in steps if abs(step) * a_day < last)
    kept = [day for day in inside if day.min() >= 0 and day.max() < last]
    return np.array(kept[:_OTHER_DAYS], dtype=np.int64).reshape(-1, len(hours))


def _moved(run: Run, scene: Scene, place: _Place, rng: np.random.Generator) -> pl.DataFrame:
    """Return cell_dn, kpi, effect and is_moved for the cells of one place."""
    hours = len(place.hours)
    repeated = np.tile(place.hours, -(-_LOOKS // hours))
    kpis = _scored(run.catalogue, _COUNTERS[place.technology])
    ill = _hourly(run, scene.state, place, repeated, kpis, rng)
    every = np.concatenate([repeated, place.other_days.ravel()])
    well = _hourly(run, scene.sound, place, every, kpis, rng)
    is_then = pl.col("look") < len(repeated)
    sound, others = well.filter(is_then), well.filter(~is_then)
    keys = ["cell_dn", "kpi"]
    spread = (
        others.with_columns(hour=pl.col("look") % hours)
        .group_by(*keys, "hour", maintain_order=True)
        .agg(pl.col("value").var().alias("variance"), pl.col("value").mean().abs().alias("level"))
        .group_by(keys, maintain_order=True)
        .agg(
            pl.max_horizontal(
                pl.col("variance").mean().sqrt(), _SMALLEST_SPREAD * pl.col("level").mean()
            ).alias("spread")
        )
    )
    pairs = ill.join(sound, on=[*keys, "look"], suffix="_sound", maintain_order="left")
    told = pairs.group_by(keys, maintain_order=True).agg(
        (pl.col("value") - pl.col("value_sound")).mean().alias("shift")
    )
    effect = (pl.col("shift") / pl.col("spread")).round_sig_figs(_DIGITS)
    return (
        told.join(spread, on=keys)
        .filter(pl.col("spread") > 0, pl.col("shift").is_not_null())
        .select(*keys, effect.alias("effect"), (effect.abs() >= MOVED).alias("is_moved"))
    )


def _scored(catalogue: Catalogue, object_class: str) -> list[Kpi]:
    return [
        kpi for kpi in catalogue.kpis.values() if kpi.is_scored and kpi.object_class == object_class
    ]


def _hourly(
    run: Run, state: State, place: _Place, hours: Integers, kpis: Sequence[Kpi],
    rng: np.random.Generator,
) -> pl.DataFrame:  # fmt: skip
    """Return cell_dn, kpi, look (which of `hours`) and value, where there is one."""
    periods = (hours[:, None] * _PERIODS_AN_HOUR + np.arange(_PERIODS_AN_HOUR)).ravel()
    chosen = Stretch(run.world, _at(state, periods), run.conditions, 0, len(periods), place.cells)
    rows = _rows(run, chosen, _counted(chosen, place.technology, rng))
    keys = ["cell_dn", "look"]
    values = aggregate_kpis(rows.lazy(), kpis, keys, run.catalogue).collect()
    named = values.rename({kpi.column: kpi.name for kpi in kpis})
    long = named.unpivot(index=keys, variable_name="kpi", value_name="value")
    return long.filter(pl.col("value").is_finite()).sort("cell_dn", "kpi", "look")


def _counted(stretch: Stretch, technology: str, rng: np.random.Generator) -> Columns:
    if technology == "LTE":
        return lte_measurements(stretch, rng)
    return nr_measurements(stretch, rng, has_distributions=False)


def _rows(run: Run, stretch: Stretch, counted: Columns) -> pl.DataFrame:
    """Return counts as rows of `pm_measurements`, by cell and look."""
    names = pl.Series([stretch.world.radio.network.cells[c].dn for c in stretch.cells])
    periods, size = stretch.last, len(stretch.cells)
    keys = {
        "cell_dn": names.gather(np.tile(np.arange(size), periods)),
        "look": np.repeat(np.arange(periods) // _PERIODS_AN_HOUR, size),
        "granularity_s": np.full(periods * size, PERIOD_S, np.int32),
    }
    columns = {
        run.catalogue.measurement(name).column: values.ravel() for name, values in counted.items()
    }
    return pl.DataFrame(keys | columns).with_columns(pl.col(pl.Float64).fill_nan(None))


def _at(state: State, periods: Integers) -> State:
    """Return the state at chosen periods, in the order given."""
    parts = {item.name: getattr(state, item.name) for item in fields(state)}
    plain: dict[str, Any] = {
        name: part[periods] for name, part in parts.items() if isinstance(part, np.ndarray)
    }
    return replace(state, **plain)
