"""What stood near each finding: alarms, executed changes, tickets. Facts beside it, not causes.

Near means the same cell, its element, or an object on its site's way to the core, and about the
same time. Whether any of it has to do with the finding is not said, for nothing here knows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from semantic_layer.identity import cell_dn_expression, managed_element_expression
from tasks.reporting.findings_table import FindingRow, severity_rank
from tasks.reporting.network_facts import NetworkFacts
from tasks.reporting.network_reading import BEFORE
from tasks.reporting.ways_to_core import ways_to_core
from tasks.reporting.wording import clipped, count, listed, moment

AROUND = timedelta(hours=1)
"""How long before a finding an alarm may have ended and still be told beside it."""
PLACES = ("on the cell", "on its element", "on its way to the core")
_SHOWN = 4

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NearbyFact:
    """One alarm, change or ticket near a finding; `quoted` is text that others wrote."""

    kind: str
    place: str
    says: str
    quoted: str
    when: str

    @property
    def sentence(self) -> str:
        """All of it in one line; delivered text stands in quotation marks."""
        quoted = f" “{self.quoted}”" if self.quoted else ""
        return f"{self.says}{quoted} {self.place}, {self.when}"


@dataclass(frozen=True, slots=True)
class Nearby:
    """What stood near one finding, the nearest first, and how much more there is."""

    facts: tuple[NearbyFact, ...]
    unlisted: int
    counts: Mapping[str, int]

    @property
    def words(self) -> str:
        """How many of each kind: `3 alarms and 1 change`."""
        return listed([count(many, kind) for kind, many in self.counts.items() if many])


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of fact: its rows by the object they name, when it is near, how it is told."""

    name: str
    rows: Mapping[str, Sequence[_Row]]
    is_near: Callable[[_Row, FindingRow], bool]
    told: Callable[[_Row, str], NearbyFact]
    order: Callable[[_Row], tuple[Any, ...]]


def nearby_facts(
    findings: Sequence[FindingRow], facts: NetworkFacts, topology: pl.DataFrame
) -> dict[int, Nearby]:
    """Return what stood near each finding, by the finding's number; none where nothing did.

    Args:
        findings: of the window.
        facts: alarms, changes, tickets and the transport network.
        topology: which site and element a cell belongs to.
    """
    cells = {
        cell: (site, element)
        for cell, site, element in topology.select(
            "cell_dn", "site_id", "managed_element_dn"
        ).iter_rows()
    }
    elements = {element for _, element in cells.values() if element}
    sites = {cells[one.cell_dn][0] for one in findings if one.cell_dn in cells}
    ways = ways_to_core(facts.nodes, facts.links, (site for site in sites if site))
    kinds = _kinds(facts, elements)
    found = {}
    for finding in findings:
        site, element = cells.get(finding.cell_dn, (None, None))
        places = _places(finding.cell_dn, element, ways.get(site or "", frozenset()))
        near = _near(finding, places, kinds)
        if near.facts:
            found[finding.number] = near
    return found


def _places(cell: str, element: str | None, way: Iterable[str]) -> dict[str, str]:
    """Return the objects near a cell with the words for where they are."""
    places = dict.fromkeys(sorted(way), PLACES[2])
    if element:
        places[element] = PLACES[1]
    places[cell] = PLACES[0]
    return places


def _near(finding: FindingRow, places: Mapping[str, str], kinds: Sequence[_Kind]) -> Nearby:
    shown: list[NearbyFact] = []
    counts: dict[str, int] = {}
    for kind in kinds:
        told: dict[Any, tuple[tuple[Any, ...], NearbyFact]] = {}
        for dn, place in places.items():
            for row in kind.rows.get(dn, ()):
                if kind.is_near(row, finding):
                    rank = (PLACES.index(place), *kind.order(row))
                    fact = (rank, kind.told(row, place))
                    told[row["fact"]] = min(
                        told.get(row["fact"], fact), fact, key=lambda one: one[0]
                    )
        nearest = [fact for _, fact in sorted(told.values(), key=lambda one: one[0])]
        shown += nearest[:_SHOWN]
        counts[kind.name] = len(nearest)
    return Nearby(tuple(shown), sum(counts.values()) - len(shown), counts)


def _kinds(facts: NetworkFacts, elements: set[str]) -> tuple[_Kind, ...]:
    alarms = facts.alarms.filter(~pl.col("is_clear_without_raise").fill_null(value=False))
    changes = facts.changes.filter(pl.col("actual_start").is_not_null())
    return (
        _Kind(
            "alarm",
            _by_object(alarms, elements, "managed_object_dn"),
            _alarm_is_near,
            _alarm,
            lambda row: (
                severity_rank(row["perceived_severity"] or ""),
                row["raised_at"],
                row["fact"],
            ),
        ),
        _Kind(
            "change",
            _by_object(changes, elements, "managed_object_dns"),
            _change_is_near,
            _change,
            lambda row: (row["actual_start"], row["fact"]),
        ),
        _Kind(
            "ticket",
            _by_object(facts.tickets, elements, "managed_object_dns"),
            _ticket_is_near,
            _ticket,
            lambda row: (row["opened_at"], row["fact"]),
        ),
    )  # fmt: skip


def _by_object(rows: pl.DataFrame, elements: set[str], column: str) -> dict[str, list[_Row]]:
    """Return rows by the cell, element or other object that they name, each row once an object."""
    numbered = rows.with_row_index("fact")
    if isinstance(numbered.schema[column], pl.List):
        numbered = numbered.with_columns(pl.col(column).alias("object")).explode("object")
    else:
        numbered = numbered.with_columns(pl.col(column).alias("object"))
    owner = managed_element_expression("object")
    keyed = (
        numbered.filter(pl.col("object").is_not_null())
        .with_columns(
            pl.coalesce(
                cell_dn_expression("object"),
                pl.when(owner.is_in(list(elements))).then(owner),
                "object",
            ).alias("key"),
        )
        .unique(["fact", "key"], keep="first", maintain_order=True)
    )
    found: dict[str, list[_Row]] = {}
    for row in keyed.iter_rows(named=True):
        found.setdefault(row["key"], []).append(row)
    return found


def _alarm_is_near(row: _Row, finding: FindingRow) -> bool:
    cleared: datetime | None = row["cleared_at"]
    return row["raised_at"] <= finding.until and (
        cleared is None or cleared >= finding.since - AROUND
    )


def _change_is_near(row: _Row, finding: FindingRow) -> bool:
    return bool(finding.since - BEFORE <= row["actual_start"] <= finding.until)


def _ticket_is_near(row: _Row, finding: FindingRow) -> bool:
    ended = row["resolved_at"] or row["closed_at"]
    return ended is None or bool(ended > finding.since)


def _alarm(row: _Row, place: str) -> NearbyFact:
    ended = f" to {moment(row['cleared_at'])}" if row["cleared_at"] else ", still active"
    named = row["alarm_name"] or ""
    return NearbyFact(
        "alarm",
        place,
        f"{clipped(row['perceived_severity'], 20).capitalize() or 'No severity'} alarm"
        f"{f' {clipped(named, 60)}' if named else ''}",
        "" if named else clipped(row["specific_problem"] or row["probable_cause"], 100),
        f"{moment(row['raised_at'])}{ended}",
    )


def _change(row: _Row, place: str) -> NearbyFact:
    ended = f" to {moment(row['actual_end'])}" if row["actual_end"] else ", no end told"
    return NearbyFact(
        "change",
        place,
        f"Change {clipped(row['change_id'], 60)}",
        clipped(row["title"], 100),
        f"executed {moment(row['actual_start'])}{ended}",
    )


def _ticket(row: _Row, place: str) -> NearbyFact:
    state = clipped(row["state"], 30) or "no state told"
    return NearbyFact(
        "ticket",
        place,
        f"Ticket {clipped(row['ticket_id'], 60)} ({state})",
        clipped(row["title"], 100),
        f"opened {moment(row['opened_at'])}",
    )
