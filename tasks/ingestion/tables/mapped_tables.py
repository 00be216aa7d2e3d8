"""A person's tables become frames of a product, as their mapping says.

What a cell, a row or a key does not allow becomes a finding with its file and line; the rest is
used. What the mapping itself gets wrong (a column that is not there, a name that nothing defines)
is an error, since every row would be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_products.lineage import LINEAGE_COLUMNS
from data_products.registry import table as product_table
from semantic_layer.derivations import with_derived
from semantic_layer.errors import UnknownNameError, did_you_mean
from semantic_layer.identity import managed_element_expression, object_class_expression
from semantic_layer.loading import Catalogue, catalogue
from semantic_layer.periods import GRANULARITIES, Window
from semantic_layer.units import parse_unit
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.measurements.measurement_rows import objects_named, with_objects
from tasks.ingestion.measurements.row_merging import are_distinct, later_counts, stacked
from tasks.ingestion.tables.delivered_tables import LINE, DeliveredTable, delivered_tables
from tasks.ingestion.tables.mapped_values import (
    DN,
    SECONDS,
    START,
    Target,
    as_text,
    lengths,
    object_names,
    starts,
    target_of,
    template_columns,
    unusable_values,
    values_of,
)
from tasks.ingestion.tables.mapping_files import ColumnOf, MappingError, Meaning, TableMapping
from tasks.ingestion.tables.plain_columns import plain_columns

_KEY = (DN, START, SECONDS)
_MEASURED = {DN: "managed_object_dn", START: "period_start", SECONDS: "granularity_s"}
_ITSELF = {
    "pm_measurements": (
        "managed_object_dn", "cell_dn", "managed_element_dn", "object_class", "period_start",
        "granularity_s", "is_suspect", "source_file", "source",
    ),
    "cell_kpis": (
        "cell_dn", "managed_element_dn", "object_class", "period_start", "granularity",
        "periods_count", "source",
    ),
    "network_topology": ("cell_dn", "valid_from", "source"),
}  # fmt: skip
_NAME_OF_LENGTH = {seconds: name for name, seconds in GRANULARITIES.items()}


@dataclass(frozen=True, slots=True)
class MappedTables:
    """What the tables of one mapping gave.

    Attributes:
        rows: as the product that the mapping names has them, without `source`.
        findings: what cannot be used, ready for the quarantine.
        read: rows that the files hold.
        replaced: values that a later file replaced by different ones.
    """

    rows: pl.DataFrame
    findings: pl.DataFrame
    read: int
    replaced: int


def mapped_tables(
    folder: Path,
    mapping: TableMapping,
    window: Window | None = None,
    definitions: Catalogue | None = None,
) -> MappedTables:
    """Return what the mapping's tables in the folder say of the window (of all time when None).

    Args:
        folder: where the mapping lies, and its files.
        mapping: what the tables mean.
        window: rows of other times belong to other runs.
        definitions: the packaged catalogue when None.

    Raises:
        MappingError: the mapping names a column that is not there or leaves one out.
        UnknownNameError: it names something that nothing defines.
        InputError: no file fits.
    """
    known = definitions or catalogue()
    frames, findings, read = [], [], 0
    seen: set[str] = set()
    targets: dict[tuple[str, ...], dict[str, Target]] = {}
    damaged: list[tuple[str, str]] = []
    for table in delivered_tables(folder, mapping, window, damaged=damaged):
        if table.rows.is_empty() and seen.issuperset(table.rows.columns):
            continue
        layout = (*table.rows.columns,)
        if layout not in targets:
            targets[layout] = targets_of(table, mapping, known)
        rows, told = _keyed_rows(table, mapping, targets[layout], known, window)
        read += table.rows.height
        seen.update(table.rows.columns)
        frames.append(rows)
        findings.extend(told)
    findings += [_damaged(name, reason) for name, reason in damaged]
    for column in mapping.columns:
        if column not in seen and not damaged:
            raise MappingError(
                f"No file of the mapping has the column {column!r}{did_you_mean(column, seen)}"
            )
    rows, replaced = _together(frames, mapping, known) if frames else (pl.DataFrame(), 0)
    return MappedTables(
        rows=rows,
        findings=pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *findings]),
        read=read,
        replaced=replaced,
    )


def _damaged(name: str, reason: str) -> pl.DataFrame:
    """Return the finding of a file of which nothing can be used."""
    told = {"source_file": name, "reason": f"{reason} Nothing of the file is used."}
    return pl.DataFrame([dict.fromkeys(FINDING_SCHEMA) | told], schema=FINDING_SCHEMA)


def _together(
    frames: list[pl.DataFrame], mapping: TableMapping, definitions: Catalogue
) -> tuple[pl.DataFrame, int]:
    """Return the keyed rows of all tables as the product has them, and values replaced."""
    if mapping.into != "pm_measurements":
        whole, replaced = later_counts(stacked(frames), _KEY)
        return _framed(whole, mapping), replaced
    named = [frame.rename(_MEASURED) for frame in frames]
    placed = stacked(with_objects(named, objects_named(named)))
    whole, replaced = later_counts(placed, tuple(_MEASURED.values()))
    return with_derived(whole.lazy(), definitions).collect(), replaced


def targets_of(
    table: DeliveredTable, mapping: TableMapping, definitions: Catalogue
) -> dict[str, Target]:
    """Return what each column of the table becomes.

    Raises:
        MappingError: a mapped column is not there, or one that is there is left out.
        UnknownNameError: a definition does not exist.
    """
    there = [name for name in table.rows.columns if name != LINE]
    for column in used_columns(mapping):
        if column not in there:
            raise MappingError(
                f"{table.file} has no column {column!r}{did_you_mean(column, there)}"
            )
    targets = {
        column: _target(meaning, mapping, definitions)
        for column, meaning in mapping.columns.items()
        if column in there
    }
    left = [name for name in there if name not in targets and name not in used_columns(mapping)]
    for column in left:
        if mapping.takes_by_name and _is_known(column, mapping, definitions):
            targets[column] = _target(Meaning.model_validate({"is": column}), mapping, definitions)
        elif (
            column not in mapping.ignore
            and "*" not in mapping.ignore
            and not (mapping.takes_by_name and column in (*_ITSELF[mapping.into], *LINEAGE_COLUMNS))
        ):
            raise MappingError(
                f"{table.file}: the column {column!r} is neither mapped nor ignored; map it under "
                "`columns`, or name it under `ignore`"
                f"{did_you_mean(column, [name for name in mapping.columns if name not in there])}"
            )
    twice = sorted({t.name for t in targets.values() if _times(targets, t.name) > 1})
    if twice:
        raise MappingError(f"{table.file}: two columns are mapped to {twice[0]!r}.")
    return targets


def _times(targets: dict[str, Target], name: str) -> int:
    return sum(target.name == name for target in targets.values())


def used_columns(mapping: TableMapping) -> list[str]:
    """Return the columns that the mapping reads for object, time and flags, in order."""
    named = [
        mapping.object.column,
        mapping.time.column,
        mapping.suspect.column if mapping.suspect else None,
        mapping.granularity.column if isinstance(mapping.granularity, ColumnOf) else None,
    ]
    template = template_columns(mapping.object.dn) if mapping.object.dn else []
    return [name for name in (*named, *template) if name is not None]


def _is_known(column: str, mapping: TableMapping, definitions: Catalogue) -> bool:
    if column in _ITSELF[mapping.into]:
        return False
    try:
        _target(Meaning.model_validate({"is": column}), mapping, definitions)
    except UnknownNameError:
        return False
    return True


def _target(meaning: Meaning, mapping: TableMapping, definitions: Catalogue) -> Target:
    if mapping.into == "network_topology":
        schema = product_table("network_topology").schema
        known = {name: kind for name, kind in schema.items() if name not in LINEAGE_COLUMNS}
        if meaning.name not in known:
            raise UnknownNameError.of("column of network_topology", meaning.name, known)
        return target_of(meaning, meaning.name, known[meaning.name], 1.0)
    pool = definitions.measurements if mapping.into == "pm_measurements" else definitions.kpis
    found = pool.get(meaning.name) or next(
        (item for item in pool.values() if item.column == meaning.name), None
    )
    if found is None and mapping.into == "pm_measurements":
        found = definitions.by_standard_name(meaning.name)
    if found is None:
        kind = "measurement" if mapping.into == "pm_measurements" else "KPI"
        raise UnknownNameError.of(kind, meaning.name, pool)
    is_vector = getattr(found, "shape", "scalar") == "vector"
    dtype: pl.DataType = pl.List(pl.Float64) if is_vector else pl.Float64()
    factor = parse_unit(meaning.unit).factor_to(parse_unit(found.unit)) if meaning.unit else 1.0
    return target_of(meaning, found.column, dtype, factor)


def period_lengths(table: DeliveredTable, mapping: TableMapping) -> pl.Series:
    """Return the seconds that each row covers; 1 where the product has no periods."""
    if mapping.granularity is None:
        return pl.Series(SECONDS, [1] * table.rows.height, dtype=pl.Int32)
    return lengths(table, mapping)


def _keyed_rows(
    table: DeliveredTable,
    mapping: TableMapping,
    targets: dict[str, Target],
    definitions: Catalogue,
    window: Window | None,
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    seconds = period_lengths(table, mapping)
    columns = [
        table.rows[LINE],
        object_names(table, mapping, definitions.object_classes),
        starts(table, mapping, seconds),
        seconds,
    ]
    plain = plain_columns(table.rows, targets)
    columns.extend(plain)
    done = {series.name for series in plain}
    findings = []
    for column, target in targets.items():
        if target.name in done:
            continue
        values = values_of(table, column, target, mapping)
        columns.append(values)
        lost = unusable_values(table, column, values, mapping)
        if lost.height:
            findings.append(
                _findings(table, lost, column, "The value is none that the column can hold.")
            )
    if mapping.into == "pm_measurements":
        columns.append(_flags(table, mapping))
        columns.append(
            pl.repeat(table.file, table.rows.height, dtype=pl.String, eager=True).alias(
                "source_file"
            )
        )
    rows = pl.DataFrame(columns)
    has_key = pl.all_horizontal(pl.col(_KEY).is_not_null())
    rows, keyless = rows.filter(has_key), rows.filter(~has_key)
    if keyless.height:
        findings.extend(_keyless(table, mapping, keyless))
    if window is not None:
        rows = rows.filter(pl.col(START) >= window.start, pl.col(START) < window.end)
        findings = [
            pl.concat([told.filter(pl.col("key").is_null()), told.join(rows, on=LINE, how="semi")])
            for told in findings
        ]
    rows, told = _one_each(table, mapping, rows, targets)
    findings.extend(told)
    return rows.drop(LINE), [told.drop(LINE) for told in findings]


def _flags(table: DeliveredTable, mapping: TableMapping) -> pl.Series:
    if mapping.suspect is None:
        return pl.Series("is_suspect", [False] * table.rows.height, dtype=pl.Boolean)
    raw = table.rows[mapping.suspect.column]
    if raw.dtype != pl.Boolean:
        text = as_text(raw).str.strip_chars().str.to_lowercase()
        raw = text.is_in(["true", "1", "yes"])
    return raw.fill_null(value=False).rename("is_suspect")


def _one_each(
    table: DeliveredTable, mapping: TableMapping, rows: pl.DataFrame, targets: dict[str, Target]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the rows with one a key, as `duplicates` of the mapping says."""
    if are_distinct(rows, _KEY):
        return rows, []
    is_twice = rows.select(pl.struct(_KEY).is_duplicated()).to_series()
    if not is_twice.any():
        return rows, []
    if mapping.duplicates == "combine":
        return _combined(rows, mapping, targets), []
    if mapping.duplicates in {"first", "last"}:
        kept = rows.unique(_KEY, keep=mapping.duplicates, maintain_order=True)
        left = rows.join(kept.select(LINE), on=LINE, how="anti")
        reason = f"Another row of the same object and time counts: the {mapping.duplicates} one."
        return kept, [_row_findings(table, left, reason)]
    reason = (
        "The table has several rows of this object and time, and `duplicates` of the mapping is "
        "`refuse`; say `first`, `last` or `combine` if they are meant."
    )
    return rows.filter(~is_twice), [_row_findings(table, rows.filter(is_twice), reason)]


def _combined(
    rows: pl.DataFrame, mapping: TableMapping, targets: dict[str, Target]
) -> pl.DataFrame:
    """Return rows of one key as one; a sum with a part missing is no sum."""
    expressions = [pl.col(LINE).first()]
    for column, target in targets.items():
        value = pl.col(target.name)
        how = mapping.combine.get(column, "mean")
        whole = {"mean": value.mean(), "min": value.min(), "max": value.max(), "sum": value.sum()}[
            how
        ]
        is_short = value.null_count() > 0 if how == "sum" else value.null_count() == pl.len()
        expressions.append(pl.when(~is_short).then(whole).alias(target.name))
    if "is_suspect" in rows.columns:
        expressions.extend((pl.col("is_suspect").any(), pl.col("source_file").first()))
    return rows.group_by(_KEY, maintain_order=True).agg(expressions).select(rows.columns)


def _keyless(
    table: DeliveredTable, mapping: TableMapping, rows: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    for column, what in (
        (DN, f"object ({mapping.object.column or mapping.object.dn})"),
        (START, f"time ({mapping.time.column or mapping.time.constant})"),
        (SECONDS, "length of its period"),
    ):
        lost = rows.filter(pl.col(column).is_null())
        if lost.height:
            yield _row_findings(table, lost, f"The row names no usable {what}.")
            rows = rows.filter(pl.col(column).is_not_null())


def _row_findings(table: DeliveredTable, rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Return a finding for each row, with the row as the file has it."""
    told = table.rows.join(rows.select(LINE), on=LINE, how="semi", maintain_order="left")
    content = told.select(LINE, pl.struct(pl.exclude(LINE)).struct.json_encode().alias("content"))
    return _findings(table, content, None, reason)


def _findings(
    table: DeliveredTable, told: pl.DataFrame, column: str | None, reason: str
) -> pl.DataFrame:
    """Return findings of lines and content; `key` is the column, null for a whole row."""
    return told.select(
        LINE,
        pl.lit(None, dtype=FINDING_SCHEMA["period_start"]).alias("period_start"),
        pl.lit(table.file).alias("source_file"),
        pl.format("line {}", LINE).alias("place"),
        pl.lit(column, dtype=pl.String).alias("key"),
        pl.lit(reason).alias("reason"),
        pl.col("content").cast(pl.String),
    )


def _framed(rows: pl.DataFrame, mapping: TableMapping) -> pl.DataFrame:
    """Return keyed rows as the product has them."""
    if mapping.into == "network_topology":
        named = rows.rename({DN: "cell_dn", START: "valid_from"}).drop(SECONDS)
        element = managed_element_expression("cell_dn")
        if "managed_element_dn" in named.columns:
            element = pl.coalesce("managed_element_dn", element)
        return named.with_columns(element.alias("managed_element_dn"))
    named = rows.rename({DN: "cell_dn", START: "period_start"})
    return named.with_columns(
        object_class_expression("cell_dn").alias("object_class"),
        managed_element_expression("cell_dn").alias("managed_element_dn"),
        pl.col(SECONDS)
        .replace_strict(_NAME_OF_LENGTH, default=None, return_dtype=pl.String)
        .alias("granularity"),
    ).drop(SECONDS)
