"""Which cell follows which pattern: the likest one, with patience, with neighbors, or none.

A cell keeps the profile it has until it lies clearly beyond the middle between that and another.
A cell of which little is known leans on its neighbors; one of which too little is known abstains:
no data is no evidence.
"""

from dataclasses import dataclass

import numpy as np

from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import Booleans, Floats, Integers

NONE = -1
MEMBER, LEANING, UNLIKE_ANY, ABSTAINED = range(4)
KINDS = ("MEMBER", "LEANING", "UNLIKE_ANY", "ABSTAINED")
"""How a cell came to its profile, as `cell_profiles.membership` names it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of cells from the week before and from their neighbors.

    Attributes:
        profile: each cell's pattern last week, -1 for none.
        was_unlike: cells that were unlike any last week.
        neighbors: [cells, patterns], share of a cell's neighbors that follow each; rows of zeros
            where nothing is known of neighbors.
    """

    profile: Integers
    was_unlike: Booleans
    neighbors: Floats


@dataclass(frozen=True, slots=True)
class Membership:
    """What became of cells.

    Attributes:
        profile: the pattern that each follows, -1 for none.
        kind: index into `KINDS`.
        fit: r with its pattern, or with the likest where it follows none; NaN without shape.
        second: the pattern next to it, -1 for none.
        second_fit: r with that one.
    """

    profile: Integers
    kind: Integers
    fit: Floats
    second: Integers
    second_fit: Floats


def memberships(
    fits: Floats, hours: Integers, apart: Floats, standing: Standing, rules: Profiling
) -> Membership:
    """Return what each cell follows.

    Args:
        fits: [cells, patterns], r of each cell with each pattern; NaN without any shape.
        hours: known hours of each cell's week.
        apart: [patterns, patterns], 1 - r of patterns with each other.
        standing: what was, and who stands near.
        rules: the limits.
    """
    cells, count = fits.shape
    abstains = (hours < rules.fewest_hours) | ~np.isfinite(fits).all(axis=1)
    if count == 0:
        empty = np.full(cells, NONE)
        kind = np.where(abstains, ABSTAINED, UNLIKE_ANY)
        nothing = np.full(cells, np.nan, np.float32)
        return Membership(empty, kind, nothing, empty, nothing)
    plain = np.where(abstains[:, None], -1, fits)
    lacking = _lacking(hours, rules)
    leaned = plain + rules.neighbor_weight * lacking[:, None] * standing.neighbors
    best = _patient(leaned, apart, standing.profile, rules.clearly_nearer)
    rows = np.arange(cells)
    is_unlike = leaned[rows, best] < _least_fit(best, standing, rules)
    others = leaned.copy()
    others[rows, best] = -np.inf
    second = others.argmax(axis=1) if count > 1 else np.full(cells, NONE)
    leans = (lacking > 0) & (standing.neighbors.sum(axis=1) > 0)
    kind = np.where(is_unlike, UNLIKE_ANY, np.where(leans, LEANING, MEMBER))
    kind = np.where(abstains, ABSTAINED, kind)
    fit = np.where(abstains, np.nan, plain[rows, best])
    second_fit = np.where(abstains | (second == NONE), np.nan, plain[rows, second])
    return Membership(
        np.where(kind <= LEANING, best, NONE),
        kind,
        fit,
        np.where(abstains, NONE, second),
        second_fit,
    )


def _lacking(hours: Integers, rules: Profiling) -> Floats:
    """Return how much each cell leans on others: 0 with enough hours, 1 with the fewest."""
    span = max(rules.enough_hours - rules.fewest_hours, 1)
    return np.asarray(np.clip((rules.enough_hours - hours) / span, 0, 1))


def _patient(fits: Floats, apart: Floats, before: Integers, clearly: float) -> Integers:
    """Return the likest pattern; last week's unless the cell lies clearly beyond the middle."""
    best = fits.argmax(axis=1)
    had = before >= 0
    own = np.where(had, before, best)
    rows = np.arange(len(fits))
    beyond = fits[rows, best] - fits[rows, own]
    stays = had & (beyond <= clearly * apart[best, own])
    return np.asarray(np.where(stays, own, best), np.intp)


def _least_fit(best: Integers, standing: Standing, rules: Profiling) -> Floats:
    """Return the fit below which a cell is unlike any: patient both ways."""
    stays = standing.profile == best
    least = np.where(stays, rules.least_fit - rules.fit_grace, rules.least_fit)
    return np.asarray(np.where(standing.was_unlike, rules.least_fit + rules.fit_grace, least))
