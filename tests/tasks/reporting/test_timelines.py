"""Timelines: gaps stay gaps, peaks survive thinning, bands show only where they are published."""

from datetime import timedelta

import polars as pl
import pytest

from semantic_layer.periods import Window
from tasks.reporting.findings_table import finding_rows
from tasks.reporting.material import CELL_PERIOD, EXPECTATIONS, nothing
from tasks.reporting.timelines import series, timelines
from tests.tasks.reporting import world

DN = world.cell_dn(1, 1)
KPI = world.SOURCES.find("cell_drop_rate")


def expected(*seen: float | None, start=world.WINDOW.start, step=world.STEP) -> pl.DataFrame:
    rows = [(DN, start + at * step, KPI.name, 1.0, 0.5, 1.5, one) for at, one in enumerate(seen)]
    return pl.DataFrame(rows, schema=EXPECTATIONS, orient="row")


def window(periods: int) -> Window:
    return Window(world.WINDOW.start, world.WINDOW.start + periods * world.STEP)


def panel_of(expectations: pl.DataFrame, kpis=None, span=world.WINDOW):
    found = world.findings(world.finding(1, DN))
    rows = finding_rows(found, {}, world.SOURCES, span)
    known = nothing(CELL_PERIOD) if kpis is None else kpis
    (line,) = timelines(rows, expectations, known, world.SOURCES, span)
    return line.panels[0]


def test_a_period_without_a_row_or_a_value_is_a_gap():
    rows = expected(1.0, 1.1, None, 1.2, 1.0, 1.3).filter(
        pl.col("period_start") != world.WINDOW.start + 4 * world.STEP
    )
    assert series(DN, KPI, rows, nothing(CELL_PERIOD), window(7)).seen == (
        1.0, 1.1, None, 1.2, None, 1.3, None,
    )  # fmt: skip


def test_the_line_breaks_at_gaps_and_a_lonely_period_is_a_dot():
    panel = panel_of(expected(1.0, 1.1, None, 1.2, None, 1.3, 1.0), span=window(7))
    assert panel.seen_path.count("M") == 3
    assert panel.seen_path.count("h.1") == 1
    assert len(panel.gaps) == 2
    assert panel.missing_count == 2


def test_values_that_are_not_numbers_are_gaps():
    panel = panel_of(expected(1.0, float("nan"), float("inf"), 1.2), span=window(4))
    assert panel.missing_count == 2
    assert "nan" not in panel.seen_path
    assert "inf" not in panel.seen_path


def test_without_expectations_the_kpi_is_drawn_without_a_band():
    kpis = pl.DataFrame(
        {
            "cell_dn": [DN] * 3,
            "period_start": [world.WINDOW.start + at * world.STEP for at in range(3)],
            KPI.column: [0.1, 0.2, 0.3],
        }
    )
    panel = panel_of(nothing(EXPECTATIONS), kpis)
    assert panel.seen_path
    assert not panel.has_band
    assert not panel.band_path


def test_without_any_value_the_panel_is_empty():
    panel = panel_of(nothing(EXPECTATIONS))
    assert panel.is_empty


def test_earlier_kpis_are_context_before_the_window():
    before = world.WINDOW.start - timedelta(hours=1)
    kpis = pl.DataFrame({"cell_dn": [DN], "period_start": [before], KPI.column: [9.0]})
    found = series(DN, KPI, expected(1.0, 1.1), kpis, window(2))
    assert found.starts[0] == before
    assert found.seen == (9.0, None, None, None, 1.0, 1.1)


@pytest.mark.parametrize("at", [0, 1234, 2799])
def test_thinning_a_long_series_keeps_its_peak_and_its_gaps(at):
    values: list[float | None] = [1.0] * 2800
    values[at] = 50.0
    values[700] = None
    panel = panel_of(expected(*values), span=window(2800))
    assert max(tick.at for tick in panel.value_ticks) > 0
    assert panel.seen_path.count("M") == 2
    assert len(panel.seen_path.split()) < 1500
    highest = min(float(pair.split()[1]) for pair in _points(panel.seen_path))
    assert highest < 15


def _points(path: str) -> list[str]:
    numbers = path.replace("M", " ").replace("L", " ").replace("h.1", " ").split()
    return [" ".join(numbers[at : at + 2]) for at in range(0, len(numbers), 2)]


def test_anomalies_of_another_cell_shade_nothing_here():
    span = world.WINDOW
    found = world.findings(world.finding(1, DN), world.finding(2, world.cell_dn(2, 2)))
    rows = finding_rows(found, {}, world.SOURCES, span)
    lines = timelines(rows, nothing(EXPECTATIONS), nothing(CELL_PERIOD), world.SOURCES, span)
    assert [len(line.panels[0].intervals) for line in lines] == [1, 1]


def test_the_axis_stays_within_the_bounds_of_the_kpi():
    panel = panel_of(expected(0.0, 0.0, 0.1), span=window(3))
    assert panel.value_ticks[0].text == "0"
