"""What is known of every cell now: by its minutes where the feed tells them, else by counters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from semantic_layer.energy_waking import EnergyWakingRules
from tasks.energy.waking.load_rule import Measured, Told
from tasks.energy.waking.minute_rule import Course, Fed, courses_of, deciding, fed_now, least
from tasks.messages.cell_reports import CellReport, FedReports

Source = Literal["minutes", "quarter"]
MINUTES: Source = "minutes"
QUARTER: Source = "quarter"


@dataclass(frozen=True)
class Present:
    """What is so at the moment of looking.

    Attributes:
        at: the moment.
        on_air: cells that serve users.
        counts_since: by cell that came back on the air, or was relieved, from when on what it
            tells counts.
        findings: by cell with a finding that goes on, since when.
        patient: cells that save on the air and carry for no sleeper.
    """

    at: datetime
    on_air: Collection[str]
    counts_since: Mapping[str, datetime] = field(default_factory=dict)
    findings: Mapping[str, datetime] = field(default_factory=dict)
    patient: Collection[str] = frozenset()


@dataclass(frozen=True)
class Sight:
    """What is known, and by what.

    Attributes:
        told: what waking is decided by.
        courses: by cell, the reports that it is judged by, older ones first.
        sources: by cell.
        silent_since: by cell that tells nothing, when it told last.
        says: why the feed does not speak for some; empty where it does, or none is there.
    """

    told: Told
    courses: Mapping[str, Course]
    sources: Mapping[str, Source]
    silent_since: Mapping[str, datetime]
    says: str = ""


def sight_of(
    feed: FedReports, quarters: Sequence[CellReport], present: Present, rules: EnergyWakingRules
) -> Sight:
    """Return what is known of cells now.

    A cell is judged by the newest minutes that cover the time of detection, which is longer where
    nobody is off the air for its sake; by its newest quarter where it told fewer. What it told
    before it was relieved says nothing of the relief.

    Args:
        feed: what was told by the minute.
        quarters: what counters told, young enough to count.
        present: what is so now.
        rules: of waking.
    """
    fed = fed_now(feed.reports, present.at, present.on_air, rules)
    minutes, counted = _counting(fed.courses, present), _counting(courses_of(quarters), present)
    measured: dict[str, Measured] = {}
    courses: dict[str, Course] = {}
    sources: dict[str, Source] = {}
    for cell in present.on_air:
        if cell in fed.silent:
            sources[cell] = MINUTES
            continue
        is_patient = cell in present.patient
        seconds = rules.own_mode_seconds if is_patient else rules.detection_seconds
        decisive = deciding(minutes.get(cell, ()), seconds)
        if decisive:
            measured[cell], courses[cell], sources[cell] = least(decisive), minutes[cell], MINUTES
        elif cell in counted:
            newest = counted[cell][-1:]
            measured[cell], courses[cell], sources[cell] = least(newest), counted[cell], QUARTER
    grace = timedelta(minutes=rules.newest_minutes)
    unjudged = {cell for cell, since in present.counts_since.items() if since + grace > present.at}
    unjudged.update(cell for cell in minutes if cell not in measured)
    told = Told(measured, unjudged - set(fed.silent), frozenset(present.findings))
    return Sight(told, courses, sources, _silent_since(fed, present, rules), _said(feed, fed))


def _counting(courses: Mapping[str, Course], present: Present) -> dict[str, Course]:
    """Return what counts of courses, without cells of which nothing does."""
    found = {}
    for cell, course in courses.items():
        since = present.counts_since.get(cell)
        left = course if since is None else tuple(one for one in course if one.begin >= since)
        if left:
            found[cell] = left
    return found


def _silent_since(fed: Fed, present: Present, rules: EnergyWakingRules) -> dict[str, datetime]:
    """Return by cell when it told last, at the latest that is known of silent ones."""
    unknown = present.at - timedelta(minutes=rules.newest_minutes)
    return {cell: fed.silent.get(cell, unknown) for cell in present.on_air}


def _said(feed: FedReports, fed: Fed) -> str:
    """Return what the feed lacks; a network that feeds nothing at all lacks nothing."""
    return fed.says if feed.reports or feed.refused else ""
