"""Steps of feedback: what to ask, and verdicts taken in and weighed."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import polars as pl

from data_products.changed_span import changed_span
from data_products.finding_verdicts.derive import GIVEN_SCHEMA
from data_products.lineage import LINEAGE_COLUMNS, Snapshot
from semantic_layer.detection import detection
from semantic_layer.errors import InputError, TransientError
from semantic_layer.fault_kinds import fault_kinds
from semantic_layer.periods import Window
from tasks.feedback.agreement import weighed_verdicts
from tasks.feedback.feedback_text import (
    question_row,
    sheet_said,
    template_sheet,
    verdicts_sheet,
    verdicts_text,
)
from tasks.feedback.questions import Cut, questions
from tasks.feedback.taking_in import ENTERED, Addition, addition, first_received
from tasks.feedback.verdict_sheets import SheetReading, delivery_id, verdict_sheet
from tasks.feedback.verdicts import judged
from tasks.step import run_id, show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_VERDICTS, _WEIGHED, _FINDINGS = "finding_verdicts", "finding_verdicts.weighed", "cell_anomalies"
_ASKED_DAYS = 7
_CUT = 0.5
_TRIES = 6
_PLACES = ("anomaly_id", "cell_dn", "anomaly_start")
_Made = TypeVar("_Made")


class Taken(NamedTuple):
    """What became of verdicts: what was published of them, and what is to be said.

    Attributes:
        verdicts: the snapshot that holds them; None where they added nothing.
        weighed: the snapshot of all verdicts together; None where it stands as it was.
        says: a sentence or more, for the person who gave them.
        problem: why an answer could not be taken; empty where it was.
    """

    verdicts: Snapshot | None
    weighed: Snapshot | None
    says: str
    problem: str = ""


@step
def find_questions(window: Window | None = None, budget: int = 5) -> list[dict[str, str]]:
    """Return the findings most worth asking about, and show them on the run's page.

    Args:
        window: of the findings; None takes the newest seven days published.
        budget: at most so many.
    """
    asked = _asked(window, budget)
    rows = [question_row(finding) for finding in asked.iter_rows(named=True)]
    show_table("findings-to-judge", rows, f"{len(rows)} findings most worth a person's verdict")
    return rows


@step
def record_verdict(words: dict[str, str], source: str) -> Taken:
    """Publish one verdict, given now, and what all of them say together.

    Args:
        words: anomaly_id (whole, or as much as only it has), verdict, fault_kind, author,
            comment, as a person typed them.
        source: `form` or `command`.

    Raises:
        InputError: there is no such finding, or the words make no verdict.
    """
    findings = _findings()
    finding = _found(words.get("anomaly_id", ""), findings)
    now = services().clock.now()
    said = judged({**words, "anomaly_id": finding}, now, fault_kinds())
    row = {name: getattr(said, name) for name in GIVEN_SCHEMA if name != "source"}
    given = pl.DataFrame(
        [{**row, "source": source, "comment": said.comment or None, "is_exact": False}],
        schema={**GIVEN_SCHEMA, "is_exact": pl.Boolean()},
    )
    snapshot, added = _again(lambda: _added(given, findings, ENTERED, now))
    kind = f" as {said.fault_kind}" if said.fault_kind else ""
    says = f"Finding {finding} {said.verdict.lower()}{kind} by {said.author}."
    if not added.added:
        says = f"{said.author} had said so of finding {finding} already."
    return Taken(snapshot, _again(_publish_weighed), says)


@step
def take_answer(words: dict[str, str]) -> Taken:
    """Publish the verdict that a form brought; one that makes no sense is told, not raised."""
    try:
        return record_verdict.fn(words, "form")
    except InputError as error:
        return Taken(None, None, "", str(error))


@step
def import_verdicts(path: Path, author: str = "") -> Taken:
    """Publish the verdicts of a sheet; rows that are none go to quarantine with line and reason.

    The same sheet again adds nothing, and mends what could not be used before.

    Args:
        path: a CSV file.
        author: of rows that name none; empty refuses them.

    Raises:
        InputError: the file cannot be opened, or is no sheet of verdicts.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    delivery, findings = delivery_id(content), _findings()
    received_at = first_received(_received(delivery), services().clock.now())
    places = {finding: (cell, began) for finding, cell, began in findings.iter_rows()}
    against = SheetReading(path.name, places, fault_kinds(), received_at, author)
    sheet = verdict_sheet(content, against)
    snapshot, added = _again(
        lambda: _added(sheet.given, findings, delivery, received_at, sheet.bad)
    )
    says = f"{path.name}: {sheet_said(sheet, added.added, added.known)}"
    _LOG.info("%s", says)
    return Taken(snapshot, _again(_publish_weighed), says)


@step
def list_verdicts(limit: int = 50, *, as_csv: bool = False) -> str:
    """Return the newest verdicts as text, or all as CSV, as far as the reader may see them."""
    chosen = services()
    rows = chosen.reader.read(
        _VERDICTS, identity=chosen.settings.identity, purpose="anops feedback list"
    )
    verdicts = rows.drop(*LINEAGE_COLUMNS, strict=False).collect()
    return verdicts_sheet(verdicts) if as_csv else verdicts_text(verdicts, limit)


@step
def write_template(window: Window | None = None, budget: int = 50) -> str:
    """Return the findings most worth asking about as a sheet to be filled in."""
    return template_sheet(_asked(window, budget))


def _asked(window: Window | None, budget: int) -> pl.DataFrame:
    tables = services().tables
    bounds = tables.bounds(_FINDINGS)
    if window is None and bounds is not None:
        window = Window(bounds.end, bounds.end + timedelta(days=1)).before(
            timedelta(days=_ASKED_DAYS)
        )
    key = ["anomaly_id", "window_start"]
    worth = tables.read("cell_anomalies.worth", window, columns=[*key, "probability"]).collect()
    told = tables.read(_FINDINGS, window).drop(*LINEAGE_COLUMNS).collect()
    findings = told.join(worth, on=key, how="left", maintain_order="left")
    judged_before = tables.read(_VERDICTS, columns=["anomaly_id"]).collect()["anomaly_id"]
    return questions(findings, judged_before, budget, Cut(_CUT, detection().score_begins))


def _findings() -> pl.DataFrame:
    rows = services().tables.read(_FINDINGS, columns=list(_PLACES)).collect()
    return rows.unique("anomaly_id", keep="last", maintain_order=True)


def _found(word: str, findings: pl.DataFrame) -> str:
    """Return the id of the one finding that a word names: its id, or how only its id begins."""
    named = findings.filter(pl.col("anomaly_id").str.starts_with(word.strip()))["anomaly_id"]
    if word.strip() in set(named):
        return word.strip()
    if len(named) == 1 and word.strip():
        return str(named[0])
    told = f"{len(named)} findings begin so" if word.strip() and len(named) else "none begins so"
    raise InputError(
        f"No finding {word[:80]!r} is published, {told}; `anops feedback template` lists some."
    )


def _added(
    given: pl.DataFrame,
    findings: pl.DataFrame,
    delivery: str,
    received_at: datetime,
    bad: pl.DataFrame | None = None,
) -> tuple[Snapshot | None, Addition]:
    """Publish what verdicts add to those that stand now; nothing where they add nothing."""
    tables = services().tables
    standing = tables.read(_VERDICTS).drop(*LINEAGE_COLUMNS).collect()
    made = addition(given, findings, standing, delivery, received_at)
    if not made.added and (bad is None or bad.is_empty()):
        return None, made
    read, run = [tables.snapshot(_FINDINGS)], run_id()
    scope = {"delivery_id": delivery}
    door = services().door
    return door.publish(_VERDICTS, made.window, made.rows, read, run, bad, scope), made


def _received(delivery: str) -> list[datetime | None]:
    """Return when what stands of a sheet, verdicts or rows in quarantine, was taken in."""
    tables, scope = services().tables, f"delivery_id={delivery}"
    taken = tables.read(_VERDICTS).filter(pl.col("delivery_id") == delivery).select("received_at")
    kept = tables.read("data_quality.quarantine").filter(
        pl.col("table_name") == _VERDICTS, pl.col("scope") == scope
    )
    return [
        *taken.collect()["received_at"].to_list(),
        *kept.select("period_start").collect()["period_start"].to_list(),
    ]


def _publish_weighed() -> Snapshot | None:
    """Publish the days on which verdicts, weighed together, differ from what stands.

    Raises:
        TransientError: others gave verdicts meanwhile; what was weighed lacks theirs.
    """
    tables = services().tables
    seen = tables.snapshot(_VERDICTS)
    verdicts = tables.read(_VERDICTS, snapshot_id=seen.id or None).collect()
    due = weighed_verdicts(verdicts, fault_kinds())
    standing = tables.read(_WEIGHED).drop(*LINEAGE_COLUMNS).collect()
    span = changed_span(standing, due, "anomaly_start")
    made = None
    if span is not None:
        time = pl.col("anomaly_start")
        rows = due.filter((time >= span.start) & (time < span.end))
        made = services().door.publish(_WEIGHED, span, rows, [seen], run_id())
    if tables.snapshot(_VERDICTS).id != seen.id:
        raise TransientError("Others gave verdicts while these were weighed; weigh them again.")
    return made


def _again(work: Callable[[], _Made]) -> _Made:
    """Return what `work` makes, tried again at once where another writer came first."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except TransientError as error:
            _LOG.info("Trying again: %s", error)
    return work()
