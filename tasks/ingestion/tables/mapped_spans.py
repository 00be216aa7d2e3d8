"""Which periods a mapping's tables speak about, without reading more of them than that takes."""

from collections import OrderedDict
from datetime import timedelta
from pathlib import Path

import polars as pl

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.ingestion.tables.archived_files import DeliveredFile
from tasks.ingestion.tables.delivered_tables import delivered_files, opened_tables
from tasks.ingestion.tables.mapped_tables import period_lengths, used_columns
from tasks.ingestion.tables.mapped_values import SECONDS, START, starts
from tasks.ingestion.tables.mapping_files import TableMapping

_SEEN: OrderedDict[tuple[object, ...], pl.DataFrame] = OrderedDict()
_MOST_SEEN = 10_000
_NOTHING = pl.DataFrame(schema={START: TIME, SECONDS: pl.Int32})


def mapped_spans(folder: Path, mapping: TableMapping) -> list[Window]:
    """Return the periods that the mapping's tables speak about, each once, in order."""
    periods = [_periods(file, mapping) for file in delivered_files(folder, mapping)]
    told = pl.concat(periods).drop_nulls().unique().sort(START, SECONDS)
    return [Window(start, start + timedelta(seconds=length)) for start, length in told.iter_rows()]


def _periods(file: DeliveredFile, mapping: TableMapping) -> pl.DataFrame:
    """Return the periods of one file, each once; remembered while the file stands as it is."""
    stat = file.path.stat()
    key = (file.path, file.member, stat.st_mtime_ns, stat.st_size, mapping.model_dump_json())
    if key not in _SEEN:
        _SEEN[key] = pl.concat([_NOTHING, *_told(file, mapping)]).unique()
        if len(_SEEN) > _MOST_SEEN:
            _SEEN.popitem(last=False)
    return _SEEN[key]


def _told(file: DeliveredFile, mapping: TableMapping) -> list[pl.DataFrame]:
    """Return the periods of each table; none of a file that cannot be read, which is told then."""
    try:
        return [
            pl.DataFrame([starts(table, mapping, seconds), seconds]).unique()
            for table in opened_tables(file, mapping, only=used_columns(mapping))
            for seconds in [period_lengths(table, mapping)]
        ]
    except InputError:
        return []
