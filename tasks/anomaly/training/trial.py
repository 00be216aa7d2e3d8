"""One scorer on the cases of a profile: what it finds, how soon, how often it is wrong, its cost.

Every scorer is brought to one scale first, by how high calm cells score on days that it was not
fitted on (`calibration`): thresholds, alerts and shifts then mean the same for a distance, an error
and a likelihood, and a model that learnt its history by heart gains nothing from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from scipy.special import ndtri

from semantic_layer.finding_worth import CalmTail
from semantic_layer.model_promotion import ModelPromotion
from tasks.anomaly.arrays import Booleans, Floats, Integers
from tasks.anomaly.calibration import calm_levels, deviates
from tasks.anomaly.families.family import Family, Panel
from tasks.anomaly.training.planted import Disturbance, PlantedCases, calm_cells, planted_cases
from tasks.anomaly.training.ranking import Ranked, ranked, runs_count, score_shift, separation
from tasks.anomaly.training.verdict_cases import VerdictCase
from tasks.stored_models import StoredModel

CpuSeconds = Callable[[], float]
"""Tells how much CPU time this process has used."""

_CELLS_AT_ONCE = 64
_PAUSE = 2


class Scorer(Protocol):
    """What can be tried: a family with a fitted model, or what serves without any."""

    @property
    def name(self) -> str:
        """What it is called in figures."""
        ...

    @property
    def context_periods(self) -> int:
        """How far back a score reads."""
        ...

    def scores(self, panel: Panel, rows: Integers) -> Floats:
        """Return scores [cells, periods] of these rows of the profile's cells."""
        ...


@dataclass(frozen=True, slots=True)
class ModelScorer:
    """A family with a fitted model."""

    family: Family
    model: StoredModel

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    @property
    def context_periods(self) -> int:
        """As far back as the family reads."""
        return self.family.context_periods

    def scores(self, panel: Panel, rows: Integers) -> Floats:
        """Return the family's scores; which cells they are does not matter to it."""
        del rows
        return self.family.scores(self.model, panel.reading(self.model.kpis))


@dataclass(frozen=True, slots=True)
class Cases:
    """What all scorers of a profile are tried on.

    Attributes:
        history: deviations of its cells, learnt from the days before `split` alone.
        split: the first period of validation.
        calm: cells whose validation is free of wild periods.
        planted: validation with disturbances, `context` periods before it.
        context: the farthest that any scorer reads back.
        verdicts: what people said of findings in the validation days.
    """

    history: Panel
    split: int
    calm: Booleans
    planted: PlantedCases
    context: int
    verdicts: tuple[VerdictCase, ...] = ()

    @property
    def fitted_on(self) -> Panel:
        """The days before validation."""
        return self.history.periods(0, self.split)

    @property
    def granularity_s(self) -> int:
        """Seconds of a period."""
        return 86_400 // self.history.slots_a_day


@dataclass(frozen=True, slots=True)
class Figures:
    """What a trial measured.

    Attributes:
        average_precision: over the periods of planted cells.
        recall: share of planted disturbances found while they last, at the alert rate that
            untouched calm cells allow.
        recall_by_kind: the same by kind.
        delay_hours: median, of those found.
        false_alarms: runs of alerts per calm cell and day in the second half of untouched
            validation, at a threshold learnt in its first half.
        drift: population stability index of scores in the second half against the first.
        verdict_separation: how often a finding that people confirmed scores above one that they
            rejected; NaN without both.
        score_ms: CPU time to score a cell-day.
        fit_s: CPU time to fit.
    """

    average_precision: float
    recall: float
    recall_by_kind: Mapping[str, float]
    delay_hours: float
    false_alarms: float
    drift: float
    verdict_separation: float
    score_ms: float = 0.0
    fit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A scorer tried on cases.

    Attributes:
        name: of the scorer.
        figures: what was measured.
        ranking: of planted cells' periods, to compare trials on the same cases.
        scores: of untouched validation, in standard deviations of normal, [cells, periods].
        levels: how high calm scores are, learnt from all of untouched validation.
        scorer: what was tried.
    """

    name: str
    figures: Figures
    ranking: Ranked
    scores: Floats
    levels: Floats
    scorer: Scorer = field(repr=False)


def cases_of(
    history: Panel,
    names: Sequence[str],
    split: int,
    context: int,
    rules: ModelPromotion,
    verdicts: tuple[VerdictCase, ...] = (),
) -> Cases:
    """Return the cases of a profile.

    Args:
        history: deviations of its cells over all of the history.
        names: their DNs.
        split: the first period of validation.
        context: the farthest that any scorer reads back, before `split` at most.
        rules: what is planted.
        verdicts: people's verdicts, periods counted in `history`.
    """
    reach = min(context, split)
    last = history.values.shape[-1]
    calm = calm_cells(history.periods(split, last), rules.calm_share)
    planted = planted_cases(
        history.periods(split - reach, last), names, calm, rules.planted, rules.seed, reach
    )
    return Cases(history, split, calm, planted, reach, verdicts)


def tried(
    scorer: Scorer,
    cases: Cases,
    rules: ModelPromotion,
    tail: CalmTail,
    cpu_seconds: CpuSeconds,
    fit_s: float = 0.0,
) -> Trial:
    """Return how a scorer does on the cases.

    Raises:
        InputError: nothing of the history could be scored.
    """
    history, split = cases.history, cases.split
    last = history.values.shape[-1]
    began = cpu_seconds()
    untouched = _scores(scorer, history, split, last)
    spent_s = cpu_seconds() - began
    levels = calm_levels(untouched[:, : (last - split) // 2], tail, cases.granularity_s)
    rows = np.array(cases.planted.cells, np.int64)
    panel = cases.planted.panel
    planted = _scores(scorer, panel, cases.context, panel.values.shape[-1], rows)
    even = deviates(untouched, levels)
    found, ranking = _measured(even, deviates(planted, levels), cases, rules)
    cell_days = untouched.size / history.slots_a_day
    figures = replace(found, score_ms=1e3 * spent_s / max(cell_days, 1e-9), fit_s=fit_s)
    whole = calm_levels(untouched, tail, cases.granularity_s)
    return Trial(scorer.name, figures, ranking, even, whole, scorer)


def _scores(
    scorer: Scorer, panel: Panel, first: int, last: int, rows: Integers | None = None
) -> Floats:
    """Return scores of periods [first, last), some dozens of cells at a time."""
    context = min(scorer.context_periods, first)
    read = panel.periods(first - context, last)
    which = np.arange(panel.values.shape[0]) if rows is None else rows
    parts = [
        scorer.scores(read.cells(slice(n, n + _CELLS_AT_ONCE)), which[n : n + _CELLS_AT_ONCE])
        for n in range(0, len(which), _CELLS_AT_ONCE)
    ]
    if not parts:
        return np.zeros((0, last - first), np.float32)
    return np.concatenate(parts)[:, context:]


def _measured(
    untouched: Floats, planted: Floats, cases: Cases, rules: ModelPromotion
) -> tuple[Figures, Ranked]:
    slots = cases.history.slots_a_day
    after = round(rules.after_effect_hours * slots / 24)
    reach, own = cases.context, cases.planted
    disturbed = own.is_disturbed()[:, reach:]
    has_data = np.isfinite(planted)
    judged = has_data & (disturbed | ~own.is_disturbed(after)[:, reach:])
    ranking = ranked(planted, disturbed, judged)
    calm = untouched[cases.calm]
    known = calm[np.isfinite(calm)]
    allowed = float(np.quantile(known, 1 - rules.alert_share)) if known.size else np.inf
    delays = [(one, _delay(one, planted, allowed, reach)) for one in own.disturbances]
    found = [delay for _, delay in delays if delay is not None]
    later = calm[:, calm.shape[1] // 2 :]
    calm_days = np.isfinite(later).sum() / slots
    alerts = runs_count(later >= ndtri(1 - rules.alert_share), _PAUSE)
    kinds = sorted({one.kind for one in own.disturbances})
    figures = Figures(
        average_precision=ranking.average_precision(),
        recall=_share(delays),
        recall_by_kind={
            kind: _share([each for each in delays if each[0].kind == kind]) for kind in kinds
        },
        delay_hours=float(np.median(found)) * 24 / slots if found else float("nan"),
        false_alarms=alerts / max(calm_days, 1e-9),
        drift=score_shift(later, calm[:, : calm.shape[1] // 2]),
        verdict_separation=_verdict_separation(untouched, cases),
    )
    return figures, ranking


def _delay(one: Disturbance, planted: Floats, threshold: float, reach: int) -> int | None:
    """Return how many periods after its beginning a disturbance is found; None if never."""
    during = planted[one.cell, one.first - reach : one.last - reach]
    reached = np.flatnonzero(np.nan_to_num(during, nan=-np.inf) > threshold)
    return int(reached[0]) if reached.size else None


def _share(delays: Sequence[tuple[Disturbance, int | None]]) -> float:
    if not delays:
        return float("nan")
    return sum(delay is not None for _, delay in delays) / len(delays)


def _verdict_separation(untouched: Floats, cases: Cases) -> float:
    """Return how confirmed findings rank against rejected ones, by their highest score."""
    peaks: dict[bool, list[float]] = {True: [], False: []}
    for one in cases.verdicts:
        seen = untouched[one.cell, max(one.first - cases.split, 0) : one.last - cases.split]
        if np.isfinite(seen).any():
            peaks[one.is_real].append(float(np.nanmax(seen)))
    return separation(np.array(peaks[True]), np.array(peaks[False]))
