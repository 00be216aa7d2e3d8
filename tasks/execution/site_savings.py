"""Savings of one site beside each other: which sites may be compared, and in which periods.

A site's power moves with every saving of its own. Where another one of the same element began or
was taken back near the one that is judged, only the periods that are free of it tell anything.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from semantic_layer.identity import managed_element_dn
from semantic_layer.periods import GRANULARITIES, Window, floor_to
from tasks.execution.verification import PERIOD, Schedule
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import ChangeProposal

_WAKING = frozenset({"recall_begun", "recalled", "undone", "rolled_back"})
_ENTERING = frozenset({"execution_prepared", "applied"})
_LENGTH = timedelta(seconds=GRANULARITIES[PERIOD])


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which another saving of the same element began, ended, or was taken back."""

    at: datetime
    is_waking: bool


def elements_of(cells: Iterable[str]) -> frozenset[str]:
    """Return the managed elements of cells."""
    return frozenset(managed_element_dn(dn) or dn for dn in cells)


def turns_of(lives: Iterable[ProposalLife], own: ChangeProposal) -> list[Turn]:
    """Return when other changes of the same elements were written or taken back, in order.

    Args:
        lives: of savings; others are none of a site's load.
        own: the saving that is judged.
    """
    elements = elements_of(own.cell_dns)
    found = [
        Turn(entry.at, entry.kind in _WAKING)
        for life in lives
        if life.proposal.proposal_id != own.proposal_id
        and elements & elements_of(life.proposal.cell_dns)
        for entry in life.entries
        if entry.kind in _WAKING | _ENTERING
    ]
    return sorted(found, key=lambda turn: turn.at)


def undisturbed(due: Schedule, turns: Sequence[Turn]) -> Schedule:
    """Return the periods of a schedule that no other saving of the element reaches into.

    Savings that begin together, within the quarters that settle, are seen together; where one was
    taken back in between, nothing can be told.
    """
    if not due.before or not due.after:
        return due
    end, begin = due.before[-1] + _LENGTH, due.after[0]
    earlier = [_ended(turn.at) for turn in turns if turn.at < end]
    later = [turn.at for turn in turns if turn.at >= begin]
    is_mixed = any(turn.is_waking and end <= turn.at < begin for turn in turns)
    before = [one for one in due.before if not earlier or one >= max(earlier)]
    after = [one for one in due.after if not later or one + _LENGTH <= min(later)]
    return replace(due, before=() if is_mixed else tuple(before), after=tuple(after))


def with_savings(lives: Iterable[ProposalLife], window: Window) -> tuple[set[str], set[str]]:
    """Return the elements whose savings moved within a window, and those where some stood.

    Args:
        lives: of savings.
        window: the time compared.
    """
    moved, stood = set[str](), set[str]()
    for life in lives:
        times = [one.at for one in life.entries if one.kind in _WAKING | _ENTERING]
        elements = elements_of(life.proposal.cell_dns)
        if any(window.start <= at < window.end for at in times):
            moved |= elements
        began = times and times[0] < window.end
        if began and (life.stage in ("EXECUTING", "APPLIED", "KEPT") or times[-1] >= window.start):
            stood |= elements
    return moved, stood


def one_of_each_element(cells: Sequence[str], but: Collection[str]) -> list[str]:
    """Return the first cell of each element, without some elements: they share their power."""
    found: dict[str, str] = {}
    for dn in cells:
        found.setdefault(managed_element_dn(dn) or dn, dn)
    return [dn for element, dn in found.items() if element not in but]


def _ended(moment: datetime) -> datetime:
    """Return the end of the period that a moment lies in; a period's start is its own."""
    start = floor_to(moment, PERIOD)
    return start if start == moment else start + _LENGTH
