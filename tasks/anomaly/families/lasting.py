"""Another family's scores, averaged over the last periods: what lasts counts, what flickers not."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Family, Panel, check_signature, has_data
from tasks.anomaly.families.nested import member_model, nested
from tasks.anomaly.families.trailing import trailing_mean
from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class Lasting:
    """A family's scores and parts as their mean over the last periods.

    Attributes:
        member: the family whose scores are averaged.
        span: periods averaged, the scored one included.
    """

    member: Family
    span: int = 4

    name = "lasting"
    title = "Lasting strangeness"
    reason = (
        "A rate over three attempts jumps by itself for one period; faults last. A mean over the "
        "last periods trades a little delay for far fewer false findings."
    )

    @property
    def context_periods(self) -> int:
        """The rest of the mean, and the member's own."""
        return self.span - 1 + self.member.context_periods

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return the member fitted."""
        return nested(self.name, [self.member.fit(panel, seed)], {"span": self.span}, {})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the mean of the member's last scores, [cells, periods]."""
        inner, span = self._inner(model, panel)
        mean = trailing_mean(self.member.scores(inner, panel), span)
        return np.where(has_data(panel), mean, np.float32(np.nan))

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the mean of the member's last parts, [cells, KPIs, periods]."""
        inner, span = self._inner(model, panel)
        mean = trailing_mean(self.member.parts(inner, panel), span)
        return np.where(np.isfinite(panel.values), np.maximum(mean, 0), np.float32(np.nan))

    def _inner(self, model: StoredModel, panel: Panel) -> tuple[StoredModel, int]:
        check_signature(model, self.name, panel)
        return member_model(model, 0), int(str(model.settings["span"]))
