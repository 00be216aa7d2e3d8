"""A KPI table as a dense cube, cells x KPIs x periods, on a regular grid; gaps are NaN."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.periods import GRANULARITIES, Window, floor_to
from tasks.anomaly.scored_kpis import ScoredKpi

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Grid:
    """The regular periods that a cube covers: whole days from `start`, in UTC."""

    start: datetime
    granularity_s: int
    periods_count: int

    @property
    def slots_a_day(self) -> int:
        """Periods a day; 1 for daily tables."""
        return DAY_S // self.granularity_s

    def index_of(self, moment: datetime) -> int:
        """Return the index of the first period that starts at or after `moment`, clipped."""
        behind = (moment - self.start).total_seconds()
        return int(np.clip(-(-behind // self.granularity_s), 0, self.periods_count))

    def start_of(self, index: int) -> datetime:
        """Return the start of period `index`."""
        return self.start + timedelta(seconds=self.granularity_s * index)


@dataclass(frozen=True, slots=True)
class KpiCube:
    """Values of `kpis` for `cells` over `grid`, Float32 [cells, KPIs, periods]."""

    cells: tuple[str, ...]
    kpis: tuple[ScoredKpi, ...]
    grid: Grid
    values: npt.NDArray[np.float32]


def scoring_grid(window: Window, granularity: str, training_days: int) -> Grid:
    """Return the grid from `training_days` before the window's first UTC day to its last period.

    A period that the window does not cover to its end is not on it. Training ends where the
    window's first day begins, so that the periods of one day are judged by one fit whether they
    are scored one by one or together.
    """
    if granularity not in GRANULARITIES:
        raise InputError(f"No granularity {granularity!r}; known are {', '.join(GRANULARITIES)}.")
    start = floor_to(window.start, "day") - timedelta(days=training_days)
    seconds = GRANULARITIES[granularity]
    return Grid(start, seconds, int((window.end - start).total_seconds() // seconds))


def kpi_cube(frame: pl.DataFrame, kpis: Sequence[ScoredKpi], grid: Grid) -> KpiCube:
    """Return the cube of a KPI table; rows off the grid are left out, absent ones are NaN.

    Args:
        frame: cell_dn, period_start and the KPI columns; any order. Of two rows with one key the
            later in the frame counts. Infinite values count as no data.
        kpis: the KPIs to take; a column that the frame lacks is NaN throughout.
        grid: the periods wanted.
    """
    needed = ["cell_dn", "period_start"]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise InputError(f"A KPI table needs the columns {needed}; it lacks {missing}.")
    step_us = grid.granularity_s * 1_000_000
    origin_us = round(grid.start.astimezone(UTC).timestamp() * 1e6)
    placed = frame.with_columns(
        _offset_us=pl.col("period_start").dt.timestamp("us") - origin_us
    ).filter(
        pl.col("cell_dn").is_not_null(),
        pl.col("_offset_us") % step_us == 0,
        pl.col("_offset_us").is_between(0, step_us * (grid.periods_count - 1)),
    )
    cells = tuple(placed["cell_dn"].unique().sort().to_list())
    rows = placed["cell_dn"].cast(pl.Enum(cells)).to_physical().to_numpy() if cells else None
    values = np.full((len(cells), len(kpis), grid.periods_count), np.nan, np.float32)
    if rows is not None:
        periods = (placed["_offset_us"] // step_us).to_numpy()
        for number, kpi in enumerate(kpis):
            if kpi.column in placed.columns:
                values[rows, number, periods] = placed[kpi.column].cast(pl.Float32).to_numpy()
    values[~np.isfinite(values)] = np.nan
    return KpiCube(cells, tuple(kpis), grid, values)
