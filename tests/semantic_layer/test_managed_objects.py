"""Which DNs are their own row's, told one by one and all at once."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.identity import SPELLINGS, normalized_dn
from semantic_layer.loading import catalogue
from semantic_layer.managed_objects import is_row_dn, row_dn

CLASSES = catalogue().object_classes
NAMES = sorted({*CLASSES, *SPELLINGS, "NRCellCU", "Unheard"})
VALUES = st.text(alphabet="abz019-_.:/ ,=\\\\#+", min_size=1, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), min_size=1, max_size=4))
def test_what_is_told_to_be_its_own_row_is(steps):
    dn = ",".join(f"{name}={value}" for name, value in steps)
    told = pl.DataFrame({"dn": [dn]}).select(is_row_dn("dn", CLASSES)).item()
    if told:
        assert row_dn(normalized_dn(dn), CLASSES) == dn


@pytest.mark.parametrize(
    "dn",
    [
        "SubNetwork=1,ManagedElement=7,GNBDUFunction=1,NRCellDU=3",
        "SubNetwork=core,ManagedElement=C1,AMFFunction=1",
        "ManagedElement=7",
    ],
)
def test_plain_names_are_told_at_once(dn):
    assert pl.DataFrame({"dn": [dn]}).select(is_row_dn("dn", CLASSES)).item()
