"""The packaged definitions: how many, what they promise, and the page made from them."""

import doctest
import importlib
import pkgutil
import re

import pytest

import semantic_layer
from semantic_layer.catalogue_page import PAGE, catalogue_page, write_page
from semantic_layer.loading import catalogue

KNOWN = catalogue()
MODULES = [item.name for item in pkgutil.iter_modules(semantic_layer.__path__)]
CLAUSE = re.compile(r"\d+(\.\d+)+")


def test_the_catalogue_covers_what_an_operator_begins_with():
    assert len(KNOWN.measurements) >= 150
    assert len(KNOWN.kpis) >= 75
    technologies = {item.technology for item in KNOWN.measurements.values()}
    assert technologies == {"NR", "LTE", "5GC", "transport", "any"}
    assert {kpi.category for kpi in KNOWN.kpis.values()} == {
        "accessibility",
        "retainability",
        "mobility",
        "integrity",
        "utilization",
        "availability",
        "energy_efficiency",
        "synchronization",
    }


@pytest.mark.parametrize("item", [*KNOWN.measurements.values(), *KNOWN.kpis.values()])
def test_a_definition_is_one_sentence_with_a_document_behind_it(item):
    assert item.description.endswith(".")
    assert item.description.count(". ") == 0
    assert any(word in item.source for word in ("TS ", "RFC ", "ITU-T ", "practice"))
    assert item.unit


def test_each_measurement_serves_a_kpi_or_says_what_for():
    used = {name for kpi in KNOWN.kpis.values() for _, name in kpi.terms}
    used |= {item.derived_from for item in KNOWN.measurements.values() if item.derived_from}
    unused = {name for name in KNOWN.measurements if name not in used}
    assert unused == {  # shown in reports, kept for later detectors, or a maximum
        "active_ues_dl",
        "active_ues_ul",
        "amf_registered_subscribers",
        "amf_registered_subscribers_peak",
        "backhaul_volume_dl",
        "battery_charge",
        "battery_energy_discharged",
        "clock_holdover_time",
        "ho_exe_inter_fail",
        "lte_pdcp_volume_ul",
        "max_tx_power",
        "mean_tx_power",
        "optical_input_power",
        "path_delay_variation",
        "pdu_session_setup_fail",
        "pee_avg_power",
        "pee_avg_temperature",
        "pee_max_power",
        "pre_fec_bit_error_ratio",
        "rank_dist",
        "rectifier_output_power",
        "rrc_conn_max",
        "severely_errored_seconds",
        "smf_pdu_sessions",
        "smf_pdu_sessions_peak",
        "ss_rsrp_dist",
        "ue_throughput_dl",
        "ue_throughput_ul",
        "upf_n3_packets_dl",
        "upf_n6_volume_dl",
        "upf_n6_volume_ul",
        "vm_cpu_usage",
        "vm_disk_usage",
        "vm_memory_usage",
    }


def test_a_volume_is_scored_though_neither_way_is_better():
    assert KNOWN.kpi("traffic_volume_dl").better == "neither"
    assert KNOWN.kpi("traffic_volume_dl").is_scored


def test_shares_have_bounds():
    for item in (*KNOWN.measurements.values(), *KNOWN.kpis.values()):
        if item.unit == "%":
            assert (item.low, item.high) == (0, 100), item.name


def test_the_page_is_as_fresh_as_the_definitions(tmp_path):
    assert PAGE.read_text(encoding="utf-8") == catalogue_page(KNOWN), "run `make catalogue`"
    write_page(tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == catalogue_page(KNOWN)


def test_the_page_names_every_definition():
    page = catalogue_page(KNOWN)
    for name in (*KNOWN.measurements, *KNOWN.kpis, *KNOWN.object_classes):
        assert f"`{name}`" in page


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name):
    module = importlib.import_module(f"semantic_layer.{name}")
    assert doctest.testmod(module).failed == 0


def test_some_docstrings_have_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in ("units", "identity", "measurements", "loading"):
        module = importlib.import_module(f"semantic_layer.{name}")
        assert sum(len(test.examples) for test in finder.find(module)) > 0
