"""What stood near each finding: alarms, changes, cells around, tickets. Facts beside it, no causes.

Alarms, changes and cells are told as `cell_anomalies.evidence` has them; tickets are what people
wrote about the same cell, its element, or an object on its site's way to the core. Whether any of
it has to do with the finding is not said, for nothing here knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from data_products.network_topology.ways_to_core import ways_to_core
from semantic_layer.identity import cell_dn_expression, managed_element_expression
from tasks.reporting.findings_table import FindingRow
from tasks.reporting.network_facts import NetworkFacts
from tasks.reporting.wording import clipped, count, duration, moment

PLACES = ("on the cell", "on its element", "on its way to the core")
_RELATIONS = {
    "same_cell": "on the cell",
    "same_site": "at its site",
    "upstream": "on its way to the core",
    "neighbor_site": "at a neighbor's site",
    "network": "in the core or all of the network",
}
_KINDS = ("alarm", "change", "neighbor")
_SHOWN = 4
_LONGEST = 320

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NearbyFact:
    """One alarm, change, cell or ticket near a finding; `quoted` is text that others wrote."""

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
    """What stood near one finding, the most relevant first.

    Attributes:
        facts: alarms, then changes, cells, tickets.
        unlisted: tickets that are not among them.
        counts: facts of each kind, those not listed too.
        summaries: a sentence a kind: how much there was, or that it was not checked.
    """

    facts: tuple[NearbyFact, ...]
    unlisted: int
    counts: Mapping[str, int]
    summaries: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How much there was, in a line."""
        tickets = self.counts.get("ticket", 0)
        told = (*self.summaries, *([count(tickets, "ticket")] if tickets else []))
        return "; ".join(told)


def nearby_facts(
    findings: Sequence[FindingRow], facts: NetworkFacts, topology: pl.DataFrame
) -> dict[int, Nearby]:
    """Return what stood near each finding, by the finding's number; none where nothing is known.

    Args:
        findings: of the window.
        facts: evidence, tickets and the transport network.
        topology: which site and element a cell belongs to.
    """
    told = evidence_by_finding(facts.evidence)
    tickets = _tickets_near(findings, facts, topology)
    found = {}
    for finding in findings:
        near = nearby(told.get(finding.anomaly_id, ()), tickets.get(finding.number, ()))
        if near.facts or near.summaries:
            found[finding.number] = near
    return found


def evidence_by_finding(evidence: pl.DataFrame) -> dict[str, list[_Row]]:
    """Return rows of `cell_anomalies.evidence` by the finding that they stand beside."""
    found: dict[str, list[_Row]] = {}
    for row in evidence.iter_rows(named=True):
        found.setdefault(row["anomaly_id"], []).append(row)
    return found


def nearby(evidence: Sequence[_Row], tickets: Sequence[NearbyFact] = ()) -> Nearby:
    """Return what stood near one finding, from its rows of evidence and the tickets beside it."""
    facts = [_fact(row) for kind in _KINDS for row in evidence if row["evidence_kind"] == kind]
    counts = {kind: sum(fact.kind == kind for fact in facts) for kind in _KINDS}
    shown = [*facts, *tickets[:_SHOWN]]
    summaries = [row for row in evidence if row["evidence_kind"] == "summary"]
    return Nearby(
        tuple(shown),
        max(len(tickets) - _SHOWN, 0),
        counts | {"ticket": len(tickets)},
        tuple(clipped(row["detail"], _LONGEST) for row in summaries),
    )


def _fact(row: _Row) -> NearbyFact:
    place = _RELATIONS.get(row["relation"] or "", "near")
    named = clipped(_label(row["object_dn"]), 80)
    where = place if row["relation"] == "same_cell" else f"{place} ({named})"
    return NearbyFact(
        row["evidence_kind"], where, clipped(row["detail"], _LONGEST), "", lead(row["lead_hours"])
    )


def lead(hours: float | None) -> str:
    """Return how long before or after a finding began something happened.

    >>> lead(2.5), lead(-0.25), lead(0.0)
    ('2 h 30 min before it began', '15 min after it began', 'as it began')
    """
    if hours is None:
        return "at a time not told"
    length = timedelta(hours=abs(hours))
    if length < timedelta(seconds=30):
        return "as it began"
    return f"{duration(length)} {'before' if hours > 0 else 'after'} it began"


def _label(dn: str) -> str:
    """Return what people look for in a DN: its managed element and its last step."""
    steps = dn.split(",")
    element = [step for step in steps[:-1] if step.startswith("ManagedElement=")]
    return ",".join([*element[-1:], steps[-1]])


def _tickets_near(
    findings: Sequence[FindingRow], facts: NetworkFacts, topology: pl.DataFrame
) -> dict[int, list[NearbyFact]]:
    cells = {
        cell: (site, element)
        for cell, site, element in topology.select(
            "cell_dn", "site_id", "managed_element_dn"
        ).iter_rows()
    }
    if facts.tickets.is_empty():
        return {}
    elements = {element for _, element in cells.values() if element}
    sites = {cells[one.cell_dn][0] for one in findings if one.cell_dn in cells}
    ways = ways_to_core(facts.nodes, facts.links, (site for site in sites if site))
    rows = _by_object(facts.tickets, elements)
    found = {}
    for finding in findings:
        site, element = cells.get(finding.cell_dn, (None, None))
        places = _places(finding.cell_dn, element, ways.get(site or "", frozenset()))
        found[finding.number] = _near(finding, places, rows)
    return found


def _places(cell: str, element: str | None, way: Iterable[str]) -> dict[str, str]:
    """Return the objects near a cell with the words for where they are."""
    places = dict.fromkeys(sorted(way), PLACES[2])
    if element:
        places[element] = PLACES[1]
    places[cell] = PLACES[0]
    return places


def _near(
    finding: FindingRow, places: Mapping[str, str], rows: Mapping[str, Sequence[_Row]]
) -> list[NearbyFact]:
    """Return the tickets that were open then, each once, at its nearest place."""
    told: dict[Any, tuple[tuple[Any, ...], NearbyFact]] = {}
    for dn, place in places.items():
        for row in rows.get(dn, ()):
            if _is_open(row, finding):
                rank = (PLACES.index(place), row["opened_at"], row["fact"])
                fact = (rank, _ticket(row, place))
                told[row["fact"]] = min(told.get(row["fact"], fact), fact, key=lambda one: one[0])
    return [fact for _, fact in sorted(told.values(), key=lambda one: one[0])]


def _by_object(tickets: pl.DataFrame, elements: set[str]) -> dict[str, list[_Row]]:
    """Return tickets by the cell, element or other object that they name, once an object."""
    numbered = tickets.with_row_index("fact").with_columns(object="managed_object_dns")
    owner = managed_element_expression("object")
    keyed = (
        numbered.explode("object")
        .filter(pl.col("object").is_not_null())
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


def _is_open(row: _Row, finding: FindingRow) -> bool:
    ended = row["resolved_at"] or row["closed_at"]
    return ended is None or bool(ended > finding.since)


def _ticket(row: _Row, place: str) -> NearbyFact:
    state = clipped(row["state"], 30) or "no state told"
    return NearbyFact(
        "ticket",
        place,
        f"Ticket {clipped(row['ticket_id'], 60)} ({state})",
        clipped(row["title"], 100),
        f"opened {moment(row['opened_at'])}",
    )
