"""Several families as one: what all of them find strange."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Family, Panel, check_signature, has_data
from tasks.anomaly.families.nested import member_model, nested
from tasks.anomaly.families.rows import numbers
from tasks.stored_models import StoredModel

_RARE = 0.99
_LEAST = 1e-3  # of a rare score: what is calmer counts as this calm
_FIT_CELLS = 256


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The geometric mean of members' scores, each in units of its own rare score in history.

    A mean of logarithms asks for agreement: one member at thirty times its usual and one at its
    usual make less than two at ten times. A member that has no score leaves the mean to others.

    Attributes:
        members: the families.
    """

    members: tuple[Family, ...]

    name = "ensemble"
    title = "Ensemble"
    reason = (
        "Families err in different ways, so what several find strange at once is seldom an error; "
        "no single one has to be right for every fault."
    )

    @property
    def context_periods(self) -> int:
        """The farthest that any member reads back."""
        return max(member.context_periods for member in self.members)

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return the members fitted, and the score that one period in a hundred exceeds."""
        fitted = [member.fit(panel, seed) for member in self.members]
        some = panel.cells(slice(None, None, max(len(panel.values) // _FIT_CELLS, 1)))
        rare = [
            float(np.nanquantile(member.scores(model, some), _RARE))
            for member, model in zip(self.members, fitted, strict=True)
        ]
        units = np.maximum(np.nan_to_num(np.array(rare, np.float32), nan=1.0), 1e-6)
        return nested(self.name, fitted, {}, {"rare_scores": units})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the geometric mean of members' scores in their units, [cells, periods]."""
        logs = np.log(np.maximum(self._relative(model, panel), _LEAST))
        known = np.isfinite(logs)
        total = np.where(known, logs, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return np.where(has_data(panel), np.exp(total), np.float32(np.nan)).astype(np.float32)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the score's square, laid on KPIs as its members do in the mean.

        [cells, KPIs, periods].
        """
        total = np.zeros(panel.values.shape, np.float32)
        for number, member in enumerate(self.members):
            parts = np.nan_to_num(member.parts(member_model(model, number), panel))
            total += parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-12)
        shares = total / len(self.members) * self.scores(model, panel)[:, None] ** 2
        return np.where(np.isfinite(panel.values), shares, np.float32(np.nan))

    def _relative(self, model: StoredModel, panel: Panel) -> Floats:
        check_signature(model, self.name, panel)
        units = numbers(model, "rare_scores").astype(np.float32)
        found = [
            member.scores(member_model(model, number), panel) / units[number]
            for number, member in enumerate(self.members)
        ]
        return np.stack(found)
