"""A person's tables become rows of alarms, tickets or changes, as their mapping says.

What a cell or a row does not allow becomes a finding with its file and line, as does a file that
cannot be read; the rest is used. A column that the mapping or the contract lacks is an error, since
every row would be wrong.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from data_products.lineage import LINEAGE_COLUMNS
from data_products.registry import table as product_table
from semantic_layer.errors import InputError, UnknownNameError, did_you_mean
from semantic_layer.periods import Window
from tasks.ingestion.findings import FINDING_SCHEMA, no_findings
from tasks.ingestion.tables.delivered_tables import (
    LINE,
    DeliveredTable,
    delivered_files,
    opened_tables,
)
from tasks.ingestion.tables.mapped_tables import MappedTables
from tasks.ingestion.tables.mapped_values import as_text, template_columns, texts_of
from tasks.ingestion.tables.record_mappings import OTHERS, RECORDS, RecordMapping, Use
from tasks.ingestion.tables.record_values import product_values, template_values
from tasks.ingestion.tables.table_layout import MappingError

_AT_LINE, _IN_FILE = "#line", "#file"
_OF_THE_STEP = ("source", *LINEAGE_COLUMNS)
_STANDS_TWICE = "The row stands twice in its file; the first one counts."


def mapped_records(
    folder: Path, mapping: RecordMapping, window: Window | None = None
) -> MappedTables:
    """Return what the mapping's tables in the folder say of the window (of all time when None).

    Rows have the product's columns that the mapping gives, `source_file` where the product has it,
    and no `source`. `read` counts the rows that the files hold, `replaced` those that an earlier
    file held already, word for word.

    Args:
        folder: where the mapping's `files` are looked for.
        mapping: what the tables mean.
        window: rows whose time (the product's partition) lies elsewhere are left out.

    Raises:
        MappingError: the mapping names a column that is not there or leaves one out.
        UnknownNameError: it names a column that the product has not, or there is no such product.
    """
    schema = _checked_schema(mapping)
    findings, frames, read = [no_findings()], [], 0
    seen: set[str] = set()
    try:
        files = delivered_files(folder, mapping)
    except InputError as error:
        return MappedTables(_empty(mapping, schema), _file_finding("", str(error)), 0, 0)
    for file in files:
        try:
            tables = list(opened_tables(file, mapping))
        except InputError as error:
            findings.append(_file_finding(file.name, str(error)))
            continue
        for table in tables:
            usable, told = _usable(table, mapping, schema)
            frames.append(usable)
            findings.append(told)
            read += table.rows.height
            seen.update(table.rows.columns)
    if frames and not mapping.takes_by_name:
        _refuse_unseen(mapping, seen)
    return _together(frames, findings, read, mapping, window)


def _schema(mapping: RecordMapping) -> dict[str, pl.DataType]:
    found: dict[str, pl.DataType] = {}
    for name in RECORDS[mapping.into]:
        for column, dtype in product_table(name).schema.items():
            if column not in _OF_THE_STEP:
                found.setdefault(column, dtype)
    return found


def _checked_schema(mapping: RecordMapping) -> dict[str, pl.DataType]:
    schema = _schema(mapping)
    time = product_table(mapping.into).time_column
    for name in mapping.named():
        if name not in schema:
            raise UnknownNameError.of(f"column of {mapping.into}", name, schema)
    if time not in mapping.named() and not mapping.takes_by_name:
        raise MappingError(f"The mapping does not say what {time!r} is, by which rows are kept.")
    return schema


def _refuse_unseen(mapping: RecordMapping, seen: set[str]) -> None:
    turned = mapping.unpivot.columns if mapping.unpivot else ()
    for column in (*mapping.columns, *turned):
        if column not in seen:
            raise MappingError(
                f"No file of the mapping has the column {column!r}{did_you_mean(column, seen)}"
            )


def _together(
    frames: list[pl.DataFrame],
    findings: list[pl.DataFrame],
    read: int,
    mapping: RecordMapping,
    window: Window | None,
) -> MappedTables:
    schema = _schema(mapping)
    time = product_table(mapping.into).time_column
    whole = pl.concat(frames, how="diagonal") if frames else _empty(mapping, schema)
    told = pl.concat(findings)
    if window is not None:
        whole = whole.filter(pl.col(time) >= window.start, pl.col(time) < window.end)
        moment = pl.col("period_start")
        told = told.filter(moment.is_null() | ((moment >= window.start) & (moment < window.end)))
    replaced = 0
    if len({*whole["source_file"].unique()}) > 1 and mapping.stands_twice == "first":
        said = [name for name in whole.columns if name != "source_file"]
        first = whole.unique(said, keep="first", maintain_order=True)
        replaced, whole = whole.height - first.height, first
    if "source_file" not in schema:
        whole = whole.drop("source_file")
    return MappedTables(whole, told, read, replaced)


def _empty(mapping: RecordMapping, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    names = dict.fromkeys((*mapping.named(), "source_file"))
    return pl.DataFrame(schema={name: schema.get(name, pl.String()) for name in names})


def _usable(
    table: DeliveredTable, mapping: RecordMapping, schema: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a table's rows as the product has them, and what was lost, with the rows' times."""
    shape = product_table(mapping.into)
    rows, findings = _valued(table, mapping, schema)
    if shape.time_column not in rows.columns:
        raise MappingError(f"{table.file} has no column that tells {shape.time_column!r}.")
    times = rows.select(LINE, pl.col(shape.time_column).alias("period_start"))
    if mapping.stands_twice == "first":
        twice = table.rows.filter(_stands_twice(table))
        rows = rows.join(twice, on=LINE, how="anti", maintain_order="left")
        findings = [told.join(twice, on=LINE, how="anti") for told in findings]
        findings.append(_row_findings(table, twice, _STANDS_TWICE))
    rows, lost = _turned(table, rows, mapping, schema)
    rows, keyless = _keyed(table, rows, [name for name in shape.key if name in rows.columns])
    told = pl.concat([*findings, *lost, *keyless]) if findings or lost or keyless else None
    if told is None:
        return rows.drop(LINE), no_findings()
    timed = told.join(times, on=LINE, how="left", maintain_order="left")
    return rows.drop(LINE), timed.select(*FINDING_SCHEMA)


def _valued(
    table: DeliveredTable, mapping: RecordMapping, schema: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return each row of the table as the product has it, and the cells that it cannot hold."""
    columns, findings = [table.rows[LINE]], []
    for column, use in _uses(table, mapping, schema):
        values = product_values(table.rows[column], use, schema[use.name], mapping)
        findings.append(_unusable(table, column, values, mapping, use))
        columns.append(values)
    columns += _templates(table, mapping, schema)
    for name, text in mapping.constants.items():
        given = pl.Series(name, [text] * table.rows.height, dtype=pl.String)
        value = product_values(given, Use.model_validate({"is": name}), schema[name], mapping)
        if value.null_count():
            raise MappingError(f"The constant {text!r} is nothing that {name!r} can be.")
        columns.append(value)
    columns.append(pl.Series("source_file", [table.file] * table.rows.height, dtype=pl.String))
    return pl.DataFrame(columns), findings


def _stands_twice(table: DeliveredTable) -> pl.Series:
    told = [name for name in table.rows.columns if name != LINE]
    if not told:
        return pl.Series([False] * table.rows.height, dtype=pl.Boolean)
    return table.rows.select(~pl.struct(told).is_first_distinct()).to_series()


def _uses(
    table: DeliveredTable, mapping: RecordMapping, schema: Mapping[str, pl.DataType]
) -> list[tuple[str, Use]]:
    """Return each column of the table that is used, and as what.

    Raises:
        MappingError: a column is neither used nor ignored, or one that a template names lacks.
    """
    there = [name for name in table.rows.columns if name != LINE]
    turned = set(mapping.unpivot.columns) if mapping.unpivot else set()
    named = {
        name
        for template in mapping.templates.values()
        for name in template_columns(template)
        if name not in (_AT_LINE, _IN_FILE)
    }
    for column in sorted(named | turned):
        if column not in there:
            raise MappingError(
                f"{table.file} has no column {column!r}{did_you_mean(column, there)}"
            )
    found = [(c, use) for c, uses in mapping.columns.items() if c in there for use in uses]
    filled = set(mapping.named())
    for column in there:
        if column in mapping.columns or column in named or column in turned:
            continue
        if mapping.takes_by_name and column in schema and column not in filled:
            found.append((column, Use.model_validate({"is": column})))
        elif column not in mapping.ignore and OTHERS not in mapping.ignore:
            raise MappingError(
                f"{table.file}: the column {column!r} is neither mapped nor ignored; map it under "
                "`columns`, or name it under `ignore`"
                f"{did_you_mean(column, [name for name in mapping.columns if name not in there])}"
            )
    return found


def _templates(
    table: DeliveredTable, mapping: RecordMapping, schema: Mapping[str, pl.DataType]
) -> list[pl.Series]:
    if not mapping.templates:
        return []
    rows = table.rows.with_columns(
        pl.col(LINE).cast(pl.String).alias(_AT_LINE), pl.lit(table.file).alias(_IN_FILE)
    )
    return [
        template_values(rows, name, template, schema[name], mapping)
        for name, template in mapping.templates.items()
    ]


def _turned(
    table: DeliveredTable,
    rows: pl.DataFrame,
    mapping: RecordMapping,
    schema: Mapping[str, pl.DataType],
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the rows, one for each column that `unpivot` names where it does; null values go."""
    turn = mapping.unpivot
    if turn is None:
        return rows, []
    whole, findings = [], []
    use = Use.model_validate({"is": turn.value})
    for column, called in turn.columns.items():
        values = product_values(table.rows[column], use, schema[turn.value], mapping)
        findings.append(_unusable(table, column, values, mapping, use))
        valued = pl.DataFrame([table.rows[LINE], values]).drop_nulls()
        whole.append(
            rows.join(valued, on=LINE, how="inner", maintain_order="left").with_columns(
                pl.lit(called).alias(turn.name)
            )
        )
    return pl.concat(whole).sort(LINE, maintain_order=True), findings


def _keyed(
    table: DeliveredTable, rows: pl.DataFrame, key: list[str]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the rows that have their whole key, and findings for the others."""
    findings = []
    for name in key:
        lost = rows.filter(pl.col(name).is_null())
        if lost.height:
            told = table.rows.join(lost, on=LINE, how="semi", maintain_order="left")
            findings.append(_row_findings(table, told, f"The row has no usable {name}."))
            rows = rows.filter(pl.col(name).is_not_null())
    return rows, findings


def _unusable(
    table: DeliveredTable, column: str, values: pl.Series, mapping: RecordMapping, use: Use
) -> pl.DataFrame:
    """Return a finding for each cell that says something, of which nothing could be made."""
    is_lost = table.rows[column].is_not_null() & values.is_null()
    suspects = table.rows.select(LINE, column).filter(is_lost)
    texts = texts_of(as_text(suspects[column]), mapping)
    said = suspects.select(LINE).with_columns(texts.alias("content"))
    reason = f"{column} is nothing that {values.name} can be."
    nothing = [text for text, meant in use.values.items() if meant is None]
    told = said.filter(pl.col("content").is_not_null(), ~pl.col("content").is_in(nothing))
    return _findings(table, told, reason)


def _row_findings(table: DeliveredTable, rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Return a finding for each of the table's rows, with the row as the file has it."""
    content = rows.select(LINE, pl.struct(pl.exclude(LINE)).struct.json_encode().alias("content"))
    return _findings(table, content, reason)


def _findings(table: DeliveredTable, told: pl.DataFrame, reason: str) -> pl.DataFrame:
    return told.select(
        LINE,
        pl.lit(table.file).alias("source_file"),
        pl.format("line {}", LINE).alias("place"),
        pl.lit(None, dtype=pl.String).alias("key"),
        pl.lit(reason).alias("reason"),
        pl.col("content").cast(pl.String),
    )


def _file_finding(name: str, reason: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"source_file": [name or None], "reason": [reason]},
        schema={"source_file": pl.String, "reason": pl.String},
    ).select(
        pl.col(name) if name in ("source_file", "reason") else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in FINDING_SCHEMA.items()
    )
