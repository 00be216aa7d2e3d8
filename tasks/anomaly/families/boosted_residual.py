"""Boosted trees that say what each KPI should show, from the other KPIs and the periods before."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel, check_signature, has_data
from tasks.anomaly.families.rebuilt import ByDigest, by_digest
from tasks.anomaly.families.windowed import (
    error_parts,
    error_scale,
    error_scores,
    some_cells,
    split,
)
from tasks.stored_models import Array, Setting, StoredModel

Booster: TypeAlias = Any

_TREES = "trees."
_WINSOR = 3.0  # a deviation beyond this many spreads teaches, and is read as, no more
_WILD = 4.5  # periods with any KPI farther out teach nothing: earlier faults
_TIME_OF_DAY = ("time of day, early to late", "time of day, night to noon")
_PERIODS_AT_ONCE = 20_000
_MODELS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Explained:
    """What made trees expect a value of one KPI in one period, in the cell's spreads.

    Attributes:
        seen: what the KPI showed; NaN without data.
        expected: what the trees expected.
        usual: what they expect before they read anything.
        contributions: by what they read; with `usual` they sum to `expected`.
    """

    seen: float
    expected: float
    usual: float
    contributions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BoostedResidual:
    """Errors of a gradient-boosted regression of each KPI on all others.

    A KPI's trees never see it in the scored period: in their training its place is empty, and
    trees do not split on what is always empty. What lacks is read as lacking.

    Attributes:
        lags: periods before the scored one that are read too, of all KPIs.
        trees: for each KPI.
        depth: of each tree.
        learning_rate: how much of the rest each tree takes.
        spans: periods over which errors are summed; the strangest counts.
        fit_rows: most periods to learn from.
        fewest_periods: with data, in the history to learn from and in the newer part held out.
    """

    lags: tuple[int, ...] = (1, 4)
    trees: int = 24
    depth: int = 3
    learning_rate: float = 0.2
    spans: tuple[int, ...] = (1, 4)
    fit_rows: int = 20_000
    fewest_periods: int = 192

    name = "boosted_residual"
    title = "Boosted residuals"
    reason = (
        "Trees know relations that bend, such as throughput that falls only when a cell is full, "
        "read gaps as they are, and can tell which KPIs made them expect what they expected."
    )

    @property
    def context_periods(self) -> int:
        """The farthest lag, for each period over which errors are summed."""
        return max(self.lags) + max(self.spans) - 1

    def fit(self, panel: Panel, seed: int) -> StoredModel:
        """Return each KPI's trees and what their errors are on held-out history."""
        reach = max(self.lags)
        older, newer = split(panel, reach, self.fewest_periods)
        rows, targets = self._lesson(older, np.random.default_rng(seed))
        settings: dict[str, Setting] = {"lags": list(self.lags), "spans": list(self.spans)}
        arrays: dict[str, Array] = {
            f"{_TREES}{kpi}": np.frombuffer(self._grown(rows, targets[:, kpi], kpi, seed), np.uint8)
            for kpi in range(len(panel.kpis))
            if np.isfinite(targets[:, kpi]).sum() >= self.fewest_periods
        }
        unscaled = StoredModel(self.name, panel.kpis, settings, arrays)
        errors = self.errors(unscaled, some_cells(newer))[..., reach:]
        scale = error_scale(errors, self.spans)
        return StoredModel(self.name, panel.kpis, settings, {**arrays, **scale})

    def scores(self, model: StoredModel, panel: Panel) -> Floats:
        """Return how far KPIs together are from expected, [cells, periods], 0 being usual.

        In standard deviations of calm, held-out history.
        """
        return error_scores(self.errors(model, panel), model.arrays, _told(model, "spans"))

    def parts(self, model: StoredModel, panel: Panel) -> Floats:
        """Return how KPIs share the score by their squared errors, [cells, KPIs, periods]."""
        return error_parts(self.errors(model, panel), model.arrays, _told(model, "spans"))

    def errors(self, model: StoredModel, panel: Panel) -> Floats:
        """Return what is seen less what is expected, [cells, KPIs, periods]; NaN without data."""
        check_signature(model, self.name, panel)
        lags, boosters = _told(model, "lags"), _boosters(by_digest(model))
        cells, kpis, periods = panel.values.shape
        found = np.empty(panel.values.shape, np.float32)
        at_once = max(_PERIODS_AT_ONCE // max(periods, 1), 1)
        for first in range(0, cells, at_once):
            some = panel.cells(slice(first, first + at_once))
            expected = _expected(boosters, _readings(some, lags), kpis)
            grid = expected.reshape(len(some.values), periods, kpis).transpose(0, 2, 1)
            found[first : first + at_once] = some.values - grid
        return found

    def _lesson(self, panel: Panel, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Return rows to learn from and the KPIs' values in them, [rows, KPIs]."""
        reach = max(self.lags)
        wild = (np.abs(np.nan_to_num(panel.values)) > _WILD).any(axis=1)
        sound = has_data(panel) & ~wild
        cells, periods = np.nonzero(sound[:, reach:])
        if not len(cells):
            raise InputError(
                "Every period of this history has a KPI beyond what is plausible; trees have "
                "nothing to learn from. Widen the history."
            )
        chosen = np.sort(random.permutation(len(cells))[: self.fit_rows])
        flat = cells[chosen] * panel.values.shape[-1] + periods[chosen] + reach
        rows = _readings(panel, self.lags)[flat]
        return rows, rows[:, : len(panel.kpis)].copy()

    def _grown(self, rows: Floats, target: Floats, kpi: int, seed: int) -> bytes:
        """Return the trees of one KPI in XGBoost's own UBJSON."""
        import xgboost  # noqa: PLC0415 - a second of import that flows need not pay

        known = np.isfinite(target)
        others = rows[known]
        others[:, kpi] = np.nan
        booster = xgboost.train(
            {
                "max_depth": self.depth,
                "eta": self.learning_rate,
                "min_child_weight": 20,
                "lambda": 5,
                "tree_method": "hist",
                "max_bin": 64,
                "base_score": 0.0,
                "nthread": 1,
                "seed": seed,
            },
            xgboost.QuantileDMatrix(others, target[known], nthread=1, max_bin=64),
            self.trees,
        )
        return bytes(booster.save_raw("ubj"))


def shap_of(model: StoredModel, panel: Panel, cell: int, period: int, kpi: str) -> Explained:
    """Return what made the trees of `kpi` expect what they did, in SHAP values.

    Args:
        model: of family `boosted_residual`.
        panel: with the period and what stands before it.
        cell: its row in the panel.
        period: its column.
        kpi: the KPI's name.

    Raises:
        InputError: the model does not know the KPI, or never saw enough of it to expect anything.

    Source: Lundberg et al., From local explanations to global understanding with explainable AI
    for trees, 2020, as XGBoost computes it.
    """
    import xgboost  # noqa: PLC0415 - as above

    check_signature(model, BoostedResidual.name, panel)
    place = panel.kpis.index(kpi) if kpi in panel.kpis else -1
    booster = _boosters(by_digest(model)).get(place)
    if booster is None:
        raise InputError(f"This model expects nothing of {kpi!r}: unknown to it or hardly seen.")
    lags = _told(model, "lags")
    first = max(period - max(lags), 0)
    one = panel.cells(slice(cell, cell + 1)).periods(first, period + 1)
    row = _readings(one, lags)[-1:]
    matrix = xgboost.DMatrix(row, nthread=1)
    shares = booster.predict(matrix, pred_contribs=True)[0]
    return Explained(
        float(panel.values[cell, place, period]),
        float(booster.predict(matrix)[0]),
        float(shares[-1]),
        {
            name: float(share)
            for name, share in zip(_reading_names(panel.kpis, lags), shares[:-1], strict=True)
            if share
        },
    )


def _readings(panel: Panel, lags: tuple[int, ...]) -> Floats:
    """Return [cells * periods, readings]: KPIs now, KPIs at each lag, time of the day."""
    values = np.clip(panel.values, -_WINSOR, _WINSOR)
    cells, kpis, periods = values.shape
    slots = (panel.first_slot + np.arange(periods)) % panel.slots_a_day
    angle = (2 * np.pi * slots / panel.slots_a_day).astype(np.float32)
    read = np.full((cells, periods, kpis * (1 + len(lags)) + 2), np.nan, np.float32)
    by_period = values.transpose(0, 2, 1)
    for number, lag in enumerate((0, *lags)):
        columns = slice(number * kpis, (number + 1) * kpis)
        read[:, lag:, columns] = by_period[:, : max(periods - lag, 0)]
    read[..., -2], read[..., -1] = np.sin(angle), -np.cos(angle)
    return read.reshape(cells * periods, -1)


def _reading_names(kpis: tuple[str, ...], lags: tuple[int, ...]) -> list[str]:
    earlier = [f"{kpi}, {lag} periods before" for lag in lags for kpi in kpis]
    return [*kpis, *earlier, *_TIME_OF_DAY]


def _expected(boosters: Mapping[int, Booster], rows: Floats, kpis: int) -> Floats:
    """Return what each KPI should show, [rows, KPIs]; 0 where nothing was learnt of it."""
    import xgboost  # noqa: PLC0415 - as above

    expected = np.zeros((len(rows), kpis), np.float32)
    matrix = xgboost.DMatrix(rows, nthread=1)
    for kpi, booster in boosters.items():
        expected[:, kpi] = booster.predict(matrix)
    return expected


@lru_cache(maxsize=_MODELS_KEPT)
def _boosters(key: ByDigest) -> dict[int, Booster]:
    import xgboost  # noqa: PLC0415 - as above

    found: dict[int, Booster] = {}
    for name, trees in key.model.arrays.items():
        if name.startswith(_TREES):
            booster = xgboost.Booster({"nthread": 1})
            booster.load_model(bytearray(np.asarray(trees, np.uint8).tobytes()))
            found[int(name.removeprefix(_TREES))] = booster
    return found


def _told(model: StoredModel, name: str) -> tuple[int, ...]:
    told = model.settings[name]
    if not isinstance(told, list):
        raise InputError(f"A model of {model.family} lists its {name}; this one says {told!r}.")
    return tuple(int(one) for one in told)
