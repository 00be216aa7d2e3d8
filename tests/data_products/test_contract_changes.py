"""A change of contracts or definitions is told by whom it breaks, and which version is due."""

import copy
import json

import pytest

from data_products.contract_changes import (
    ACCEPTED,
    COMMAND,
    accept,
    accepted_state,
    current_state,
    judged,
    reached,
    state_in,
    told,
)
from data_products.registry import products
from semantic_layer.errors import DefinitionError
from semantic_layer.loading import catalogue
from tests.conftest import REPOSITORY


@pytest.fixture
def state():
    found = json.loads(json.dumps(current_state()))
    found["products"]["cell_kpis"]["version"] = "1.0.0"
    return found


def changed(state, **columns):
    """Return the state with columns of cell_kpis replaced, or removed when None."""
    after = copy.deepcopy(state)
    table = after["products"]["cell_kpis"]["tables"]["cell_kpis"]["columns"]
    for name, value in columns.items():
        if value is None:
            del table[name]
        else:
            table[name] = value
    return after


def column(state, name):
    return copy.deepcopy(state["products"]["cell_kpis"]["tables"]["cell_kpis"]["columns"][name])


def test_nothing_changed_is_nothing_due(state):
    verdict = judged(state, state)
    assert (verdict.changes, verdict.due, verdict.is_accepted) == ((), {}, True)
    assert "as they were accepted" in told(verdict)


def test_a_dropped_column_breaks_and_says_whom_it_reaches(state):
    verdict = judged(state, changed(state, prb_usage_dl_pct=None))
    assert verdict.due == {"cell_kpis": "2.0.0"}
    assert not verdict.is_accepted
    text = told(verdict, reached(verdict, products(), catalogue()))
    assert "BREAKS  cell_kpis.prb_usage_dl_pct: is dropped" in text
    assert "consumer cell detector: finds no cell_kpis.prb_usage_dl_pct" in text
    assert COMMAND in text


@pytest.mark.parametrize(
    ("place", "value", "is_breaking", "says"),
    [
        pytest.param(0, "String", True, "was Float64, is String", id="another type"),
        pytest.param(4, 90.0, True, "bounds were", id="a bound drawn closer"),
        pytest.param(4, None, False, "bounds were", id="a bound opened"),
        pytest.param(1, True, False, "is required now", id="required now"),
        pytest.param(2, "semantic_layer/kpi/prb_usage_ul", True, "is defined by", id="redefined"),
        pytest.param(5, ["1"], True, "values were", id="only some values"),
        pytest.param(7, "restricted", True, "was internal", id="closed to its readers"),
        pytest.param(7, "public", False, "was internal", id="opened"),
        pytest.param(6, "^x$", True, "pattern was", id="a pattern"),
    ],
)
def test_what_is_promised_of_a_column_decides(state, place, value, is_breaking, says):
    bent = column(state, "prb_usage_dl_pct")
    bent[place] = value
    verdict = judged(state, changed(state, prb_usage_dl_pct=bent))
    (change,) = verdict.changes
    assert change.is_breaking is is_breaking
    assert says in change.says
    assert verdict.due["cell_kpis"] == ("2.0.0" if is_breaking else "1.1.0")


def test_a_new_column_is_compatible_and_asks_for_a_minor_version(state):
    bent = column(state, "prb_usage_dl_pct")
    verdict = judged(state, changed(state, brand_new=bent))
    assert verdict.due == {"cell_kpis": "1.1.0"}
    assert verdict.is_accepted
    assert not verdict.breaking


def test_a_raised_version_answers_a_breaking_change(state):
    after = changed(state, prb_usage_dl_pct=None)
    after["products"]["cell_kpis"]["version"] = "2.0.0"
    verdict = judged(state, after)
    assert verdict.breaking
    assert verdict.due == {}
    assert verdict.is_accepted


def test_a_formula_that_changed_behind_its_column_breaks(state):
    after = copy.deepcopy(state)
    after["definitions"]["kpi prb_usage_dl"][1] = ["prb_avail_dl"]
    (change,) = judged(state, after).changes
    assert (change.subject, change.bump) == ("kpi prb_usage_dl", "major")
    assert "numerator was" in change.says


def test_a_key_that_changed_and_a_product_that_went_break(state):
    after = copy.deepcopy(state)
    after["products"]["cell_kpis"]["tables"]["cell_kpis"]["key"] = ["cell_dn"]
    del after["products"]["network_topology"]
    subjects = {change.subject for change in judged(state, after).breaking}
    assert subjects == {"cell_kpis", "network_topology"}


def test_a_checkout_s_folder_is_read_as_this_one_is():
    assert judged(state_in(REPOSITORY), current_state()).changes == ()


def test_a_folder_that_is_no_checkout_is_told(tmp_path):
    with pytest.raises(DefinitionError, match="no checkout"):
        state_in(tmp_path)


def test_accepting_keeps_the_state(tmp_path):
    path = tmp_path / "accepted.json"
    assert accepted_state(path)["products"] == {}
    accept(path)
    assert judged(accepted_state(path), current_state()).changes == ()


def test_contracts_break_nobody_since_they_were_last_accepted():
    assert ACCEPTED.is_file(), f"run `{COMMAND}`"
    verdict = judged(accepted_state(), current_state())
    text = told(verdict, reached(verdict, products(), catalogue()))
    assert not verdict.breaking, f"\n{text}\nRaise the versions, then run `{COMMAND}`."
