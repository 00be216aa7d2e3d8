"""Opens the tables that a mapping names: CSV, Parquet, xlsx; as they are, with each row's line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.tables.mapping_files import TableMapping

LINE = "\tline"
"""The column that says where a row stands in its file, for people."""


@dataclass(frozen=True, slots=True)
class DeliveredTable:
    """One file, or one sheet of it: its rows, their lines, and whose file it is."""

    file: str
    rows: pl.DataFrame


def delivered_tables(
    folder: Path,
    mapping: TableMapping,
    window: Window | None = None,
    only: Sequence[str] | None = None,
) -> Iterator[DeliveredTable]:
    """Yield the tables that the mapping names in the folder, by path.

    Args:
        folder: where `files` of the mapping are looked for.
        mapping: says how they are written.
        window: rows of other times may be left out where that saves reading.
        only: columns beyond these may be left out where that saves reading.

    Raises:
        InputError: no file fits, or one cannot be read as the mapping says.
    """
    paths = sorted({path for glob in mapping.files for path in folder.glob(glob) if path.is_file()})
    if not paths:
        raise InputError(
            f"No file in {folder.name!r} fits {', '.join(map(repr, mapping.files))}; "
            "`files` of the mapping are globs relative to its own folder."
        )
    for path in paths:
        try:
            yield from _opened(path, mapping, window, only)
        except (pl.exceptions.PolarsError, OSError, UnicodeError, LookupError) as error:
            raise InputError(f"{path.name} cannot be read as the mapping says: {error}.") from error


def _opened(
    path: Path, mapping: TableMapping, window: Window | None, only: Sequence[str] | None
) -> Iterator[DeliveredTable]:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield DeliveredTable(path.name, _csv(path, mapping))
    elif suffix == ".parquet":
        yield DeliveredTable(path.name, _parquet(path, mapping, window, only))
    elif suffix in {".xlsx", ".xls"}:
        yield from _sheets(path, mapping)
    else:
        raise InputError(
            f"{path.name}: tables are CSV, Parquet or xlsx, told by the name's ending."
        )


def _csv(path: Path, mapping: TableMapping) -> pl.DataFrame:
    layout = mapping.csv
    rows = pl.read_csv(
        path,
        separator=layout.separator,
        encoding="utf8" if layout.encoding.lower() in {"utf-8", "utf8"} else layout.encoding,
        skip_rows=layout.skip_rows,
        infer_schema=False,
        raise_if_empty=False,
    )
    return rows.with_row_index(LINE, offset=layout.skip_rows + 2)


def _parquet(
    path: Path, mapping: TableMapping, window: Window | None, only: Sequence[str] | None
) -> pl.DataFrame:
    rows = pl.scan_parquet(path).with_row_index(LINE, offset=1)
    time = mapping.time.column
    kind = rows.collect_schema().get(time or "")
    if window is not None and time and mapping.time.names == "start" and _is_utc(kind):
        rows = rows.filter(pl.col(time) >= window.start, pl.col(time) < window.end)
    there = rows.collect_schema().names()
    if only is not None:
        rows = rows.select(LINE, *(name for name in only if name in there))
    return rows.collect()


def _is_utc(kind: pl.DataType | None) -> bool:
    return isinstance(kind, pl.Datetime) and kind.time_zone == "UTC"


def _sheets(path: Path, mapping: TableMapping) -> Iterator[DeliveredTable]:
    sheets = pl.read_excel(path, sheet_id=0, infer_schema_length=None, drop_empty_rows=False)
    wanted = mapping.sheets or tuple(sheets)
    for name in wanted:
        if name not in sheets:
            raise InputError(
                f"{path.name} has no sheet {name!r}; it has {', '.join(map(repr, sheets))}."
            )
        rows = sheets[name]
        filled = rows.with_row_index(LINE, offset=2).filter(
            ~pl.all_horizontal(pl.col(rows.columns).is_null())
        )
        yield DeliveredTable(f"{path.name}/{name}", filled)
