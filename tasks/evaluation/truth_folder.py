"""The truth of a simulated network as it lies on disk; only the evaluation reads it."""

from dataclasses import dataclass
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
    return Truth(
        pl.read_parquet(found / _FAULTS),
        pl.read_parquet(found / "cell_periods.parquet"),
        _read(found / "benign.parquet"),
        _read(found / "cell_kpis_affected.parquet"),
    )


def _read(path: Path) -> pl.DataFrame | None:
    return pl.read_parquet(path) if path.is_file() else None
