"""The reader of sheets of verdicts."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.verdict_sheets import SheetReading, verdict_sheet
from tests.fuzzing.seeds import texts
from tests.fuzzing.target import Outcome, Target, must

_FOUND = {
    "a1": ("ManagedElement=1,NRCellDU=1", datetime(2026, 3, 1, tzinfo=UTC)),
    "a2": ("ManagedElement=2,NRCellDU=1", datetime(2026, 3, 2, tzinfo=UTC)),
}
_NOW = datetime(2026, 3, 10, tzinfo=UTC)
_COMMAS = """\
finding_id,cell_dn,verdict,fault_kind,comment,author,given_at
a1,"ManagedElement=1,NRCellDU=1",confirm,outage,"two
lines",anna,2026-03-05T10:00Z
a2,,Reject,Planned change,'=1+1,bo,05.03.2026 12:30
a2,,relabel,event,,,46086.5
a9,,reject,,,cy,
"""
_STROKES = "sep=;\nfinding;verdict;given_by;date;mine\na1;confirm;anna;3/25/2026;x\na2;;;;\n"


def read_verdict_sheet(data: bytes, _folder: Path) -> Outcome:
    """Read a sheet; each record is a verdict, a repetition, unanswered, or a reason."""
    try:
        sheet = verdict_sheet(data, SheetReading("x.csv", _FOUND, fault_kinds(), _NOW, "me"))
    except InputError as error:
        must(bool(str(error)), "An error says nothing.")
        return Outcome(0, 1)
    known = sheet.given.height + sheet.repeated + sheet.unanswered + sheet.bad.height
    must(known == sheet.read, f"Of {sheet.read} records {known} are accounted for.")
    must(sheet.given.filter(pl.col("given_at") > _NOW).is_empty(), "A verdict of the future.")
    comments = sheet.given["comment"].drop_nulls().to_list()
    must(all(text.isprintable() for text in comments), "A comment has characters nobody sees.")
    return Outcome(sheet.given.height + sheet.unanswered or 1, sheet.bad.height)


FEEDBACK_TARGETS = (
    Target(
        "verdict_sheet",
        "csv",
        read_verdict_sheet,
        lambda: texts([_COMMAS, _STROKES]),
        ("sep=;", "sep=", '"', '""', ";", "\t", "\r", "confirm", "relabel", "event", "a1", "'=",
         "2026-03-05", "46086.99", "99999", "29.02.2027", "3/4/2026 13:00 PM", "\u202e",
         "9999-12-31T23:59-14:00"),
    ),
)  # fmt: skip
