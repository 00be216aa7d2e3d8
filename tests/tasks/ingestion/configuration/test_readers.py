"""What the readers say of documents: standard ones, odd ones, hostile ones."""

import gzip
import json
from datetime import UTC, datetime

import polars as pl
import pytest

from tasks.ingestion.configuration.bulk_cm_reader import bulk_cm_configuration, read_bulk_cm
from tasks.ingestion.configuration.delivered_configuration import named_time
from tasks.ingestion.configuration.nrm_reader import json_document, nrm_configuration, read_nrm
from tasks.ingestion.configuration.read_configuration import LONGEST_VALUE
from tasks.ingestion.configuration.topology_reader import told_topology
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError

HEAD = '<bulkCmConfigDataFile xmlns:x="n"><fileHeader/><configData>'
TAIL = '</configData><fileFooter dateTime="2026-03-01T02:00:00+01:00"/></bulkCmConfigDataFile>'


def bulk(inside, head=HEAD, tail=TAIL):
    return bulk_cm_configuration(iter([f"{head}{inside}{tail}".encode()]))


def rows(read):
    return {(dn, name): value for dn, name, value in read.rows.iter_rows()}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "objects", "attributes"),
    [
        ("bulkcm.xml", 9, 70),
        ("bulkcm2.xml", 6, 38),
        ("bulkcm_parent_child_same_name.xml", 5, 18),
    ],
)
def test_real_bulk_cm_files_give_every_object_and_attribute(real_data, name, objects, attributes):
    path = real_data / "bulk_cm" / name
    read = read_bulk_cm(path)
    assert read.remarks == ()
    told = read.rows.filter(pl.col("attribute") != "objectClass")
    assert read.rows["managed_object_dn"].n_unique() == objects
    assert told.height == attributes
    assert read.looks["attributes_count"].sum() == attributes


@pytest.mark.real_data
def test_parents_and_children_of_one_name_and_repeated_elements_keep_their_paths(real_data):
    above = "SubNetwork=BS_NRM_ROOT,SubNetwork=101,MeContext=4698,ManagedElement=4698"
    told = rows(read_bulk_cm(real_data / "bulk_cm/bulkcm_parent_child_same_name.xml"))
    assert told[f"{above},vsDataSomeMO=Q0001", "SomeAttr.SomeAttr"] == "SomeAttrChildVal"
    assert told[f"{above},vsDataSomeMO=Q0001", "AnotherAttr.AnotherAttr"] == "777"
    told = rows(read_bulk_cm(real_data / "bulk_cm/bulkcm.xml"))
    external = f"{above},ExternalUtranCell=xxxxxx"
    vendor = f"{external},vsDataExternalUtranCell=xxxxxx"
    assert told[external, "uarfcnDl"] == "10738"
    assert told[vendor, "hsAqmCongCtrlSpiSupport"] == '["1","2","3","4","7"]'
    assert told[vendor, "cellCapability.qam64MimoSupport"] == "0"


def test_objects_attributes_and_text_beside_elements_are_all_kept():
    read = bulk(
        '<x:ManagedElement id="a,b"><x:attributes><p>1</p><p>2</p><s>text<q>3</q></s>'
        '<t unit="dB">4</t><s2><q>5</q></s2><s2><q>6</q></s2></x:attributes></x:ManagedElement>'
    )
    dn = r"ManagedElement=a\,b"
    assert rows(read) == {
        (dn, "objectClass"): "ManagedElement", (dn, "p"): '["1","2"]', (dn, "s"): "text",
        (dn, "s.q"): "3", (dn, "t"): "4", (dn, "t.@unit"): "dB", (dn, "s2[1].q"): "5",
        (dn, "s2[2].q"): "6",
    }  # fmt: skip
    assert read.taken_at == datetime(2026, 3, 1, 1, tzinfo=UTC)
    assert read.remarks == ()


@pytest.mark.parametrize(
    ("inside", "reason", "kept"),
    [
        ("<M><attributes><p>1</p></attributes></M>", "no id", 0),
        ('<M id=" "><N id="2"/></M><O id="3"/>', "no id", 1),
        ('<M id="1">stray</M>', "Text stands", 1),
        ('<M id="1"><attributes><p>1</p></attributes><attributes><p>2</p></attributes></M>',
         "2 values", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_and_the_rest_counts(inside, reason, kept):
    read = bulk(inside)
    assert len(read.remarks) >= 1
    assert reason in read.remarks[0].reason
    assert read.rows["managed_object_dn"].n_unique() == kept


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f'<!DOCTYPE x [<!ENTITY a "b">]>{HEAD}{TAIL}', "document type"),
        (f'{HEAD}<M id="1"><attributes><p>', "ends in the middle"),
        (f'{HEAD}<M id="1" modifier="delete"/>{TAIL}', "orders changes"),
        ("<measCollecFile/>", "root element"),
        (HEAD + '<M id="1">' * 100, "nested"),
        ("", "empty"),
        ("no xml", "cannot be read"),
        (f'{HEAD}<M id="1"><attributes><p>{"x" * (2 << 20)}</p></attributes></M>{TAIL}', "longer"),
    ],
)
def test_a_file_that_is_not_whole_or_not_honest_is_refused(content, reason):
    with pytest.raises(UnreadableFileError, match=reason):
        bulk_cm_configuration(iter([content.encode()] if content else []))


def test_bytes_before_the_declaration_are_passed_over_and_told(tmp_path):
    path = tmp_path / "dump.xml"
    path.write_text(f'Exported by X\n<?xml version="1.0"?>{HEAD}<M id="1"/>{TAIL}')
    read = read_bulk_cm(path)
    assert read.rows.height == 1
    assert "before the XML declaration" in read.remarks[0].reason


def test_a_packed_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "dump.xml.gz"
    path.write_bytes(gzip.compress(b"<a>" + b" " * (64 << 20)))
    with pytest.raises(UnreadableFileError):
        read_bulk_cm(path, ReadingLimits(file_bytes=1 << 24))
    path.write_bytes(gzip.compress(b" " * (64 << 20)))
    with pytest.raises(UnreadableFileError):
        read_nrm(path, ReadingLimits(file_bytes=1 << 24))


NESTED = {
    "header": {"timestamp": "2026-03-01T02:00:00Z", "dnPrefix": "DC=x"},
    "SubNetwork": [
        {
            "id": "1",
            "ManagedElement": [
                {
                    "id": "7",
                    "attributes": {
                        "power": 3.50, "isOn": True, "none": None, "list": [1, "a"], "empty": [],
                        "plmns": [{"mcc": "262", "mnc": ["01", "02"]}],
                    },
                }
            ],
        }
    ],
}  # fmt: skip


def test_nested_objects_of_the_nrm_keep_every_value_as_written():
    read = nrm_configuration(json_document(json.dumps(NESTED).encode())[0])
    dn = "DC=x,SubNetwork=1,ManagedElement=7"
    told = {name: value for (one, name), value in rows(read).items() if one == dn}
    assert told == {
        "objectClass": "ManagedElement", "power": "3.5", "isOn": "true", "none": None,
        "list": '[1,"a"]', "empty": "[]", "plmns[1].mcc": "262", "plmns[1].mnc": '["01","02"]',
    }  # fmt: skip
    # DC is no container, so all of it is one subtree.
    assert read.remarks == ()


def test_a_flat_list_gives_the_same_objects():
    flat = [
        {"id": "7", "objectInstance": "SubNetwork=1,ManagedElement=7", "attributes": {"a": 1}},
        {"id": "SubNetwork=1,ManagedElement=7,ENodeBFunction=1", "attributes": {"b": 2}},
    ]  # fmt: skip
    read = nrm_configuration(json_document(json.dumps(flat).encode())[0])
    above = "SubNetwork=1,ManagedElement=7"
    assert rows(read) == {
        (above, "objectClass"): "ManagedElement", (above, "a"): "1",
        (f"{above},ENBFunction=1", "objectClass"): "ENBFunction",
        (f"{above},ENBFunction=1", "b"): "2",
    }  # fmt: skip
    assert read.looks.select("root_dn", "is_whole").rows() == [(above, True)]


def test_a_document_covers_its_elements_and_the_subtrees_that_it_declares():
    tree = json.loads(json.dumps(NESTED))
    del tree["header"]["dnPrefix"]
    read = nrm_configuration(tree)
    told = set(read.looks.select("root_dn", "is_whole").iter_rows())
    assert told == {("SubNetwork=1", False), ("SubNetwork=1,ManagedElement=7", True)}
    tree["header"]["baseObjectInstance"] = "SubNetwork=1"
    read = nrm_configuration(tree)
    assert read.looks.select("root_dn", "is_whole", "objects_count").rows() == [
        ("SubNetwork=1", True, 2)
    ]


def test_names_said_twice_long_values_and_strangers_are_told():
    content = b'{"ManagedElement":[{"id":"7","attributes":{"a":1,"a":2},"x":3}],"y":4}'
    document, doubled = json_document(content)
    read = nrm_configuration(document, doubled)
    assert rows(read)["ManagedElement=7", "a"] == "2"
    reasons = " ".join(remark.reason for remark in read.remarks)
    assert "'a' stands twice" in reasons
    assert "'x' is neither" in reasons
    assert "'y' is neither" in reasons
    long = {"ManagedElement": [{"id": "7", "attributes": {"a": "x" * (LONGEST_VALUE + 1)}}]}
    read = nrm_configuration(long)
    assert len(rows(read)["ManagedElement=7", "a"]) == LONGEST_VALUE
    assert len(read.remarks) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a":', b"\xff\xfe", b"[" * 100_000, b'{"a":1}x', b"nul"]
)
def test_json_that_is_none_is_refused(content):
    with pytest.raises(UnreadableFileError):
        json_document(content)


def test_times_stand_in_names_too():
    assert named_time("x/A20260301.0200+0000_7.json") == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert named_time("dump-2026-03-01.xml.gz") == datetime(2026, 3, 1, tzinfo=UTC)
    assert named_time("20261399-site7.json") is None
    assert named_time("2026/dump.json") is None


def link(name, begin="a", end="b", on=()):
    return {
        "link-id": name,
        "source": {"source-node": begin},
        "destination": {"dest-node": end},
        "supporting-link": [{"link-ref": one} for one in on],
        "ietf-l2-topology:l2-link-attributes": {"rate": 10, "delay": 500},
    }


def topology(links, nodes=("a", "b")):
    network = {
        "network-id": "n",
        "node": [{"node-id": name} for name in nodes],
        "ietf-network-topology:link": links,
    }
    document = {"ietf-network:networks": {"network": [network]}}
    return told_topology(json_document(json.dumps(document).encode())[0])


def test_circles_doubles_loops_and_unknown_ends_have_a_defined_result():
    read = topology(
        [
            link("one", on=["two"]), link("two", on=["three", "four"]), link("three", on=["one"]),
            link("four"), link("four"), link("loop", end="a"), link("lost", end="x"),
            {"link-id": 5},
        ]
    )  # fmt: skip
    kept = {row["link_id"]: row["supported_by"] for row in read.links}
    assert kept == {"one": [], "two": [], "three": [], "four": []}
    assert {row["capacity_mbps"] for row in read.links} == {10.0}
    assert {row["delay_ms"] for row in read.links} == {0.5}
    reasons = sorted(remark.reason.split(";")[0] for remark in read.remarks)
    assert reasons == [
        "A link ends where it begins, at 'a'", "A link lacks its source-node or dest-node",
        "No node of the network is called 'x'", "The link 'one' supports itself",
        "The link 'three' supports itself", "The link 'two' supports itself",
    ]  # fmt: skip


def test_a_node_that_stands_twice_and_differs_is_told_and_the_later_counts():
    document = {
        "ietf-network:networks": {
            "network": [
                {
                    "network-id": "n",
                    "node": [
                        {"node-id": "a"},
                        {"node-id": "a", "anops-topology:node-attributes": {"kind": "router"}},
                        {"node-id": " "},
                        "b",
                    ],
                }
            ]
        }
    }
    read = told_topology(document)
    assert [row["kind"] for row in read.nodes] == ["router"]
    assert len(read.remarks) == 3
