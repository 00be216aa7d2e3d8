"""Steps that answer questions about KPIs, and show the answer on the run's page."""

import logging
from collections.abc import Sequence

from semantic_layer.loading import catalogue
from semantic_layer.metric_queries import Grain, MetricQuery
from semantic_layer.periods import Window
from tasks.querying.answer_text import MOST_SHOWN, answer_text, table_rows
from tasks.querying.answering import MetricAnswer, PinnedTables, answer
from tasks.step import show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)


@step
def answer_query(
    kpis: Sequence[str],
    by: Sequence[str] = (),
    grain: Grain = "none",
    where: str = "",
    window: Window | None = None,
) -> MetricAnswer:
    """Return what KPIs came to, and show the first rows on the run's page.

    Rows are read as the identity that is set, checked column by column and put on record.

    Args:
        kpis: names, titles or synonyms of KPIs.
        by: cell, site, band, archetype, subnetwork (region), managed_element, object,
            object_class, technology.
        grain: `15min`, `hour`, `day`, or `none` for one value over the whole window.
        where: a condition, such as `band = n78 and cell_drop_rate > 2`.
        window: the time to sum over; None takes the newest published day.
    """
    query = MetricQuery(tuple(kpis), tuple(by), grain, where, window)
    rows = PinnedTables(
        services().tables,
        services().reader,
        services().settings.identity,
        f"metric query: {', '.join(kpis)} by {', '.join(by) or 'nothing'}",
    )
    told = answer(query, rows, catalogue=catalogue())
    shown = min(told.rows.height, MOST_SHOWN)
    show_table(
        "metric-query",
        table_rows(told),
        f"{', '.join(kpis)} by {', '.join(by) or 'nothing'}, {told.window}: {shown} of "
        f"{told.rows.height} groups",
    )
    _LOG.info("%s", answer_text(told, 10))
    return told
