"""Another family's eye on what changed of late instead of on the level."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Family, Panel, check_signature
from tasks.anomaly.families.nested import member_model, nested
from tasks.anomaly.families.rows import numbers
from tasks.anomaly.families.trailing import recent_mean
from tasks.stored_models import StoredModel

_WILDEST = 20.0  # spreads of change beyond which a jump is no stronger evidence


@dataclass(frozen=True, slots=True)
class RecentChange:
    """A family fed with each KPI's change against its mean of the periods before.

    Attributes:
        member: the family that judges changes.
        span: periods before, whose mean a period is compared with.
        least_spread: a KPI's changes are never judged finer than this, in the cells' own spreads.
    """

    member: Family
    span: int = 4
    least_spread: float = 0.05

    name = "recent_change"
    title = "Recent change"
    reason = (
        "Levels drift for good reasons and then stay; a fault begins abruptly. Changes keep what "
        "begins and forget what drifted, so that new normal levels raise no alarm for days."
    )

    @property
    def context_periods(self) -> int:
        """What is compared with, and the member's own."""
        return self.span + self.member.context_periods

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return how much each KPI usually changes, and the member fitted on changes in it."""
        changes = panel.values - recent_mean(panel.values, self.span)
        calm = np.clip(changes, -_WILDEST, _WILDEST)
        known = np.isfinite(calm)
        squares = np.where(known, calm * calm, 0).sum(axis=(0, 2), dtype=np.float64)
        spread = np.sqrt(squares / np.maximum(known.sum(axis=(0, 2)), 1))
        spread = np.maximum(spread, self.least_spread).astype(np.float32)
        fitted = self.member.fit(_changes(panel, self.span, spread), seed)
        return nested(self.name, [fitted], {"span": self.span}, {"spread": spread})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return how strange the member finds changes, [cells, periods]."""
        return self.member.scores(*self._inner(model, panel))

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return what the change of each KPI adds, [cells, KPIs, periods]."""
        return self.member.parts(*self._inner(model, panel))

    def _inner(self, model: StoredModel, panel: Panel) -> tuple[StoredModel, Panel]:
        check_signature(model, self.name, panel)
        span = int(str(model.settings["span"]))
        spread = numbers(model, "spread").astype(np.float32)
        return member_model(model, 0), _changes(panel, span, spread)


def _changes(panel: Panel, span: int, spread: Floats) -> Panel:
    """Return changes in their usual spread; none where nothing before is known."""
    changes = panel.values - recent_mean(panel.values, span)
    nothing_before = np.isfinite(panel.values) & ~np.isfinite(changes)
    changes = np.where(nothing_before, 0, changes) / spread[:, None]
    values = np.clip(changes, -_WILDEST, _WILDEST).astype(np.float32)
    return Panel(values, panel.kpis, panel.slots_a_day, panel.first_slot)
