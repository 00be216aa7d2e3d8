"""Why cells are woken and since when that was so, as it goes on record with their waking.

Evidence crosses to whoever writes as JSON values, and the ledger keeps it with the entry that
begins the waking: how late a waking came can be told from the ledger alone, whatever crashed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.energy.waking.fast_rule import FULL, SILENT, TROUBLED
from tasks.energy.waking.load_rule import SLOW, UNFORECAST, UNPLACED, Waking, is_slow_at
from tasks.energy.waking.minute_rule import least
from tasks.energy.waking.sight import Present, Sight
from tasks.energy.waking.sleepers import Asleep
from tasks.messages.canonical import JsonValue
from tasks.messages.cell_reports import CellReport

REASONS = {
    FULL: "FULL",
    SLOW: "SLOW",
    SILENT: "SILENT",
    TROUBLED: "TROUBLED",
    UNPLACED: "UNPLACED",
    UNFORECAST: "UNFORECAST",
}
"""Words of the record for the reasons of the rule."""

Evidence = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Asked:
    """When it was asked who must wake.

    Attributes:
        at: time of the network.
        machine_at: by the clock of the machine, from which deciding and writing are timed.
    """

    at: datetime
    machine_at: datetime


@dataclass(frozen=True)
class Limits:
    """What cells are judged against.

    Attributes:
        full_loads: by cell, share of resource blocks above which it is full.
        floor_mbps: throughput that users are promised.
    """

    full_loads: Mapping[str, float]
    floor_mbps: float


def began_at(waking: Waking, sight: Sight, present: Present, limits: Limits) -> datetime:
    """Return since when that was so for which a cell is woken.

    Of load and throughput that is the begin of the first of the reports, minutes or quarters, that
    one after the other were beyond the limit.

    Args:
        waking: who, because of whom.
        sight: what is known of cells.
        present: what is so now.
        limits: what cells are judged against.
    """
    cell, course = waking.because_of, sight.courses.get(waking.because_of, ())
    if waking.reason == FULL:
        limit = limits.full_loads.get(cell, 0.0)
        return _run(course, lambda one: one.load > limit, present.at)
    if waking.reason == SLOW:
        return _run(course, lambda one: is_slow_at(least([one]), limits.floor_mbps), present.at)
    if waking.reason == TROUBLED:
        return min(present.findings.get(cell, present.at), present.at)
    if waking.reason == SILENT:
        return sight.silent_since.get(cell, present.at)
    return present.at


def evidence_of(
    wakings: Iterable[tuple[Waking, datetime]],
    asleep: Mapping[str, Asleep],
    about: Callable[[Waking], Evidence],
    asked: Asked,
) -> dict[str, Evidence]:
    """Return the evidence of each proposal that is to be taken back, the most urgent first.

    A proposal is taken back as a whole: cells of it that nobody asked for wake with the others,
    and are not named. What was so before a cell slept counts from when it slept.

    Args:
        wakings: who wakes, and since when that was so for which it does.
        asleep: who sleeps, by proposal.
        about: what else is told of a waking.
        asked: when.
    """
    rows: dict[str, list[JsonValue]] = {}
    for waking, began in wakings:
        for proposal_id, standing in asleep.items():
            if waking.cell_dn in standing.modes:
                told: Evidence = {
                    "cell_dn": waking.cell_dn,
                    "mode": standing.modes[waking.cell_dn],
                    "reason": REASONS[waking.reason],
                    "because_of": waking.because_of,
                    "began_at": max(began, standing.since).isoformat(),
                    **about(waking),
                }
                rows.setdefault(proposal_id, []).append(told)
    at = {"asked_at": asked.at.isoformat(), "machine_at": asked.machine_at.isoformat()}
    return {proposal_id: {**at, "cells": cells} for proposal_id, cells in rows.items()}


def seen_at(waking: Waking, sight: Sight, present: Present) -> datetime:
    """Return the end of the report that decided; the present where something else did."""
    course = sight.courses.get(waking.because_of, ())
    return course[-1].end if waking.reason in (FULL, SLOW) and course else present.at


def _run(
    course: Sequence[CellReport], is_beyond: Callable[[CellReport], bool], otherwise: datetime
) -> datetime:
    """Return the begin of the reports at a course's end that are all beyond a limit."""
    began = otherwise
    for one in reversed(course):
        if not is_beyond(one):
            break
        began = one.begin
    return began
