"""Steps of anomaly detection: KPIs in; scores, findings and what stood near them out."""

import logging
from datetime import timedelta

import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.detection import detection
from semantic_layer.evidence import evidence_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.anomaly.model_names import CHALLENGER
from tasks.anomaly.models_at_work import appointed
from tasks.anomaly.nearby.evidence import evidence
from tasks.anomaly.nearby.surroundings import surroundings
from tasks.anomaly.outcome import scored_window
from tasks.anomaly.published_profiles import newest_profiles
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_SCORES = "cell_anomalies.scores"


@step
def score_cells(kpis: Snapshot, window: Window) -> Snapshot:
    """Publish scores, expectations and findings of the window; return the findings' snapshot.

    Champions of the registry score the cells of their profile, the detector all others. Findings
    come last: who sees one finds its scores and expectations published.

    Args:
        kpis: the snapshot of `cell_kpis` to read.
        window: the periods to score; their history is read from before it.
    """
    rules, tables, door = detection(), services().tables, services().door
    training = timedelta(days=rules.training_days + 1)
    earlier = tables.read(
        _SCORES,
        window.before(timedelta(days=rules.look_back_days)),
        columns=["cell_dn", "period_start", "score"],
    )
    rows = tables.read(
        kpis.table, Window(window.start - training, window.end), snapshot_id=kpis.id or None
    )
    work = appointed(services().models, newest_profiles(tables, window.start))
    for refusal in work.refusals:
        _LOG.error(refusal)
    outcome = scored_window(
        rows,
        earlier.collect(),
        scored_kpis(list(catalogue().kpis.values())),
        window,
        rules,
        services().workers,
        models=work.models,
    )
    run = run_id()
    scores = door.publish(_SCORES, window, outcome.scores, [kpis], run)
    door.publish(
        "cell_anomalies.rival_scores",
        window,
        outcome.rivals.with_columns(role=pl.lit(CHALLENGER)),
        [kpis],
        run,
        scope={"role": CHALLENGER},
    )
    door.publish("cell_anomalies.expectations", window, outcome.expectations, [kpis], run)
    found = door.publish("cell_anomalies", window, outcome.findings, [scores, kpis], run)
    _LOG.info(
        "%s: %d cells scored, %d periods abstained, %d findings (%s).",
        window,
        outcome.scores["cell_dn"].n_unique(),
        outcome.scores["score"].null_count(),
        outcome.findings.height,
        found.verdict,
    )
    return found


@step
def tell_evidence(findings: Snapshot, window: Window) -> Snapshot:
    """Publish what stood near each finding of the window: alarms, changes and cells around."""
    tables, rules = services().tables, evidence_rules()
    found = tables.read("cell_anomalies", window).collect()
    scores = tables.read(
        _SCORES, window, columns=["cell_dn", "period_start", "score", "is_anomalous"]
    )
    around = surroundings(tables, found, window, rules)
    rows = evidence(found, scores.collect(), around, rules, detection())
    return services().door.publish("cell_anomalies.evidence", window, rows, [findings], run_id())
