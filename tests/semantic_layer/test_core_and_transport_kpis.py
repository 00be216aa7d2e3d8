"""KPIs of core, transport and supply: what each says, by stories that can be worked out by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.kpi_terms import home_classes
from semantic_layer.kpis import aggregate_kpis, kpi_rows
from semantic_layer.loading import catalogue

KNOWN = catalogue()
START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = 900


def rows(*periods: dict[str, float], seconds: int = QUARTER) -> pl.LazyFrame:
    columns = {name for period in periods for name in period}
    return pl.DataFrame(
        [
            {
                "managed_object_dn": "SubNetwork=1,ManagedElement=R1,Interface=1",
                "managed_element_dn": "SubNetwork=1,ManagedElement=R1",
                "object_class": "Interface",
                "period_start": START + timedelta(seconds=seconds * number),
                "granularity_s": seconds,
            }
            | {KNOWN.measurement(name).column: period.get(name) for name in columns}
            for number, period in enumerate(periods)
        ]
    ).lazy()


def added(name: str, *periods: dict[str, float]) -> float | None:
    kpi = KNOWN.kpi(name)
    found = aggregate_kpis(rows(*periods), [kpi], ["managed_object_dn"], KNOWN).collect()
    return found[kpi.column].item()


@pytest.mark.parametrize(
    ("name", "periods", "expected"),
    [
        pytest.param(
            "interface_utilization_in",
            [{"interface_volume_in": 450_000, "interface_speed": 1000}],
            50.0, id="half of a gigabit for a quarter of an hour",
        ),
        pytest.param(
            "interface_utilization_out",
            [{"interface_volume_out": 900_000, "interface_speed": 1000},
             {"interface_volume_out": 0, "interface_speed": 10_000}],
            100 * 900_000 / (900 * 11_000), id="a port that was made faster weighs by its speed",
        ),
        pytest.param(
            "interface_error_rate",
            [{"interface_errored_packets_in": 10, "interface_packets_in": 990}],
            1.0, id="errored packets are no part of those passed on",
        ),
        pytest.param(
            "interface_discard_rate",
            [{"interface_discarded_packets_out": 10, "interface_packets_out": 1000}],
            1.0, id="discarded packets are a part of those to be sent",
        ),
        pytest.param(
            "interface_availability",
            [{"interface_down_time": 90}, {"interface_down_time": 0}], 95.0, id="ninety seconds",
        ),
        pytest.param(
            "path_delay",
            [{"path_round_trip_delay": 4}, {"path_round_trip_delay": 8}], 6.0, id="by time",
        ),
        pytest.param(
            "path_packet_loss",
            [{"path_packets_lost": 10, "path_packets_sent": 100},
             {"path_packets_lost": 0, "path_packets_sent": 900}],
            1.0, id="a rate is not averaged",
        ),
        pytest.param(
            "optical_errored_second_ratio",
            [{"errored_seconds": 40, "unavailable_seconds": 100}], 5.0, id="of available time",
        ),
        pytest.param(
            "optical_errored_second_ratio",
            [{"errored_seconds": 0, "unavailable_seconds": 900}], None, id="never available",
        ),
        pytest.param(
            "optical_availability", [{"unavailable_seconds": 900}], 0.0, id="dark all the time",
        ),
        pytest.param(
            "upf_n3_packet_loss_ul",
            [{"upf_n3_lost_packets_ul": 1, "upf_n3_packets_ul": 99}], 1.0,
            id="lost packets never arrived",
        ),
        pytest.param(
            "upf_throughput_dl", [{"upf_n3_volume_dl": 900_000}], 1000.0, id="a gigabit a second",
        ),
        pytest.param(
            "amf_load", [{"amf_cpu_usage": 20}, {"amf_cpu_usage": 60}], 40.0, id="a gauge",
        ),
        pytest.param(
            "amf_initial_registration_success_rate",
            [{"amf_initial_registration_successes": 9, "amf_initial_registration_attempts": 10},
             {"amf_initial_registration_successes": 90, "amf_initial_registration_attempts": 90}],
            99.0, id="attempts weigh",
        ),
        pytest.param(
            "smf_pdu_session_creation_success_rate",
            [{"smf_pdu_session_creation_successes": 0, "smf_pdu_session_creation_attempts": 0}],
            None, id="no attempt is no success and no failure",
        ),
        pytest.param(
            "mains_availability", [{"mains_unavailable_time": 450}], 50.0, id="half without mains",
        ),
        pytest.param("clock_error", [{"clock_time_error": 300}], 300.0, id="nanoseconds"),
    ],
)  # fmt: skip
def test_a_kpi_says_what_it_should(name, periods, expected):
    assert added(name, *periods) == (expected if expected is None else pytest.approx(expected))
    if len(periods) == 1:
        alone = kpi_rows(rows(*periods), [KNOWN.kpi(name)], KNOWN).collect()
        found = alone[KNOWN.kpi(name).column].item()
        assert found == (expected if expected is None else pytest.approx(expected))


def test_no_detector_of_cells_is_asked_to_look_at_them():
    of_cells = {"NR", "LTE"}
    for kpi in KNOWN.kpis.values():
        assert kpi.technology in of_cells or not kpi.is_scored, kpi.name


def test_technology_and_class_of_each_definition_agree():
    for item in (*KNOWN.measurements.values(), *KNOWN.kpis.values()):
        technology = KNOWN.object_classes[item.object_class].technology
        assert technology in (item.technology, "any"), item.name


@pytest.mark.parametrize(
    ("standard_name", "technology", "object_class", "name"),
    [
        ("VR.VCpuUsageMean", None, "ManagedElement", "vm_cpu_usage"),
        ("VR.VCpuUsageMean", "5GC", "AMFFunction", "amf_cpu_usage"),
        ("VR.VCpuUsageMean", "5GC", "UPFFunction", "upf_cpu_usage"),
        ("GTP.InDataPktN3UPF", "5GC", "EP_N3", "upf_n3_packets_ul"),
        ("RM.RegInitReq", "5GC", "AMFFunction", "amf_initial_registration_attempts"),
        ("in-errors", "transport", "EthernetPort", "interface_errored_packets_in"),
        ("VR.VCpuUsageMean", "NR", "NRCellDU", "vm_cpu_usage"),
        ("RM.RegInitReq", "LTE", "EUtranCellFDD", None),
    ],
)
def test_one_standard_name_means_what_its_class_counts(
    standard_name, technology, object_class, name
):
    found = KNOWN.by_standard_name(standard_name, technology, object_class)
    assert (found.name if found else None) == name


def test_a_ratio_and_nanoseconds_have_columns_of_their_own():
    assert KNOWN.measurement("pre_fec_bit_error_ratio").column == "pre_fec_bit_error_ratio"
    assert KNOWN.measurement("clock_time_error").column == "clock_time_error_ns"
    assert KNOWN.measurement("interface_speed").column == "interface_speed_mbps"


def test_a_vendors_port_beside_an_interface_tells_what_an_interface_tells():
    kpi = KNOWN.kpi("interface_error_rate")
    told = home_classes(kpi, "interface_packets_in", KNOWN)
    assert set(told) == {"Interface", "EthernetPort", "VlanPort"}
    cell = KNOWN.kpi("cell_drop_rate")
    assert home_classes(cell, "qos_flow_rel", KNOWN) == ["NRCellDU"]
