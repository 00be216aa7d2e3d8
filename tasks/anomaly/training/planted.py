"""Disturbances planted into calm cells: cases with a known answer where nobody marked faults.

They are planted into deviations, in the cells' own spreads, so that one size means the same for
every KPI. Which cell gets what depends on the seed and the cell's DN alone: the cases stay frozen
from one training to the next, whichever other cells are there.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from semantic_layer.model_promotion import Planted
from tasks.anomaly.arrays import Booleans, Floats
from tasks.anomaly.families.family import Panel

_MOST = 15.0  # as deviations themselves are bounded
_FEWEST_KPIS_OF_SEVERAL = 3


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One planted disturbance: row of the panel's cell, periods [first, last), kind and size."""

    cell: int
    first: int
    last: int
    kind: str
    spreads: float


@dataclass(frozen=True, slots=True)
class PlantedCases:
    """A panel with disturbances in it.

    Attributes:
        panel: the cells that got any, over the periods given.
        cells: their rows in the panel that was given.
        disturbances: what was planted; `cell` counts in `panel`.
    """

    panel: Panel
    cells: tuple[int, ...]
    disturbances: tuple[Disturbance, ...]

    def is_disturbed(self, after: int = 0) -> Booleans:
        """Return which periods are disturbed or at most `after` periods later, [cells, periods]."""
        marked = np.zeros((self.panel.values.shape[0], self.panel.values.shape[2]), bool)
        for one in self.disturbances:
            marked[one.cell, one.first : one.last + after] = True
        return marked


def planted_cases(
    panel: Panel, names: Sequence[str], calm: Booleans, rules: Planted, seed: int, context: int = 0
) -> PlantedCases:
    """Return calm cells of a panel with disturbances planted into them.

    Args:
        panel: deviations; its first `context` periods are left as they are.
        names: DNs of its cells.
        calm: which of them are calm.
        rules: how many, how large and how long.
        seed: of everything drawn.
        context: periods before the first that may be disturbed.
    """
    rows = [
        row
        for row, name in enumerate(names)
        if calm[row] and _random(seed, name).random() < rules.share_of_cells
    ]
    values = panel.values[rows].copy()
    drawn: list[Disturbance] = []
    for place, row in enumerate(rows):
        random = _random(seed + 1, names[row])
        for one in _drawn(random, place, values.shape[-1] - context, panel.slots_a_day, rules):
            first, last = context + one.first, context + one.last
            part = values[place, :, first:last]
            values[place, :, first:last] = _KINDS[one.kind](part, one.spreads, random)
            drawn.append(Disturbance(place, first, last, one.kind, one.spreads))
    planted = Panel(np.clip(values, -_MOST, _MOST), panel.kpis, panel.slots_a_day, panel.first_slot)
    return PlantedCases(planted, tuple(rows), tuple(drawn))


def calm_cells(panel: Panel, share: float) -> Booleans:
    """Return which cells have the least wild periods, `share` of those that have data.

    The rest may hold faults that nobody marked. Judged by the deviations themselves, not by any
    family.
    """
    known = np.isfinite(panel.values)
    squares = np.where(known, panel.values, 0.0) ** 2
    observed = known.sum(axis=1)
    size = np.sqrt(squares.sum(axis=1) / np.maximum(observed, 1))
    wildest = np.quantile(np.where(observed > 0, size, 0.0), 0.99, axis=1)
    has_data = (observed > 0).mean(axis=1) > 0.5
    if not has_data.any():
        return np.zeros(len(has_data), bool)
    return np.asarray(has_data & (wildest <= np.quantile(wildest[has_data], share)))


def _drawn(
    random: np.random.Generator, cell: int, periods: int, slots: int, rules: Planted
) -> list[Disturbance]:
    """Return disturbances in stretches of equal length, so that they never meet."""
    found = []
    stretch = periods // rules.a_cell
    for number in range(rules.a_cell):
        hours = float(np.exp(random.uniform(*np.log(rules.hours))))
        length = min(max(round(hours * slots / 24), 1), max(stretch // 2, 1))
        first = number * stretch + int(random.integers(0, max(stretch - length, 1)))
        kind = str(random.choice(sorted(_KINDS)))
        size = float(np.exp(random.uniform(*np.log(rules.spreads))))
        found.append(Disturbance(cell, first, first + length, kind, size))
    return found


def _random(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _some(kpis: int, count: int, random: np.random.Generator) -> list[int]:
    return sorted(random.choice(kpis, size=min(count, kpis), replace=False).tolist())


def _several(kpis: int, random: np.random.Generator) -> list[int]:
    most = max(kpis // 2, _FEWEST_KPIS_OF_SEVERAL)
    return _some(kpis, int(random.integers(_FEWEST_KPIS_OF_SEVERAL, most + 1)), random)


def _signs(count: int, random: np.random.Generator) -> Floats:
    return np.asarray(random.choice([-1.0, 1.0], size=(count, 1)))


def _step_in_one(part: Floats, spreads: float, random: np.random.Generator) -> Floats:
    which = _some(len(part), 1, random)
    part[which] += spreads * _signs(1, random)
    return part


def _step_in_several(part: Floats, spreads: float, random: np.random.Generator) -> Floats:
    which = _several(len(part), random)
    part[which] += spreads * _signs(len(which), random)
    return part


def _slow_ramp(part: Floats, spreads: float, random: np.random.Generator) -> Floats:
    which = _several(len(part), random)
    part[which] += np.linspace(0, spreads, part.shape[1]) * _signs(len(which), random)
    return part


def _broken_co_movement(part: Floats, _spreads: float, random: np.random.Generator) -> Floats:
    """Mirror half of the KPIs: each strays as far as ever, but no longer with the others."""
    which = _some(len(part), len(part) // 2, random)
    part[which] *= -1
    return part


def _frozen_value(part: Floats, _spreads: float, random: np.random.Generator) -> Floats:
    """Let some KPIs stand still where they were, as a counter that no longer counts."""
    which = _several(len(part), random)
    part[which] = np.where(np.isfinite(part[which]), np.nan_to_num(part[which, :1]), np.nan)
    return part


def _noise_burst(part: Floats, spreads: float, random: np.random.Generator) -> Floats:
    which = _several(len(part), random)
    part[which] += spreads * random.normal(size=(len(which), part.shape[1]))
    return part


_KINDS: Mapping[str, Callable[[Floats, float, np.random.Generator], Floats]] = {
    "level step in one KPI": _step_in_one,
    "level step in several KPIs": _step_in_several,
    "slow ramp": _slow_ramp,
    "broken co-movement": _broken_co_movement,
    "frozen value": _frozen_value,
    "noise burst": _noise_burst,
}

KINDS = tuple(_KINDS)
"""What can be planted."""
