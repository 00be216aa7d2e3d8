"""What published rows tell of cells: usual traffic, what they bear, how their edge fares."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.guardrails import guardrail_rules
from tasks.energy.planning.published import published_network
from tasks.energy.planning.published_facts import TAIL, cell_facts, edge_of, tail_of, usual
from tasks.twin import link
from tests.tasks.energy.planning.saving_town import HOURS, RULES

AT = datetime(2025, 6, 5, 12, 7, tzinfo=UTC)
NR, LTE = "SubNetwork=1,ManagedElement=1,GNBDUFunction=1,NRCellDU=1", "ENB=1,EUtranCellFDD=1"


class Tables:
    """Published rows as a store would read them; a window bounds `period_start`."""

    def __init__(self, **tables):
        self.tables, self.asked = tables, []

    def __call__(self, table, window=None, *, columns):
        self.asked.append((table, window))
        rows = self.tables[table].select(columns).lazy()
        if window is None:
            return rows
        start = pl.col("period_start")
        return rows.filter(start >= window.start, start < window.end)


def kpi_rows(loads, *, lte=False, granularity="hour", at=AT):
    """Return rows of a cell's KPIs by hours before a moment: (hours, traffic, load)."""
    dn, prefix = (LTE, "lte_") if lte else (NR, "")
    end = at.replace(minute=0)
    names = ("traffic_volume_dl_mbps", "prb_usage_dl_pct")
    rows = {
        "cell_dn": [dn] * len(loads),
        "period_start": [end - timedelta(hours=ago) for ago, _, _ in loads],
        "granularity": [granularity] * len(loads),
    }
    for name, part in zip(names, (1, 2), strict=True):
        for kind in ("", "lte_"):
            rows[kind + name] = [one[part] if kind == prefix else None for one in loads]
    return pl.DataFrame(rows, schema_overrides={
        kind + name: pl.Float64 for name in names for kind in ("", "lte_")
    }).with_columns(pl.col("period_start").cast(pl.Datetime("us", "UTC")))  # fmt: skip


def report_rows(reports, at=AT):
    """Return rows of CQI reports by hours before a moment: (hours, 16 counts)."""
    end = at.replace(minute=0)
    return pl.DataFrame({
        "cell_dn": [NR] * len(reports),
        "period_start": [end - timedelta(hours=ago) for ago, _ in reports],
        "wb_cqi_dist_count": [counts for _, counts in reports],
    }, schema_overrides={
        "cell_dn": pl.String, "period_start": pl.Datetime("us", "UTC"),
        "wb_cqi_dist_count": pl.List(pl.Float64),
    }).with_columns(
        pl.col("period_start").cast(pl.Datetime("us", "UTC"))
    )  # fmt: skip


def facts_of(kpis, reports=()):
    tables = Tables(cell_kpis=kpis, pm_measurements=report_rows(list(reports)))
    return cell_facts(tables, AT, {NR: 0, LTE: 1}, RULES)


def test_a_full_cells_traffic_is_sums_of_traffic_over_sums_of_load():
    kpis = pl.concat([
        kpi_rows([(1, 10.0, 5.0), (2, 60.0, 20.0)]),
        kpi_rows([(1, 3.0, 10.0)], lte=True),
        kpi_rows([(3, 900.0, 1.0)], granularity="15min"),
    ])  # fmt: skip
    facts = facts_of(kpis)
    assert facts.full_mbps == pytest.approx([70.0 / 0.25, 30.0])
    assert facts.load[0, -2:] == pytest.approx([0.20, 0.05])
    assert np.isnan(facts.load[0, :-2]).all()
    assert np.isnan(facts.edge_db).all()


def test_what_comes_after_the_moment_or_long_before_is_not_looked_at():
    old = round(RULES.calibration_hours)
    kpis = kpi_rows([(0, 900.0, 1.0), (old + 1, 900.0, 1.0), (old, 10.0, 5.0)])
    facts = facts_of(kpis)
    assert facts.full_mbps[0] == pytest.approx(200.0)
    assert np.isnan(facts.full_mbps[1])


def test_hours_without_load_say_nothing():
    facts = facts_of(kpi_rows([(1, 0.0, 0.0), (2, None, 4.0), (3, 8.0, 4.0)]))
    assert facts.full_mbps[0] == pytest.approx(200.0)
    assert np.isfinite(facts.load[0]).sum() == 1


def test_a_cell_that_slept_at_night_is_not_taken_for_a_busy_one():
    """Traffic is compared within the same hours: the sleeper was measured by day alone."""
    course = np.array([1.0, 1.0, 9.0, 9.0])
    traffic = np.vstack([2.0 * course, 2.0 * course, 1.0 * course])
    traffic[1, :2] = np.nan
    told = usual(traffic)
    assert told[1] == pytest.approx(told[0], rel=0.15)
    assert told[0] == pytest.approx(2.0 * told[2], rel=0.15)
    assert np.isnan(usual(np.array([[np.nan, np.nan], [1.0, 2.0]]))[0])


def naive_edge(counts, percentile):
    """Return the edge's SINR by walking through the reports one efficiency at a time."""
    bounds = [max(float(one), 0.1) for one in link.CQI_EFFICIENCY] + [link.CQI_EFFICIENCY[-1]]
    left = percentile / 100.0 * sum(counts)
    for cqi, count in enumerate(counts):
        if count and left <= count:
            efficiency = bounds[cqi] + left / count * (bounds[cqi + 1] - bounds[cqi])
            return 10.0 * np.log10(2.0 ** (efficiency / link.SHANNON_SHARE) - 1.0)
        left -= count
    raise AssertionError


def test_the_edge_is_that_of_a_naive_walk():
    rng = np.random.default_rng(1)
    reports = rng.integers(0, 200, (20, 16)).astype(float)
    reports[:5, :4] = 0.0
    for percentile in (1.0, 5.0, 30.0):
        found = edge_of(reports, percentile)
        assert found == pytest.approx([naive_edge(one, percentile) for one in reports.tolist()])


def test_the_tail_falls_from_the_percentile_down():
    reports = np.random.default_rng(2).integers(1, 200, (8, 16)).astype(float)
    tail = tail_of(reports, 5.0)
    assert (np.diff(tail, axis=1) >= 0).all()
    assert tail[:, -1] == pytest.approx(0.0)
    smallest = [naive_edge(one, 5.0 * TAIL[0]) - naive_edge(one, 5.0) for one in reports.tolist()]
    assert tail[:, 0] == pytest.approx(smallest)


def test_few_reports_tell_no_edge():
    assert np.isnan(edge_of(np.full((1, 16), 1.0), 5.0)).all()


def test_reports_of_an_hour_are_added():
    low, high = [0.0] * 16, [0.0] * 16
    low[2], high[12] = 40.0, 60.0
    rows = [(1, low), (1, high), (round(RULES.edge_hours) + 2, low)]
    facts = facts_of(kpi_rows([(1, 10.0, 5.0)]), rows)
    both = [a + b for a, b in zip(low, high, strict=True)]
    assert facts.edge_db[0, -1] == pytest.approx(naive_edge(both, RULES.edge_percentile))
    assert np.isfinite(facts.edge_db).sum() == 1


def test_a_network_is_read_from_published_tables(saving_town):
    """Newer tilts of the configuration prevail, and later entries are not looked at."""
    facts, dns = saving_town.facts, list(saving_town.cells.place)
    end = AT.replace(minute=0)
    starts = [end - timedelta(hours=HOURS - hour) for hour in range(HOURS)]
    kpis = pl.concat([
        kpi_rows([
            (HOURS - hour, facts.full_mbps[cell] * facts.load[cell, hour],
             100.0 * facts.load[cell, hour])
            for hour in range(HOURS)
        ]).with_columns(pl.lit(dn).alias("cell_dn"))
        for cell, dn in enumerate(dns)
    ])  # fmt: skip
    assert starts[-1] < end
    reports = report_rows([(3, [float(n + 1) * 50 for n in range(16)])]).with_columns(
        pl.lit(dns[0]).alias("cell_dn")
    )
    later = saving_town.topology.with_columns(
        pl.lit(AT + timedelta(days=1)).alias("valid_from"), pl.lit("n258").alias("band")
    )
    told = pl.DataFrame(
        {
            "managed_object_dn": [dns[0]], "attribute": ["retTilt"], "object_class": ["NRCellDU"],
            "value": ["70"], "is_removed": [False], "valid_from": [AT - timedelta(days=1)],
        }
    )  # fmt: skip
    tables = Tables(
        cell_kpis=kpis,
        pm_measurements=reports,
        network_configuration=told,
        network_topology=pl.concat([saving_town.topology, later], how="vertical_relaxed"),
    )
    network = published_network(tables, AT, RULES, guardrail_rules())
    assert network.cell_dns == tuple(dns)
    assert "n258" not in network.bands
    assert network.full_mbps == pytest.approx(facts.full_mbps)
    assert network.may_sleep.any()
    assert {table for table, _ in tables.asked} == set(tables.tables)
