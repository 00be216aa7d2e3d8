"""The training of one profile, as one piece of work: trials, choice, gate, and the final model.

Families are fitted on the days before validation and judged on those of validation, alone and
beside the detector. The chosen one
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
from tasks.anomaly.serving import CALM_LEVELS, DETECTOR_LEVELS, DETECTOR_SHARE, EVEN_SHARE
from tasks.anomaly.training.beside_detector import BesideDetector, beside
from tasks.anomaly.training.choice import chosen
from tasks.anomaly.training.gate import Decision, judged_challenger
from tasks.anomaly.training.incumbent import DetectorScorer
from tasks.anomaly.training.training_group import Learning
from tasks.anomaly.training.trial import (
    Cases,
    CpuSeconds,
    Figures,
    ModelScorer,
    Scorer,
    Trial,
    cases_of,
    tried,
)
from tasks.anomaly.training.verdict_cases import VerdictCase
from tasks.stored_models import StoredModel

_CELLS_AT_ONCE = 32
_LEVELS = (CALM_LEVELS, DETECTOR_LEVELS)


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

    @property
    def tried_as(self) -> str:
        """What the chosen scorer is called in figures; empty where none was chosen."""
        if self.family is None or self.model is None:
            return ""
        share = np.asarray(self.model.arrays[DETECTOR_SHARE], np.float64)
        return self.family if share[0] == 0 else beside(self.family)


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
    if not trials:
        return TrainedProfile(job, {}, chosen(trials, promotion)[1], left_out=left_out)
    champion = standing = tried(detector, cases, promotion, tail, cpu_seconds)
    trials += [
        tried(
            BesideDetector(detector, trial.scorer, trial.levels, standing.levels),
            cases,
            promotion,
            tail,
            cpu_seconds,
            trial.figures.fit_s,
        )
        for trial in tuple(trials)
        if isinstance(trial.scorer, ModelScorer)
    ]
    first, why = chosen(trials, promotion)
    figures = {trial.name: trial.figures for trial in trials} | {standing.name: standing.figures}
    if first is None:
        return TrainedProfile(job, figures, why, left_out=left_out)
    if job.champion is not None and job.champion.family in families:
        serving = _serving(job.champion, families, detector)
        champion = tried(serving, cases, promotion, tail, cpu_seconds)
        figures["champion"] = champion.figures
    decision = judged_challenger(first, champion, cases, promotion, job.champion_age_days)
    whole, _ = learnt_panel(own, learnings[1])
    family, levels, share = _chosen_parts(first)
    fitted = families[family].fit(whole, promotion.seed)
    told = {CALM_LEVELS: levels, DETECTOR_LEVELS: standing.levels, DETECTOR_SHARE: share}
    model = replace(fitted, arrays={**fitted.arrays, **told})
    return TrainedProfile(job, figures, why, family, model, decision, left_out)


def _chosen_parts(trial: Trial) -> tuple[str, Floats, Floats]:
    """Return the family of a trial, its calm levels, and how much the detector counts beside it."""
    if isinstance(trial.scorer, BesideDetector):
        return trial.scorer.model.name, trial.scorer.levels, np.array([EVEN_SHARE])
    return trial.name, trial.levels, np.array([0.0])


def _serving(
    champion: StoredModel, families: Mapping[str, Family], detector: DetectorScorer
) -> Scorer:
    """Return the champion as it serves: alone, or beside the detector."""
    alone = ModelScorer(families[champion.family], champion)
    share = np.asarray(champion.arrays.get(DETECTOR_SHARE, np.zeros(1)), np.float64)
    if share[0] == 0:
        return alone
    levels = (np.asarray(champion.arrays[name], np.float64) for name in _LEVELS)
    return BesideDetector(detector, alone, *levels)


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
