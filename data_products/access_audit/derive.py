"""Records of reads, as lines of JSON, become rows; a line that cannot be read is told apart."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import polars as pl

from data_products.product import TIME
from semantic_layer.periods import Window

AUDIT_SCHEMA: dict[str, pl.DataType] = {
    "read_id": pl.String(),
    "read_at": TIME,
    "identity": pl.String(),
    "table_name": pl.String(),
    "read_columns": pl.List(pl.String()),
    "asked_columns": pl.List(pl.String()),
    "window_start": TIME,
    "window_end": TIME,
    "outcome": pl.String(),
    "refusal": pl.String(),
    "purpose": pl.String(),
}
_FINDING = {
    "source_file": pl.String(),
    "place": pl.String(),
    "reason": pl.String(),
    "content": pl.String(),
}
_TIMES = ("read_at", "window_start", "window_end")


def derive(
    lines: Iterable[tuple[str, int, str]], window: Window
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the reads of a window, and what could not be read, for quarantine.

    Args:
        lines: file, line number and text of each record.
        window: reads of this time only.
    """
    rows: list[dict[str, Any]] = []
    findings: list[dict[str, str]] = []
    for file, number, text in lines:
        try:
            row = _row(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            findings.append(
                {
                    "source_file": file,
                    "place": f"line {number}",
                    "reason": f"This is no record of a read: {error}.",
                    "content": text[:2000],
                }
            )
            continue
        if window.covers(row["read_at"]):
            rows.append(row)
    read = pl.DataFrame(rows, schema=AUDIT_SCHEMA).sort("read_at", "read_id")
    return read, pl.DataFrame(findings, schema=_FINDING)


def _row(record: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: record.get(name) for name in AUDIT_SCHEMA}
    for name in _TIMES:
        row[name] = datetime.fromisoformat(row[name]) if row[name] else None
    if row["read_at"] is None or row["read_at"].tzinfo is None:
        raise ValueError("it has no time with a zone")
    for name in ("read_columns", "asked_columns"):
        row[name] = [str(each) for each in row[name] or []]
    return row
