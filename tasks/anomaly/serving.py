"""Which stored model scores which cell, and what it says; the rest is scored by the detector.

A stored model is fitted by `training`, chosen for a profile of cells and kept in the registry. It
scores deviations, and brings two arrays of calm levels: its own, and the detector's over the same
cells and history. Through both, its raw score becomes what the detector would score as rarely, so
that the rules of detection mean the same frequency whoever scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from semantic_layer.finding_worth import CalmTail
from tasks.anomaly.arrays import Floats, Integers
from tasks.anomaly.calibration import calm_levels, in_units_of
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.roster import FAMILIES
from tasks.stored_models import StoredModel

CALM_LEVELS = "calm_levels"
"""The array of a stored model that says how high its own raw scores are in calm history."""

DETECTOR_LEVELS = "detector_levels"
"""The array of a stored model that says how high the detector's are, in the same history."""

DETECTOR_SHARE = "detector_share"
"""The array of a stored model, one number, that says how much the detector counts beside it."""

EVEN_SHARE = 0.5

DETECTOR = "detector"
"""What published rows name where no stored model scored."""

ALL_CELLS = "all"
"""The profile that serves cells without one of their own."""

_NOBODY = -1
_CELLS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Served:
    """A stored model at work; `reference` names it and its version, as published rows say."""

    reference: str
    model: StoredModel


@dataclass(frozen=True, slots=True)
class Serving:
    """Models at work.

    Attributes:
        models: each once.
        by_profile: place in `models` by profile; `all` serves every other cell, if it is there.
        profiles: profile by cell DN.
    """

    models: tuple[Served, ...] = ()
    by_profile: Mapping[str, int] | None = None
    profiles: Mapping[str, str] | None = None

    def of_cells(self, cells: Sequence[str]) -> Integers:
        """Return for each cell the place of its model, -1 where the detector scores it."""
        chosen, known = self.by_profile or {}, self.profiles or {}
        rest = chosen.get(ALL_CELLS, _NOBODY)
        places = [chosen.get(known.get(cell, ALL_CELLS), rest) for cell in cells]
        return np.array(places, np.int32).reshape(len(cells))

    def references(self, cells: Sequence[str]) -> list[str]:
        """Return for each cell the reference of its model."""
        return [
            DETECTOR if place == _NOBODY else self.models[place].reference
            for place in self.of_cells(cells).tolist()
        ]

    @property
    def context_periods(self) -> int:
        """How far back, in periods, its models read."""
        return max((FAMILIES[one.model.family].context_periods for one in self.models), default=0)


@dataclass(frozen=True, slots=True)
class ModelsAtWork:
    """Who scores cells of one class and granularity: one decides, others score beside it."""

    deciding: Serving = Serving()
    beside: tuple[Serving, ...] = ()

    @property
    def all(self) -> tuple[Serving, ...]:
        """The deciding one first."""
        return (self.deciding, *self.beside)

    @property
    def context_periods(self) -> int:
        """How far back, in periods, any of them reads."""
        return max(one.context_periods for one in self.all)


DETECTOR_ALONE = ModelsAtWork()
"""Nobody was trained: the detector scores every cell."""


def calibrated(
    model: StoredModel, own: Floats, detector: Floats, rules: CalmTail, granularity_s: int
) -> StoredModel:
    """Return a model that can serve: with calm levels of its own scores and of the detector's.

    Args:
        model: as its family fitted it.
        own: its raw scores in calm history that it was not fitted on, [cells, periods].
        detector: the detector's, of the same cells and periods.
        rules: of the calm tail.
        granularity_s: seconds of a period.
    """
    levels = {
        CALM_LEVELS: calm_levels(own, rules, granularity_s),
        DETECTOR_LEVELS: calm_levels(detector, rules, granularity_s),
    }
    return replace(model, arrays={**model.arrays, **levels})


def together(own: Floats, theirs: Floats, share: Floats | float) -> Floats:
    """Return the mean of the detector's scores and a model's, in the detector's units.

    Where the model says nothing, the detector's stand as they are.

    Args:
        own: the detector's, any shape.
        theirs: the model's, same shape; NaN where it says nothing.
        share: how much the detector counts, 0 to 1, broadcastable.
    """
    return np.where(np.isfinite(theirs), share * own + (1 - share) * theirs, own)


def detector_shares(places: Integers, models: Sequence[Served]) -> Floats:
    """Return how much the detector counts for each cell, [cells]; 1 for cells without a model."""
    shares = np.ones(len(places), np.float32)
    for place, cells in _by_model(places):
        told = models[place].model.arrays.get(DETECTOR_SHARE)
        shares[cells] = 0.0 if told is None else float(np.asarray(told, np.float64)[0])
    return shares


def served_scores(panel: Panel, places: Integers, models: Sequence[Served], count: int) -> Floats:
    """Return the last `count` periods' scores of cells that a model serves, [cells, count].

    On the detector's scale; NaN for cells without a model and periods without data.

    Args:
        panel: deviations of the cells, their context first.
        places: by cell, the place of its model in `models`; -1 for none.
        models: models at work.
        count: periods to score, the last of the panel.
    """
    found = np.full((panel.values.shape[0], count), np.nan, np.float32)
    for place, cells in _by_model(places):
        served = models[place].model
        family = FAMILIES[served.family]
        context = min(family.context_periods, panel.values.shape[-1] - count)
        read = panel.periods(panel.values.shape[-1] - count - context, panel.values.shape[-1])
        for some in _some(cells):
            one = Panel(read.values[some], read.kpis, read.slots_a_day, read.first_slot)
            raw = family.scores(served, one.reading(served.kpis))[:, context:]
            found[some] = in_units_of(
                raw,
                np.asarray(served.arrays[CALM_LEVELS], np.float64),
                np.asarray(served.arrays[DETECTOR_LEVELS], np.float64),
            )
    return found


def served_shares(panel: Panel, places: Integers, models: Sequence[Served], count: int) -> Floats:
    """Return each KPI's share, 0 to 1, in its model's score, [cells, KPIs, count].

    NaN for cells without a model and KPIs without data.
    """
    cells_count, kpis_count, last = panel.values.shape
    shares = np.full((cells_count, kpis_count, count), np.nan, np.float32)
    for place, cells in _by_model(places):
        served = models[place].model
        family = FAMILIES[served.family]
        context = min(family.context_periods, last - count)
        read = panel.periods(last - count - context, last)
        own = {name: number for number, name in enumerate(served.kpis)}
        columns = [number for number, name in enumerate(panel.kpis) if name in own]
        theirs = [own[panel.kpis[number]] for number in columns]
        for some in _some(cells):
            one = Panel(read.values[some], read.kpis, read.slots_a_day, read.first_slot)
            parts = family.parts(served, one.reading(served.kpis))[..., context:]
            total = np.nansum(parts, axis=1, keepdims=True)
            share = parts / np.maximum(total, 1e-9)
            shares[np.ix_(some, np.array(columns, int))] = share[:, theirs]
    return shares


def _by_model(places: Integers) -> list[tuple[int, Integers]]:
    """Return for each model that is needed the cells that it serves."""
    needed = [int(place) for place in np.unique(places) if place != _NOBODY]
    return [(place, np.flatnonzero(places == place)) for place in needed]


def _some(cells: Integers) -> list[Integers]:
    return [cells[start : start + _CELLS_AT_ONCE] for start in range(0, len(cells), _CELLS_AT_ONCE)]
