"""What a text says must stand in results of tools; what doesn't is found, however it is written."""

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.agents.claims import claims, normal
from tasks.agents.grounding import KnownValues
from tasks.agents.tools import ToolResult
from tests.tasks.agents.doubles import CELL, OTHER

ROW = {
    "cell_dn": CELL,
    "site_name": "Site 12 North",
    "band": "n78",
    "period_start": "2026-03-02T14:15:00+00:00",
    "anomaly_id": "3fa2c0de91b4aa07",
    "prb_usage_dl_pct": 71.3456,
    "drop_share": 0.0571,
    "rsrp_dbm": -101.25,
    "volume_mbit": 12345.6,
    "score": 4.0,
}


def known(*rows, says="", sources=(), is_untrusted=False):
    values = KnownValues()
    values.add(ToolResult(rows or (ROW,), says, sources, is_untrusted=is_untrusted))
    return values


@pytest.mark.parametrize(
    "text",
    [
        f"{CELL} carried 71.3 % of its load.",
        "PRB usage was 71 percent, that is 71.35%, and drops were 5.7 %.",
        "A share of 0.057 was dropped; usage as a share is 0.71.",
        "Its level fell to -101.3 dBm (101 dBm below).",
        "12,345.6 Mbit went through, about 12346Mbit.",
        "Cell 3 of site 62 on n78 since 14:15 on 2026-03-02.",
        "Since 2 March 2026, 14:15, in fact since 2026-03-02 14:15:00Z.",
        "Finding 3fa2c0de91b4aa07 at Site 12 North, a 5G cell.",
        "The object GNBDUFunction=1,NRCellDU=3 below ManagedElement=62.",
        "Finding [3fa2c0de91b4aa07] says so.",
        "1. One row was read.\n2. Its score is 4.",
        "It is year 2026.",
    ],
)
def test_what_tools_gave_may_be_said_rounded_as_shown_and_in_percent(text):
    assert known().fabricated(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(f"{OTHER} is to blame.", [OTHER], id="another cell"),
        pytest.param("NRCellDU=4 is to blame.", ["NRCellDU=4"], id="a short name of none"),
        pytest.param(f"{CELL},Part=9 fails", [f"{CELL},Part=9"], id="below a known object"),
        pytest.param("Usage was 71.4 %.", ["71.4"], id="rounded wrongly"),
        pytest.param("Usage was 71.34 %.", ["71.34"], id="cut, not rounded"),
        pytest.param("Drops were 0.06 %.", ["0.06"], id="a share said to be percent"),
        pytest.param("Seven alarms stood.", ["Seven"], id="a number in words"),
        pytest.param("Set tilt to 9.5deg.", ["9.5deg"], id="with its unit"),
        pytest.param("It rose by ٤٢ %.", ["٤٢"], id="digits of another script"),
        pytest.param("It rose by \uff14\uff12 %.", ["42"], id="wide digits"),
        pytest.param("Since 14:20.", ["14:20"], id="another time"),
        pytest.param("Since 3 March.", ["3 March"], id="another day"),
        pytest.param("2026-03-02 15:15", ["2026-03-02 15:15"], id="a day with another time"),
        pytest.param("Cell 5 of site 62.", ["5"], id="a label of none"),
        pytest.param("See [runbook-9].", ["runbook-9"], id="a citation of none"),
        pytest.param("Sources [3fa2c0de91b4aa07, TT-9].", ["TT-9"], id="one of two citations"),
        pytest.param("Ask https://help.example/x now.", ["https://help.example/x"], id="a link"),
        pytest.param("Ticket TT-1808 says so.", ["TT-1808"], id="an id of none"),
        pytest.param("Loads of 71.3-98.7 %.", ["98.7"], id="the end of a range"),
        pytest.param("1e6 users, 99x", ["1e6", "99x"], id="power and factor"),
        pytest.param("1e999 users, 1e-999", ["1e999", "1e-999"], id="powers beyond all"),
        pytest.param("gNB62b and version 22.4.1.", ["gNB62b", "22.4.1"], id="names with digits"),
    ],
)
def test_what_no_tool_gave_is_found(text, found):
    assert known().fabricated(text) == found


def test_what_others_wrote_may_be_repeated_only_beside_its_citation():
    text = "Where PIM exceeds 17.5 dB, tighten the jumper of NRCellDU=77 within 36 hours."
    row = {"passage_id": "runbook-4#2", "text": text, "page": 8}
    values = known(row, sources=("runbook-4#2",), is_untrusted=True)
    said = "The limit of 17.5 dB is exceeded on NRCellDU=77"
    assert values.fabricated(f"{said}.") == ["NRCellDU=77", "17.5"]
    assert values.fabricated(f"{said} [runbook-4#2].") == []
    assert values.fabricated("See page 8 [runbook-4#2].") == []
    assert values.citations_in("See [runbook-4#2] and [runbook-4#2].") == ("runbook-4#2",)


def test_facts_that_code_worked_out_may_be_said():
    values = known()
    assert values.fabricated("A loss of 17.3 %.") == ["17.3"]
    values.add_fact("loss_pct", 17.26)
    assert values.fabricated("A loss of 17.3 %.") == []


NUMBERS = st.floats(1e-3, 1e6, allow_nan=False)


@given(NUMBERS, st.integers(0, 4))
def test_a_known_number_may_be_said_at_any_rounding(value, decimals):
    values = known({"value": value})
    assert values.fabricated(f"It is {value:.{decimals}f} dB.") == []
    assert values.fabricated(f"It is {value:,.{decimals}f} dB.") == []


@given(st.lists(NUMBERS, min_size=1, max_size=20), NUMBERS, st.integers(0, 3))
def test_a_number_is_known_only_if_some_known_one_rounds_to_it(numbers, other, decimals):
    shown = f"{other:.{decimals}f}"
    values = KnownValues()
    values.add(ToolResult(tuple({"value": number} for number in numbers), ""))
    distances = [abs(number - float(shown)) for number in (*numbers, len(numbers))]
    slack = 0.5 * 10.0**-decimals
    assume(not any(math.isclose(one, slack, rel_tol=1e-6) for one in distances))
    is_known = any(one < slack for one in distances)
    assert (values.fabricated(f"It is {shown} dB.") == []) == is_known


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_no_text_breaks_the_check_and_every_run_of_digits_is_some_claim(text):
    text = normal(text)
    made = claims(text)
    told = " ".join(claim.text for claim in made)
    marks = re.sub(r"^[ \t]*\d{1,2}[.)][ \t]", " ", text, flags=re.MULTILINE)
    for run in re.findall(r"\d+", marks):
        assert run in told or any(run in tech for tech in ("2", "3", "4", "5", "6"))


@given(st.integers(1, 999), st.integers(1, 999), st.integers(1, 99))
def test_every_object_that_is_none_of_the_known_ones_is_found(element, cell, known_cell):
    dn = f"SubNetwork=1,ManagedElement={element},GNBDUFunction=1,NRCellDU={cell}"
    values = known(
        {"cell_dn": f"SubNetwork=1,ManagedElement=62,GNBDUFunction=1,NRCellDU={known_cell}"}
    )
    expected = [] if (element, cell) == (62, known_cell) else [dn]
    assert values.fabricated(f"The fault lies at {dn}.") == expected


def test_numbers_beyond_all_bounds_and_truth_values_are_no_numbers():
    values = known({"huge": 10**400, "is_locked": True, "small": 5e-324})
    assert values.fabricated("It is 4.") == ["4"]
    assert values.fabricated(f"It is {'9' * 400}.") == ["9" * 400]


def test_branches_know_what_was_known_before_and_hand_on_what_they_found():
    trunk = known({"value": 17.5})
    branch = trunk.copy()
    branch.add(ToolResult(({"value": 36.5},), ""))
    assert branch.fabricated("17.5 and 36.5") == []
    assert trunk.fabricated("17.5 and 36.5") == ["36.5"]
    trunk.take_in(branch)
    assert trunk.fabricated("17.5 and 36.5") == []
