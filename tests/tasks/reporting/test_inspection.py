"""What `anops explain` and `anops kpi` tell, read from published tables."""

import pytest

from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.loading import catalogue
from tasks.adapters.memory_tables import InMemoryTables
from tasks.reporting.explanation import heading
from tasks.reporting.inspection import cell_explanation, summary_of_kpi
from tests.tasks.reporting import published, world


@pytest.fixture(scope="module")
def tables() -> InMemoryTables:
    return published.tables()


def explained(tables, cell=published.SICK):
    return cell_explanation(tables, catalogue(), cell, world.WINDOW)


def test_a_blamed_kpi_is_recomputed_from_the_counters_of_its_own_periods(tables):
    (finding,) = explained(tables).findings
    (kpi,) = finding.kpis
    totals = {total.counter.name: total.total for total in kpi.totals}
    assert kpi.value == pytest.approx(3.0)
    assert totals == {"qos_flow_rel_abnormal": 6 * 300.0, "qos_flow_rel": 6 * 10_000.0}
    assert 100 * totals["qos_flow_rel_abnormal"] / totals["qos_flow_rel"] == pytest.approx(
        kpi.value
    )


def test_suspect_periods_and_those_with_a_missing_counter_are_left_out_and_counted(tables):
    (kpi,) = explained(tables).findings[0].kpis
    assert (kpi.periods_used, kpi.periods_left_out) == (6, 2)


def test_an_explanation_names_source_place_data_and_lineage(tables):
    told = explained(tables)
    (kpi,) = told.findings[0].kpis
    assert kpi.kpi.source
    assert kpi.kpi.formula == "QF.RelActNbr / QF.ReleaseAttNbr"
    assert dict(told.place)["site"] == "Harbour 1"
    assert told.data_notes == (
        "288 of 288 periods were delivered.",
        "1 row marked suspect by the network: in no sum.",
        "Check between:pee_avg_temperature of pm_measurements failed and names this cell.",
        "1 row quarantined: out of bounds",
    )
    assert dict(told.findings[0].lineage)["run"] == "run-1"
    assert ("read", "cell_anomalies@1") in told.lineage
    assert heading(told).startswith("Harbour 1 · NRCellDU=1: critical, 2026-03-02 00:00")


def test_a_cell_without_findings_shows_its_kpis_instead(tables):
    told = explained(tables, published.WELL)
    rates = {kpi.kpi.name: kpi.value for kpi in told.kpis}
    assert told.findings == ()
    assert rates["cell_drop_rate"] == pytest.approx(0.2)
    assert "user_throughput_dl" not in rates


def test_a_cell_that_delivered_nothing_says_so(tables):
    told = explained(tables, published.SILENT)
    assert told.state.state == "NOT_JUDGED"
    assert told.kpis == ()
    assert told.data_notes[0] == "No measurement of this cell was delivered in the window."


def test_a_part_of_a_name_is_enough_when_it_fits_one_cell(tables):
    assert explained(tables, "NRCellDU=2").cell_dn == published.WELL
    with pytest.raises(InputError, match="fits 3 cells"):
        explained(tables, "ManagedElement=1")
    with pytest.raises(UnknownNameError, match="No cell 'NRCellDU=77'"):
        explained(tables, "NRCellDU=77")


def test_before_anything_was_published_the_commands_say_what_to_do():
    empty = InMemoryTables(published.FixedClock())
    with pytest.raises(InputError, match="Nothing was published yet"):
        cell_explanation(empty, catalogue(), "x")
    with pytest.raises(InputError, match="Nothing was published yet"):
        summary_of_kpi(empty, catalogue(), "cell_drop_rate")


def test_a_kpi_summary_lists_the_worst_cells_first_with_their_units(tables):
    told = summary_of_kpi(tables, catalogue(), "cell_drop_rate", window=world.WINDOW)
    assert [group.name for group in told.groups] == [published.SICK, published.WELL]
    assert told.groups[1].text == "0.2 %"
    assert told.order == "highest first"
    assert dict(told.distribution)["lowest"] == "0.2 %"


def test_groups_add_sums_before_dividing(tables):
    (site,) = summary_of_kpi(
        tables, catalogue(), "cell_drop_rate", by="site", window=world.WINDOW
    ).groups
    rows = published.measurements().filter(~published.pl.col("is_suspect")).drop_nulls()
    sums = rows.select("qos_flow_rel_abnormal_count", "qos_flow_rel_count").sum().row(0)
    assert site.name == "Harbour 1"
    assert site.value == pytest.approx(100 * sums[0] / sums[1])


@pytest.mark.parametrize(
    "by", ["band", "archetype", "subnetwork", "managed-element", "hour", "day"]
)
def test_every_grouping_works(tables, by):
    told = summary_of_kpi(tables, catalogue(), "cell_drop_rate", by=by, window=world.WINDOW)
    assert told.groups_count == {"hour": 72, "day": 3, "archetype": 0}.get(by, 1)


def test_an_unknown_kpi_or_grouping_is_refused_with_a_suggestion(tables):
    with pytest.raises(UnknownNameError, match="did you mean 'cell_drop_rate'"):
        summary_of_kpi(tables, catalogue(), "cel_drop_rate")
    with pytest.raises(InputError, match="No grouping 'vendor'"):
        summary_of_kpi(tables, catalogue(), "cell_drop_rate", by="vendor")


def test_a_kpi_without_counters_has_no_groups_with_values(tables):
    told = summary_of_kpi(tables, catalogue(), "user_throughput_dl", window=world.WINDOW)
    assert told.groups == ()
    assert told.distribution == ()
