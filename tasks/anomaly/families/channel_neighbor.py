"""The floor that public benchmarks forget: one KPI alone, its windows against its history."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.nearest_subsequence import NearestSubsequence
from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class ChannelNeighbor:
    """Nearest sub-sequence on one KPI; a period without it has no score.

    Attributes:
        channel: the KPI's place.
        span: periods a window.
        references: windows remembered.
    """

    channel: int = 0
    span: int = 8
    references: int = 512

    name = "channel_neighbor"
    title = "Nearest neighbor on one KPI"
    reason = (
        "Ten lines on the first KPI alone, which beat every published method on some public data: "
        "a joint model that does not beat them has learnt nothing from the other KPIs."
    )

    @property
    def context_periods(self) -> int:
        """The rest of the window."""
        return self.span - 1

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return the windows remembered of the channel."""
        inner = self._family().fit(_only(panel, self.channel), seed)
        settings = {**inner.settings, "channel": self.channel}
        return StoredModel(self.name, panel.kpis, settings, inner.arrays)

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the channel's distance to its nearest windows, [cells, periods]."""
        channel, inner = self._inner(model, panel)
        return self._family().scores(inner, _only(panel, channel))

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return the channel's part; no other KPI has any, [cells, KPIs, periods]."""
        channel, inner = self._inner(model, panel)
        parts = np.where(np.isfinite(panel.values), 0, np.nan).astype(np.float32)
        parts[:, channel] = self._family().parts(inner, _only(panel, channel))[:, 0]
        return parts

    def _family(self) -> NearestSubsequence:
        return NearestSubsequence(self.span, references=self.references)

    def _inner(self, model: StoredModel, panel: Panel) -> tuple[int, StoredModel]:
        check_signature(model, self.name, panel)
        channel = int(str(model.settings["channel"]))
        kpis = (model.kpis[channel],)
        return channel, StoredModel(NearestSubsequence.name, kpis, model.settings, model.arrays)


def _only(panel: Panel, channel: int) -> Panel:
    return panel.reading((panel.kpis[channel],))
