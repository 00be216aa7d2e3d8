"""Which cells a run looks at, what points at each, and which open repairs no longer stand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.healing import HealingRules
from tasks.healing.departures import Departure
from tasks.healing.tools import HEALING_AGENT, Row
from tasks.messages.change_sets import ChangeSet
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife, Stage, proposal_life

_OPEN: frozenset[Stage] = frozenset({"PROPOSED", "WAITING", "APPROVED"})
_AT_WORK: frozenset[Stage] = frozenset({"EXECUTING", "APPLIED"})
_MAY_RETRY: frozenset[Stage] = frozenset({"REFUSED", "EXPIRED", "ROLLED_BACK", "WITHDRAWN"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cell to look at, and what points at it: ids of findings, or departures from plan."""

    cell_dn: str
    trigger_ids: tuple[str, ...]


def is_timely(end: datetime, now: datetime, rules: HealingRules) -> bool:
    """Tell whether what was measured until `end` still tells how the network is.

    A window of the past, or of another network than the one that is reached, leads to no repair.
    """
    return abs(now - end) <= timedelta(hours=rules.timely_hours)


def lives_of(entries: Sequence[LedgerEntry]) -> list[ProposalLife]:
    """Return where each of the healing agent's proposals stands, oldest first."""
    subjects: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        subjects.setdefault(entry.subject_id, []).append(entry)
    return [
        proposal_life(told)
        for told in subjects.values()
        if told[0].kind == "proposed" and told[0].actor == HEALING_AGENT
    ]


def candidates(
    departed: Sequence[Departure],
    findings: pl.DataFrame,
    lives: Sequence[ProposalLife],
    rules: HealingRules,
    saving: Collection[str] = (),
) -> list[Candidate]:
    """Return the cells to look at: those that departed from plan, then those with findings.

    A cell whose repair is being written or verified is left alone meanwhile; so is one that saves
    energy: that it serves nobody is no fault, and what else it has can be seen once it wakes.

    Args:
        departed: from plan.
        findings: anomaly_id, cell_dn; those that go on at the window's end, in reading order.
        lives: of earlier proposals.
        rules: of healing.
        saving: cells that save energy now.
    """
    at_work = {cell for life in lives if life.stage in _AT_WORK for cell in life.proposal.cell_dns}
    found: dict[str, list[str]] = {}
    for one in departed:
        found.setdefault(one.cell_dn, []).append(f"departure:{one.dn}:{one.attribute}")
    for anomaly_id, cell in findings.select("anomaly_id", "cell_dn").iter_rows():
        found.setdefault(cell, []).append(anomaly_id)
    return [
        Candidate(cell, tuple(sorted(set(triggers))))
        for cell, triggers in found.items()
        if cell not in at_work and cell not in saving
    ][: rules.cells_a_run]


def attempt_trigger(
    change: ChangeSet, lives: Sequence[ProposalLife], at: datetime, rules: HealingRules
) -> str | None:
    """Return what tells a new try of a repair from earlier ones; None where it must not be tried.

    A repair that is open stands as it is. One that was refused, expired or failed may be tried
    again after a while; one that people rejected or that was undone may not, for the same writes.
    One that was kept may be needed again: the fault came back. A value that moved on since it was
    last to be set back may still be moving, and is given time to stand still.
    """
    same = [life for life in lives if life.proposal.change_set.digest == change.digest]
    still = at - timedelta(minutes=rules.moving_minutes)
    if any(
        life.stage == "WITHDRAWN" and life.entries[-1].at > still and _meets(life, change)
        for life in lives
        if life not in same
    ):
        return None
    if any(life.stage in _OPEN or life.stage in _AT_WORK for life in same):
        return None
    if any(life.stage in ("REJECTED", "UNDONE") for life in same):
        return None
    wait = timedelta(hours=rules.retry_hours)
    if any(life.stage in _MAY_RETRY and at - life.entries[-1].at < wait for life in same):
        return None
    if any(life.stage == "KEPT" and at - life.entries[-1].at < wait for life in same):
        return None
    return f"attempt:{len(same) + 1}"


def _meets(life: ProposalLife, change: ChangeSet) -> bool:
    written = {(one.dn, one.attribute) for one in life.proposal.change_set.operations}
    return any((one.dn, one.attribute) in written for one in change.operations)


def no_longer_standing(
    lives: Sequence[ProposalLife], proposed: Mapping[str, Sequence[str]]
) -> list[ProposalLife]:
    """Return open proposals whose cause is seen no more.

    Args:
        lives: of earlier proposals.
        proposed: by cell, the digests of the change sets that this run finds right.
    """
    return [
        life
        for life in lives
        if life.stage in _OPEN
        and all(
            life.proposal.change_set.digest not in proposed.get(cell, ())
            for cell in life.proposal.cell_dns
        )
    ]


def outcomes_of(lives: Sequence[ProposalLife]) -> dict[str, Row]:
    """Return by use case how repairs came out: kept with effect, kept without, undone."""
    found: dict[str, dict[str, int]] = {}
    for life in lives:
        row = found.setdefault(
            life.proposal.use_case,
            {"kept_count": 0, "without_effect_count": 0, "undone_count": 0},
        )
        if life.stage == "KEPT":
            row["kept_count" if life.effect == "better" else "without_effect_count"] += 1
        elif life.stage == "UNDONE":
            row["undone_count"] += 1
    return dict(found)
