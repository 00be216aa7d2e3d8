"""Where values come from and go to, and what a change of one definition breaks."""

import networkx as nx
import pytest

from data_products.consumption import load_consumers
from data_products.lineage_graph import KINDS, Node, column_inputs, lineage_graph
from data_products.lineage_impact import impact_of, parsed_change
from data_products.registry import products, table
from semantic_layer.errors import DefinitionError, InputError, UnknownNameError
from semantic_layer.loading import catalogue
from semantic_layer.measurements import OBSERVED_TIME


def impacts(name, change):
    found = impact_of(parsed_change(name, change), lineage_graph(), catalogue(), products())
    return {str(one.node): one for one in found}


def test_lineage_has_no_circle():
    assert nx.is_directed_acyclic_graph(lineage_graph().graph)


def test_every_measurement_of_a_kpi_lies_upstream_of_its_column_as_a_naive_walk_finds():
    graph = lineage_graph()
    for kpi in catalogue().kpis.values():
        above = {node for tree in graph.upstream(kpi.name) for node in tree.nodes()}
        for _, name in kpi.terms:
            if name != OBSERVED_TIME:
                assert Node("measurement", name) in above
                vector = catalogue().measurement(name).derived_from
                assert vector is None or Node("measurement", vector) in above


def test_a_vendor_s_counter_leads_to_the_kpis_of_both_technologies():
    found = {
        node.name
        for tree in lineage_graph().downstream("pmRrcConnEstabSucc")
        for node in tree.nodes()
        if node.kind == "kpi"
    }
    assert found == {"rrc_setup_success_rate", "lte_rrc_setup_success_rate"}


def test_the_tree_of_a_table_shows_tables_and_readers_not_columns():
    (tree,) = lineage_graph().downstream("pm_measurements")
    kinds = {node.kind for node in tree.nodes()}
    assert kinds <= {"product", "table", "consumer", "source"}
    names = {node.name for node in tree.nodes()}
    assert {"cell_kpis", "cell_anomalies", "cell detector", "network report"} <= names


def test_a_name_that_nothing_has_is_told_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'prb_usage_dl'"):
        lineage_graph().find("prb_usage_d")


def test_a_column_s_name_in_several_tables_must_say_which():
    with pytest.raises(InputError, match=r"cell_kpis\.cell_dn"):
        lineage_graph().find("cell_dn")
    assert lineage_graph().find("cell_kpis.cell_dn") == (Node("column", "cell_kpis.cell_dn"),)


def test_each_kind_of_node_has_its_place_in_understanding_a_name():
    assert {node.kind for node in lineage_graph().graph} <= set(KINDS)


def test_columns_of_kpis_come_from_columns_of_measurements():
    inputs = column_inputs(table("cell_kpis"))
    sources = {(one, name) for one, name, _ in inputs["prb_usage_dl_pct"]}
    assert sources == {
        ("pm_measurements", "prb_used_dl_prb"),
        ("pm_measurements", "prb_avail_dl_prb"),
    }
    assert ("pm_measurements", "managed_element_dn", "same") in inputs["managed_element_dn"]


def test_a_counter_counted_in_another_unit_scales_what_is_computed_from_it():
    found = impacts("pmPdcpVolDlDrb", "unit=bit")
    assert found["measurement lte_pdcp_volume_dl"].factor == pytest.approx(1000)
    assert found["kpi lte_traffic_volume_dl"].factor == pytest.approx(1000)
    assert found["measurement lte_ip_volume_dl"].effect == "distorted"
    assert "28 days" in found["consumer cell detector"].says
    names = [node.name for node in found["column cell_kpis.lte_traffic_volume_dl_mbps"].path]
    assert names == [
        "ericsson_radio_node/pmPdcpVolDlDrb",
        "lte_pdcp_volume_dl",
        "lte_traffic_volume_dl",
        "cell_kpis.lte_traffic_volume_dl_mbps",
    ]


def test_a_denominator_counted_smaller_makes_the_kpi_larger():
    found = impacts("standard/Vendor.ScheduledTimeDl", "unit=min")
    assert found["measurement scheduled_time_dl"].factor == pytest.approx(1 / 60)
    assert found["kpi user_throughput_dl"].factor == pytest.approx(60)


def test_a_unit_of_another_quantity_is_refused():
    with pytest.raises(DefinitionError, match="measures"):
        impacts("standard/Vendor.ScheduledTimeDl", "unit=kbit")


def test_a_counter_removed_leaves_nulls_where_its_files_deliver_it():
    found = impacts("pmRrcConnEstabSucc", "removed")
    assert found["measurement rrc_conn_estab_succ"].effect == "null"
    assert found["column cell_kpis.rrc_setup_success_rate_pct"].effect == "null"
    assert "no data is no evidence" in found["consumer cell detector"].says
    assert "table cell_anomalies.scores" in found
    assert "kpi prb_usage_dl" not in found


def test_a_measurement_s_unit_renames_its_column_and_leaves_stored_rows_behind():
    found = impacts("pdcp_sdu_volume_dl", "unit=kbit")
    assert "pdcp_sdu_volume_dl_kbit" in found["measurement pdcp_sdu_volume_dl"].says
    assert found["column pm_measurements.pdcp_sdu_volume_dl_mbit"].effect == "missing"
    assert found["kpi traffic_volume_dl"].effect == "null"


def test_a_vector_removed_empties_what_is_reduced_from_it():
    found = impacts("wb_cqi_dist", "removed")
    assert found["measurement wb_cqi_samples"].effect == "null"
    assert found["kpi mean_cqi"].effect == "null"


def test_a_key_column_dropped_stops_its_table():
    found = impacts("cell_kpis.cell_dn", "removed")
    assert "nothing can be published" in found["table cell_kpis"].says
    assert found["consumer cell detector"].is_breaking


def test_a_product_removed_starves_what_is_derived_from_it():
    found = impacts("pm_measurements", "removed")
    assert found["table cell_kpis"].effect == "missing"
    assert [node.name for node in found["table cell_kpis"].path] == ["pm_measurements", "cell_kpis"]
    assert found["consumer anops kpi"].effect == "missing"


def test_a_scale_of_both_sums_cancels():
    found = impacts("standard/RRU.PrbAvailDl", "unit=prb")
    assert not found["measurement prb_avail_dl"].is_breaking
    assert "column cell_kpis.prb_usage_dl_pct" not in found


@pytest.mark.parametrize("text", ["gone", "unit=", "renamed"])
def test_a_change_that_says_nothing_is_refused(text):
    with pytest.raises(InputError, match="say removed"):
        parsed_change("prb_usage_dl", text)


def test_a_consumer_that_reads_an_unknown_table_is_told(tmp_path):
    from data_products.lineage_graph import built_graph

    path = tmp_path / "consumers.yaml"
    path.write_text("- {name: a, kind: agent, run_by: b, reads: [{table: cell_kpi}]}\n")
    with pytest.raises(UnknownNameError, match="cell_kpis"):
        built_graph(products(), catalogue(), load_consumers(path))
    path.write_text("- {name: a, kind: wizard, run_by: b, reads: []}\n")
    with pytest.raises(DefinitionError, match="kind"):
        load_consumers(path)
