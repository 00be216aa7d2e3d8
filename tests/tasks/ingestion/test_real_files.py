"""Files that others wrote: vendors' own, and ONAP's valid and invalid cases."""

from datetime import UTC, datetime

import polars as pl
import pytest

from semantic_layer.periods import Window
from tasks.ingestion.delivered_bytes import UnreadableFileError
from tasks.ingestion.measurements.measurement_batches import measured_batch
from tests.tasks.ingestion.written import meaning, outcome

pytestmark = pytest.mark.real_data

RADIO_NODE = "oransc_ranpm/A20220418.1900-1915_seliitdus00487.xml"
CASES = "onap_pm_mapper/src/test/resources"
EVER = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
SUFFIXES = {".xml", ".gz", ".xml2"}


@pytest.fixture
def pm_xml(real_data):
    return real_data / "pm_xml"


def measurement_files(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def test_the_radio_node_file_holds_exactly_what_it_holds(pm_xml):
    counts = measured_batch([str(pm_xml / RADIO_NODE)], EVER).counts.row(0, named=True)
    assert counts == {
        "source_file": "A20220418.1900-1915_seliitdus00487.xml",
        "meas_infos": 34,
        "meas_values": 125,
        "types": 880,
        "values": 2667,
        "vectors": 409,
        "empty": 27,
        "suspects": 2,
    }


def test_the_radio_node_file_gives_six_cells_and_four_ports_with_their_vendors_counters(pm_xml):
    batch = measured_batch([str(pm_xml / RADIO_NODE)], EVER)
    by_class = dict(batch.rows.group_by("object_class").len().iter_rows())
    assert by_class == {"NRCellDU": 4, "EUtranCellFDD": 2, "EthernetPort": 1, "VlanPort": 3}
    assert batch.rows["cell_dn"].null_count() == 4
    assert batch.rows["managed_element_dn"].unique().to_list() == [
        "SubNetwork=G3,ManagedElement=seliitdus00487"
    ]
    assert batch.rows["period_start"].unique().to_list() == [datetime(2022, 4, 18, 19, tzinfo=UTC)]
    assert not batch.rows["rrc_conn_estab_att_count"].is_null().all()
    assert (
        batch.rows.filter(pl.col("cell_dn").is_not_null())["wb_cqi_samples_count"].null_count() < 6
    )
    port = batch.rows.filter(pl.col("object_class") == "EthernetPort").row(0, named=True)
    assert port["interface_volume_in_mbit"] > 0
    assert port["interface_errored_packets_in_count"] is not None


def test_no_value_of_the_radio_node_file_is_lost(pm_xml):
    """What the vendor map reads stands in rows; every other counter stands in the quarantine."""
    batch = measured_batch([str(pm_xml / RADIO_NODE)], EVER)
    kept = batch.findings.select(
        pl.col("content").str.json_path_match("$.counters").str.json_decode(pl.List(pl.String))
    ).to_series()
    _, blocks, _ = meaning((pm_xml / RADIO_NODE).read_bytes())
    counters = sum(len(block.counters) for block in blocks)
    assert 600 < int(kept.list.len().sum()) < counters == 880


def test_every_vendors_file_goes_through(pm_xml):
    paths = measurement_files(pm_xml / "oransc_ranpm")
    assert len(paths) == 5
    batch = measured_batch([str(path) for path in paths], EVER)
    assert batch.counts.height == 5
    assert batch.refused == 0
    template = batch.findings.filter(pl.col("source_file") == "pm-template.xml2")
    assert template["reason"].str.contains("'ENDTIME' is no ISO 8601 time").all()
    keysight = batch.findings.filter(pl.col("source_file").str.contains("Keysight"))
    assert "bytes before the XML declaration" in keysight["reason"][0]
    assert batch.rows.filter(pl.col("source_file").str.contains("Keysight")).height > 0


def test_json_that_wraps_measurements_is_refused_and_says_what_to_do(pm_xml):
    paths = sorted((pm_xml / "oransc_ranpm").glob("*.json"))
    batch = measured_batch([str(path) for path in paths], EVER)
    assert batch.refused == len(paths) == 3
    assert batch.rows.is_empty()
    assert batch.findings["reason"].str.contains("Deliver the XML file").all()


def test_every_case_that_onap_calls_valid_is_read_and_every_other_refused(pm_xml):
    verdicts = sorted((pm_xml / CASES / "xml_validator_test").rglob("validity.props"))
    assert len(verdicts) == 7
    for verdict in verdicts:
        is_valid = verdict.read_text().strip() == "valid=true"
        batch = measured_batch([str(verdict.with_name("test.xml"))], EVER)
        told = batch.findings["reason"].to_list()
        assert is_valid == (not told), (verdict.parent, told)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("lte/no_file_header", "The file has no fileHeader."),
        ("nr/no_file_header", "The file has no fileHeader."),
        ("lte/no_managed_element", "no managedElement or measEntity"),
        ("nr/no_measured_entity", "no managedElement or measEntity"),
        ("not_supported_type/no_file_header", "expected is"),
    ],
)
def test_an_invalid_case_is_refused_with_the_reason(pm_xml, case, reason):
    path = pm_xml / CASES / "xml_validator_test/test_data" / case / "test.xml"
    batch = measured_batch([str(path)], EVER)
    assert batch.rows.is_empty()
    assert reason in batch.findings["reason"][0]


@pytest.mark.parametrize("folder", ["mapper_test", "split_test", "filter_test"])
def test_every_other_case_of_onap_is_read(pm_xml, folder):
    paths = measurement_files(pm_xml / CASES / folder)
    assert paths
    for path in paths:
        interpreter, _, findings = meaning(path.read_bytes())
        assert interpreter.header is not None
        reasons = {finding.reason for finding in findings}
        assert reasons <= {"It names no measTypes, so its values have no meaning."}, path


def test_the_csit_and_tool_files_of_onap_are_read(pm_xml):
    folder = pm_xml / "onap_pm_mapper"
    paths = measurement_files(folder / "csit") + measurement_files(folder / "tools")
    assert len(paths) > 8
    for path in paths:
        _, blocks, findings = meaning(path.read_bytes())
        is_invalid = path.name == "A_no_managed_element.xml"
        assert bool(findings) == is_invalid, path
        assert bool(blocks) != (is_invalid or path.name == "A_no_measdata.xml"), path


def test_in_bulk_and_one_by_one_say_the_same_of_every_real_file(pm_xml):
    for path in measurement_files(pm_xml):
        content = path.read_bytes()
        if path.suffix != ".gz":
            assert outcome(content, in_bulk=True) == outcome(content, in_bulk=False), path


def test_a_real_file_that_is_cut_anywhere_is_refused_whole(pm_xml):
    content = (pm_xml / RADIO_NODE).read_bytes()
    for share in (0.05, 0.3, 0.7, 0.999):
        with pytest.raises(UnreadableFileError, match=r"ends in the middle"):
            meaning(content[: int(len(content) * share)])
