"""The training of one profile, as one piece of work: trials, choice, gate, and the final model.

Families are fitted on the days before validation and judged on those of validation. The chosen one
is fitted again on all days: that is what will serve. The gate compares the former with the
champion, so that neither was fitted on the days on which both are judged; calm levels, too, are
learnt on those days.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from semantic_layer.errors import InputError
from semantic_layer.finding_worth import CalmTail
from semantic_layer.model_promotion import ModelPromotion
from tasks.anomaly.arrays import Floats
from tasks.anomaly.cell_model import cell_model
from tasks.anomaly.deviation_panels import deviation_panel
from tasks.anomaly.families.family import Family, Panel
from tasks.anomaly.serving import CALM_LEVELS, DETECTOR_LEVELS
from tasks.anomaly.training.choice import chosen
from tasks.anomaly.training.gate import Decision, judged_challenger
from tasks.anomaly.training.incumbent import DetectorScorer
from tasks.anomaly.training.training_group import Learning
from tasks.anomaly.training.trial import (
    Cases,
    CpuSeconds,
    Figures,
    ModelScorer,
    Trial,
    cases_of,
    tried,
)
from tasks.anomaly.training.verdict_cases import VerdictCase
from tasks.stored_models import StoredModel

_CELLS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class ProfileJob:
    """What is to be trained.

    Attributes:
        name: of the model in the registry.
        profile: of its cells.
        rows: which of the group's cells it learns from.
        champion: what serves now; None: the detector.
        champion_age_days: since the champion's history ended.
        verdicts: people's verdicts; `cell` counts in `rows`.
    """

    name: str
    profile: str
    rows: tuple[int, ...]
    champion: StoredModel | None = None
    champion_age_days: float | None = None
    verdicts: tuple[VerdictCase, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedProfile:
    """What came of a job.

    Attributes:
        job: what was to be trained.
        figures: of every family that was tried, of the detector, and of the `champion` if there
            is one.
        why: the choice, in a sentence.
        family: the chosen one; None when none keeps the limits.
        model: fitted on all days, with its calm levels.
        decision: of the gate.
        left_out: why families could not be tried, by name.
    """

    job: ProfileJob
    figures: Mapping[str, Figures]
    why: str
    family: str | None = None
    model: StoredModel | None = None
    decision: Decision | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def trained_profile(
    job: ProfileJob,
    values: Floats,
    cells: tuple[str, ...],
    learnings: tuple[Learning, Learning],
    families: Mapping[str, Family],
    rules: tuple[ModelPromotion, CalmTail],
    cpu_seconds: CpuSeconds,
) -> TrainedProfile:
    """Return the trained profile.

    Args:
        job: what is to be trained.
        values: of all cells of the group, [cells, KPIs, periods].
        cells: their DNs.
        learnings: for trials and for what will serve.
        families: the candidates, and whatever a champion may be of.
        rules: of training, and of calm scores.
        cpu_seconds: tells the CPU time used so far.
    """
    promotion, tail = rules
    own = values[list(job.rows)]
    names = [cells[row] for row in job.rows]
    history, detector = learnt_panel(own, learnings[0])
    split = learnings[0].plan.training_periods
    context = max(
        [detector.context_periods, *(family.context_periods for family in families.values())]
    )
    cases = cases_of(history, names, split, context, promotion, job.verdicts)
    trials, left_out = _trials(families, cases, rules, cpu_seconds)
    first, why = chosen(trials, promotion)
    figures = {trial.name: trial.figures for trial in trials}
    if first is None:
        return TrainedProfile(job, figures, why, left_out=left_out)
    champion = standing = tried(detector, cases, promotion, tail, cpu_seconds)
    figures[standing.name] = standing.figures
    if job.champion is not None and job.champion.family in families:
        serving = ModelScorer(families[job.champion.family], job.champion)
        champion = tried(serving, cases, promotion, tail, cpu_seconds)
        figures["champion"] = champion.figures
    decision = judged_challenger(first, champion, cases, promotion, job.champion_age_days)
    whole, _ = learnt_panel(own, learnings[1])
    fitted = families[first.name].fit(whole, promotion.seed)
    levels = {CALM_LEVELS: first.levels, DETECTOR_LEVELS: standing.levels}
    model = replace(fitted, arrays={**fitted.arrays, **levels})
    return TrainedProfile(job, figures, why, first.name, model, decision, left_out)


def learnt_panel(values: Floats, learning: Learning) -> tuple[Panel, DetectorScorer]:
    """Return deviations of some cells over all periods, and the detector that learnt them.

    Some dozens of cells at a time, so that scratch memory stays small.
    """
    plan, network = learning.plan, learning.network
    panels, covariances, middles, widths = [], [], [], []
    for start in range(0, len(values), _CELLS_AT_ONCE):
        part = values[start : start + _CELLS_AT_ONCE]
        model = cell_model(part, plan, network)
        panels.append(
            deviation_panel(part, model, plan, network, 0, plan.grid.periods_count).values
        )
        covariances.append(model.covariances)
        middles.append(model.middles)
        widths.append(model.widths)
    panel = Panel(
        np.concatenate(panels), tuple(kpi.name for kpi in plan.kpis), plan.grid.slots_a_day
    )
    return panel, DetectorScorer(
        np.concatenate(covariances, axis=1),
        np.concatenate(middles, axis=1),
        np.concatenate(widths, axis=1),
        tuple(plan.memories),
    )


def _trials(
    families: Mapping[str, Family],
    cases: Cases,
    rules: tuple[ModelPromotion, CalmTail],
    cpu_seconds: CpuSeconds,
) -> tuple[list[Trial], dict[str, str]]:
    promotion, tail = rules
    trials: list[Trial] = []
    left_out: dict[str, str] = {}
    for name in promotion.candidates:
        if name not in families:
            left_out[name] = "is not installed here"
            continue
        began = cpu_seconds()
        try:
            fitted = families[name].fit(cases.fitted_on, promotion.seed)
            spent = cpu_seconds() - began
            scorer = ModelScorer(families[name], fitted)
            trials.append(tried(scorer, cases, promotion, tail, cpu_seconds, spent))
        except InputError as error:
            left_out[name] = str(error)
    return trials, left_out
