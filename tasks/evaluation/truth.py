"""What was true, on the grid of the scores: which cells a fault touched, which a change moved."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.errors import InputError

FAULT_COLUMNS = ("fault_id", "kind", "onset_at")
PERIOD_COLUMNS = ("cell_dn", "period_start", "fault_id", "kind", "is_affected")
BENIGN_COLUMNS = ("kind", "cell_dns", "start", "end")
_PLANNED = "planned_change"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, as far as it lies in the scored window.

    Attributes:
        fault_id, kind: as the truth names them.
        onset_period: the period in which it began; below 0 if before the window.
        cells: rows of the grid that it touched measurably,
        periods: and when, as booleans [cells of the fault, periods].
    """

    fault_id: str
    kind: str
    onset_period: int
    cells: npt.NDArray[np.intp]
    periods: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScoredGrid:
    """Scores and truth of one window on one grid, [cells, periods].

    Attributes:
        cells: DNs of the rows.
        granularity_s: seconds of a period.
        score, baseline_score: NaN where abstained.
        is_affected: a fault has a measurable effect.
        is_faulty: a fault is there, measurable or not; findings there are never called false.
        is_changed: a planned change moved the cell; a finding there is false, and told apart.
        faults: those with any measurable effect in the window, in cells that they name or not.
        unseen: kinds of those that stand in the window and move nothing that is measured.
        start_us: start of the first period, microseconds since 1970 UTC.
    """

    cells: tuple[str, ...]
    granularity_s: int
    score: npt.NDArray[np.floating]
    baseline_score: npt.NDArray[np.floating]
    is_affected: npt.NDArray[np.bool_]
    is_faulty: npt.NDArray[np.bool_]
    is_changed: npt.NDArray[np.bool_]
    faults: tuple[Fault, ...]
    unseen: tuple[str, ...]
    start_us: int = 0

    @property
    def cell_days(self) -> float:
        """How many days of cells were scored; abstained periods are not among them."""
        return float(np.isfinite(self.score).sum()) * self.granularity_s / 86_400


def scored_grid(
    scores: pl.DataFrame,
    faults: pl.DataFrame,
    cell_periods: pl.DataFrame,
    benign: pl.DataFrame | None = None,
) -> ScoredGrid:
    """Return scores and truth on one grid.

    Args:
        scores: cell_dn, period_start, score, baseline_score of one granularity.
        faults: fault_id, kind, onset_at.
        cell_periods: cell_dn, period_start, fault_id, kind, is_affected; may be finer than the
            scores: a period is affected if any part of it is.
        benign: kind, cell_dns, start, end of what is no fault; planned changes are read.
    """
    _require(faults, FAULT_COLUMNS, "faults of the truth")
    _require(cell_periods, PERIOD_COLUMNS, "cell periods of the truth")
    if scores.is_empty():
        raise InputError("There are no scores in this window; score it first.")
    cells = tuple(scores["cell_dn"].unique().sort().to_list())
    starts = scores["period_start"].unique().sort()
    step = _granularity_us(starts)
    first = int(starts.dt.timestamp("us")[0])
    count = (int(starts.dt.timestamp("us")[-1]) - first) // step + 1
    rows = scores["cell_dn"].cast(pl.Enum(cells)).to_physical().to_numpy()
    columns = (scores["period_start"].dt.timestamp("us").to_numpy() - first) // step
    values = np.full((2, len(cells), count), np.nan)
    values[0, rows, columns] = scores["score"].cast(pl.Float64).to_numpy()
    values[1, rows, columns] = scores["baseline_score"].cast(pl.Float64).to_numpy()
    placed = _placed(cell_periods, cells, first, step, count)
    marks = np.zeros((2, len(cells), count), bool)
    marks[1, placed["row"].to_numpy(), placed["column"].to_numpy()] = True
    touched = placed.filter("is_affected")
    if "has_data" in touched.columns:  # what nobody measured, nobody can be asked to see
        touched = touched.filter("has_data")
    marks[0, touched["row"].to_numpy(), touched["column"].to_numpy()] = True
    onsets = {
        fault: (onset - first) // step
        for fault, onset in faults.select(
            "fault_id", pl.col("onset_at").dt.timestamp("us")
        ).iter_rows()
    }
    found = tuple(_faults(touched, onsets, count))
    return ScoredGrid(
        cells,
        step // 1_000_000,
        values[0],
        values[1],
        marks[0],
        marks[1],
        _changed(benign, cells, first, step, count),
        found,
        _unseen(faults, placed, {fault.fault_id for fault in found}),
        first,
    )


def on_grid(grid: ScoredGrid, rows: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Return scores of a model, [cells, periods] of the grid; NaN where it has none.

    Args:
        grid: whose cells and periods count; rows off it are left out.
        rows: cell_dn, period_start, score.
    """
    step = grid.granularity_s * 1_000_000
    places = pl.DataFrame({"cell_dn": grid.cells, "row": range(len(grid.cells))})
    count = grid.score.shape[1]
    offset = pl.col("period_start").dt.timestamp("us") - grid.start_us
    placed = (
        rows.with_columns(column=offset // step)
        .filter(pl.col("column").is_between(0, count - 1), offset % step == 0)
        .join(places, on="cell_dn", how="inner")
    )
    values = np.full(grid.score.shape, np.nan)
    values[placed["row"].to_numpy(), placed["column"].to_numpy()] = (
        placed["score"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    )
    return values


def _unseen(faults: pl.DataFrame, placed: pl.DataFrame, seen: set[str]) -> tuple[str, ...]:
    """Return the kinds of faults that have cells in the window and are measurable in none."""
    standing = faults.filter(pl.col("fault_id").is_in(placed["fault_id"].unique().to_list()))
    if "is_visible" in faults.columns:  # one that is, is so before or after the window
        standing = standing.filter(~pl.col("is_visible"))
    hidden = standing.filter(~pl.col("fault_id").is_in(sorted(seen)))
    return tuple(hidden["kind"].sort().to_list())


def _changed(
    benign: pl.DataFrame | None, cells: tuple[str, ...], first: int, step: int, count: int
) -> npt.NDArray[np.bool_]:
    """Return which periods of which cells a planned change moved."""
    marks = np.zeros((len(cells), count), bool)
    if benign is None:
        return marks
    _require(benign, BENIGN_COLUMNS, "benign happenings of the truth")
    row = {dn: number for number, dn in enumerate(cells)}
    stretches = benign.filter(pl.col("kind") == _PLANNED).select(
        "cell_dns", pl.col("start", "end").dt.timestamp("us")
    )
    for named, start, end in stretches.iter_rows():
        begin, over = max((start - first) // step, 0), max(-((first - end) // step), 0)
        marks[[row[dn] for dn in named if dn in row], begin:over] = True
    return marks


def _placed(
    cell_periods: pl.DataFrame, cells: tuple[str, ...], first: int, step: int, count: int
) -> pl.DataFrame:
    places = pl.DataFrame({"cell_dn": cells, "row": range(len(cells))})
    column = (pl.col("period_start").dt.timestamp("us") - first).floordiv(step)
    return (
        cell_periods.with_columns(column=column)
        .filter(pl.col("column").is_between(0, count - 1))
        .join(places, on="cell_dn", how="inner")
        .sort("fault_id", "row", "column")
    )


def _faults(touched: pl.DataFrame, onsets: dict[str, int], count: int) -> list[Fault]:
    found = []
    for (fault_id, kind), part in touched.group_by("fault_id", "kind", maintain_order=True):
        cells, which = np.unique(part["row"].to_numpy(), return_inverse=True)
        periods = np.zeros((len(cells), count), bool)
        periods[which, part["column"].to_numpy()] = True
        onset = onsets.get(str(fault_id), int(np.flatnonzero(periods.any(axis=0))[0]))
        found.append(Fault(str(fault_id), str(kind), onset, cells.astype(np.intp), periods))
    return found


def _granularity_us(starts: pl.Series) -> int:
    if len(starts) < 2:
        raise InputError("One period is too little to evaluate; take a window of a day or more.")
    return int(starts.dt.timestamp("us").diff().drop_nulls().min())  # type: ignore[arg-type]


def _require(frame: pl.DataFrame, columns: tuple[str, ...], what: str) -> None:
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise InputError(f"The {what} lack the columns {', '.join(lacking)}.")
