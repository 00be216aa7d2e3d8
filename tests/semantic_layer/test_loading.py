"""Loading: every problem at once, with file, line and what would help."""

from pathlib import Path

import pytest

from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import PACKAGED, CatalogueError, catalogue, load_catalogue

CLASSES = """\
- {name: ManagedElement, source: s, description: d}
- {name: GNBDUFunction, contained_by: [ManagedElement], source: s, description: d}
- {name: NRCellDU, contained_by: [GNBDUFunction], is_cell: true, source: s, description: d}
- {name: NRCellCU, contained_by: [ManagedElement], counted_on: NRCellDU, source: s, description: d}
- {name: EUtranCellFDD, contained_by: [ManagedElement], is_cell: true, source: s, description: d}
"""
PROFILES = "- {name: default, description: d}\n- {name: rural, description: d}\n"
MEASUREMENTS = """\
- name: calls
  title: Calls
  standard_name: A.Calls
  technology: NR
  object_class: NRCellCU
  unit: 1
  source: TS 28.552
  description: Calls.
- name: volume
  title: Volume
  standard_name: A.Volume
  technology: NR
  object_class: NRCellDU
  unit: Mbit
  source: TS 28.552
  description: Volume.
- name: load
  title: Load
  standard_name: A.Load
  technology: NR
  object_class: NRCellDU
  unit: "%"
  aggregation: mean
  source: TS 28.552
  description: Load.
- name: dist
  title: Distribution
  standard_name: A.Dist
  technology: NR
  object_class: NRCellDU
  unit: 1
  shape: vector
  source: TS 28.552
  description: Bins.
- name: lte_calls
  title: LTE calls
  standard_name: A.Calls
  technology: LTE
  object_class: EUtranCellFDD
  unit: 1
  source: TS 32.425
  description: Calls.
"""
KPI = """\
- name: volume_per_call
  title: Volume of a call
  category: utilization
  technology: NR
  object_class: NRCellDU
  numerator: [volume]
  denominator: [calls]
  unit: kbit
  better: higher
  low: 0
  thresholds:
    default: {warning: 2, critical: 1}
  is_scored: true
  source: a test
  description: Volume of a call.
"""
VENDOR = """\
name: vendor
title: Vendor
vendor_names: [Vendor]
source: a test
description: A vendor.
mappings:
  - measurement: volume
    object_class: NRCellDU
    counters: [pmVolume, -pmControl]
    unit: kbit
    description: Kilobits.
"""
FILES = {
    "managed_objects.yaml": CLASSES,
    "profiles.yaml": PROFILES,
    "measurements/all.yaml": MEASUREMENTS,
    "kpis/all.yaml": KPI,
    "vendors/vendor.yaml": VENDOR,
}


def folder(tmp_path: Path, **changed: str) -> Path:
    root = tmp_path / "own"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed.get(path.stem, text), encoding="utf-8")
    return root


def problems(tmp_path: Path, **changed: str) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder(tmp_path, **changed))
    return [str(problem) for problem in caught.value.problems]


def both(old: str, new: str, text: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_the_small_catalogue_of_these_tests_is_sound(tmp_path):
    known = load_catalogue(folder(tmp_path))
    assert known.kpi("volume_per_call").factor == 1000.0
    assert known.vendor_map("vendor").mappings[0].factor == 0.001
    assert known.vendor_map_of("VENDOR ").name == "vendor"
    assert known.vendor_map_of("another") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("[volume]", "[volum]", 6, "did you mean 'volume'", id="unknown measurement"),
        pytest.param("[volume]", "[load]", 8, "divides to time", id="unit of the quotient"),
        pytest.param("[volume]", "[volume, calls]", 6, "adds a plain number and bit", id="mixed"),
        pytest.param("[volume]", "[dist]", 6, "is a vector", id="a vector"),
        pytest.param("[volume]", "[lte_calls]", 5, "lies on no row of NRCellDU", id="two worlds"),
        pytest.param("unit: kbit", "unit: kbits", 8, "did you mean 'kbit'", id="unknown unit"),
        pytest.param("  unit: kbit\n", "", 1, "has no unit", id="no unit"),
        pytest.param("  source: a test\n", "", 1, "has no source", id="no source"),
        pytest.param("source: a test", "source: ' '", 14, "empty source", id="an empty source"),
        pytest.param("description: Volume", "descripton: V", 15, "did you mean", id="a key"),
        pytest.param("NRCellDU", "NRCelDU", 5, "did you mean 'NRCellDU'", id="unknown class"),
        pytest.param("better: higher", "better: lower", 11, "must lie above", id="order"),
        pytest.param("better: higher", "better: neither", 11, "neither way", id="no direction"),
        pytest.param("better: higher", "better: up", 9, "'higher'", id="no such direction"),
        pytest.param("critical: 1", "critical: -1", 11, "out of its bounds", id="out of bounds"),
        pytest.param(", critical: 1", "", 11, "need warning and critical", id="half a threshold"),
        pytest.param("default: {", "rurl: {", 11, "did you mean 'rural'", id="unknown profile"),
        pytest.param("default: {", "rural: {", 11, "without a default", id="no default"),
        pytest.param("low: 0", "low: 0\n  high: -1", 10, "not below high", id="bounds"),
        pytest.param("unit: kbit", "unit: kbit\n  factor: 7", 9, "worked out", id="a factor"),
        pytest.param("unit: kbit", "unit: kbit\n  unit: s", 9, "stands twice", id="a key twice"),
        pytest.param("volume_per_call", "Volume-a-call", 1, "lower-case", id="no word"),
        pytest.param("[volume]", "[]", 6, "at least 1", id="an empty sum"),
        pytest.param("- name: v", "- name: [v", 2, "not YAML", id="no YAML"),
    ],
)
def test_a_wrong_kpi_is_told_with_its_line(tmp_path, old, new, line, expected):
    root = folder(tmp_path)
    (root / "kpis/all.yaml").write_text(both(old, new, KPI), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(root)
    found = [str(problem) for problem in caught.value.problems]
    assert any(
        text.startswith(f"own/kpis/all.yaml:{line}: ") and expected in text for text in found
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("name: volume", "name: calls", 9, "defined twice", id="a duplicate"),
        pytest.param("name: volume", "name: observed_time", 9, "built in", id="a built-in"),
        pytest.param("unit: Mbit", "unit: dBm", 9, "logarithmic", id="added decibels"),
        pytest.param("shape: vector", "derived_from: volum\n  reduce: sum", 32, "did you mean",
                     id="derived from nothing"),
        pytest.param("shape: vector", "derived_from: volume\n  reduce: sum", 32, "no vector",
                     id="derived from a number"),
        pytest.param("shape: vector", "reduce: sum", 26, "needs both", id="half a derivation"),
        pytest.param("A.Volume", "A.Calls", 11, "already leads to 'calls'", id="a name twice"),
        pytest.param("unit: Mbit", "unit: Mbit\n  low: .nan", 15, "finite", id="not a number"),
        pytest.param("unit: Mbit", "unit: Mbit\n  high: many", 15, "valid number", id="a word"),
    ],
)  # fmt: skip
def test_a_wrong_measurement_is_told_with_its_line(tmp_path, old, new, line, expected):
    root = folder(tmp_path)
    path = root / "measurements/all.yaml"
    path.write_text(both(old, new, MEASUREMENTS), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(root)
    found = [str(problem) for problem in caught.value.problems]
    start = f"own/measurements/all.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("measurement: volume", "measurement: volum", 7, "did you mean", id="unknown"),
        pytest.param("unit: kbit", "unit: s", 10, "measure different things", id="unit"),
        pytest.param("NRCellDU", "EUtranCellFDD", 8, "stands on rows of NRCellDU", id="row"),
        pytest.param("    unit: kbit\n", "", 7, "has no unit", id="no unit"),
    ],
)
def test_a_wrong_counter_is_told_with_its_line(tmp_path, old, new, line, expected):
    found = problems(tmp_path, vendor=both(old, new, VENDOR))
    start = f"own/vendors/vendor.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found


def test_every_problem_of_every_file_comes_at_once(tmp_path):
    root = folder(tmp_path, vendor=both("unit: kbit", "unit: s", VENDOR))
    (root / "kpis/all.yaml").write_text(
        both("[volume]", "[volum]", both("unit: kbit", "unit: kbits", KPI)), encoding="utf-8"
    )
    (root / "measurements/more.yaml").write_text(MEASUREMENTS, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(root)
    files = {problem.file for problem in caught.value.problems}
    assert files == {"own/kpis/all.yaml", "own/measurements/more.yaml", "own/vendors/vendor.yaml"}
    assert len(caught.value.problems) == 8
    assert str(caught.value).startswith("8 problems in the catalogue:\nown/kpis/all.yaml:6: ")


def test_one_unreadable_measurement_does_not_call_forth_others(tmp_path):
    root = folder(tmp_path)
    path = root / "measurements/all.yaml"
    path.write_text(both("  unit: Mbit\n", "", MEASUREMENTS), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(root)
    assert [str(problem) for problem in caught.value.problems] == [
        "own/measurements/all.yaml:9: Measurement 'volume' has no unit. Add `unit:`."
    ]


def test_a_missing_or_odd_folder_is_told(tmp_path):
    with pytest.raises(CatalogueError, match="no such folder"):
        load_catalogue(tmp_path / "nowhere")
    told = problems(tmp_path / "a", profiles="- just words\n")
    assert any("profiles.yaml:1: A definition is a mapping of keys" in text for text in told)
    root = folder(tmp_path / "c")
    (root / "profiles.yaml").write_bytes(b"- name: caf\xe9\n")
    with pytest.raises(CatalogueError, match=r"profiles\.yaml:1: This is not text in UTF-8"):
        load_catalogue(root)
    told = problems(tmp_path / "b", profiles="# nothing\n")
    assert any("profiles.yaml:1: The file is empty" in text for text in told)


def test_a_networks_own_folder_adds_to_the_packaged_one(tmp_path):
    own = tmp_path / "own"
    (own / "measurements").mkdir(parents=True)
    (own / "measurements/own.yaml").write_text(
        both("name: calls", "name: own_calls", MEASUREMENTS).split("- name: volume")[0],
        encoding="utf-8",
    )
    both_known = load_catalogue(PACKAGED, own)
    assert len(both_known.measurements) == len(catalogue().measurements) + 1
    assert both_known.version != catalogue().version


def test_the_version_changes_with_a_definition_and_with_nothing_else(tmp_path):
    version = load_catalogue(folder(tmp_path / "a")).version
    told_otherwise = "# a comment\n\n" + KPI.replace("[volume]", '["volume"]  # said otherwise')
    reordered = folder(tmp_path / "b")
    (reordered / "kpis/all.yaml").write_text(told_otherwise, encoding="utf-8")
    (reordered / "measurements/all.yaml").rename(reordered / "measurements/zzz.yaml")
    assert load_catalogue(reordered).version == version
    changed = folder(tmp_path / "c")
    (changed / "kpis/all.yaml").write_text(both("warning: 2", "warning: 3", KPI), encoding="utf-8")
    assert load_catalogue(changed).version != version


def test_unknown_names_come_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean 'prb_usage_dl'"):
        catalogue().kpi("prb_usage_d")
    with pytest.raises(UnknownNameError, match="measurement"):
        catalogue().measurement("nothing like it")
    with pytest.raises(UnknownNameError, match="did you mean 'ericsson_radio_node'"):
        catalogue().vendor_map("ericson_radio_node")


@pytest.mark.parametrize(
    ("standard_name", "technology", "name"),
    [
        ("RRC.ConnEstabAtt", "NR", "rrc_conn_estab_att"),
        ("RRC.ConnEstabAtt", "LTE", "lte_rrc_conn_estab_att"),
        ("RRC.ConnEstabAtt.sum", "NR", "rrc_conn_estab_att"),
        ("QF.RelActNbr.Sum", None, "qos_flow_rel_abnormal"),
        ("TB.IntialErrNbrDl", "NR", "tb_initial_err_dl"),
        ("TB.ErrNbrDlInitial", "NR", "tb_initial_err_dl"),
        ("CARR.WBCQIDist", "NR", "wb_cqi_dist"),
        ("RRC.ConnEstabAtt.mo-Data", "NR", None),
        ("RRU.CellUnavailableTime", "LTE", "lte_cell_unavailable_time"),
        ("nothing", None, None),
    ],
)
def test_standard_names_find_their_measurement(standard_name, technology, name):
    found = catalogue().by_standard_name(standard_name, technology)
    assert (found.name if found else None) == name
