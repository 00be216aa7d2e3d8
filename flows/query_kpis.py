"""Ask for KPIs at run time: by any dimension, at any grain, under any condition."""

from typing import Any, Literal

from prefect import flow

from semantic_layer.periods import Window
from tasks.querying.steps import answer_query


@flow(name="query-kpis")
def query_kpis(
    kpis: list[str],
    by: list[str] | None = None,
    grain: Literal["none", "15min", "hour", "day"] = "none",
    where: str = "",
    window: Window | None = None,
) -> list[dict[str, Any]]:
    """Answer with a table on the run's page, and as rows; without a window, the newest day."""
    return answer_query(kpis, by or [], grain, where, window).rows.to_dicts()
