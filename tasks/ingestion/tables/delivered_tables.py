"""Opens the tables that a mapping names: CSV, Parquet, xlsx; as they are, with each row's line."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.tables.archived_files import DeliveredFile, named_files
from tasks.ingestion.tables.mapping_files import TableMapping
from tasks.ingestion.tables.parquet_times import Footer, known_footer
from tasks.ingestion.tables.plain_types import plain_types
from tasks.ingestion.tables.table_layout import TableLayout

LINE = "\tline"
"""The column that says where a row stands in its file, for people."""

_BROKEN = (
    pl.exceptions.PolarsError, pl.exceptions.PanicException, fastexcel.FastExcelError,
    OSError, ValueError, LookupError, OverflowError,
)  # fmt: skip
"""What opening a damaged table raises."""


@dataclass(frozen=True, slots=True)
class DeliveredTable:
    """One file, or one sheet of it: its rows, their lines, and whose file it is."""

    file: str
    rows: pl.DataFrame


def delivered_tables(
    folder: Path,
    mapping: TableLayout,
    window: Window | None = None,
    only: Sequence[str] | None = None,
    damaged: list[tuple[str, str]] | None = None,
) -> Iterator[DeliveredTable]:
    """Yield the tables that the mapping names in the folder, by path.

    Args:
        folder: where `files` of the mapping are looked for.
        mapping: says how they are written.
        window: rows of other times may be left out where that saves reading.
        only: columns beyond these may be left out where that saves reading.
        damaged: takes the name of each file that cannot be read, and why; without, that is raised.

    Raises:
        InputError: no file fits, or one cannot be read as the mapping says.
    """
    for file in delivered_files(folder, mapping):
        try:
            tables = list(opened_tables(file, mapping, window, only))
        except InputError as error:
            if damaged is None:
                raise
            damaged.append((file.name, str(error)))
            continue
        yield from tables


def delivered_files(folder: Path, mapping: TableLayout) -> list[DeliveredFile]:
    """Return the files that the mapping names in the folder, each once, by path.

    Raises:
        InputError: no file fits, or an archive cannot be listed.
    """
    found = {file: None for glob in mapping.files for file in named_files(folder, glob)}
    if not found:
        raise InputError(
            f"No file in {folder.name!r} fits {', '.join(map(repr, mapping.files))}; "
            "`files` of the mapping are globs relative to its own folder."
        )
    return sorted(found, key=lambda file: (str(file.path), file.member))


def opened_tables(
    file: DeliveredFile,
    mapping: TableLayout,
    window: Window | None = None,
    only: Sequence[str] | None = None,
) -> Iterator[DeliveredTable]:
    """Yield the tables of one file.

    Raises:
        InputError: it cannot be read as the mapping says.
    """
    try:
        for table in _opened(file, mapping, window, only):
            yield DeliveredTable(table.file, plain_types(table.rows))
    except _BROKEN as error:
        raise InputError(f"{file.name} cannot be read as the mapping says: {error}.") from error


def _opened(
    file: DeliveredFile, mapping: TableLayout, window: Window | None, only: Sequence[str] | None
) -> Iterator[DeliveredTable]:
    if file.suffix == ".csv":
        yield DeliveredTable(file.name, _csv(file, mapping))
    elif file.suffix == ".parquet":
        yield DeliveredTable(file.name, _parquet(file, mapping, window, only))
    elif file.suffix in {".xlsx", ".xls"}:
        yield from _sheets(file, mapping)
    else:
        raise InputError(
            f"{file.name}: tables are CSV, Parquet or xlsx, told by the name's ending."
        )


def _source(file: DeliveredFile) -> Path | io.BytesIO:
    return io.BytesIO(file.unpacked()) if _is_packed(file) else file.path


def _is_packed(file: DeliveredFile) -> bool:
    return bool(file.member) or file.name.lower().endswith(".gz")


def _csv(file: DeliveredFile, mapping: TableLayout) -> pl.DataFrame:
    layout = mapping.csv
    rows = pl.read_csv(
        _source(file),
        separator=layout.separator,
        quote_char=layout.quote,
        encoding="utf8" if layout.encoding.lower() in {"utf-8", "utf8"} else layout.encoding,
        skip_rows=layout.skip_rows,
        infer_schema=False,
        raise_if_empty=False,
    )
    return rows.with_row_index(LINE, offset=layout.skip_rows + 2)


def _parquet(
    file: DeliveredFile, mapping: TableLayout, window: Window | None, only: Sequence[str] | None
) -> pl.DataFrame:
    time = _told_start(mapping)
    if window is not None and time is not None:
        return _parquet_within(file, time, footer_of(file, mapping), window)
    rows = pl.scan_parquet(_source(file)).with_row_index(LINE, offset=1)
    there = rows.collect_schema().names()
    if only is not None:
        rows = rows.select(LINE, *(name for name in only if name in there))
    return rows.collect()


def footer_of(file: DeliveredFile, mapping: TableLayout) -> Footer | None:
    """Return what a Parquet file's end says of its periods; None where it cannot be told."""
    time = _told_start(mapping)
    if time is None or file.suffix != ".parquet" or _is_packed(file):
        return None
    return known_footer(file.path, time)


def _told_start(mapping: TableLayout) -> str | None:
    """Return the column that names the start of a row's period, None where none does."""
    time = mapping.time if isinstance(mapping, TableMapping) else None
    return time.column if time is not None and time.names == "start" else None


def _parquet_within(
    file: DeliveredFile, time: str, footer: Footer | None, window: Window
) -> pl.DataFrame:
    """Return the rows of a window, as far as the file's times can be told before they are read."""
    rows = pl.scan_parquet(_source(file)).with_row_index(LINE, offset=1)
    if footer is not None and footer.bounds is not None:
        first, last = footer.bounds
        if last < window.start or first >= window.end:
            return pl.DataFrame(schema={LINE: pl.get_index_type(), **footer.schema})
        if window.start <= first and last < window.end:
            return rows.collect()
    if _is_utc(rows.collect_schema().get(time)):
        column = pl.col(time)
        rows = rows.filter(column >= window.start, column < window.end)
    return rows.collect()


def _is_utc(kind: pl.DataType | None) -> bool:
    return isinstance(kind, pl.Datetime) and kind.time_zone == "UTC"


def _sheets(file: DeliveredFile, mapping: TableLayout) -> Iterator[DeliveredTable]:
    sheets = pl.read_excel(
        _source(file), sheet_id=0, infer_schema_length=None, drop_empty_rows=False
    )
    wanted = mapping.sheets or tuple(sheets)
    for name in wanted:
        if name not in sheets:
            raise InputError(
                f"{file.name} has no sheet {name!r}; it has {', '.join(map(repr, sheets))}."
            )
        rows = sheets[name]
        filled = rows.with_row_index(LINE, offset=2).filter(
            ~pl.all_horizontal(pl.col(rows.columns).is_null())
        )
        yield DeliveredTable(f"{file.name}/{name}", filled)
