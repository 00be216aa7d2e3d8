"""One value's way back: the rows, runs and delivered files that a KPI of a cell came from."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.measurements import OBSERVED_TIME

_ELEMENT = "ManagedElement"


@dataclass(frozen=True, slots=True)
class RowLineage:
    """Where one value came from.

    Attributes:
        kpi: whose value it is.
        value: as published; None where it is null or absent.
        run_id: the run that published it.
        input_snapshots: what that run read, as `table@id`.
        catalogue_version: of the definitions that it was computed by.
        counted: measurement, sum over the rows, and how many rows had a value.
        files: delivered file and how many of the rows came from it.
        left_out: rows that did not enter: suspect, or covering more time than the period.
    """

    kpi: str
    value: float | None
    run_id: str
    input_snapshots: tuple[str, ...]
    catalogue_version: str
    counted: tuple[tuple[str, float | None, int], ...]
    files: tuple[tuple[str, int], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class FileLineage:
    """What came out of one delivered file.

    Attributes:
        file: its name.
        rows, objects: how many rows, of how many managed objects.
        first, last: the first and last period start.
        run_ids: the runs that published them.
        measurements: names of the measurements that it carried.
        kpis: names of the KPIs that at least one of them enters.
    """

    file: str
    rows: int
    objects: int
    first: datetime
    last: datetime
    run_ids: tuple[str, ...]
    measurements: tuple[str, ...]
    kpis: tuple[str, ...]


def file_lineage(rows: pl.LazyFrame, file: str, catalogue: Catalogue) -> FileLineage:
    """Return what came out of `file`, given measurement rows that hold some of it."""
    known = rows.collect_schema().names()
    columns = {
        name: one.column for name, one in catalogue.measurements.items() if one.column in known
    }
    found = (
        rows.filter(pl.col("source_file") == file)
        .select(
            pl.len().alias("rows"),
            pl.col("managed_object_dn").n_unique().alias("objects"),
            pl.col("period_start").min().alias("first"),
            pl.col("period_start").max().alias("last"),
            pl.col("run_id").unique().sort().implode().alias("run_ids"),
            *(pl.col(column).count().alias(f"count {name}") for name, column in columns.items()),
        )
        .collect()
        .row(0, named=True)
    )
    carried = tuple(name for name in columns if found[f"count {name}"])
    vectors = {
        one.name for one in catalogue.measurements.values() if (one.derived_from or "") in carried
    }
    return FileLineage(
        file=file,
        rows=found["rows"],
        objects=found["objects"],
        first=found["first"],
        last=found["last"],
        run_ids=tuple(found["run_ids"]),
        measurements=carried,
        kpis=tuple(
            kpi.name
            for kpi in catalogue.kpis.values()
            if {name for _, name in kpi.terms} & {*carried, *vectors}
        ),
    )


def lineage_of_row(
    kpi: Kpi, row: pl.DataFrame, measurements: pl.LazyFrame, catalogue: Catalogue
) -> RowLineage:
    """Return where the KPI of one published row came from.

    Args:
        kpi: which of the row's KPIs.
        row: one row of a KPI table, with its lineage columns.
        measurements: rows of the input table at the snapshot that the row names, of its period.
        catalogue: where the KPI's measurements are defined.
    """
    one = row.row(0, named=True)
    own = measurements.filter(_rows_of(kpi, one))
    is_in = ~pl.col("is_suspect").fill_null(value=False)
    names = [name for _, name in kpi.terms if name != OBSERVED_TIME]
    columns = {name: catalogue.measurement(name).column for name in dict.fromkeys(names)}
    known = own.collect_schema().names()
    present = {name: column for name, column in columns.items() if column in known}
    vectors = [catalogue.measurement(name).derived_from for name in columns]
    told_by = {
        *present.values(),
        *(catalogue.measurement(name).column for name in vectors if name is not None),
    } & set(known)
    has_any = pl.any_horizontal(*(pl.col(column).is_not_null() for column in sorted(told_by)))
    used, counts, left_out = pl.collect_all(
        [
            own.filter(is_in, has_any if told_by else pl.lit(value=False))
            .group_by("source_file")
            .len()
            .sort("source_file"),
            own.filter(is_in)
            .select(
                pl.lit(0).alias("none"),
                *(pl.col(column).sum().alias(f"sum {name}") for name, column in present.items()),
                *(pl.col(column).count().alias(f"rows {name}") for name, column in present.items()),
            )
            .head(1),
            own.select((~is_in).sum()),
        ]
    )
    counted = counts.row(0, named=True) if counts.height else {}
    return RowLineage(
        kpi=kpi.name,
        value=one.get(kpi.column),
        run_id=str(one.get("run_id") or ""),
        input_snapshots=tuple(filter(None, (one.get("input_snapshots") or "").split(","))),
        catalogue_version=str(one.get("catalogue_version") or ""),
        counted=tuple(
            (
                name,
                counted.get(f"sum {name}") if counted.get(f"rows {name}") else None,
                int(counted.get(f"rows {name}") or 0),
            )
            for name in columns
        ),
        files=tuple((str(file or "unknown"), int(rows)) for file, rows in used.iter_rows()),
        left_out=int(left_out.item() or 0),
    )


def _rows_of(kpi: Kpi, row: dict[str, object]) -> pl.Expr:
    """Return what picks the measurement rows of a KPI row: its cell's, and its element's."""
    if kpi.object_class == _ELEMENT:
        return _is("managed_element_dn", row)
    return _is("cell_dn" if "cell_dn" in row else "managed_object_dn", row)


def _is(column: str, row: dict[str, object]) -> pl.Expr:
    return pl.col(column).eq(pl.lit(row.get(column)))
