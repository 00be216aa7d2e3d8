"""What verdicts taught: whether it may serve, and what it changes, told beside what was before."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_products.lineage import Snapshot
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.anomaly.arrays import Floats
from tasks.anomaly.worth.known_findings import KnownFindings
from tasks.anomaly.worth.verdict_model import probabilities
from tasks.stored_models import ModelCard, StoredModel

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learnt.

    Attributes:
        is_learnt: it judges later verdicts better than what was believed before.
        reason: why it may serve, or not, as a sentence.
        figures: by measure, before and after; NaN where there is nothing to tell it by.
    """

    is_learnt: bool
    reason: str
    figures: Mapping[str, tuple[float, float]]


def lesson(model: StoredModel, prior: StoredModel, known: KnownFindings) -> Lesson:
    """Return what a model that was just fitted changes for the findings it was fitted among.

    Losses are of later verdicts than those learnt from; the other figures count all findings, so
    they say what changes, not how well the future will be judged.

    Args:
        model: as `fitted_verdicts` returns it.
        prior: what was believed before any verdict.
        known: the findings and verdicts.
    """
    because = str(model.settings["prior_because"])
    learnt_from = int(_number(model, "learnt_from"))
    before, after = (_newest(each, known) for each in (prior, model))
    cut = _number(model, "cut")
    told = (
        f"It is learnt from {learnt_from} judged findings and judges later ones better"
        if not because
        else f"The belief before any verdict stays, for {because}"
    )
    return Lesson(
        not because,
        f"{told}.",
        {
            "nats a verdict on later findings": (
                _number(model, "prior_loss"),
                _number(model, "model_loss"),
            ),
            "findings": (float(before.size), float(after.size)),
            "more probably real than not": (
                float((before >= _HALF).sum()),
                float((after >= _HALF).sum()),
            ),
            "held back": (0.0, float((after < cut).sum())),
            "judged findings": (0.0, float(learnt_from)),
        },
    )


def lesson_rows(found: Lesson) -> list[dict[str, str]]:
    """Return rows of measure, before and after, for people."""
    return [
        {"measure": measure, "before": _said(before), "after": _said(after)}
        for measure, (before, after) in found.figures.items()
    ]


def worth_card(
    found: Lesson, window: Window, verdicts: Snapshot, seed: int, run_id: str
) -> ModelCard:
    """Return the card of a model of findings' worth."""
    return ModelCard(
        data={
            "table": verdicts.table,
            "snapshot_id": str(verdicts.id),
            "history_start": window.start.isoformat(),
            "history_end": window.end.isoformat(),
            "run_id": run_id,
        },
        catalogue_version=catalogue().version,
        seed=seed,
        metrics={
            f"{measure.replace(' ', '_')}.{when}": value
            for measure, told in found.figures.items()
            for when, value in zip(("before", "after"), told, strict=True)
            if np.isfinite(value)
        },
        reason=found.reason,
    )


def _newest(model: StoredModel, known: KnownFindings) -> Floats:
    """Return one probability a finding, as its last window has it."""
    told = probabilities(model, known.features)
    newest = told.unique("anomaly_id", keep="last", maintain_order=True)
    return newest["probability"].to_numpy()


def _number(model: StoredModel, name: str) -> float:
    value = model.settings.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")


def _said(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.0f}" if value == round(value) else f"{value:.3f}"
