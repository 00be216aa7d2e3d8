"""Cells of a week grouped by pattern: everything that is decided of cells, on arrays alone.

A million cells pass in chunks; what is kept of each is its shape's fit with each pattern. The
result depends on the cells and their keys, never on their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from semantic_layer.errors import InputError
from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import Booleans, Floats, Integers
from tasks.profiling.labels import matched_labels
from tasks.profiling.likeness import likeness
from tasks.profiling.membership import MEMBER, Membership, Standing, memberships
from tasks.profiling.patterns import Rules, added_patterns, learnt_patterns
from tasks.profiling.week_shapes import WeekShapes, checked_weeks, chunks, week_shapes

Neighborhood = Callable[[Integers, Booleans, int], Floats]
"""From each cell's pattern and whether it counts: the shares of its neighbors by pattern."""

_CANDIDATES = 8  # times the sample, among which the best known are taken
_UNLIKE_KEPT = 6000
_KNOWN_SHARE = 0.9  # of the usual known hours, to be among the cells to learn from
_KNOWN_SHARE_OF_A_DAY = 0.6  # of the usual, on the day known least


@dataclass(frozen=True, slots=True)
class Patterns:
    """Labelled patterns.

    Attributes:
        labels: one a pattern.
        shapes: [patterns, quantities, 168], standardized.
    """

    labels: tuple[str, ...]
    shapes: Floats


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier weeks published.

    Attributes:
        patterns: last week's; None when nothing was published.
        profile: each cell's index into them, -1 for none.
        was_unlike: cells that were unlike any.
        labels: every label that is remembered.
    """

    patterns: Patterns | None
    profile: Integers
    was_unlike: Booleans
    labels: Sequence[str] = ()

    @classmethod
    def none(cls, cells: int) -> "Past":
        """Return a past in which nothing was published."""
        return cls(None, np.full(cells, -1), np.zeros(cells, bool))


@dataclass(frozen=True, slots=True)
class CellGroups:
    """What became of a week's cells; `membership` points into `patterns`."""

    patterns: Patterns
    membership: Membership
    hours: Integers


def cell_groups(
    weeks: Floats,
    keys: Integers,
    past: Past,
    rules: Profiling,
    neighborhood: Neighborhood | None = None,
) -> CellGroups:
    """Return the profile of each cell.

    Args:
        weeks: typical weeks, [cells, quantities, 168] in any unit; NaN is no data.
        keys: one number a cell that has nothing to do with its behavior, such as a hash of its
            DN; it decides which cells teach.
        past: what was published before.
        rules: the limits; its quantities are those of `weeks`, in order.
        neighborhood: what a cell's neighbors follow; None where nothing is known of neighbors.

    Raises:
        InputError: the arrays do not fit each other.
    """
    _check(weeks, keys, past, rules)
    cells = len(weeks)
    order = np.argsort(keys, kind="stable")
    learning = Rules(rules, cells)
    known = past.patterns.shapes if past.patterns is not None else None
    patterns = learnt_patterns(_sample(weeks, order, rules), learning, known)
    fits, hours = _fits(weeks, patterns, learning)
    more = added_patterns(_unlike(weeks, fits, hours, order, rules), patterns, learning)
    if len(more) != len(patterns):
        patterns = more
        fits, hours = _fits(weeks, patterns, learning)
    patterns, fits = _followed(patterns, fits, learning)
    labels, before = _named(patterns, past, learning)
    apart = 1 - _between(patterns, patterns, learning)
    standing = Standing(before, past.was_unlike, np.zeros(fits.shape, np.float32))
    found = memberships(fits, hours, apart, standing, rules)
    if neighborhood is not None and len(patterns):
        is_sure = (found.kind == MEMBER) & (hours >= rules.enough_hours)
        shares = neighborhood(found.profile, is_sure, len(patterns))
        standing = Standing(before, past.was_unlike, shares)
        found = memberships(fits, hours, apart, standing, rules)
    return CellGroups(Patterns(tuple(labels), patterns), found, hours)


def _check(weeks: Floats, keys: Integers, past: Past, rules: Profiling) -> None:
    checked_weeks(weeks)
    if not len(weeks) == len(keys) == len(past.profile) == len(past.was_unlike):
        raise InputError(
            f"Cells disagree: {len(weeks)} weeks, {len(keys)} keys, {len(past.profile)} earlier "
            f"profiles, {len(past.was_unlike)} marks."
        )
    if weeks.shape[1] != len(rules.shape_quantities):
        raise InputError(
            f"The rules of profiling name {len(rules.shape_quantities)} quantities; the weeks "
            f"hold {weeks.shape[1]}."
        )


def _sample(weeks: Floats, order: Integers, rules: Profiling) -> WeekShapes:
    """Return the shapes of the cells to learn from: the first ones of which every day is known."""
    shapes = week_shapes(weeks[order[: _CANDIDATES * rules.sample_cells]])
    days = shapes.known.reshape(*shapes.known.shape[:2], 7, 24).sum(axis=-1).min(axis=-1)
    hours, worst_day = shapes.hours.max(axis=1), days.max(axis=1)
    told = hours >= rules.fewest_hours
    if not told.any():
        return WeekShapes(shapes.values[:0], shapes.known[:0])
    is_known = hours >= _KNOWN_SHARE * np.median(hours[told])
    is_whole = worst_day >= _KNOWN_SHARE_OF_A_DAY * np.median(worst_day[told])
    teaching = np.flatnonzero(told & is_known & is_whole)[: rules.sample_cells]
    return WeekShapes(shapes.values[teaching], shapes.known[teaching])


def _fits(weeks: Floats, patterns: Floats, rules: Rules) -> tuple[Floats, Integers]:
    fits = np.empty((len(weeks), len(patterns)), np.float32)
    hours = np.empty(len(weeks), np.int16)
    for part in chunks(len(weeks)):
        shapes = week_shapes(weeks[part])
        fits[part] = likeness(shapes, patterns, rules.weights)
        hours[part] = shapes.hours.max(axis=1)
    return fits, hours


def _unlike(
    weeks: Floats, fits: Floats, hours: Integers, order: Integers, rules: Profiling
) -> WeekShapes:
    """Return the shapes of cells that fit no pattern, the first of them in order."""
    is_unlike = (fits.max(axis=1, initial=-1.0) < rules.least_fit) & (hours >= rules.enough_hours)
    lonely = order[is_unlike[order]][:_UNLIKE_KEPT]
    return week_shapes(weeks[lonely])


def _followed(patterns: Floats, fits: Floats, rules: Rules) -> tuple[Floats, Floats]:
    """Return the patterns that enough cells follow, the most followed first, and their fits."""
    if len(patterns) == 0:
        return patterns, fits
    follows = fits.max(axis=1) >= rules.profiling.least_fit
    sizes = np.bincount(fits[follows].argmax(axis=1), minlength=len(patterns))
    ranked = np.argsort(-sizes, kind="stable")
    kept = ranked[sizes[ranked] >= rules.fewest]
    return patterns[kept], fits[:, kept]


def _named(patterns: Floats, past: Past, rules: Rules) -> tuple[list[str], Integers]:
    """Return the labels, and each cell's earlier profile as an index into these patterns."""
    earlier = past.patterns or Patterns((), patterns[:0])
    alike = _between(patterns, earlier.shapes, rules)
    labels = matched_labels(alike, earlier.labels, past.labels, rules.profiling.kept_pattern)
    place = {label: number for number, label in enumerate(labels)}
    now = np.array([place.get(label, -1) for label in earlier.labels] + [-1], np.intp)
    return labels, now[past.profile]


def _between(these: Floats, those: Floats, rules: Rules) -> Floats:
    """Return r of patterns with patterns, [these, those]."""
    full = WeekShapes(these.astype(np.float32), np.ones(these.shape, bool))
    return likeness(full, those, rules.weights)
