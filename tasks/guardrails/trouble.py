"""Which cells are in trouble, so that they must not sleep: by findings and alarms that stand.

Whoever plans may ask the same question, and spare guards the refusal.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.identity import managed_element_dn

ALARMS = ("alarm_name", "perceived_severity", "managed_object_dn", "cell_dn", "raised_at",
          "cleared_at")  # fmt: skip
"""What is read of `alarms`."""

FINDINGS = ("anomaly_id", "window_end", "cell_dn", "severity", "is_ongoing")
"""What is read of `cell_anomalies`."""


def troubled_cells(
    findings: pl.DataFrame,
    alarms: pl.DataFrame,
    cells: Sequence[str],
    at: datetime,
    rules: GuardrailRules,
) -> dict[str, str] | None:
    """Return why cells must stay awake, a sentence each; None where findings are too old.

    Args:
        findings: columns of `FINDINGS`; those of the newest window that go on count.
        alarms: columns of `ALARMS`; those that stand at a cell, or at its whole element, count.
        cells: all of the inventory.
        at: time of the network.
        rules: which severities count, and how old findings may be.
    """
    newest = findings["window_end"].max()
    keeps = timedelta(hours=rules.findings_keep_hours)
    if not isinstance(newest, datetime) or at - newest > keeps:
        return None
    is_severe = pl.col("severity").str.to_uppercase().is_in(rules.barring_severities)
    standing = findings.filter(pl.col("window_end") == newest, pl.col("is_ongoing"), is_severe)
    found = {
        cell: f"Finding {name} goes on at it."
        for cell, name in standing.select("cell_dn", "anomaly_id").sort("anomaly_id").iter_rows()
    }
    of_element: dict[str, list[str]] = {}
    for cell in cells:
        of_element.setdefault(managed_element_dn(cell) or cell, []).append(cell)
    raised = alarms.filter(
        pl.col("raised_at") <= at,
        pl.col("cleared_at").is_null() | (pl.col("cleared_at") > at),
        pl.col("perceived_severity").str.to_uppercase().is_in(rules.barring_severities),
    ).sort("alarm_name")
    for name, dn, cell in raised.select("alarm_name", "managed_object_dn", "cell_dn").iter_rows():
        for place in (cell,) if cell else of_element.get(dn, ()):
            found.setdefault(place, f"Alarm {name} stands at {dn}.")
    return found
