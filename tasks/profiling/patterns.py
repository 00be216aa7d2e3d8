"""The patterns that cells follow: learnt anew, or carried on from last week's.

Carrying on is the rule, so that a pattern stays what it was: its cells move it a little, patterns
that lost their cells go, and cells that fit none may make new ones. Only where patterns learnt anew
explain clearly more do they take over; `labels` then tells which of them is which.
"""

from dataclasses import dataclass

import numpy as np

from semantic_layer.profiling import Profiling
from tasks.profiling.arrays import HOURS, Booleans, Floats, Integers
from tasks.profiling.likeness import likeness
from tasks.profiling.pattern_count import Limits, grouping
from tasks.profiling.week_shapes import WeekShapes

_SETTLING_ROUNDS = 4
_SMALLEST_SHARE = 0.005  # of a sample: fewer look like a group by chance


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that learning needs, and the weights of the quantities."""

    profiling: Profiling
    cells: int

    @property
    def weights(self) -> Floats:
        """The weight of each quantity."""
        return np.array([one.weight for one in self.profiling.shape_quantities], np.float64)

    @property
    def fewest(self) -> int:
        """How many of all cells a profile needs."""
        share = round(self.profiling.fewest_profile_share * self.cells)
        return max(self.profiling.fewest_profile_cells, share)


def learnt_patterns(sample: WeekShapes, rules: Rules, previous: Floats | None) -> Floats:
    """Return the patterns of a sample of cells, [patterns, quantities, 168].

    Args:
        sample: cells in an order that has nothing to do with how alike they are.
        rules: the limits; `cells` is the size of the whole network.
        previous: last week's patterns; None when there are none.
    """
    fewest = _fewest_of_sample(sample, rules)
    carried = None if previous is None else _carried_on(sample, rules, previous, fewest)
    if carried is not None and len(carried) == 0:
        carried = None
    fresh = _settled(sample, _grouped(sample, rules, fewest), rules, fewest)
    if carried is None:
        return fresh
    is_better = _unexplained(sample, fresh, rules) < (
        1 - rules.profiling.clearly_better
    ) * _unexplained(sample, carried, rules)
    return fresh if is_better else carried


def added_patterns(
    shapes: WeekShapes, patterns: Floats, rules: Rules, fewest: int | None = None
) -> Floats:
    """Return patterns with those that cells unlike any of them make.

    Args:
        shapes: of cells, in an order that has nothing to do with how alike they are.
        patterns: those known.
        rules: the limits.
        fewest: cells that make a pattern; as many as a profile needs when None.
    """
    fewest = rules.fewest if fewest is None else fewest
    unlike = _fit(shapes, patterns, rules) < rules.profiling.least_fit
    room = rules.profiling.most_profiles - len(patterns)
    if np.count_nonzero(unlike) < fewest or room < 1:
        return patterns
    found = _grouped(chosen(shapes, unlike), rules, fewest)
    added = np.concatenate([patterns, found[:room]])
    return _distinct(added, rules)


def chosen(shapes: WeekShapes, cells: Booleans | Integers | slice) -> WeekShapes:
    """Return the shapes of some cells."""
    return WeekShapes(shapes.values[cells], shapes.known[cells])


def _fewest_of_sample(sample: WeekShapes, rules: Rules) -> int:
    share = max(rules.fewest / max(rules.cells, 1), _SMALLEST_SHARE)
    return max(rules.profiling.fewest_profile_cells, round(share * len(sample.values)))


def _grouped(sample: WeekShapes, rules: Rules, fewest: int) -> Floats:
    """Return the mean shapes of the sample's groups, the largest first."""
    found = grouping(
        chosen(sample, slice(0, rules.profiling.sample_cells)),
        rules.weights,
        Limits(
            rules.profiling.most_profiles,
            rules.profiling.least_strength,
            rules.profiling.least_fit**2,  # two cells of one pattern, each with its own noise
            max(3, fewest // 2),
        ),
    )
    sizes = np.bincount(found.groups[found.groups >= 0], minlength=found.count)
    kept = [group for group in np.argsort(-sizes, kind="stable") if sizes[group] >= fewest]
    means = [mean_shape(chosen(sample, np.flatnonzero(found.groups == group))) for group in kept]
    shape = (0, *sample.values.shape[1:])
    return _distinct(np.stack(means), rules) if means else np.zeros(shape, np.float32)


def mean_shape(members: WeekShapes) -> Floats:
    """Return the mean week of some cells [quantities, 168], standardized; 0 where unknown.

    An hour that no member knows takes the same hour of the other days' mean.
    """
    count = members.known.sum(axis=0)
    total = members.values.sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
    days = mean.reshape(len(mean), 7, 24)
    known = np.isfinite(days)
    usual = days.sum(axis=1, where=known) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, days, usual[:, None]).reshape(len(mean), HOURS)
    shifted = filled - filled.mean(axis=-1, keepdims=True)
    spread = shifted.std(axis=-1, keepdims=True)
    return np.asarray(np.where(spread > 1e-6, shifted / np.maximum(spread, 1e-6), 0), np.float32)


def _settled(sample: WeekShapes, patterns: Floats, rules: Rules, fewest: int) -> Floats:
    """Return patterns after rounds in which cells join the likest and the likest move there."""
    for _ in range(_SETTLING_ROUNDS):
        if len(patterns) == 0:
            return patterns
        moved = _moved(sample, patterns, rules, fewest)
        is_still = len(moved) == len(patterns) and np.abs(moved - patterns).max() < 1e-3
        patterns = moved
        if is_still:
            break
    return patterns


def _carried_on(sample: WeekShapes, rules: Rules, previous: Floats, fewest: int) -> Floats:
    moved = _moved(sample, previous, rules, fewest)
    return added_patterns(sample, moved, rules, fewest)


def _moved(sample: WeekShapes, patterns: Floats, rules: Rules, fewest: int) -> Floats:
    """Return each pattern as the mean of the cells likest to it; without cells it goes."""
    fits = likeness(sample, patterns, rules.weights)
    fits = np.where(np.isfinite(fits), fits, -1)
    best = np.where(fits.max(axis=1) >= rules.profiling.least_fit, fits.argmax(axis=1), -1)
    members = [np.flatnonzero(best == number) for number in range(len(patterns))]
    means = [mean_shape(chosen(sample, those)) for those in members if len(those) >= fewest]
    return _distinct(np.stack(means), rules) if means else patterns[:0]


def _distinct(patterns: Floats, rules: Rules) -> Floats:
    """Return the patterns without those that are the same as an earlier one."""
    full = WeekShapes(patterns, np.ones(patterns.shape, bool))
    alike = likeness(full, patterns, rules.weights) >= rules.profiling.same_pattern
    kept: list[int] = []
    for number in range(len(patterns)):
        if not any(alike[number, other] for other in kept):
            kept.append(number)
    return np.asarray(patterns[kept], np.float32)


def _fit(shapes: WeekShapes, patterns: Floats, rules: Rules) -> Floats:
    """Return r of each cell with the pattern likest to it; -1 without patterns or shape."""
    if len(patterns) == 0:
        return np.full(len(shapes.values), -1.0)
    fits = likeness(shapes, patterns, rules.weights).max(axis=1)
    return np.asarray(np.where(np.isfinite(fits), fits, -1.0))


def _unexplained(sample: WeekShapes, patterns: Floats, rules: Rules) -> float:
    """Return the mean share of the cells' variance that their likest pattern does not explain.

    More patterns always explain a little more: each takes its share of the cells as a price.
    """
    fit = np.clip(_fit(sample, patterns, rules), 0, 1)
    price = 1 + len(patterns) / max(len(sample.values), 1)
    return float((1 - np.square(fit)).mean() * price)
