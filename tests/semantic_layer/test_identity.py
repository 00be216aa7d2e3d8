"""Distinguished names: as text, and the same on columns."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer import identity
from semantic_layer.errors import InputError
from semantic_layer.identity import (
    ancestor,
    cell_dn_of,
    format_dn,
    joined_dn,
    managed_element_dn,
    normalized_dn,
    object_class_of,
    parent,
    parse_dn,
)
from semantic_layer.loading import catalogue
from semantic_layer.managed_objects import row_dn

CLASSES = [
    "SubNetwork",
    "MeContext",
    "ManagedElement",
    "GNBDUFunction",
    "GNBCUCPFunction",
    "ENodeBFunction",
    "NRCellDU",
    "NRCellCU",
    "EUtranCellFDD",
    "NRCellRelation",
]
values = st.text(
    st.characters(blacklist_categories=("Cs",)) | st.sampled_from(',=\\+"#; '), min_size=1
)
step_lists = st.lists(st.tuples(st.sampled_from(CLASSES), values), min_size=1, max_size=6)
DU = "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3"


@given(step_lists)
def test_what_is_formatted_is_parsed_back(steps):
    assert [tuple(step) for step in parse_dn(format_dn(steps))] == steps


@given(step_lists)
def test_a_parent_has_one_step_less(steps):
    above = parent(format_dn(steps))
    assert above == (format_dn(steps[:-1]) if len(steps) > 1 else None)


@given(st.lists(step_lists, min_size=1, max_size=20))
def test_columns_agree_with_text(dns):
    texts = [normalized_dn(format_dn(steps)) for steps in dns]
    frame = pl.DataFrame({"dn": texts}).select(
        cell=identity.cell_dn_expression("dn"),
        element=identity.managed_element_expression("dn"),
        above=identity.ancestor_expression("dn", "GNBDUFunction"),
        named=identity.object_class_expression("dn"),
    )
    assert frame["cell"].to_list() == [cell_dn_of(text) for text in texts]
    assert frame["element"].to_list() == [managed_element_dn(text) for text in texts]
    assert frame["above"].to_list() == [ancestor(text, "GNBDUFunction") for text in texts]
    assert frame["named"].to_list() == [object_class_of(text) for text in texts]


@pytest.mark.parametrize(
    ("dn", "cell"),
    [
        pytest.param(DU, DU, id="the DU half is the row"),
        pytest.param(
            "SubNetwork=1,ManagedElement=7,GNBCUCPFunction=1,NRCellCU=3", DU, id="the CU half joins"
        ),
        pytest.param("GNBDUFunction=1,NRCellDU=3", "GNBDUFunction=1,NRCellDU=3", id="local name"),
        pytest.param(
            "ManagedElement=7,ENodeBFunction=1,EUtranCellFDD=2",
            "ManagedElement=7,ENBFunction=1,EUtranCellFDD=2",
            id="a vendor's spelling",
        ),
        pytest.param(
            "ManagedElement=7,ENBFunction=1,EUtranCellTDD=2",
            "ManagedElement=7,ENBFunction=1,EUtranCellTDD=2",
            id="TDD",
        ),
        pytest.param(f"{DU},Beam=1", None, id="below a cell is no cell"),
        pytest.param("ManagedElement=7,GNBDUFunction=1,NRSectorCarrier=3", None, id="a carrier"),
        pytest.param("ManagedElement=7", None, id="an element"),
        pytest.param(
            r"ManagedElement=a\,NRCellCU=9,GNBDUFunction=1,NRCellDU=3",
            r"ManagedElement=a\,NRCellCU\=9,GNBDUFunction=1,NRCellDU=3",
            id="a value that looks like a class",
        ),
    ],
)
def test_a_cell_has_one_name(dn, cell):
    assert cell_dn_of(dn) == cell
    found = pl.select(pl.lit(normalized_dn(dn)).alias("dn")).select(
        identity.cell_dn_expression("dn")
    )
    assert found.item() == cell


@pytest.mark.parametrize(
    ("prefix", "element", "local", "full"),
    [
        pytest.param(
            "SubNetwork=G3",
            "node7",
            "ManagedElement=node7,GNBDUFunction=1,NRCellDU=1",
            "SubNetwork=G3,ManagedElement=node7,GNBDUFunction=1,NRCellDU=1",
            id="a bare element name",
        ),
        pytest.param(
            "DC=operator.com,SubNetwork=A",
            "ManagedElement=GNB-1",
            "ManagedElement=GNB-1,GNBCUCPFunction=1",
            "DC=operator.com,SubNetwork=A,ManagedElement=GNB-1,GNBCUCPFunction=1",
            id="domain components",
        ),
        pytest.param(
            "",
            "ManagedElement=7",
            "GNBDUFunction=1",
            "ManagedElement=7,GNBDUFunction=1",
            id="no prefix, object below the element",
        ),
        pytest.param(
            "SubNetwork=1,ManagedElement=7",
            "SubNetwork=1,ManagedElement=7",
            "SubNetwork=1,ManagedElement=7,GNBDUFunction=1",
            "SubNetwork=1,ManagedElement=7,GNBDUFunction=1",
            id="everything repeats everything",
        ),
        pytest.param(
            "SubNetwork=1",
            "",
            "SubNetwork=2,ManagedElement=7",
            "SubNetwork=1,SubNetwork=2,ManagedElement=7",
            id="nested subnetworks",
        ),
        pytest.param(
            "SubNetwork=CountryNN,MeContext=M1",
            "ManagedElement=R1",
            "RncFunction=RF-1",
            "SubNetwork=CountryNN,MeContext=M1,ManagedElement=R1,RncFunction=RF-1",
            id="a context",
        ),
        pytest.param(
            "SubNetwork=1",
            "ManagedElement=7",
            "",
            "SubNetwork=1,ManagedElement=7",
            id="the element itself",
        ),
    ],
)
def test_the_parts_of_a_file_join_to_one_name(prefix, element, local, full):
    assert joined_dn(prefix, element, local) == full


@pytest.mark.parametrize(
    ("dn", "message"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param("ManagedElement", "Class=value", id="no value"),
        pytest.param("ManagedElement=", "Class=value", id="an empty value"),
        pytest.param("ManagedElement=7,", "Class=value", id="a trailing comma"),
        pytest.param("=7", "Class=value", id="no class"),
        pytest.param(r"Managed\,Element=7", "Class=value", id="an escape in a class"),
        pytest.param("ManagedElement=7\\", "ends within an escape", id="a cut escape"),
        pytest.param(r"ManagedElement=\ff", "not UTF-8", id="broken bytes"),
    ],
)
def test_what_is_no_name_is_refused_with_a_reason(dn, message):
    with pytest.raises(InputError, match=message):
        parse_dn(dn)


def test_escapes_of_the_standard_are_read():
    assert parse_dn(r"ManagedElement=\c3\a9t\c3\a9\2c 1,NRCellDU=\+1")[0].value == "été, 1"
    assert parse_dn(r"ManagedElement=7,NRCellDU=\+1")[1].value == "+1"


def test_text_that_is_no_name_gives_no_cell():
    frame = pl.DataFrame({"dn": ["NRCellDU", "", None, "x,NRCellDU=1"]})
    assert frame.select(identity.cell_dn_expression("dn")).to_series().to_list() == [None] * 4


def test_code_and_catalogue_know_the_same_cells_and_spellings():
    classes = catalogue().object_classes.values()
    assert {item.name for item in classes if item.is_cell} == set(identity.CELL_CLASSES)
    for item in classes:
        for spelling in item.also_spelled:
            if item.name == "ENBFunction":
                assert object_class_of(f"{spelling}=1") == item.name


def test_a_meter_stands_on_its_elements_row():
    dn = "SubNetwork=1,ManagedElement=7,NodeSupport=1,ConsumedEnergyMeasurement=1"
    assert row_dn(dn, catalogue().object_classes) == "SubNetwork=1,ManagedElement=7"
    assert row_dn(f"{DU},Beam=1", catalogue().object_classes) == f"{DU},Beam=1"
    assert row_dn("ManagedElement=7,GNBCUCPFunction=1,NRCellCU=3", catalogue().object_classes) == (
        "ManagedElement=7,GNBDUFunction=1,NRCellDU=3"
    )
