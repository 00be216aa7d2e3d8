"""Changes, drift and tickets as a page tells them; what people wrote stands as quoted text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.wording import clipped, count, listed, moment

_SHOWN = 20
_DRIFT_WORDS = {
    "unplanned_change": "changed without a request",
    "differs_from_plan": "differs from plan",
    "missing_object": "planned, not there",
    "unexpected_object": "there, not planned",
}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change request."""

    change_id: str
    quoted: str
    change_type: str
    state: str
    risk: str
    planned_text: str
    executed_text: str
    objects_text: str


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One difference from plan, or unplanned change."""

    kind: str
    managed_object_dn: str
    attribute: str
    planned: str
    actual: str
    detected_text: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket that was open in the window."""

    ticket_id: str
    quoted: str
    state: str
    severity: str
    opened_text: str
    objects_text: str


@dataclass(frozen=True, slots=True)
class ChangeSection:
    """Changes, drift and tickets of a window, with how many there are of each."""

    has_changes: bool
    has_drift: bool
    has_tickets: bool
    changes: tuple[ChangeRow, ...]
    changes_count: int
    executed: int
    drift: tuple[DriftRow, ...]
    drift_count: int
    drift_new: int
    drift_by_kind: tuple[tuple[str, int], ...]
    tickets: tuple[TicketRow, ...]
    tickets_count: int
    tickets_opened: int

    @property
    def changes_sentence(self) -> str:
        """What is so of changes."""
        if not self.has_changes:
            return "No change request was ever published."
        if not self.changes_count:
            return "No change was planned or executed in this window."
        return (
            f"{count(self.changes_count, 'change')} planned or executed in this window, "
            f"{self.executed:,} begun."
        )

    @property
    def drift_sentence(self) -> str:
        """What is so of drift."""
        if not self.has_drift:
            return "No configuration was ever compared with a plan or with change requests."
        if not self.drift_count:
            return "Configuration is as planned, and nothing changed without a request."
        kinds = listed([f"{many:,} {kind}" for kind, many in self.drift_by_kind], 5)
        return f"{count(self.drift_count, 'difference')} stand ({kinds}), {self.drift_new:,} new."

    @property
    def tickets_sentence(self) -> str:
        """What is so of tickets."""
        if not self.has_tickets:
            return "No trouble ticket was ever published."
        if not self.tickets_count:
            return "No ticket was open in this window."
        return (
            f"{count(self.tickets_count, 'ticket')} open in this window, "
            f"{self.tickets_opened:,} opened in it."
        )


def change_section(
    changes: pl.DataFrame,
    drift: pl.DataFrame,
    tickets: pl.DataFrame,
    window: Window,
    known_tables: frozenset[str],
) -> ChangeSection:
    """Return what people changed, planned and reported in the window.

    Args:
        changes: requests about the window's time, some time before it too.
        drift: what stood in the window.
        tickets: those open in the window.
        window: what is reported.
        known_tables: tables of which anything was ever published.
    """
    began = pl.coalesce("actual_start", "planned_start")
    ended = pl.coalesce("actual_end", "planned_end", began)
    own = changes.filter((began < window.end) & (ended >= window.start)).sort(began, "change_id")
    standing = drift.filter(pl.col("ended_at").is_null() | (pl.col("ended_at") >= window.end))
    is_new = pl.col("detected_at") >= window.start
    order = ("detected_at", "kind", "managed_object_dn", "attribute")
    newest_first = standing.sort(order, descending=[True, False, False, False])
    kinds = standing.group_by("kind").len().sort("len", "kind", descending=[True, False])
    return ChangeSection(
        has_changes="change_history" in known_tables or not changes.is_empty(),
        has_drift="network_configuration" in known_tables or not drift.is_empty(),
        has_tickets="trouble_tickets" in known_tables or not tickets.is_empty(),
        changes=tuple(_change(row) for row in own.head(_SHOWN).iter_rows(named=True)),
        changes_count=own.height,
        executed=own.filter(pl.col("actual_start").is_not_null()).height,
        drift=tuple(_drift(row, window) for row in newest_first.head(_SHOWN).iter_rows(named=True)),
        drift_count=standing.height,
        drift_new=standing.filter(is_new).height,
        drift_by_kind=tuple((_kind(kind), many) for kind, many in kinds.iter_rows()),
        tickets=tuple(_ticket(row) for row in _newest(tickets).iter_rows(named=True)),
        tickets_count=tickets.height,
        tickets_opened=tickets.filter(pl.col("opened_at") >= window.start).height,
    )


def _newest(tickets: pl.DataFrame) -> pl.DataFrame:
    return tickets.sort("opened_at", "ticket_id", descending=[True, False]).head(_SHOWN)


def _change(row: Mapping[str, Any]) -> ChangeRow:
    return ChangeRow(
        change_id=clipped(row["change_id"], 60),
        quoted=clipped(row["title"], 120),
        change_type=clipped(row["change_type"], 40),
        state=clipped(row["state"], 30),
        risk=clipped(row["risk"], 30),
        planned_text=_span(row["planned_start"], row["planned_end"], "not planned"),
        executed_text=_span(row["actual_start"], row["actual_end"], "not executed"),
        objects_text=_objects(row["managed_object_dns"]),
    )


def _drift(row: Mapping[str, Any], window: Window) -> DriftRow:
    return DriftRow(
        kind=_kind(row["kind"]),
        managed_object_dn=clipped(row["managed_object_dn"], 160),
        attribute=clipped(row["attribute"], 80),
        planned=clipped(row["planned_value"], 60),
        actual=clipped(row["actual_value"], 60),
        detected_text=moment(row["detected_at"]),
        is_new=window.covers(row["detected_at"]),
    )


def _ticket(row: Mapping[str, Any]) -> TicketRow:
    return TicketRow(
        ticket_id=clipped(row["ticket_id"], 60),
        quoted=clipped(row["title"], 120),
        state=clipped(row["state"], 30),
        severity=clipped(row["severity"], 30),
        opened_text=moment(row["opened_at"]),
        objects_text=_objects(row["managed_object_dns"]),
    )


def _kind(kind: str | None) -> str:
    return _DRIFT_WORDS.get(kind or "", clipped(kind, 40))


def _span(start: Any, end: Any, otherwise: str) -> str:  # noqa: ANN401 - a cell of a row
    if start is None:
        return otherwise
    return f"{moment(start)} to {moment(end)}" if end else f"since {moment(start)}"


def _objects(dns: list[str] | None) -> str:
    named = [clipped(dn, 110) for dn in dns or () if dn]
    return listed(named, 2) if named else "no object named"
