"""The truth of a simulated network as it lies on disk; only the evaluation reads it."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

_FAULTS = "faults.parquet"


@dataclass(frozen=True, slots=True)
class Truth:
    """The tables of a truth; None where a network's truth lacks one.

    Attributes:
        faults: fault_id, kind, onset_at and more, one row a fault.
        cell_periods: which cells a fault touched, period by period.
        benign: what moved cells and is no fault.
        moved_kpis: which KPIs each fault moved in each cell.
    """

    faults: pl.DataFrame
    cell_periods: pl.DataFrame
    benign: pl.DataFrame | None
    moved_kpis: pl.DataFrame | None


def truth_beside(folder: Path) -> Truth | None:
    """Return the truth in a folder, below it or beside it; None where there is none."""
    places = (folder, folder / "truth", folder.parent / "truth")
    found = next((place for place in places if (place / _FAULTS).is_file()), None)
    if found is None:
        return None
    truth = Truth(
        pl.read_parquet(found / _FAULTS),
        pl.read_parquet(found / "cell_periods.parquet"),
        _read(found / "benign.parquet"),
        _read(found / "cell_kpis_affected.parquet"),
    )
    return _with_following(truth, found)


def _with_following(truth: Truth, folder: Path) -> Truth:
    """Return a truth together with that of the days since, where the network lived on.

    A fault that stood when it was first told ends when it really did; what people's own writes
    moved is no fault.
    """
    since = _read(folder / "following_faults.parquet")
    if since is None:
        return truth
    ended = since.with_columns(cleared_at=pl.coalesce("ended_at", "cleared_at"))
    before = truth.faults.join(ended, on="fault_id", how="anti")
    periods = pl.read_parquet(folder / "following_cell_periods" / "*.parquet")
    benign = [
        one for one in (truth.benign, _read(folder / "following_benign.parquet")) if one is not None
    ]
    return replace(
        truth,
        faults=pl.concat([before, ended.select(before.columns)]),
        cell_periods=pl.concat(
            [truth.cell_periods, periods.filter(pl.col("fault_id").is_not_null())]
        ),
        benign=pl.concat(benign) if benign else None,
    )


def _read(path: Path) -> pl.DataFrame | None:
    return pl.read_parquet(path) if path.is_file() else None
