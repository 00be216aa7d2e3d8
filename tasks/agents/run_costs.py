"""Rows of the product `agent_runs` from transcripts; what a row tells follows from events alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from data_products.agent_runs.derive import derive
from semantic_layer.periods import Window


def agent_run_rows(
    events_by_run: Mapping[str, Sequence[Mapping[str, Any]]], window: Window | None = None
) -> pl.DataFrame:
    """Return one row a run that has ended, by start and id.

    Args:
        events_by_run: each run's events as its transcript holds them.
        window: runs that began in this time only; all when None.
    """
    rows = derive(events_by_run)
    if window is None:
        return rows
    return rows.filter(pl.col("started_at").is_between(window.start, window.end, closed="left"))
