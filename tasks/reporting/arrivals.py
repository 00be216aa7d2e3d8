"""What came in, as a page tells it: rows, freshness, quarantine and refusals of every table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.quality_section import QualitySection, Rejection
from tasks.reporting.wording import clean, count, duration, listed, moment

_REASONS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Arrival:
    """One table in the window: what came, how new it is, what was kept out."""

    table: str
    is_delivered: bool
    rows: int
    newest_text: str
    lag_text: str
    is_late: bool
    quarantined: int
    reasons: tuple[tuple[str, int], ...]
    reasons_unlisted: int
    refused: int

    @property
    def kind(self) -> str:
        """Whether files brought it or it was computed here."""
        return "delivered" if self.is_delivered else "computed"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the window brought, and of which tables nothing came although they are published."""

    tables: tuple[Arrival, ...]
    silent: tuple[str, ...]

    @property
    def silent_text(self) -> str:
        """A sentence on the tables of which this window has nothing; empty where there are none."""
        if not self.silent:
            return ""
        return f"Nothing of this window came for {listed(list(self.silent), 40)}."

    @property
    def late(self) -> tuple[Arrival, ...]:
        """Tables whose newest row is older than their contract promises."""
        return tuple(one for one in self.tables if one.is_late)


def arrivals(counted: pl.DataFrame, quality: QualitySection, window: Window) -> Arrivals:
    """Return every table with rows, quarantined rows or a refusal in the window.

    Freshness is told against the window's end: the newest row, and whether that is longer ago
    than the contract's latency allows.

    Args:
        counted: rows and newest time of each table that was ever published.
        quality: verdicts and quarantine of the window.
        window: what is reported.
    """
    verdicts = {one.table: one for one in quality.tables}
    reasons: dict[str, list[Rejection]] = {}
    for rejection in quality.every_rejection:
        reasons.setdefault(rejection.table, []).append(rejection)
    told = {row["table_name"]: row for row in counted.iter_rows(named=True)}
    unpublished = sorted(name for name in verdicts.keys() | reasons.keys() if name not in told)
    rows = [*told.values(), *({"table_name": name} for name in unpublished)]
    every = [
        _arrival(
            row,
            reasons.get(row["table_name"], ()),
            verdicts[row["table_name"]].refused if row["table_name"] in verdicts else 0,
            window,
        )
        for row in rows
    ]
    shown = [one for one in every if one.rows or one.quarantined or one.refused]
    silent = [one.table for one in every if one not in shown]
    order = sorted(shown, key=lambda one: (not one.is_delivered, one.table))
    return Arrivals(tuple(order), tuple(sorted(silent)))


def arrivals_sentence(
    facts: Mapping[str, int], raised: int, active: int, changes: int, drift: int
) -> str:
    """Return in one line what came in: `1,046 alarms, 43 active; 48 changes; 72 tickets; drift 9`.

    Args:
        facts: rows of the window by table, of tables that are published.
        raised: alarms raised in the window.
        active: alarms that stand at its end.
        changes: changes planned or executed in the window.
        drift: differences from plan and unplanned changes that stand at its end.
    """
    return "; ".join(_parts(facts, raised, active, changes, drift))


def _parts(
    facts: Mapping[str, int], raised: int, active: int, changes: int, drift: int
) -> Iterator[str]:
    if "pm_measurements" in facts:
        yield f"{facts['pm_measurements']:,} measurement rows"
    if "alarms" in facts or active:
        yield f"{count(raised, 'alarm')}, {active:,} active"
    if changes:
        yield count(changes, "change")
    for table, noun in (
        ("network_configuration", "configuration value"),
        ("trouble_tickets", "ticket"),
        ("operations_documents", "document section"),
        ("service_sessions", "session"),
    ):
        if facts.get(table):
            yield count(facts[table], noun)
    if "network_configuration.drift" in facts or drift:
        yield f"drift {drift:,}"


def _arrival(
    row: Mapping[str, object], rejections: Sequence[Rejection], refused: int, window: Window
) -> Arrival:
    newest, latency = row.get("newest"), row.get("latency_s")
    lag = window.end - newest if isinstance(newest, datetime) else None
    limit = timedelta(seconds=latency) if isinstance(latency, float) else None
    rows = row.get("rows")
    return Arrival(
        table=clean(row["table_name"]),
        is_delivered=bool(row.get("is_delivered")),
        rows=rows if isinstance(rows, int) else 0,
        newest_text=moment(newest) if isinstance(newest, datetime) else "",
        lag_text="" if lag is None else duration(max(lag, timedelta())),
        is_late=bool(lag is not None and limit is not None and lag > limit),
        quarantined=sum(each.rows for each in rejections),
        reasons=tuple((each.reason, each.rows) for each in rejections[:_REASONS_SHOWN]),
        reasons_unlisted=max(0, len(rejections) - _REASONS_SHOWN),
        refused=refused,
    )
