"""Tools of what happened: alarms, changes and tickets near a cell, and what an alarm means."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.errors import UnknownNameError
from semantic_layer.evidence import evidence_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.agents.toolbox.arguments import OfCellAndTime, OfName, span
from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.toolbox.surroundings import RELATIONS, places
from tasks.agents.toolbox.values import told_row
from tasks.agents.tools import ToolFailedError, ToolResult
from tasks.messages.canonical import JsonValue

ALARMS, CHANGES, TICKETS = "alarms", "change_history", "trouble_tickets"
_ALARM = (
    "alarm_id", "managed_object_dn", "raised_at", "cleared_at", "alarm_name", "perceived_severity",
    "probable_cause", "specific_problem",
)  # fmt: skip
_CHANGE = (
    "change_id", "title", "change_type", "state", "requested_at", "actual_start", "actual_end",
    "managed_object_dns",
)  # fmt: skip
_TICKET = (
    "ticket_id", "opened_at", "state", "severity", "title", "description", "resolved_at",
    "resolution", "managed_object_dns",
)  # fmt: skip
_REQUESTED_BEFORE = timedelta(days=62)
_MOST = 60


def read_alarms(sources: ToolSources, asked: OfCellAndTime) -> ToolResult:
    """Return alarms near a cell that were raised within a time or the hours before it.

    `relation` says where the alarm's object stands to the cell, the nearest that holds;
    `lead_hours` how long before the time's beginning it was raised. An alarm of one object that was
    raised several times is one row: the raise nearest to the beginning, and how many there were.
    """
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    since = begin - timedelta(hours=evidence_rules().hours_before)
    around = Window(min(since, sources.window.start), max(end, sources.window.end))
    known = sources.rows(ALARMS, _whole_days(around), _ALARM)
    rows = known.filter(
        pl.col("raised_at").is_between(since, end, closed="left")
        & (pl.col("cleared_at").is_null() | (pl.col("cleared_at") >= since))
    )
    told = _near(sources, asked.cell_dn, rows, "managed_object_dn", "raised_at", begin)
    listed: dict[tuple[object, object], dict[str, JsonValue]] = {}
    for row in told:
        alarm = row["alarm_name"] or "not_known"
        same = listed.setdefault(
            (row["managed_object_dn"], alarm),
            {
                "alarm_id": row["alarm_id"],
                "alarm": alarm,
                "managed_object_dn": row["managed_object_dn"],
                "relation": row["relation"],
                "severity": row["perceived_severity"],
                "raised_at": row["raised_at"],
                "cleared_at": row["cleared_at"],
                "lead_hours": row["lead_hours"],
                "raised_count": 0,
                "specific_problem": row["specific_problem"],
            },
        )
        same["raised_count"] = int(str(same["raised_count"])) + 1
    return _told(list(listed.values()), "alarms", asked.cell_dn, "alarm_id")


def read_changes(sources: ToolSources, asked: OfCellAndTime) -> ToolResult:
    """Return changes near a cell that were carried out around a time."""
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    since = begin - timedelta(hours=evidence_rules().hours_before)
    requested = Window(sources.window.start - _REQUESTED_BEFORE, sources.window.end)
    rows = (
        sources.rows(CHANGES, requested, _CHANGE)
        .filter(
            pl.col("actual_start").is_between(since, end, closed="left")
            & (pl.col("state") != "cancelled")
        )
        .explode("managed_object_dns")
        .filter(pl.col("managed_object_dns").is_not_null())
    )
    told = _near(sources, asked.cell_dn, rows, "managed_object_dns", "actual_start", begin)
    nearest: dict[object, dict[str, JsonValue]] = {}
    for row in told:
        nearest.setdefault(
            row["change_id"],
            {
                "change_id": row["change_id"],
                "managed_object_dn": row["managed_object_dns"],
                "relation": row["relation"],
                "change_type": row["change_type"],
                "actual_start": row["actual_start"],
                "actual_end": row["actual_end"],
                "lead_hours": row["lead_hours"],
                "title": row["title"],
            },
        )
    return _told(list(nearest.values()), "changes", asked.cell_dn, "change_id")


def read_tickets(sources: ToolSources, asked: OfCellAndTime) -> ToolResult:
    """Return trouble tickets about objects near a cell that were opened in the days before."""
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    opened = sources.days(14)
    rows = (
        sources.rows(TICKETS, opened, _TICKET)
        .filter(pl.col("opened_at") < end)
        .explode("managed_object_dns")
        .filter(pl.col("managed_object_dns").is_not_null())
    )
    told = [
        row
        for row in _near(sources, asked.cell_dn, rows, "managed_object_dns", "opened_at", begin)
        if row["relation"] in RELATIONS[:3]
    ]
    return _told(told, "tickets", asked.cell_dn, "ticket_id")


def describe_alarm(_sources: ToolSources, asked: OfName) -> ToolResult:
    """Return what an alarm means, and which alarms bring it or follow from it."""
    known = catalogue()
    try:
        alarm = known.alarm(asked.name)
    except UnknownNameError as error:
        raise ToolFailedError(str(error)) from error
    rules = known.correlation_rules.values()
    row = told_row(
        alarm=alarm.name,
        title=alarm.title,
        layer=alarm.layer,
        object_classes=alarm.object_classes,
        brought_by=sorted({rule.cause for rule in rules if rule.effect == alarm.name}),
        brings=sorted({rule.effect for rule in rules if rule.cause == alarm.name}),
    )
    return ToolResult(
        (row,), f"{alarm.title} ({alarm.layer}).", (f"semantic_layer/alarm/{alarm.name}",)
    )


def _near(
    sources: ToolSources,
    cell_dn: str,
    rows: pl.DataFrame,
    object_column: str,
    time_column: str,
    begin: datetime,
) -> list[dict[str, JsonValue]]:
    """Return rows whose object stands near the cell, with relation and lead, the nearest first."""
    relations = places(sources).relations(cell_dn, rows[object_column].unique().to_list())
    found: list[tuple[int, float, dict[str, JsonValue]]] = []
    for row in rows.iter_rows(named=True):
        relation = relations.get(row[object_column])
        if relation is None:
            continue
        lead = (begin - row[time_column]).total_seconds() / 3600
        told = told_row(**row, relation=relation, lead_hours=round(lead, 2))
        found.append((RELATIONS.index(relation), abs(lead), told))
    found.sort(key=lambda one: (one[0], one[1], str(one[2])))
    return [row for _, _, row in found]


def _told(rows: Sequence[dict[str, JsonValue]], what: str, cell_dn: str, key: str) -> ToolResult:
    return ToolResult(
        tuple(rows[:_MOST]),
        f"{len(rows)} {what} near {cell_dn}, the nearest first.",
        tuple(str(row[key]) for row in rows[:_MOST]),
        is_cut=len(rows) > _MOST,
        is_untrusted=True,
    )


def _whole_days(window: Window) -> Window:
    """Return the whole days of a window, so that many cells ask for the same rows."""
    start = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(start - timedelta(days=2), window.end)
