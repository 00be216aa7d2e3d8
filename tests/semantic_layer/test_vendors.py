"""Vendor counters: sums, means, pairs and vectors, and a real file behind the map."""

import json
import re

import pytest
from lxml import etree

from semantic_layer.loading import catalogue
from semantic_layer.vendors import CounterMapping

RADIO_NODE = catalogue().vendor_map("ericsson_radio_node")
FILE = "pm_xml/oransc_ranpm/A20220418.1900-1915_seliitdus00487.xml"
VES_EVENT = "ves_events/src/test/resources/measurement7x.json"
EVERYONE = catalogue().vendor_map("standard_counters")
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


def test_a_vendor_without_a_map_is_read_by_the_standards_counters():
    assert catalogue().vendor_map_of("Acme") is EVERYONE
    (ul,) = (item for item in EVERYONE.by_class["EP_N3"] if item.measurement == "upf_n3_volume_ul")
    assert ul.value({"GTP.InDataOctN3UPF": 125_000.0}) == pytest.approx(1.0)  # octets to Mbit


@pytest.mark.real_data
def test_the_standards_octets_stand_in_files_of_several_vendors(real_data):
    names = {
        counter for mappings in EVERYONE.by_class.values() for item in mappings
        for counter in item.reads
    }  # fmt: skip
    found: set[str] = set()
    for path in sorted((real_data / "pm_xml").rglob("*.xml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        found |= {name for name in names if name in text}
    assert found >= {"ifHCInOctets", "ifHCOutOctets"}


def ves_objects(fields: dict) -> list[dict[str, float]]:
    """Flatten measurementFields: one dictionary an item, processors told by their `all`."""
    objects = []
    for array, items in fields.items():
        if not isinstance(items, list):
            continue
        whole = [item for item in items if item.get("cpuIdentifier") == "all"] or items
        objects += [
            {f"{array}.{key}": float(v) for key, v in item.items() if isinstance(v, int | float)}
            for item in whole
        ]
    return objects


@pytest.mark.real_data
def test_a_real_ves_event_tells_what_its_machine_and_cards_did(real_data):
    event = json.loads((real_data / VES_EVENT).read_text(encoding="utf-8"))
    told: dict[str, list[float]] = {}
    for counted in ves_objects(event["event"]["measurementFields"]):
        for item in catalogue().vendor_map("onap_ves_measurement").mappings:
            value = item.value(counted)
            if value is not None:
                told.setdefault(item.measurement, []).append(value)
    assert told["vm_cpu_usage"] == [pytest.approx(0.39)]
    assert told["vm_memory_usage"] == [pytest.approx(100 * 353492 / 8076596)]
    assert told["interface_volume_in"] == [pytest.approx(548159 * 8e-6), 0.0]
    assert told["interface_packets_out"] == [9326.0, 0.0]
    assert "vm_disk_usage" not in told  # this event has none


@pytest.mark.real_data
def test_every_mapped_ves_field_stands_in_the_published_schema(real_data):
    schemas = sorted((real_data / "ves_events/etc").rglob("CommonEventFormat_30*.json"))
    text = max((path.read_text(encoding="utf-8") for path in schemas), key=len)
    words = set(re.findall(r"\w+", text))
    for item in catalogue().vendor_map("onap_ves_measurement").mappings:
        for counter in item.reads:
            assert set(counter.split(".")) <= words, counter


def test_open5gs_metrics_follow_the_standards_names():
    """Open5GS spells TS 28.552 in lower case: what is mapped must be what the name says."""
    named = 0
    for item in catalogue().vendor_map("open5gs").mappings:
        standard = catalogue().measurement(item.measurement).standard_name
        if standard.startswith("Vendor."):
            continue
        ours = standard.replace(".", "_").lower().removesuffix("mean")
        assert item.counters[0].endswith(ours), (item.counters, standard)
        named += 1
    assert named >= 12
