"""Steps of findings' worth: verdicts teach it; each window's findings are weighed by it."""

import logging
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.detection import detection
from semantic_layer.finding_worth import MODEL, finding_worth
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.anomaly.model_names import CHAMPION
from tasks.anomaly.models_at_work import champion_of
from tasks.anomaly.published_profiles import newest_profiles
from tasks.anomaly.scoring import panel_of
from tasks.anomaly.worth.calm_scores import calm_scores
from tasks.anomaly.worth.finding_features import feature_names
from tasks.anomaly.worth.findings_worth import Reading, findings_worth
from tasks.anomaly.worth.known_findings import KnownFindings, known_findings
from tasks.anomaly.worth.learning import Lesson, lesson, lesson_rows, worth_card
from tasks.anomaly.worth.verdict_model import fitted_verdicts
from tasks.step import run_id, show_table, step
from tasks.stored_models import StoredModel
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_SCORES, _WORTH = "cell_anomalies.scores", "cell_anomalies.worth"
_PRIOR = "prior"
_SEED = 1
_AUTHOR = "learn-from-verdicts"


@step
def weigh_findings(
    findings: Snapshot, window: Window, findings_a_day: int | None = None
) -> Snapshot:
    """Publish what each finding of the window is worth: how probable, why, and read when.

    Args:
        findings: the snapshot of `cell_anomalies` that it follows from.
        window: what was scored.
        findings_a_day: the alert budget; None for the rules' own.
    """
    tables, rules = services().tables, finding_worth()
    profiles = newest_profiles(tables, window.start)
    known = known_findings(tables, window, _scored_kpis(), profiles, rules)
    judged = tables.read(_SCORES, window, columns=["cell_dn", "score"]).collect()
    past = window.before(timedelta(days=detection().look_back_days))
    panel = panel_of(judged["cell_dn"].unique().to_list(), detection().panel_cells)
    earlier = tables.read(_SCORES, past, columns=["cell_dn", "period_start", "score"]).filter(
        pl.col("cell_dn").is_in(panel)
    )
    read = tables.read(_WORTH, past, columns=["anomaly_id", "is_within_budget"]).filter(
        "is_within_budget"
    )
    rows = findings_worth(
        known.found,
        known.features,
        _serving_model(known),
        calm_scores(earlier.collect(), judged, window, profiles, rules),
        Reading(known.places, frozenset(read.collect()["anomaly_id"]), findings_a_day),
        rules,
    )
    return services().door.publish(_WORTH, window, rows, [findings], run_id())


@step
def learn_from_verdicts(window: Window, known_by: datetime) -> list[dict[str, Any]]:
    """Teach the worth of findings by what people said; return what that changed.

    A model that judges later verdicts no better than what was believed before is registered and
    does not serve.

    Args:
        window: findings of the windows that lie in it.
        known_by: verdicts given before this moment count.
    """
    tables, models, rules = services().tables, services().models, finding_worth()
    known = known_findings(
        tables, window, _scored_kpis(), newest_profiles(tables, window.end), rules, known_by
    )
    names = feature_names(_scored_kpis())
    model = fitted_verdicts(known.features, known.verdicts, names, detection(), rules, _SEED)
    found: Lesson = lesson(model, _prior(known), known)
    card = worth_card(found, window, tables.snapshot("finding_verdicts.weighed"), _SEED, run_id())
    made = models.register(MODEL, model, card)
    if found.is_learnt:
        models.assign(MODEL, CHAMPION, made.version, found.reason, _AUTHOR)
    _LOG.info("%s version %d: %s", MODEL, made.version, found.reason)
    rows = lesson_rows(found)
    show_table("learnt-from-verdicts", rows, f"What verdicts changed. {found.reason}")
    return rows


def days_until(window: Window, days: int) -> Window:
    """Return so many days, of which the last is the window's."""
    return Window(window.end - timedelta(days=days), window.end)


def _serving_model(known: KnownFindings) -> tuple[str, StoredModel]:
    """Return the champion and its reference, or what is believed before any verdict."""
    served, refusal = champion_of(services().models, MODEL)
    if refusal:
        _LOG.error(refusal)
    return (served.reference, served.model) if served else (_PRIOR, _prior(known))


def _prior(known: KnownFindings) -> StoredModel:
    nobody = known.verdicts.clear()
    names = feature_names(_scored_kpis())
    return fitted_verdicts(known.features, nobody, names, detection(), finding_worth(), _SEED)


def _scored_kpis() -> list[Any]:
    return [kpi for kpi in catalogue().kpis.values() if kpi.is_scored]
