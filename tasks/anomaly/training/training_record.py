"""What is kept of a training: the card that makes it repeatable, and the row that people see."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from semantic_layer.model_promotion import ModelPromotion
from semantic_layer.periods import Window
from tasks.anomaly.families.family import Family
from tasks.anomaly.training.profile_training import TrainedProfile
from tasks.anomaly.training.training_group import TrainingGroup
from tasks.anomaly.training.trial import Figures
from tasks.stored_models import ModelCard

UNTIL = "history_end"
"""The entry of a card's data that says where the history ends."""

GATE = "gate"
"""The parameter of a card that says how the gate decided."""

PASSED, REFUSED = "passed", "refused"
_FIGURES = (
    "average_precision",
    "recall",
    "delay_hours",
    "false_alarms",
    "drift",
    "verdict_separation",
    "score_ms",
    "fit_s",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What all models of one training share.

    Attributes:
        table: that was read.
        snapshot_id: of it.
        history: the days learnt from.
        catalogue_version: of the semantic layer.
        run_id: the run that trained.
        versions: of Python and of the packages that numbers depend on.
    """

    table: str
    snapshot_id: int
    history: Window
    catalogue_version: str
    run_id: str
    versions: Mapping[str, str]


def model_card(
    trained: TrainedProfile,
    group: TrainingGroup,
    families: Mapping[str, Family],
    rules: ModelPromotion,
    origin: Origin,
) -> ModelCard:
    """Return the card of a trained profile's model: everything needed to make it again."""
    job, decision = trained.job, trained.decision
    names = "\n".join(group.cells[row] for row in job.rows)
    data = {
        "table": origin.table,
        "snapshot_id": str(origin.snapshot_id),
        "history_start": origin.history.start.isoformat(),
        UNTIL: origin.history.end.isoformat(),
        "profile": job.profile,
        "object_class": group.object_class,
        "granularity": group.final.plan.granularity,
        "cells": str(len(job.rows)),
        "cells_digest": hashlib.sha256(names.encode()).hexdigest(),
        "run_id": origin.run_id,
    }
    is_passed = decision is not None and decision.is_promoted
    parameters = {
        "family": repr(families[trained.family]) if trained.family else "",
        "rules": hashlib.sha256(rules.model_dump_json().encode()).hexdigest(),
        "validation_days": str(rules.validation_days),
        GATE: PASSED if is_passed else REFUSED,
        **{f"version.{name}": version for name, version in sorted(origin.versions.items())},
    }
    own = trained.figures.get(trained.tried_as)
    metrics = _figures(own) if own else {}
    for name, figures in trained.figures.items():
        metrics |= {f"{name}.{figure}": value for figure, value in _figures(figures).items()}
    reason = f"{trained.why} {decision.reason if decision else ''}".strip()
    return ModelCard(data, origin.catalogue_version, rules.seed, parameters, metrics, reason)


def history_end(card: ModelCard) -> datetime | None:
    """Return where the history of a card's model ends, None when it does not say."""
    told = card.data.get(UNTIL)
    return datetime.fromisoformat(told) if told else None


def training_row(trained: TrainedProfile, group: TrainingGroup, outcome: str) -> dict[str, Any]:
    """Return a profile's row of the table that a run shows."""
    figures = trained.figures.get(trained.tried_as)
    detector = trained.figures.get("detector")
    return {
        "model": trained.job.name,
        "cells": group.sizes[trained.job.profile],
        "learnt from": len(trained.job.rows),
        "family": trained.tried_as or "none",
        "average precision": _rounded(figures.average_precision if figures else None),
        "detector's": _rounded(detector.average_precision if detector else None),
        "found": _rounded(figures.recall if figures else None),
        "delay h": _rounded(figures.delay_hours if figures else None),
        "false alarms a cell-day": _rounded(figures.false_alarms if figures else None),
        "CPU-ms a cell-day": _rounded(figures.score_ms if figures else None),
        "fit CPU-s, all families": _rounded(sum(one.fit_s for one in trained.figures.values())),
        "outcome": outcome,
        "why": trained.decision.reason if trained.decision else trained.why,
    }


def _figures(figures: Figures) -> dict[str, float]:
    return {name: float(getattr(figures, name)) for name in _FIGURES}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
