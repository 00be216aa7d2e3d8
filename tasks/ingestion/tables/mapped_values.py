"""Cells of a delivered table become numbers, lists, times and names; what cannot, is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.identity import normalized_dn
from semantic_layer.managed_objects import ObjectClass, is_row_dn, row_dn
from semantic_layer.periods import GRANULARITIES
from tasks.ingestion.tables.delivered_tables import LINE, DeliveredTable
from tasks.ingestion.tables.mapping_files import ColumnOf, Meaning, TableMapping
from tasks.ingestion.tables.table_layout import TableLayout

DN, START, SECONDS = "\tdn", "\tstart", "\tseconds"
"""Columns of a row's key while it is being read."""

SPECIAL = r'([,+"\\<>;=])'
"""What a value of a DN must escape."""

SPACE = " \t\r\n"
"""What is stripped from texts."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a column goes, and how its numbers become the definition's."""

    name: str
    dtype: pl.DataType
    factor: float = 1.0
    complement_of: float | None = None
    separator: str | None = None


def target_of(meaning: Meaning, name: str, dtype: pl.DataType, factor: float) -> Target:
    """Return the target of a column that means the definition with the column `name`."""
    return Target(name, dtype, factor * meaning.scale, meaning.complement_of, meaning.separator)


def values_of(
    table: DeliveredTable, column: str, target: Target, mapping: TableMapping
) -> pl.Series:
    """Return a column as the definition has it; null where it says nothing, or nothing usable."""
    raw = table.rows[column]
    if target.dtype == pl.String:
        return texts_of(raw, mapping).rename(target.name)
    if isinstance(target.dtype, pl.List):
        return _lists(raw, target, mapping).rename(target.name)
    values = numbers_of(raw, mapping)
    if target.dtype != pl.Float64:
        return values.cast(target.dtype, strict=False).rename(target.name)
    values = values * target.factor
    if target.complement_of is not None:
        values = target.complement_of - values
    return values.rename(target.name)


def unusable_values(
    table: DeliveredTable, column: str, values: pl.Series, mapping: TableMapping
) -> pl.DataFrame:
    """Return line and text of each cell that says something, of which nothing could be made."""
    if values.null_count() == table.rows[column].null_count():
        return _NOTHING_LOST
    suspects = table.rows.select(LINE, column).filter(
        table.rows[column].is_not_null() & values.is_null()
    )
    texts = texts_of(as_text(suspects[column]), mapping)
    said = suspects.select(LINE).with_columns(texts.alias("content"))
    return said.filter(pl.col("content").is_not_null())


_NOTHING_LOST = pl.DataFrame(schema={LINE: pl.get_index_type(), "content": pl.String()})


def as_text(raw: pl.Series) -> pl.Series:
    """Return a column as text, lists too."""
    if isinstance(raw.dtype, pl.List):
        inner = raw.cast(pl.List(pl.String), strict=False)
        return pl.select(pl.format("[{}]", inner.list.join(", ", ignore_nulls=False))).to_series()
    return raw.cast(pl.String, strict=False)


def texts_of(raw: pl.Series, mapping: TableLayout) -> pl.Series:
    """Return a column's texts, stripped; null where the mapping says that they say nothing."""
    texts = raw.cast(pl.String, strict=False).str.strip_chars(SPACE)
    nothing = ["", *mapping.null_values]
    return texts.set(texts.is_in(nothing).fill_null(value=False), None)


def numbers_of(raw: pl.Series, mapping: TableLayout) -> pl.Series:
    """Return a column's finite numbers; null for all else."""
    if raw.dtype == pl.String:
        texts = texts_of(raw, mapping)
        if mapping.csv.decimal == ",":
            texts = texts.str.replace(",", ".", literal=True)
        numbers = texts.cast(pl.Float64, strict=False)
    elif isinstance(raw.dtype, pl.List):
        numbers = pl.Series(raw.name, [None] * len(raw), dtype=pl.Float64)
    else:
        numbers = raw.cast(pl.Float64, strict=False)
    return numbers.set((~numbers.is_finite()).fill_null(value=False), None)


def _lists(raw: pl.Series, target: Target, mapping: TableMapping) -> pl.Series:
    if isinstance(raw.dtype, pl.List):
        return raw.cast(target.dtype, strict=False)
    parts = texts_of(raw, mapping).str.split(target.separator or "|")
    stripped = parts.list.eval(pl.element().str.strip_chars(SPACE))
    return stripped.cast(target.dtype, strict=False)


def object_names(
    table: DeliveredTable, mapping: TableMapping, classes: Mapping[str, ObjectClass]
) -> pl.Series:
    """Return the DN of the row that each line is about; null where it names none."""
    rows = table.rows
    if mapping.object.column is not None:
        names = as_text(rows[mapping.object.column])
    elif not template_columns(str(mapping.object.dn)):
        names = pl.Series([mapping.object.dn] * rows.height, dtype=pl.String)
    else:
        template = str(mapping.object.dn)
        texts = rows.select(as_text(rows[name]) for name in {*template_columns(template)})
        names = texts.select(_filled_in(template)).to_series()

    def read(name: str) -> str:
        return row_dn(normalized_dn(name), classes)

    told = names.drop_nulls().unique()
    is_row = told.to_frame("name").select(is_row_dn("name", classes)).to_series()
    if is_row.all():
        return names.rename(DN)
    return each_once(names, read, pl.String()).rename(DN)


def template_columns(template: str) -> list[str]:
    """Return the columns that a DN template names."""
    return [part.partition("}")[0] for part in template.split("{")[1:]]


def _filled_in(template: str) -> pl.Expr:
    names = template_columns(template)
    text = template
    for name in names:
        text = text.replace("{" + name + "}", "{}", 1)
    values = [
        pl.col(name).cast(pl.String).str.strip_chars(SPACE).str.replace_all(SPECIAL, r"\${1}")
        for name in names
    ]
    return pl.format(text, *values)


def starts(table: DeliveredTable, mapping: TableMapping, seconds: pl.Series) -> pl.Series:
    """Return the start of each line's period, UTC; null where it is unreadable or never was."""
    time = mapping.time
    if time.constant is not None:
        raw = pl.Series([time.constant] * table.rows.height, dtype=pl.String)
    else:
        raw = table.rows[str(time.column)]
    if isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None:
        moments = raw.dt.convert_time_zone("UTC").cast(TIME)
    elif raw.dtype.is_temporal():
        moments = zoned(raw.cast(pl.Datetime("us")), time.zone)
    else:
        zone = ZoneInfo(time.zone)

        def read(text: str) -> datetime:
            return moment_of(text.strip(), time.format, zone)

        moments = each_once(as_text(raw), read, TIME)
    if time.names == "end":
        moments = _before(moments, seconds)
    return moments.rename(START)


def _before(ends: pl.Series, seconds: pl.Series) -> pl.Series:
    lengths = (seconds.cast(pl.Int64) * 1_000_000).cast(pl.Duration("us"))
    return (ends - lengths).cast(TIME)


def zoned(naive: pl.Series, zone: str) -> pl.Series:
    """Return local times in UTC: the earlier of two, null for one that the clock skipped."""
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(TIME)


def moment_of(text: str, pattern: str | None, zone: ZoneInfo) -> datetime:
    """Return the moment that a text names, in UTC; read in `zone` where it names none.

    Raises:
        InputError: it names none, or one that never was.
    """
    try:
        moment = (
            datetime.strptime(text, pattern)  # noqa: DTZ007 - zoned below
            if pattern
            else datetime.fromisoformat(text)
        )
    except ValueError as error:
        raise InputError(f"{text!r} is no time: {error}.") from error
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        told = moment.replace(tzinfo=zone).astimezone(UTC)
        local = told.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise InputError(f"{text!r} lies beyond the calendar.") from error
    if local != moment:
        raise InputError(f"{text!r} never was in {zone.key}: the clock skipped it.")
    return told


def lengths(table: DeliveredTable, mapping: TableMapping) -> pl.Series:
    """Return the seconds that each line covers; null where it does not say."""
    granularity = mapping.granularity
    if isinstance(granularity, ColumnOf):
        numbers = numbers_of(table.rows[granularity.column], mapping)
        whole = numbers.set((numbers != numbers.round()) | (numbers <= 0), None)
        return whole.cast(pl.Int32, strict=False).rename(SECONDS)
    seconds = GRANULARITIES.get(granularity, 0) if isinstance(granularity, str) else granularity
    return pl.Series(SECONDS, [seconds or 0] * table.rows.height, dtype=pl.Int32)


def each_once(texts: pl.Series, read: Callable[[str], object], dtype: pl.DataType) -> pl.Series:
    """Return what `read` makes of each text, asked once for equal ones; null where it refuses."""
    told: list[str] = texts.drop_nulls().unique().to_list()
    made: list[object] = []
    for text in told:
        try:
            made.append(read(text))
        except InputError:
            made.append(None)
    meanings = pl.Series(made, dtype=dtype)
    return texts.replace_strict(pl.Series(told, dtype=pl.String), meanings, default=None)
