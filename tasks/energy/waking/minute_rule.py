"""What a feed by the minute tells of load: who told enough to be judged, and who fell silent.

A minute's load scatters with its few sessions, so that a cell counts by the least of several: it is
full when it was above its limit in every one of them. A minute that was lost says nothing; the
minutes around it are looked at instead. A cell that told and tells no more is silent. Where many
fall silent at once the feed has broken and not they, and counters speak for them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from semantic_layer.energy_waking import EnergyWakingRules
from semantic_layer.periods import Window
from tasks.energy.waking.load_rule import Measured
from tasks.messages.cell_reports import CellReport

Course = tuple[CellReport, ...]
"""What one cell told, oldest first."""

_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Fed:
    """What a feed tells now.

    Attributes:
        courses: by cell that told lately, what it told since the feed is looked at.
        silent: by cell on the air that told and tells no more, when it told last.
        says: why counters speak instead, for all or for those that fell silent; empty where
            nothing is amiss.
    """

    courses: Mapping[str, Course]
    silent: Mapping[str, datetime]
    says: str = ""


def feed_window(at: datetime, rules: EnergyWakingRules) -> Window:
    """Return the time of which a feed is read: a quarter, or as long as silence takes to count."""
    return Window(at - max(_QUARTER, timedelta(seconds=rules.feed_silent_seconds)), at)


def fed_now(
    reports: Iterable[CellReport], at: datetime, on_air: Collection[str], rules: EnergyWakingRules
) -> Fed:
    """Return what a feed tells at a moment.

    Args:
        reports: of `feed_window`; those of cells that are not on the air, or of nobody known, are
            left aside.
        at: the moment.
        on_air: cells that should tell.
        rules: of waking.
    """
    courses = courses_of(one for one in reports if one.cell_dn in on_air and one.end <= at)
    since = at - timedelta(seconds=rules.feed_silent_seconds)
    lately = {cell: told for cell, told in courses.items() if told[-1].end > since}
    fell = {cell: told[-1].end for cell, told in courses.items() if cell not in lately}
    if not lately:
        return Fed({}, {}, f"The feed told nothing since {since:%H:%M:%S}; counters speak.")
    if len(fell) > rules.feed_lost_share * len(courses):
        says = (
            f"{len(fell)} of {len(courses)} cells fell silent in the feed at once: it is the feed "
            "that broke; counters speak for them."
        )
        return Fed(lately, {}, says)
    return Fed(lately, fell)


def courses_of(reports: Iterable[CellReport]) -> dict[str, Course]:
    """Return what each cell told, oldest first."""
    found: dict[str, list[CellReport]] = {}
    for one in sorted(reports, key=lambda one: (one.end, one.begin)):
        found.setdefault(one.cell_dn, []).append(one)
    return {cell: tuple(told) for cell, told in found.items()}


def deciding(course: Sequence[CellReport], seconds: float) -> Course:
    """Return the newest reports that together cover some time; none where all cover less.

    Args:
        course: what a cell told, oldest first.
        seconds: to be covered; what two reports cover counts once.
    """
    covered, upper = 0.0, None
    for place in range(len(course) - 1, -1, -1):
        one = course[place]
        until = one.end if upper is None else min(one.end, upper)
        covered += max((until - one.begin).total_seconds(), 0.0)
        upper = one.begin
        if covered >= seconds:
            return tuple(course[place:])
    return ()


def least(reports: Sequence[CellReport]) -> Measured:
    """Return the least load of several reports, and the best that users had in them.

    What is above a limit by these is above it in every report, and so with users below a floor.

    Args:
        reports: one or more.
    """
    rates = [one.user_mbps for one in reports if one.user_mbps is not None]
    told = len(rates) == len(reports)
    return Measured(min(one.load for one in reports), max(rates) if told else None)
