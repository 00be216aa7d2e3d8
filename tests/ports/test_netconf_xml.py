"""Managed objects as XML: paths, edits and values, without a server."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import DefinitionError, InputError
from tasks.adapters.netconf_calls import target_at
from tasks.adapters.netconf_xml import (
    BASE,
    PACKAGED_MODELS,
    as_text,
    edit,
    load_models,
    object_filter,
    objects_in,
    place_of,
)
from tasks.messages.change_sets import Operation
from tests.tasks.execution.told import BEAM, CELL, RELATE, TILT

MODELS = load_models(PACKAGED_MODELS)
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
