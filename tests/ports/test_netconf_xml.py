"""Managed objects as XML: paths, edits and values, without a server."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import DefinitionError, InputError
from tasks.adapters.netconf_calls import target_at
from tasks.adapters.netconf_xml import (
    BASE,
    PACKAGED_MODELS,
    area_of,
    as_text,
    class_filter,
    edit,
    load_models,
    object_filter,
    objects_in,
    place_of,
)
from tasks.messages.change_sets import Operation
from tasks.twin.sleep_modes import MODES
from tests.tasks.execution.told import BEAM, CELL, DEEP, RELATE, SAVE, SAVING, TILT

MODELS = load_models(PACKAGED_MODELS)
CES, OURS = "urn:3gpp:sa5:_3gpp-nr-nrm-cesmanagementfunction", "urn:anops:energy-saving"
DU_CELL = "urn:3gpp:sa5:_3gpp-nr-nrm-nrcelldu"


def data(text):
    return f'<data xmlns="{BASE}">{text}</data>'


def test_an_edit_names_the_whole_path_and_touches_one_attribute():
    told = edit(TILT, MODELS)
    assert told.count("operation=") == 1
    assert 'digitalTilt nc:operation="replace">60</' in told
    assert "SubNetwork" not in told, "it lies outside the element's data"


def test_an_object_is_created_only_where_none_is_and_deleted_only_where_one_is():
    created = edit(RELATE, MODELS)
    assert 'NRCellRelation nc:operation="create"' in created
    assert "isHOAllowed>true</" in created
    deleted = edit(RELATE.inverse(), MODELS)
    assert 'NRCellRelation nc:operation="delete"' in deleted
    assert "isHOAllowed" not in deleted


def test_an_attribute_that_was_absent_is_removed_again():
    operation = Operation("MODIFY", BEAM, "CommonBeamformingFunction", "digitalTilt", 60, None)
    assert 'digitalTilt nc:operation="remove"' in edit(operation, MODELS)


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,9}|.{1,9}", fullmatch=True), st.text(max_size=30))
def test_names_and_values_by_others_never_become_markup(name, value):
    operation = Operation("MODIFY", CELL, "NRCellDU", name, None, value)
    try:
        told = ET.fromstring(edit(operation, MODELS))  # noqa: S314
    except InputError:
        return
    last = list(told.iter())[-1]
    assert len(list(told.iter())) == 9, "the path, its keys and one attribute"
    assert last.tag == f"{{{DU_CELL}}}{name}"
    assert (last.text or "").split() == value.split()


@pytest.mark.parametrize("value", ["\x00", "a\x08", "\ufffe"])
def test_what_xml_cannot_write_is_refused(value):
    with pytest.raises(InputError, match="cannot write"):
        edit(Operation("MODIFY", CELL, "NRCellDU", "userLabel", None, value), MODELS)


def test_a_reply_is_read_back_as_the_objects_that_were_asked_for():
    told = data(
        '<ManagedElement xmlns="urn:3gpp:sa5:_3gpp-common-managed-element"><id>7</id>'
        "<attributes><userLabel>12</userLabel></attributes>"
        '<GNBDUFunction xmlns="urn:3gpp:sa5:_3gpp-nr-nrm-gnbdufunction"><id>1</id>'
        f'<NRCellDU xmlns="{DU_CELL}"><id>1</id><attributes>'
        "<administrativeState>UNLOCKED</administrativeState><nRPCI>12</nRPCI>"
        "<isUp>true</isUp><share>0.5</share><code>007</code>"
        "<refs>a</refs><refs>b</refs><list><sD>000001</sD></list>"
        "</attributes></NRCellDU></GNBDUFunction></ManagedElement>"
    )
    outside = place_of(CELL, MODELS).outside
    found = {one.dn: one.attributes for one in objects_in(told, outside, MODELS)}
    assert found[CELL] == {
        "administrativeState": "UNLOCKED", "nRPCI": 12, "isUp": True, "share": 0.5, "code": "007",
        "refs": ["a", "b"], "list": {"sD": "000001"},
    }  # fmt: skip
    assert found["SubNetwork=1,ManagedElement=7"] == {"userLabel": "12"}


def saver(attributes):
    """Return what a server tells of a saving function."""
    return data(
        '<ManagedElement xmlns="urn:3gpp:sa5:_3gpp-common-managed-element"><id>7</id>'
        '<GNBCUCPFunction xmlns="urn:3gpp:sa5:_3gpp-nr-nrm-gnbcucpfunction"><id>1</id>'
        '<NRCellCU xmlns="urn:3gpp:sa5:_3gpp-nr-nrm-nrcellcu"><id>1</id>'
        f'<CESManagementFunction xmlns="{CES}"><id>1</id><attributes>{attributes}</attributes>'
        "</CESManagementFunction></NRCellCU></GNBCUCPFunction></ManagedElement>"
    )


def test_what_extends_the_standard_is_written_in_its_own_namespace_and_the_rest_in_the_classs():
    for operation, namespace in ((DEEP, OURS), (SAVE, CES)):
        told = ET.fromstring(edit(operation, MODELS))  # noqa: S314
        tags = [one.tag for one in told.iter() if one.tag.endswith(operation.attribute)]
        assert tags == [f"{{{namespace}}}{operation.attribute}"]
    made = Operation("CREATE", SAVING, DEEP.object_class, "", None, {DEEP.attribute: "ACTIVE"})
    assert f'"{OURS}"' in edit(made, MODELS)


@pytest.mark.parametrize(
    ("told", "mode"),
    [
        pytest.param(f'<energySavingMode xmlns="{OURS}">ACTIVE</energySavingMode>', "ACTIVE",
                     id="ours"),
        pytest.param("<energySavingMode>ACTIVE</energySavingMode>", None, id="the standard's"),
        pytest.param('<energySavingMode xmlns="urn:x">7</energySavingMode>', None, id="another's"),
    ],
)  # fmt: skip
def test_an_extension_is_read_from_its_own_namespace_and_from_no_other(told, mode):
    more = '<cesSwitch>true</cesSwitch><cesSwitch xmlns="urn:x">false</cesSwitch>'
    outside = place_of(SAVING, MODELS).outside
    (function,) = (
        one for one in objects_in(saver(told + more), outside, MODELS) if one.dn == SAVING
    )
    assert function.attributes.get("energySavingMode") == mode
    assert function.attributes["cesSwitch"] is True


def test_a_class_is_looked_for_where_it_is_contained_and_nowhere_else():
    told = ET.fromstring(class_filter(area_of("SubNetwork=1", MODELS), "NRCellCU", MODELS))  # noqa: S314
    names = [one.tag.rpartition("}")[2] for one in told.iter()]
    assert names == [
        "filter", "ManagedElement", "id", "GNBCUCPFunction", "id", "NRCellCU", "id", "attributes",
    ]  # fmt: skip
    both = class_filter(area_of("SubNetwork=1", MODELS), "CESManagementFunction", MODELS)
    assert both.count("ManagedElement>") == 2, "in the element itself and in its cells, once named"
    assert both.count(":CESManagementFunction>") == 2 * 2
    below = ET.fromstring(class_filter(area_of(CELL, MODELS), "NRCellDU", MODELS))  # noqa: S314
    assert next(one for one in below.iter() if one.tag.endswith("NRCellDU"))[-1].text == "1"


def test_a_mapping_that_names_no_containment_asks_for_everything():
    old = MODELS.model_copy(update={"contained_in": {}})
    told = ET.fromstring(class_filter(area_of("SubNetwork=1", old), "NRCellCU", old))  # noqa: S314
    assert {one.tag.rpartition("}")[2] for one in told} == set(MODELS.namespaces)
    below = class_filter(area_of("SubNetwork=1,ManagedElement=7", old), "NRCellCU", old)
    assert "attributes" not in below


def test_the_module_for_saving_modes_adds_what_the_mapping_says_in_the_namespace_it_says():
    text = (PACKAGED_MODELS.parent / "anops-energy-saving.yang").read_text()
    mapped = MODELS.extensions["CESManagementFunction"]
    assert mapped == {"energySavingMode": OURS}
    assert f'namespace "{OURS}";' in text
    assert "leaf energySavingMode {" in text
    assert re.findall(r"enum ([A-Z_]+) ", text) == list(MODES)


@pytest.mark.parametrize("told", ["", "<data>", data("")[:-3], "no XML"])
def test_a_reply_that_is_no_xml_is_refused(told):
    with pytest.raises(InputError, match="not XML"):
        objects_in(told, (), MODELS)


def test_what_is_not_mapped_or_has_no_key_is_left_out():
    told = data(
        "<Vendor xmlns='urn:x'><id>1</id></Vendor><ManagedElement><attributes/></ManagedElement>"
    )
    assert objects_in(told, (), MODELS) == []


@pytest.mark.parametrize(
    ("dn", "says"),
    [("SubNetwork=1", "outside"), ("SubNetwork=1,Mast=4", "No YANG module"), ("x", "DN 'x'")],
)
def test_an_object_without_a_place_is_told(dn, says):
    with pytest.raises(InputError, match=says):
        object_filter([dn], MODELS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (90, "90"), (90.0, "90"), (0.5, "0.5"), ([7], "7"), ([1, 2], ["1", "2"]),
     ({"a": 1}, {"a": "1"}), (None, None), ("x", "x")],
)  # fmt: skip
def test_values_are_compared_as_xml_writes_them(value, text):
    assert as_text(value) == text


def test_a_file_that_is_no_mapping_is_told(tmp_path):
    (tmp_path / "models.yaml").write_text("namespaces: 3\n")
    with pytest.raises(DefinitionError, match="no mapping"):
        load_models(tmp_path / "models.yaml")


def test_secrets_are_read_from_the_file_and_never_shown(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("open sesame\nhostkey ssh-ed25519 AAAAkey\n")
    target = target_at("netconf://anops@host", secret)
    assert (target.password, target.host_key, target.port) == (
        "open sesame", "ssh-ed25519 AAAAkey", 830,
    )  # fmt: skip
    assert "sesame" not in repr(target)
    with pytest.raises(InputError, match="cannot be read"):
        target_at("netconf://anops@host", tmp_path / "none")
