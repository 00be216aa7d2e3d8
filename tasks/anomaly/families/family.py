"""The protocol of model families, and what they read: deviations of cells from the expected.

What the time of week lets expect, what all peers do and how far a cell usually strays are taken
away before (`cell_model`). A family sees what is left, in the cell's own spreads, so that one
model fitted on a panel of cells serves every cell of its profile.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Booleans, Floats
from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class Panel:
    """Deviations of some cells over consecutive periods.

    Attributes:
        values: Float32 [cells, KPIs, periods], in the cells' own spreads: 0 is as expected, NaN is
            no data.
        kpis: names of what stands on the second axis.
        slots_a_day: periods a day.
        first_slot: the slot of the day of the first period.
    """

    values: Floats
    kpis: tuple[str, ...]
    slots_a_day: int
    first_slot: int = 0

    def periods(self, first: int, last: int) -> "Panel":
        """Return periods [first, last) of all cells."""
        slot = (self.first_slot + first) % self.slots_a_day
        return Panel(self.values[..., first:last], self.kpis, self.slots_a_day, slot)

    def cells(self, which: slice) -> "Panel":
        """Return some cells, all periods."""
        return Panel(self.values[which], self.kpis, self.slots_a_day, self.first_slot)

    def reading(self, kpis: tuple[str, ...]) -> "Panel":
        """Return the panel with just these KPIs, in this order; one that it lacks has no data.

        KPIs that nobody delivered of late are absent from a window; a model fitted when they were
        there still reads the rest.
        """
        if kpis == self.kpis:
            return self
        place = {name: number for number, name in enumerate(self.kpis)}
        cells, _, periods = self.values.shape
        values = np.full((cells, len(kpis), periods), np.nan, self.values.dtype)
        for number, name in enumerate(kpis):
            if name in place:
                values[:, number] = self.values[:, place[name]]
        return Panel(values, kpis, self.slots_a_day, self.first_slot)


class Family(Protocol):
    """A way to fit and to score; without state, so that workers need only the stored model.

    A score at a period reads that period and at most `context_periods` before it, never later
    ones: scored one by one or all at once, periods get the same score.
    """

    @property
    def name(self) -> str:
        """As in stored models and settings."""
        ...

    @property
    def title(self) -> str:
        """As people read it."""
        ...

    @property
    def reason(self) -> str:
        """What it finds that others do not, in a sentence."""
        ...

    @property
    def context_periods(self) -> int:
        """How many periods before it a score reads."""
        ...

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return what is learnt of normal from the panel's history, the same for the same seed.

        History is mostly, not wholly, sound: earlier faults lie in it unmarked.

        Raises:
            InputError: too few periods with data to learn from.
        """
        ...

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return how strange each period is, [cells, periods], higher is stranger.

        NaN where a period has no data. The first `context_periods` lack some of what they would
        read, and are scored by what there is.

        Raises:
            InputError: the panel's KPIs are not the model's.
        """
        ...

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return what each KPI adds to the score, [cells, KPIs, periods], zero or more.

        NaN where the KPI has no data.
        """
        ...


def check_signature(model: StoredModel, family: str, panel: Panel) -> None:
    """Raise InputError unless the model is of the family and reads the panel's KPIs, in order."""
    if model.family != family:
        raise InputError(f"A model of family {model.family!r} was given to {family!r}.")
    if model.kpis != panel.kpis:
        lacking = [name for name in model.kpis if name not in panel.kpis]
        excess = [name for name in panel.kpis if name not in model.kpis]
        raise InputError(
            f"The {family} model reads {len(model.kpis)} KPIs; of the {len(panel.kpis)} given it "
            f"lacks {lacking or 'none'}, does not know {excess or 'none'}; order counts. "
            "Train it anew for this catalogue."
        )


def has_data(panel: Panel) -> Booleans:
    """Return which periods of which cells have any data, [cells, periods]."""
    return np.asarray(np.isfinite(panel.values).any(axis=1))
