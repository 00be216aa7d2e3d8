"""An answer as people and programs read it: plain text, CSV, JSON, rows for a table in the UI.

Names come from files and are untrusted: what could reorder or hide text on a screen is taken out
of the plain text; CSV and JSON keep them as they are.
"""

import json
import re
from datetime import datetime

import polars as pl

from semantic_layer.kpis import Kpi
from semantic_layer.measurements import signed
from tasks.querying.answering import MetricAnswer

MOST_SHOWN = 200
"""Rows of a table in the UI, at most."""

_UNSEEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_LONGEST = 80


def answer_text(told: MetricAnswer, limit: int) -> str:
    """Return an answer as text: definitions, what entered, at most `limit` rows, their number."""
    lines = [*map(_definition, told.kpis), "", *_facts(told), ""]
    if told.rows.is_empty():
        lines.append("No group fits.")
    else:
        lines += _table([_headings(told), *_cells(told.rows.head(limit))])
    lines += ["", _shown(told, limit)]
    return "\n".join(lines)


def answer_csv(told: MetricAnswer) -> str:
    """Return every row of an answer as CSV; times in UTC, no value as an empty field."""
    return told.rows.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ")


def answer_json(told: MetricAnswer, limit: int) -> str:
    """Return an answer as JSON: definitions, what entered, at most `limit` rows, their number."""
    query = told.query
    content = {
        "query": {
            "kpis": query.kpis,
            "by": query.by,
            "grain": query.grain,
            "where": query.where,
        },
        "window": {"start": told.window.start.isoformat(), "end": told.window.end.isoformat()},
        "kpis": [
            {
                "name": kpi.name,
                "column": kpi.column,
                "title": kpi.title,
                "unit": kpi.unit,
                "numerator": kpi.numerator,
                "denominator": kpi.denominator,
                "source": kpi.source,
            }
            for kpi in told.kpis
        ],
        "catalogue_version": told.catalogue_version,
        "snapshots": {one.table: one.id for one in told.snapshots},
        "measurement_rows": {
            "entered": told.tally.entered,
            "suspect": told.tally.suspect,
            "coarse": told.tally.coarse,
        },
        "groups": {
            "total": told.rows.height,
            "shown": min(limit, told.rows.height),
            "without_value": told.without_value,
            "without_place": told.without_place,
        },
        "rows": table_rows(told, limit),
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def table_rows(told: MetricAnswer, limit: int = MOST_SHOWN) -> list[dict[str, object]]:
    """Return at most `limit` rows as plain values; times as text, what is no number as None."""
    times = pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    numbers = pl.selectors.float()
    finite = pl.when(numbers.is_finite()).then(numbers)
    return told.rows.head(limit).with_columns(times, finite).to_dicts()


def _definition(kpi: Kpi) -> str:
    better = "" if kpi.better == "neither" else f", {kpi.better} is better"
    return (
        f"{kpi.title} ({kpi.name}, {kpi.unit}{better}): ({_sum(kpi.numerator)}) / "
        f"({_sum(kpi.denominator)}). {kpi.source}."
    )


def _sum(terms: tuple[str, ...]) -> str:
    """Return a sum as people write it.

    >>> _sum(("observed_time", "-down_time", "up_time"))
    'observed_time - down_time + up_time'
    """
    parts = [f"- {name}" if sign < 0 else f"+ {name}" for sign, name in map(signed, terms)]
    return " ".join(parts).removeprefix("+ ")


def _facts(told: MetricAnswer) -> list[str]:
    tally = told.tally
    read = ", ".join(f"{one.table}@{one.id}" for one in told.snapshots if one.id) or "nothing"
    left_out = [f"{tally.suspect:,} suspect"] if tally.suspect else []
    if tally.coarse:
        left_out.append(f"{tally.coarse:,} that cover more than the grain")
    return [
        f"Window {told.window}, {told.query.grain if told.query.grain != 'none' else 'whole'}"
        + (f", where {_clean(told.query.where)}" if told.query.where.strip() else ""),
        f"Measurement rows entered: {tally.entered:,}; left out: {', '.join(left_out) or 'none'}.",
        f"Read {read}; catalogue {told.catalogue_version}.",
    ]


def _shown(told: MetricAnswer, limit: int) -> str:
    total = told.rows.height
    said = [f"{min(limit, total):,} of {total:,} groups shown"]
    if told.without_value:
        said.append(f"{told.without_value:,} have no value: no data is no evidence")
    if told.without_place:
        said.append(f"{told.without_place:,} lie where a dimension is unknown")
    return "; ".join(said) + "."


def _headings(told: MetricAnswer) -> list[str]:
    units = {kpi.column: f"{kpi.name} [{kpi.unit}]" for kpi in told.kpis}
    return [units.get(name, name) for name in told.rows.columns]


def _cells(rows: pl.DataFrame) -> list[list[str]]:
    return [[_cell(value) for value in row] for row in rows.iter_rows()]


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case float():
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
        case _:
            shown = _clean(str(value))
            return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _clean(text: str) -> str:
    return _UNSEEN.sub("\ufffd", text)
