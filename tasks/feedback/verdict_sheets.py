"""Sheets of verdicts (CSV): read row by row, each a verdict or a reason; and written to be filled.

A row that cannot be used never costs another row. What a spreadsheet would run as a formula is
written with an apostrophe before it, which reading takes away again.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from data_products.finding_verdicts.derive import GIVEN_SCHEMA, verdict_id
from data_products.product import TIME
from semantic_layer.errors import InputError
from semantic_layer.fault_kinds import FaultKinds
from tasks.feedback.sheet_records import Record, records, sheet_text
from tasks.feedback.sheet_times import sheet_moment
from tasks.feedback.verdicts import judged, plain

TEMPLATE_COLUMNS = (
    "finding_id", "cell_dn", "anomaly_start", "severity", "explanation",
    "verdict", "fault_kind", "comment", "author", "given_at",
)  # fmt: skip
"""Columns of a sheet to be filled: what the finding is, then what to say of it."""

_MEANS = {
    "finding_id": "anomaly_id", "finding": "anomaly_id", "anomaly_id": "anomaly_id",
    "verdict": "verdict", "fault_kind": "fault_kind", "kind": "fault_kind",
    "comment": "comment", "comments": "comment", "note": "comment",
    "author": "author", "given_by": "author",
    "given_at": "given_at", "date": "given_at", "time": "given_at", "cell_dn": "cell_dn",
}  # fmt: skip
_CONTEXT = {"anomaly_start", "severity", "explanation"}
_FORMULA = ("=", "+", "-", "@", "\t")
_CLOCKS_DIFFER = timedelta(minutes=5)
_LONGEST_CONTENT = 2000
_BAD_SCHEMA = {
    "source_file": pl.String(), "place": pl.String(), "key": pl.String(),
    "reason": pl.String(), "content": pl.String(), "period_start": TIME,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerdictSheet:
    """What a sheet says.

    Attributes:
        given: columns of `GIVEN_SCHEMA`, each verdict once, and `is_exact`: it names its moment,
            not only a day or nothing.
        bad: rows for quarantine: source_file, place, key, reason, content, period_start.
        read: records after the header.
        unanswered: records without a verdict, as a template has them.
        repeated: records that say again what one before them said.
        unknown_columns: of the header, which nothing here reads.
    """

    given: pl.DataFrame
    bad: pl.DataFrame
    read: int
    unanswered: int
    repeated: int
    unknown_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetReading:
    """What a sheet is read against.

    Attributes:
        name: of the file, for messages.
        findings: cell and beginning of each published finding, by its id.
        kinds: what a finding may be called.
        received_at: when the sheet is taken in; verdicts without a time were given then.
        author: of rows that name none; empty refuses them.
    """

    name: str
    findings: Mapping[str, tuple[str, datetime]]
    kinds: FaultKinds
    received_at: datetime
    author: str = ""


def delivery_id(content: bytes) -> str:
    """Return the name of a sheet by its content."""
    return f"csv-{hashlib.sha256(content).hexdigest()[:12]}"


def verdict_sheet(content: bytes, against: SheetReading) -> VerdictSheet:
    """Return the verdicts of a sheet, and a reason for each row that is none.

    Raises:
        InputError: it is no text, or its header lacks finding or verdict or names one twice.
    """
    lines = records(sheet_text(content, against.name))
    places, unknown = _header(next(lines, Record(1, ())), against.name)
    given: dict[str, dict[str, Any]] = {}
    first_lines: dict[str, int] = {}
    bad: list[dict[str, Any]] = []
    read = unanswered = repeated = 0
    for record in lines:
        read += 1
        words = _words(record, places)
        if not record.fault and not words["verdict"].strip():
            unanswered += 1
            continue
        try:
            row = _row(record, words, len(places), against)
            named = verdict_id(row["anomaly_id"], row["author"], row["given_at"])
            if given.setdefault(named, row) is not row:
                _require_same(given[named], row, first_lines[named])
                repeated += 1
        except InputError as error:
            bad.append(_bad(record, words, str(error), against))
            continue
        first_lines.setdefault(named, record.line)
    return VerdictSheet(
        pl.DataFrame(list(given.values()), schema={**GIVEN_SCHEMA, "is_exact": pl.Boolean()}),
        pl.DataFrame(bad, schema=_BAD_SCHEMA),
        read,
        unanswered,
        repeated,
        unknown,
    )


def written_sheet(columns: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    """Return rows as CSV that a spreadsheet shows and does not run."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return target.getvalue()


def harmless(cell: object) -> str:
    """Return a cell's text, with an apostrophe before what a spreadsheet would run.

    Source: OWASP, CSV Injection.
    """
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%dT%H:%M:%SZ}"
    text = "" if cell is None else str(cell).replace("\r", " ")
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _header(record: Record, name: str) -> tuple[list[str], tuple[str, ...]]:
    """Return what each column means, '' for nothing here, and the unknown names."""
    names = ["_".join(cell.strip().casefold().split()) for cell in record.cells]
    places = [_MEANS.get(column, "") for column in names]
    for wanted, called in (("anomaly_id", "finding_id"), ("verdict", "verdict")):
        if wanted not in places:
            raise InputError(f"The header of {name} lacks {called!r}; it has {_told(names)}.")
    for meaning in {meaning for meaning in places if meaning and places.count(meaning) > 1}:
        raise InputError(f"The header of {name} names {meaning!r} twice: {_told(names)}.")
    known = _MEANS.keys() | _CONTEXT | {""}
    return places, tuple(plain(column, 40) for column in names if column not in known)


def _told(names: Sequence[str]) -> str:
    return plain(", ".join(names), 200) or "nothing"


def _words(record: Record, places: Sequence[str]) -> dict[str, str]:
    words = dict.fromkeys(_MEANS.values(), "")
    if not record.fault:
        pairs = zip(places, record.cells, strict=False)
        words |= {meaning: _unquoted(cell) for meaning, cell in pairs if meaning}
    return words


def _unquoted(cell: str) -> str:
    """Return a cell as it was before it was made harmless."""
    if cell.startswith("'") and harmless(cell[1:]) == cell:
        return cell[1:]
    return cell


def _row(
    record: Record, words: Mapping[str, str], width: int, against: SheetReading
) -> dict[str, Any]:
    if record.fault:
        raise InputError(record.fault)
    if any(cell.strip() for cell in record.cells[width:]):
        raise InputError(
            f"It has {len(record.cells)} cells, the header {width}; quote text with separators."
        )
    moment, is_exact = _given_at(words["given_at"], against.received_at)
    said = judged(words, moment, against.kinds, against.author)
    if said.anomaly_id not in against.findings:
        raise InputError(f"No finding {said.anomaly_id!r} is published.")
    cell_dn, began = against.findings[said.anomaly_id]
    if words["cell_dn"].strip() not in ("", cell_dn):
        raise InputError(f"The finding is of the cell {cell_dn!r}, not of the one in this row.")
    if words["given_at"].strip() and moment < began:
        raise InputError(f"It was given before the finding began, {began:%Y-%m-%dT%H:%MZ}.")
    return {name: getattr(said, name) for name in GIVEN_SCHEMA if name != "source"} | {
        "source": "csv",
        "comment": said.comment or None,
        "is_exact": is_exact,
    }


def _given_at(text: str, received_at: datetime) -> tuple[datetime, bool]:
    if not text.strip():
        return received_at, False
    moment, is_day = sheet_moment(text)
    if is_day and moment > received_at and moment.date() == received_at.date():
        return received_at, False
    if moment > received_at + _CLOCKS_DIFFER:
        raise InputError(f"It was given in the future, {moment:%Y-%m-%dT%H:%MZ}.")
    return min(moment, received_at), not is_day


def _require_same(first: Mapping[str, Any], again: Mapping[str, Any], line: int) -> None:
    if any(first[name] != again[name] for name in ("verdict", "fault_kind", "comment")):
        raise InputError(f"Line {line} tells otherwise of the same finding, author and moment.")


def _bad(
    record: Record, words: Mapping[str, str], reason: str, against: SheetReading
) -> dict[str, Any]:
    return {
        "source_file": against.name,
        "place": f"line {record.line}",
        "key": plain(words["anomaly_id"], 80) or None,
        "reason": reason,
        "content": plain(" | ".join(record.cells), _LONGEST_CONTENT),
        "period_start": against.received_at,
    }
