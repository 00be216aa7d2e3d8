"""Analyse: cells are grouped by what their weeks look like, KPIs by how they move together."""

from prefect import flow

from data_products.lineage import Snapshot
from semantic_layer.periods import Window
from tasks.curation.steps import newest_published, newest_snapshot
from tasks.profiling import steps as profiling
from tasks.profiling.typical_weeks import coming_week, weeks_of
from tasks.reporting.steps import write_profile_page
from tasks.step import scheduled_at


@flow(name="profile-cells")
def profile_cells(window: Window | None = None) -> list[Snapshot]:
    """Publish profiles for each week of the window, each learnt from the weeks before it.

    Args:
        window: every week that it touches, from Monday 00:00 UTC; the week that goes on, or
            begins, where the newest KPIs end when None.
    """
    if window is None:
        window = coming_week(newest_published("cell_kpis", scheduled_at(), "hour"))
    kpis = newest_snapshot("cell_kpis")
    found = [profiling.profile_cells(kpis, week) for week in weeks_of(window)]
    write_profile_page(weeks_of(window)[-1])
    return found
