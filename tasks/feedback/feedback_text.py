"""Findings to ask about and verdicts given, as a form, a table and a terminal show them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from semantic_layer.fault_kinds import FaultKinds
from tasks.feedback.verdict_sheets import TEMPLATE_COLUMNS, VerdictSheet, written_sheet
from tasks.feedback.verdicts import plain

_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]()<>#+-.!|~&"})
_SHOWN_BAD = 10


def question_row(finding: Mapping[str, Any]) -> dict[str, str]:
    """Return a finding as plain texts, to travel between steps and to be shown."""
    return {
        "finding": str(finding["anomaly_id"]),
        "cell": plain(str(finding["cell_dn"]), 160),
        "since": _moment(finding["anomaly_start"]),
        "severity": str(finding["severity"]),
        "peak score": f"{finding['peak_score']:.1f}",
        "uncertainty": f"{finding['uncertainty']:.2f}",
        "what was seen": plain(str(finding["explanation"] or ""), 400),
    }


def question_text(
    question: Mapping[str, str], number: int, many: int, kinds: FaultKinds, problem: str = ""
) -> str:
    """Return what a form says above its fields, as Markdown; what files brought stands quoted.

    Args:
        question: as `question_row` returns it.
        number: which question it is, from 1.
        many: how many there are.
        kinds: what a finding may be called.
        problem: why the answer before could not be used; empty where there was none.
    """
    harmless = ", ".join(f"`{kind.name}`" for kind in kinds.values() if not kind.is_fault)
    cell = question["cell"].replace(",", ", ")
    parts = [
        f"**That answer could not be taken: {_quoted(problem)}**" if problem else "",
        f"**Finding {number} of {many}**: was something wrong with this cell?",
        f"- cell: {_quoted(cell)}\n"
        f"- since: {question['since']} UTC, {question['severity']}, "
        f"peak score {question['peak score']}\n"
        f"- seen: {_quoted(question['what was seen'])}",
        "`CONFIRMED`: something was wrong. `REJECTED`: nothing was. `RELABELED`: it is another "
        "kind, named below. `SKIPPED`: I cannot tell; nothing is recorded.",
        f"Kinds that are no fault: {harmless}; all others are.",
    ]
    return "\n\n".join(part for part in parts if part)


def template_sheet(asked: pl.DataFrame) -> str:
    """Return findings as a sheet to be filled in, as CSV.

    Args:
        asked: as `questions` returns them.
    """
    told = asked.rename({"anomaly_id": "finding_id"}).select(TEMPLATE_COLUMNS[:5])
    blank = [""] * (len(TEMPLATE_COLUMNS) - 5)
    return written_sheet(TEMPLATE_COLUMNS, ([*row, *blank] for row in told.iter_rows()))


def verdicts_text(verdicts: pl.DataFrame, limit: int) -> str:
    """Return the newest verdicts as lines of text.

    Args:
        verdicts: rows of `finding_verdicts`, without the columns that may not be seen.
        limit: at most so many.
    """
    if verdicts.is_empty():
        return "Nobody has judged a finding yet. `anops feedback template` lists some to judge."
    newest = verdicts.sort("given_at", "verdict_id", descending=True).head(limit)
    names = [name for name in _LISTED if name in newest.columns]
    rows = [[_cell(row[name]) for name in names] for row in newest.iter_rows(named=True)]
    table = [[_LISTED[name] for name in names], *rows]
    widths = [max(len(line[place]) for line in table) for place in range(len(names))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    return "\n".join([*lines, f"{newest.height} of {verdicts.height} verdicts shown."])


def verdicts_sheet(verdicts: pl.DataFrame) -> str:
    """Return verdicts as CSV that a spreadsheet shows and does not run, and that can be read."""
    renamed = verdicts.rename({"anomaly_id": "finding_id"})
    return written_sheet(renamed.columns, renamed.iter_rows())


def sheet_said(sheet: VerdictSheet, added: int, known: int) -> str:
    """Return what became of a sheet, bad rows named with their lines."""
    shown = sheet.bad.head(_SHOWN_BAD).select("place", "reason").iter_rows()
    more = sheet.bad.height - _SHOWN_BAD
    return "\n".join(_sheet_lines(sheet, added, known, shown, more))


def _sheet_lines(
    sheet: VerdictSheet, added: int, known: int, shown: Iterator[Sequence[str]], more: int
) -> Iterator[str]:
    yield (
        f"{sheet.read} rows read: {added} added, {known + sheet.repeated} told before, "
        f"{sheet.unanswered} without a verdict, {sheet.bad.height} quarantined."
    )
    for place, reason in shown:
        yield f"  {place}: {plain(reason, 300)}"
    if more > 0:
        yield f"  and {more} more, all in data_quality.quarantine."
    if sheet.unknown_columns:
        yield f"  Columns that nothing reads: {', '.join(sheet.unknown_columns[:20])}."


def _quoted(text: str) -> str:
    return text.translate(_MARKDOWN)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    return plain("" if value is None else str(value), 60)


_LISTED = {
    "given_at": "given",
    "author": "by",
    "verdict": "verdict",
    "fault_kind": "kind",
    "anomaly_id": "finding",
    "cell_dn": "cell",
    "anomaly_start": "since",
    "source": "through",
    "comment": "comment",
}
