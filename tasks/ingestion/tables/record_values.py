"""Cells of a delivered table as the columns of a product's records; null where they cannot be."""

from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from data_products.product import TIME
from semantic_layer.identity import normalized_dn
from tasks.ingestion.tables.mapped_values import (
    SPACE,
    SPECIAL,
    as_text,
    each_once,
    moment_of,
    numbers_of,
    template_columns,
    texts_of,
    zoned,
)
from tasks.ingestion.tables.record_mappings import KEEP, OTHERS, UNITS, RecordMapping, Use

_TRUE, _FALSE = ("true", "1", "yes", "y"), ("false", "0", "no", "n")
_PLAIN = frozenset("dmYHMS")
"""Directives that Polars and strptime read alike."""

_FIRST = -62_135_596_800_000_000
_LAST = 253_402_300_800_000_000
"""Microseconds of the years 1 and 10000."""


def product_values(
    raw: pl.Series, use: Use, dtype: pl.DataType, mapping: RecordMapping
) -> pl.Series:
    """Return a column as the product has it; null where it says nothing, or nothing usable."""
    meant = _meant(raw, use, mapping)
    if dtype == pl.String:
        return _named(texts_of(as_text(meant), mapping), use.name).rename(use.name)
    if isinstance(dtype, pl.List):
        return _listed(meant, use, mapping).cast(dtype, strict=False).rename(use.name)
    if isinstance(dtype, pl.Datetime):
        return _moments(meant, use, mapping).rename(use.name)
    if dtype == pl.Boolean:
        return _flags(meant, mapping).rename(use.name)
    numbers = numbers_of(meant, mapping) * use.scale
    if dtype.is_integer():
        numbers = numbers.set((numbers != numbers.round()).fill_null(value=False), None)
    return numbers.cast(dtype, strict=False).rename(use.name)


def template_values(
    rows: pl.DataFrame, name: str, template: str, dtype: pl.DataType, mapping: RecordMapping
) -> pl.Series:
    """Return a template filled in for each row; null where a column that it names says nothing."""
    text, parts = template, []
    for column in template_columns(template):
        text = text.replace("{" + column + "}", "{}", 1)
        value = texts_of(as_text(rows[column]), mapping)
        parts.append(
            value.str.replace_all(SPECIAL, r"\${1}", literal=False) if _is_dn(name) else value
        )
    if not parts:
        filled = pl.Series([text] * rows.height, dtype=pl.String)
    else:
        filled = pl.select(pl.format(text, *parts)).to_series()
    whole = Use.model_validate({"is": name, "separator": None})
    return product_values(filled, whole, dtype, mapping)


def _meant(raw: pl.Series, use: Use, mapping: RecordMapping) -> pl.Series:
    if not use.values:
        return raw
    texts = texts_of(as_text(raw), mapping)
    known = {text: told for text, told in use.values.items() if text != OTHERS}
    others = use.values.get(OTHERS)
    default = texts if others == KEEP else pl.lit(others, dtype=pl.String)
    told = pl.Series(list(known), dtype=pl.String)
    meanings = pl.Series(list(known.values()), dtype=pl.String)
    found = pl.select(
        pl.when(pl.lit(texts).is_not_null()).then(
            pl.lit(texts).replace_strict(told, meanings, default=default)
            if known
            else pl.lit(texts)
            if others == KEEP
            else pl.lit(others)
        )
    )
    return found.to_series()


def _is_dn(name: str) -> bool:
    return name.endswith(("_dn", "_dns"))


def _named(texts: pl.Series, name: str) -> pl.Series:
    """Return texts, as normal DNs where the column holds DNs."""
    return each_once(texts, normalized_dn, pl.String()) if _is_dn(name) else texts


def _listed(raw: pl.Series, use: Use, mapping: RecordMapping) -> pl.Series:
    if isinstance(raw.dtype, pl.List):
        parts = raw.cast(pl.List(pl.String), strict=False)
    else:
        texts = texts_of(raw, mapping)
        if use.separator is None:
            parts = pl.select(pl.when(texts.is_not_null()).then(pl.concat_list(texts))).to_series()
        else:
            parts = texts.str.split(use.separator)
    parts = parts.list.eval(pl.element().str.strip_chars(SPACE))
    parts = parts.list.eval(pl.element().filter(pl.element() != ""))
    if not _is_dn(use.name):
        return parts
    elements = parts.explode().drop_nulls().unique()
    normal = _named(elements, use.name)
    named = parts.list.eval(pl.element().replace_strict(elements, normal, default=None))
    is_whole = pl.select(~pl.lit(named).list.eval(pl.element().is_null()).list.any()).to_series()
    return named.set(~is_whole.fill_null(value=True), None)


def _flags(raw: pl.Series, mapping: RecordMapping) -> pl.Series:
    if raw.dtype == pl.Boolean:
        return raw
    words = texts_of(as_text(raw), mapping).str.to_lowercase()
    return words.replace_strict(
        [*_TRUE, *_FALSE],
        [True] * len(_TRUE) + [False] * len(_FALSE),
        default=None,
        return_dtype=pl.Boolean,
    )


def _moments(raw: pl.Series, use: Use, mapping: RecordMapping) -> pl.Series:
    zone = use.zone or mapping.zone
    if use.epoch is not None:
        return _since(use.epoch, numbers_of(raw, mapping) * (use.scale * UNITS[use.unit]))
    if isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None:
        return raw.dt.convert_time_zone("UTC").cast(TIME)
    if raw.dtype.is_temporal():
        return zoned(raw.cast(pl.Datetime("us")), zone)
    texts = texts_of(as_text(raw), mapping)
    found = _plainly(texts, use.format, zone)
    rest = texts.set(found.is_not_null(), None)
    clock = ZoneInfo(zone)

    def read(text: str) -> datetime:
        return moment_of(text, use.format, clock)

    left = each_once(rest, read, TIME)
    return pl.select(pl.coalesce(found, left)).to_series()


def _since(epoch: datetime, offsets: pl.Series) -> pl.Series:
    start = round(epoch.timestamp() * 1_000_000)
    moments = (offsets + float(start)).round()
    inside = (moments >= _FIRST) & (moments < _LAST)
    return moments.set(~inside.fill_null(value=False), None).cast(pl.Int64).cast(TIME)


def _plainly(texts: pl.Series, pattern: str | None, zone: str) -> pl.Series:
    """Return the moments that need no care: all but odd formats and times that never were."""
    directives = pattern.replace("%%", "").split("%")[1:] if pattern else []
    if not directives or not all(part[:1] in _PLAIN for part in directives):
        return pl.Series([None] * len(texts), dtype=TIME)
    is_date = not any(part[:1] in "HMS" for part in directives)
    if is_date:
        naive = texts.str.to_date(pattern, strict=False).cast(pl.Datetime("us"))
    else:
        naive = texts.str.to_datetime(pattern, strict=False, time_unit="us", time_zone=None)
    return zoned(naive, zone)
