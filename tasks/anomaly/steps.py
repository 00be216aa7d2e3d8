"""Steps of anomaly detection: KPIs in; scores, findings and expectations out."""

import logging
from datetime import timedelta

from data_products.lineage import Snapshot
from semantic_layer.detection import detection
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.anomaly.outcome import scored_window
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_SCORES = "cell_anomalies.scores"


@step
def score_cells(kpis: Snapshot, window: Window) -> Snapshot:
    """Publish scores, expectations and findings of the window; return the findings' snapshot.

    Findings come last: who sees one finds its scores and expectations published.

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
    outcome = scored_window(
        rows,
        earlier.collect(),
        scored_kpis(list(catalogue().kpis.values())),
        window,
        rules,
        services().workers,
    )
    run = run_id()
    scores = door.publish(_SCORES, window, outcome.scores, [kpis], run)
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
