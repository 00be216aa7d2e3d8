"""What neural families share: one network that expects every KPI, trained and scored alike.

Expecting takes one pass over a cell's series, in which neighboring periods share what they can.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel, check_signature
from tasks.anomaly.families.torch_arrays import (
    WEIGHT,
    Tensor,
    Weights,
    array,
    device,
    repeatable,
    stored_weights,
    tensor,
    torch_module,
)
from tasks.anomaly.families.torch_training import Schedule, Task, trained
from tasks.anomaly.families.windowed import (
    error_parts,
    error_scale,
    error_scores,
    some_cells,
    split,
    squeezed,
)
from tasks.stored_models import Setting, StoredModel

_PERIODS_AT_ONCE = 1600  # of all cells in one pass: more leaves the processor's cache


@dataclass(frozen=True, slots=True)
class NeuralFamily(ABC):
    """A family whose network expects every KPI of a period.

    Attributes:
        schedule: how it is trained.
        limit: spreads beyond which a deviation is read as no larger; a fault under way then
            hardly moves what is expected.
        spans: periods over which errors are summed; the strangest counts.
        fewest_periods: with data, in the history to learn from and in the newer part held out.
        threads: CPU threads; 1 where workers share the processors.
    """

    schedule: Schedule = field(default_factory=Schedule)
    limit: float = 2.0
    spans: tuple[int, ...] = (1, 4)
    fewest_periods: int = 192
    threads: int = 1

    name: ClassVar[str]
    title: ClassVar[str]
    reason: ClassVar[str]
    sizes: ClassVar[tuple[str, ...]]
    """Names of the fields on which the shapes of weights depend."""

    @property
    @abstractmethod
    def reach(self) -> int:
        """Periods that the network reads before the one that it expects."""

    @abstractmethod
    def initial(self, kpis: int, random: np.random.Generator) -> dict[str, Floats]:
        """Return weights to start from."""

    @abstractmethod
    def expected(self, weights: Weights, values: Tensor, known: Tensor) -> Tensor:
        """Return what is expected of each period after the first `reach`, [cells, KPIs, periods].

        Args:
            weights: of the network.
            values: [cells, KPIs, reach + periods], 0 where no data is.
            known: in the same shape, 1 where data is, else 0.
        """

    @property
    def context_periods(self) -> int:
        """What the network reads, for each period over which errors are summed."""
        return self.reach + max(self.spans) - 1

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return the trained network and what its errors are on held-out history."""
        with repeatable(self.threads):
            older, newer = split(panel, self.reach, self.fewest_periods)
            random = np.random.default_rng(seed)
            start = self.initial(len(panel.kpis), random)
            task = Task(self.expected, self.reach, self.limit, self.schedule)
            arrays = trained(task, start, older, newer, random)
            held_out = some_cells(newer)
            weights = {name: tensor(values) for name, values in arrays.items()}
            errors = self._errors(weights, held_out)[..., self.reach :]
        stored = {WEIGHT + name: values for name, values in arrays.items()}
        scale = error_scale(errors, self.spans)
        return StoredModel(self.name, panel.kpis, self._settings(), {**stored, **scale})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return how far KPIs together are from expected, [cells, periods], 0 being usual.

        In standard deviations of calm, held-out history.
        """
        own = self._as_fitted(model, panel)
        return error_scores(own.errors(model, panel), model.arrays, own.spans)

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return how KPIs share the score by their squared errors, [cells, KPIs, periods]."""
        own = self._as_fitted(model, panel)
        return error_parts(own.errors(model, panel), model.arrays, own.spans)

    def errors(self, model: StoredModel, panel: Panel) -> Floats:
        """Return what is seen less what is expected, [cells, KPIs, periods]; NaN without data."""
        own = self._as_fitted(model, panel)
        with repeatable(self.threads):
            return own._errors(stored_weights(model), panel)  # noqa: SLF001 - the same class

    def _errors(self, weights: Weights, panel: Panel) -> Floats:
        torch = torch_module()
        cells, kpis, periods = panel.values.shape
        found = np.empty(panel.values.shape, np.float32)
        at_once = max(_PERIODS_AT_ONCE // max(periods, 1), 1)
        before = torch.zeros((at_once, kpis, self.reach), device=device())
        with torch.inference_mode():
            for first in range(0, cells, at_once):
                some = panel.values[first : first + at_once]
                values, known = squeezed(some, self.limit)
                empty = before[: len(some)]
                read = torch.cat([empty, tensor(values)], dim=2)
                marks = torch.cat([empty, tensor(known)], dim=2)
                found[first : first + at_once] = some - array(self.expected(weights, read, marks))
        return found

    def _settings(self) -> dict[str, Setting]:
        told = {name: getattr(self, name) for name in ("limit", "spans", *self.sizes)}
        return {name: list(one) if isinstance(one, tuple) else one for name, one in told.items()}

    def _as_fitted(self, model: StoredModel, panel: Panel) -> Self:
        """Return the family with the sizes that the model was fitted with, whatever its own are.

        So a model outlives a change of defaults.
        """
        check_signature(model, self.name, panel)
        changes: dict[str, Any] = {}
        for name in ("limit", "spans", *self.sizes):
            told = model.settings[name]
            changes[name] = tuple(told) if isinstance(told, list) else told
        return replace(self, **changes)
