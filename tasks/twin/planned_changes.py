"""Changes that people plan in the sample network: what is changed, when, and how it takes.

Most changes do nothing to what is measured; some shift a level, some come in step by step over
days, some only make a cell restless. How one takes is known here and to the truth alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tasks.twin.layout import Cell, Network
from tasks.twin.traffic import PERIODS_A_DAY, Season

ChangeKind = Literal[
    "tilt_change", "power_change", "capacity_change", "parameter_change", "software_upgrade",
    "maintenance",
]  # fmt: skip
Course = Literal["none", "level", "ramp", "variance"]

_SEED = 41
_CHANGES_A_SITE_DAY = 0.018
_FEWEST = 6
_KINDS: tuple[ChangeKind, ...] = (
    "tilt_change", "power_change", "capacity_change", "parameter_change", "software_upgrade",
    "maintenance",
)  # fmt: skip
_MAY_ACT = frozenset({"tilt_change", "power_change", "capacity_change"})
_COURSES: tuple[Course, ...] = ("level", "ramp", "level", "variance", "none")
_IN_TURN = 8
_NEWEST_TURNS, _ROLLED_BACK_TURNS = (0, 2, 3), (4, 5)
_RAMP_DAYS = 3
_NIGHT_PERIODS = (4, 14)
_SIZES = {"tilt_change": (-4.0, -3.0, 3.0, 4.0), "power_change": (-4.0, -3.0, 2.0, 3.0)}
_LITTLE = {"tilt_change": 0.5, "power_change": 0.2}


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change; periods are indexes from the run's start, half-open.

    Attributes:
        cells: indexes of the cells that it is about.
        first: the period in which the work is done and its effect begins.
        last: the end of the effect: of the run, of the work for maintenance, or the rolling back.
        size: degrees of tilt (down is positive), dB of power, or share of capacity added; 0 else.
        course: how what is measured takes it; `none` for most.
        work: periods that the work takes, before `first`.
        is_rolled_back: everything is as before from `last` on.
    """

    change_id: str
    cells: tuple[int, ...]
    first: int
    last: int
    kind: ChangeKind
    size: float
    course: Course = "none"
    work: int = 2
    is_cancelled: bool = False
    is_rolled_back: bool = False

    def stages(self) -> Iterator[tuple[int, int, float]]:
        """Yield first period, last, and the size reached by then: one stage, or a ramp's steps."""
        steps = _RAMP_DAYS if self.course == "ramp" else 1
        for step in range(steps):
            first = self.first + step * PERIODS_A_DAY
            last = self.last if step == steps - 1 else min(first + PERIODS_A_DAY, self.last)
            if first < last:
                yield first, last, round(self.size * (step + 1) / steps, 2)


def planned_changes(
    network: Network,
    calendar: Season,
    seed: int,
    *,
    newest_first: int | None = None,
    spared_sites: tuple[int, ...] = (),
) -> list[PlannedChange]:
    """Return the changes of a run, in order; the same arguments give the same.

    Works are done at night. Kinds take turns, and so do the courses of those that can act; no two
    of these are at one site.

    Args:
        network: as built.
        calendar: of the run.
        seed: of the run.
        newest_first: three of eight changes that act begin from here on; anywhere without.
        spared_sites: where nothing is changed.
    """
    rng = np.random.default_rng([seed, _SEED])
    days = calendar.periods // PERIODS_A_DAY
    count = max(_FEWEST, round(_CHANGES_A_SITE_DAY * len(network.sites) * days))
    busy: set[int] = set(spared_sites)
    drawn = []
    able, acting = (int(rng.integers(0, turns)) for turns in (len(_COURSES), _IN_TURN))
    for number in range(count):
        kind = _KINDS[number % len(_KINDS)]
        course: Course = "none"
        if kind in _MAY_ACT:
            course = _COURSES[able % len(_COURSES)]
            able += 1
        is_newest = course != "none" and acting % _IN_TURN in _NEWEST_TURNS
        first_day = newest_first // PERIODS_A_DAY if is_newest and newest_first else 1
        last_day = days
        if course != "none" and not is_newest and newest_first:
            last_day = max(2, newest_first // PERIODS_A_DAY)
        cell = _cell(network, busy, rng, is_alone=kind in _MAY_ACT)
        change = _drawn(network, calendar, kind, cell, (first_day, last_day), rng)
        change = _sized(replace(change, course=course), rng)
        if course in ("level", "ramp"):
            change = _maybe_back(change, acting, calendar, rng)
        acting += course != "none"
        drawn.append(change)
    ordered = sorted(drawn, key=lambda change: (change.first, change.cells, change.kind))
    return [
        replace(change, change_id=f"CRQ{100_000 + number}")
        for number, change in enumerate(ordered, 1)
    ]


def _cell(network: Network, busy: set[int], rng: np.random.Generator, *, is_alone: bool) -> Cell:
    """Return a cell; for a change that can act, one of NR at a site without another such change."""
    fit = [
        cell for cell in network.cells
        if not is_alone or (cell.site.index not in busy and cell.band.technology == "NR")
    ]  # fmt: skip
    cell = (fit or network.cells)[int(rng.integers(0, len(fit or network.cells)))]
    if is_alone:
        busy.add(cell.site.index)
    return cell


def _drawn(
    network: Network,
    calendar: Season,
    kind: ChangeKind,
    cell: Cell,
    days: tuple[int, int],
    rng: np.random.Generator,
) -> PlannedChange:
    day = int(rng.integers(days[0], max(days[0] + 1, days[1])))
    first = day * PERIODS_A_DAY + int(rng.integers(*_NIGHT_PERIODS))
    first = min(first, calendar.periods - 2)
    whole_site = kind in {"software_upgrade", "maintenance"}
    cells = tuple(
        other.index for other in network.cells if other.site.index == cell.site.index
    ) if whole_site else (cell.index,)  # fmt: skip
    work = int(rng.integers(1, 5))
    last = calendar.periods if kind != "maintenance" else min(first + work, calendar.periods)
    cancelled = bool(rng.random() < 0.08) and kind not in _MAY_ACT
    return PlannedChange("", cells, first, last, kind, 0.0, "none", work, cancelled)


def _sized(change: PlannedChange, rng: np.random.Generator) -> PlannedChange:
    """Return the change with its size; one that shifts no level is too small to be noticed."""
    if change.kind == "capacity_change":
        size = round(float(rng.uniform(0.2, 0.5)), 2) if change.course != "none" else 0.01
        return replace(change, size=size)
    if change.kind not in _SIZES:
        return change
    if change.course in ("level", "ramp"):
        return replace(change, size=float(rng.choice(_SIZES[change.kind])))
    return replace(change, size=_LITTLE[change.kind] * float(rng.choice([-1.0, 1.0])))


def _maybe_back(
    change: PlannedChange, number: int, calendar: Season, rng: np.random.Generator
) -> PlannedChange:
    """Return the change, rolled back after two to five days where it is its turn."""
    length = int(rng.integers(2 * PERIODS_A_DAY, 5 * PERIODS_A_DAY))
    if number % _IN_TURN not in _ROLLED_BACK_TURNS or change.first + length >= calendar.periods:
        return change
    return replace(change, last=change.first + length, is_rolled_back=True)
