"""Vendor counters: sums, means, pairs and vectors, and a real file behind the map."""

import pytest
from lxml import etree

from semantic_layer.loading import catalogue
from semantic_layer.vendors import CounterMapping

RADIO_NODE = catalogue().vendor_map("ericsson_radio_node")
FILE = "pm_xml/oransc_ranpm/A20220418.1900-1915_seliitdus00487.xml"
SPELLINGS = {"ENodeBFunction": "ENBFunction"}


def mapping(**parts: object) -> CounterMapping:
    given = {
        "measurement": "m",
        "object_class": "NRCellDU",
        "counters": ["a"],
        "unit": "1",
        "description": "d",
    }
    return CounterMapping.model_validate(given | parts)


@pytest.mark.parametrize(
    ("parts", "counted", "expected"),
    [
        pytest.param({"counters": ["a", "b"]}, {"a": 1.0, "b": 2.0}, 3.0, id="a sum"),
        pytest.param({"counters": ["a", "-b"]}, {"a": 5.0, "b": 2.0}, 3.0, id="a difference"),
        pytest.param({"counters": ["a", "b"]}, {"a": 1.0, "b": None}, None, id="an empty part"),
        pytest.param({"counters": ["a", "b"]}, {"a": 1.0}, None, id="an absent part"),
        pytest.param({"factor": 0.001}, {"a": 5000.0}, 5.0, id="kilobits to megabits"),
        pytest.param({"divided_by": "n"}, {"a": 90.0, "n": 180.0}, 0.5, id="a mean of samples"),
        pytest.param({"divided_by": "n"}, {"a": 0.0, "n": 0.0}, None, id="no samples, no mean"),
        pytest.param({"divided_by": "n"}, {"a": 90.0}, None, id="samples absent"),
        pytest.param({}, {"a": [1.0, 2.0]}, None, id="a vector where a number is due"),
        pytest.param({"layout": "pairs"}, {"a": [2.0, 1.0, 10.0, 9.0, 5.0]}, 15.0, id="pairs"),
        pytest.param({"layout": "pairs"}, {"a": 0.0}, 0.0, id="no pair at all"),
        pytest.param({"layout": "pairs"}, {"a": [2.0, 1.0, 10.0]}, None, id="a cut pair"),
        pytest.param({"layout": "pairs"}, {"a": []}, None, id="nothing"),
    ],
)
def test_a_measurement_is_worked_out_from_counters(parts, counted, expected):
    assert mapping(**parts).value(counted) == expected


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        pytest.param({"a": [1.0, 2.0], "b": [10.0, 20.0]}, [11.0, 22.0], id="bin by bin"),
        pytest.param({"a": [1.0, 2.0], "b": [10.0]}, None, id="bins that do not match"),
        pytest.param({"a": [1.0, 2.0], "b": 3.0}, None, id="a number where a vector is due"),
        pytest.param({"a": [1.0, 2.0]}, None, id="an absent part"),
    ],
)
def test_vectors_are_added_bin_by_bin(counted, expected):
    assert mapping(counters=["a", "b"]).vector(counted) == expected


def test_units_of_counters_become_factors():
    by_name = {item.measurement: item for item in RADIO_NODE.mappings}
    assert by_name["lte_pdcp_volume_dl"].factor == pytest.approx(1e-3)  # kbit to Mbit
    assert by_name["pee_energy"].factor == pytest.approx(1e-3)  # Wh to kWh
    assert by_name["prb_tot_dl"].factor == pytest.approx(100)  # a share to %
    assert by_name["lte_ip_volume_dl"].factor == 1.0


def counters_of(real_file) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for info in etree.parse(real_file).iter("{*}measInfo"):
        names = {part.text for part in info.iter("{*}measType")}
        for value in info.iter("{*}measValue"):
            last = value.attrib["measObjLdn"].rpartition(",")[2].partition("=")[0]
            found.setdefault(SPELLINGS.get(last, last), set()).update(names)
    return found


@pytest.mark.real_data
def test_every_mapped_counter_stands_in_a_real_file_under_its_class(real_data):
    found = counters_of(real_data / FILE)
    for object_class in RADIO_NODE.by_class:
        assert RADIO_NODE.counters(object_class) <= found[object_class]


def test_the_map_serves_its_vendors_files():
    assert catalogue().vendor_map_of("Ericsson AB") is RADIO_NODE
    assert {"NRCellCU", "NRCellDU", "EUtranCellFDD"} <= set(RADIO_NODE.by_class)
    assert RADIO_NODE.counters("NRSectorCarrier") == frozenset()
