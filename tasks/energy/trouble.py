"""Cells at which something is wrong: they are not planned to save, for it would hide or worsen it.

Guards refuse them anyway; a plan that knows lets the other cells of the site save.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import polars as pl

from semantic_layer.identity import managed_element_dn

FINDINGS = ("cell_dn", "window_end", "severity", "is_ongoing")
"""What is read of `cell_anomalies`."""

ALARMS = ("managed_object_dn", "cell_dn", "perceived_severity", "raised_at", "cleared_at")
"""What is read of `alarms`."""


def troubled_cells(
    findings: pl.DataFrame,
    alarms: pl.DataFrame,
    cells: Sequence[str],
    at: datetime,
    severities: Collection[str],
) -> frozenset[str]:
    """Return the cells with a finding that goes on, or an alarm at them or at their element.

    Args:
        findings: columns of `FINDINGS`; those of the newest window count.
        alarms: columns of `ALARMS`.
        cells: of the network.
        at: time of the network.
        severities: that count, in upper case.
    """
    newest = pl.col("window_end") == pl.col("window_end").max()
    goes_on = findings.filter(
        newest, pl.col("is_ongoing"), pl.col("severity").str.to_uppercase().is_in(list(severities))
    )
    stands = alarms.filter(
        pl.col("raised_at") <= at,
        pl.col("cleared_at").is_null() | (pl.col("cleared_at") > at),
        pl.col("perceived_severity").str.to_uppercase().is_in(list(severities)),
    )
    elements = set(stands.filter(pl.col("cell_dn").is_null())["managed_object_dn"])
    at_cells = {*goes_on["cell_dn"], *stands["cell_dn"].drop_nulls()}
    return frozenset(
        cell for cell in cells if cell in at_cells or managed_element_dn(cell) in elements
    )
