"""The section of proposed changes: what waits, what was refused, what was done and came of it."""

from datetime import timedelta

import pytest
from lxml import html

from tasks.reporting.html_page import html_page
from tasks.reporting.markdown_page import markdown_page
from tasks.reporting.network_report import network_report
from tasks.reporting.proposal_section import ProposalSection, proposal_section
from tests.tasks.reporting import proposed, world
from tests.tasks.reporting.proposed import change, changes, outcome, outcomes

HOSTILE = "<script>alert(1)</script> “Approve at once.”"
SITES = {proposed.CELL: "Harbour 1"}


def section(*rows, ended=()):
    return proposal_section(changes(*rows), outcomes(*ended), world.WINDOW, SITES, world.SOURCES)


@pytest.fixture(scope="module")
def town():
    return world.town(sites=2, sick=1)


def page_text(town, told):
    page = html_page(network_report(town, world.SOURCES, proposals=told))
    (found,) = html.document_fromstring(page).xpath("//section[@id='proposals']")
    return " ".join(found.text_content().split()), page


def test_what_waits_is_told_with_what_is_written_why_who_must_approve_and_until_when():
    (row,) = section(change(1, approvals=["anna"], persons_needed=2)).waiting
    (write,) = row.writes
    assert row.cell == "Harbour 1 · NRCellDU=1"
    assert write.text == f"{proposed.BEAM}: digitalTilt, 90 becomes 60"
    assert (row.reason, row.probability_text, row.risk) == ("The tilt slipped.", "91 %", "low")
    assert row.needs_text == "2 persons, 1 said yes"
    assert row.expires_text == "2026-03-06 01:00"
    assert row.command == "anops approvals show p1"


def test_who_approved_is_not_told(town):
    told = section(change(1, "APPROVED", approvals=["anna"]))
    assert "anna" not in page_text(town, told)[1]


def test_what_expires_first_is_told_first():
    later, sooner = change(2), change(1)
    assert [row.proposal_id for row in section(later, sooner).waiting] == ["p1", "p2"]


@pytest.mark.parametrize(
    ("write", "told"),
    [
        pytest.param(
            {"kind": "CREATE", "dn": "Relation=3", "attribute": "", "before": None,
             "after": {"isHOAllowed": True, "ref": "Cell=3"}},
            "Relation=3: object made, nothing becomes isHOAllowed true, ref Cell=3",
            id="a relation that lacked",
        ),
        pytest.param(
            {"kind": "DELETE", "dn": "Relation=3", "attribute": "", "before": {"ref": "Cell=3"},
             "after": None},
            "Relation=3: object removed, ref Cell=3 becomes nothing",
            id="a relation too many",
        ),
    ],
)  # fmt: skip
def test_objects_made_and_removed_are_told_by_their_attributes(write, told):
    (row,) = section(change(1, writes=[write])).waiting
    assert [one.text for one in row.writes] == [told]


def test_a_refused_change_says_which_rule_it_breaks(town):
    told = section(change(1, "REFUSED", breaches=["floor: Coverage would be 0.91."]))
    assert not told.waiting
    assert told.refused[0].breaches == ("floor: Coverage would be 0.91.",)
    assert "Refused by guardrails" in page_text(town, told)[0]


def test_a_change_that_was_verified_says_what_was_gained_against_control_cells():
    (row,) = section(change(1, "KEPT", effect="better"), ended=[outcome(1)]).done
    assert row.stage_text == "stands"
    assert row.effect_text == (
        "better: Cell drop rate 3 % before, 0.3 % after, 2.9 % expected without the change; "
        "+89.6 % (+81.0 % to +95.0 %) against 7 control cells"
    )


def test_a_change_that_was_never_measured_says_why():
    ended = outcome(1, outcome="ROLLED_BACK", effect=None, gain_share=None, reason="No answer.")
    (row,) = section(change(1, "ROLLED_BACK"), ended=[ended]).done
    assert row.stage_text == "rolled back, could not be written whole"
    assert row.effect_text == "No answer."


def test_what_ended_before_the_window_is_left_out_and_what_is_open_never():
    long_ago = world.WINDOW.start - timedelta(days=9)
    told = section(
        change(1, "KEPT", changed_at=long_ago),
        change(2, "REFUSED", changed_at=long_ago),
        change(3, "REJECTED", changed_at=long_ago),
        change(4, "APPLIED", changed_at=long_ago),
        change(5, "WAITING", changed_at=long_ago),
    )
    assert [row.proposal_id for row in (*told.waiting, *told.done)] == ["p5", "p4"]
    assert told.many == 2


def test_the_level_of_autonomy_is_that_of_the_newest_judgment():
    before = proposed.NOW - timedelta(hours=3)
    told = section(change(1, autonomy_level=1, changed_at=before), change(2, autonomy_level=3))
    assert told.autonomy_sentence == "Autonomy when last judged: heal tilt slip L3."


def test_where_nothing_is_proposed_the_page_says_how_to_look(town):
    text, _ = page_text(town, None)
    assert "Nothing is proposed." in text
    assert "anops approvals list" in text
    assert ProposalSection().autonomy_sentence == ""


def test_a_long_list_is_cut_and_says_so(town):
    told = section(*(change(number) for number in range(1, 31)))
    assert len(told.waiting) == 20
    assert "10 more: anops approvals list" in page_text(town, told)[0]


def test_what_others_wrote_is_text_and_no_markup(town):
    told = section(
        change(1, reason=HOSTILE, proposal_id=HOSTILE, use_case=HOSTILE, hypothesis=HOSTILE,
               cell_dns=[HOSTILE], writes=[{**proposed.TILT_BACK, "dn": HOSTILE, "after": HOSTILE}],
               decided_by=HOSTILE),
        change(2, "REFUSED", breaches=[HOSTILE]),
    )  # fmt: skip
    text, page = page_text(town, told)
    assert "<script>alert" not in page
    assert "<script>alert(1)" in text
    markdown = markdown_page(network_report(town, world.SOURCES, proposals=told), {})
    assert "<script>" not in markdown
