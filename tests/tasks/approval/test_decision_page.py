"""The page of a decision answers who, what, why, on what evidence, with which limits, and then."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.approval.approval_text import proposal_markdown, proposal_text
from tasks.approval.decision_page import decision_page
from tasks.approval.decision_story import decision_story, story_text
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.proposals import Breach, EvidenceReference
from tests.tasks.approval.world import (
    BREACH,
    CELL,
    HOSTILE,
    RESTART,
    TILT_BACK,
    asked,
    by,
    desk,
    judged,
    later,
    proposal,
    told,
)

EFFECT = {
    "kpi": "drb_setup_success_rate", "before": 0.9, "after": 0.97, "expected_after": 0.91,
    "gain": 0.066, "low": 0.04, "high": 0.09, "controls": [f"{CELL}{n}" for n in range(12)],
    "around": [{"kpi": "handover_success_rate", "gain": 0.01, "low": -0.01, "high": 0.02}],
}  # fmt: skip


def kept(effect=EFFECT):
    here = desk()
    name = asked(here, persons=2)
    here.delegate(name, by("anna"), "dee", None, "On the road.")
    for person in ("dee", "bo"):
        here.approve(name, by(person), TILT_BACK.digest, "Seen.")
    told(here, name, "execution_prepared", "execution", attempt=1,
         rollback=TILT_BACK.rollback().to_json())  # fmt: skip
    for kind in ("write_intended", "write_done"):
        told(here, name, kind, "execution", attempt=1, direction="apply", step=0)
    told(here, name, "applied", "execution", attempt=1, applied_at=here.clock.now().isoformat())
    later(here, hours=3)
    told(here, name, "verified", "execution", verdict="better", reason="It gained 6.6 %.",
         effect=effect, measured_until="2026-03-02T14:45:00+00:00")  # fmt: skip
    return here, name


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, and the text that people read."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self.pieces = [], [], "", []
        self._is_style = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._is_style = tag == "style"

    def handle_endtag(self, tag):
        self._is_style = False if tag == "style" else self._is_style

    def handle_data(self, data):
        if not self._is_style:
            self.text += data
            self.pieces += data.split()


def page(here, name, problems=()):
    story = decision_story(here.life(name))
    return decision_page(story, list(problems), here.ledger.public_key)


@pytest.mark.parametrize(
    "says",
    [
        "Heal tilt slip", "KEPT", "healing_agent proposed, solver decided",
        "Approved by dee, bo; 2 persons must", "1 write to 1 object", "probability 91%",
        "2 pieces of evidence for 1 finding", "3 rules checked, none broken", "It gained 6.6 %.",
        "DL throughput fell by 38 %.", "The cell carries traffic.", "stored before the first write",
        "On the road.", "12 control cells", "+6.6%", "+4.0% to +9.0%", "anops replay run-1",
        "undone if worse by 5.0%", "every entry has the hash that it names", TILT_BACK.digest,
    ],
)  # fmt: skip
def test_a_page_answers(says):
    assert says in " ".join(Seen(page(*kept())).text.split())


def test_before_and_after_and_the_way_back_stand_side_by_side():
    text = " ".join(Seen(page(*kept())).pieces)
    assert re.search(r"digitalTilt MODIFY .* 90 → 60 .* digitalTilt MODIFY .* 60 → 90", text)


def test_every_entry_is_on_the_timeline_in_order():
    here, name = kept()
    story = decision_story(here.life(name))
    assert [one.title for one in story.timeline] == [
        "Proposed", "Judged", "People asked", "Right given away", "Approved", "Approved",
        "Rollback stored", "Written", "Applied", "Effect measured",
    ]  # fmt: skip
    assert story.timeline[7].numbers == "8 to 9"
    assert story_text(story).count("\n") > 20


def test_a_refusal_names_the_rules_that_are_broken_and_how():
    here = desk()
    name = judged(here.ledger, breaches=(BREACH, replace(BREACH, rule="protected")))
    story = decision_story(here.life(name))
    assert dict(story.rules) == {
        "floor": BREACH.says, "protected": BREACH.says, "range": "", "freeze": "",
    }  # fmt: skip
    text = Seen(page(here, name)).text
    assert "What was to be written" in text
    assert "Nobody was asked, for guardrails refused it." in text


def test_a_broken_ledger_is_said_at_the_top_of_the_page():
    here, name = kept()
    assert "do not rely on this page" in page(here, name, ["Entry 3 was changed."])
    assert "do not rely on this page" not in page(here, name)


@pytest.mark.parametrize(
    "effect",
    [{}, {"gain": None, "low": 1}, {**EFFECT, "controls": None, "around": []}, None, "good"],
)
def test_an_effect_that_was_measured_with_less_is_shown_with_less(effect):
    assert "It gained 6.6 %." in page(*kept(effect))


def hostile_story(text):
    here = desk()
    bad = ChangeSet((Operation("MODIFY", f"{CELL}{text}", text, text, text, {"x": text}),))
    one = replace(
        proposal(bad, text=text), use_case=text, decided_by=text, cell_dns=(text,), run_id=text,
        hypothesis=text, trigger_ids=(text,), evidence=(EvidenceReference(text, text, text),),
    )  # fmt: skip
    name = judged(here.ledger, one, breaches=(Breach(text, text),))
    told(here, name, "verified", text or "x", verdict=text, reason=text, effect={"kpi": text},
         measured_until=text)  # fmt: skip
    return here, name


KNOWN = """
html head meta title style body header p h1 span code main section dl div dt dd a ol li b h2 h3
table thead tr th tbody td br details summary ul pre wbr figure svg rect line
"""


@settings(max_examples=60)
@given(
    st.one_of(st.just(HOSTILE), st.text(max_size=60), st.text("<>&\"'/=!-{}%# script", max_size=60))
)
def test_what_others_wrote_is_text_wherever_it_stands(text):
    """No element, attribute or request comes from it, and no character that nobody sees."""
    here, name = hostile_story(text)
    seen = Seen(page(here, name))
    assert set(seen.tags) <= set(KNOWN.split())
    assert all(name in {"class", "id", "href", "lang", "charset", "http-equiv", "content", "name",
                        "aria-label", "aria-hidden", "scope", "open", "role", "style", "viewbox",
                        "preserveaspectratio", "x", "y", "x1", "x2", "y1", "y2", "width", "height"}
               for name, _ in seen.attributes)  # fmt: skip
    links = [value for name, value in seen.attributes if name == "href"]
    assert all(link.startswith("#") for link in links)
    for told_text in (
        seen.text,
        proposal_text(here.life(name)),
        proposal_markdown(here.life(name)),
    ):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", told_text)


def test_a_form_shows_hostile_text_as_text():
    here, name = hostile_story(HOSTILE)
    from markdown_it import MarkdownIt

    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(proposal_markdown(here.life(name)))
    )
    assert "<script" not in html
    assert "<img" not in html
    assert "<a " not in html


def test_a_long_change_is_counted_where_a_form_has_no_room():
    here = desk()
    name = judged(here.ledger, proposal(ChangeSet(RESTART.operations * 30)))
    assert "and 20 more writes" in proposal_text(here.life(name))


def test_the_page_asks_nothing_of_anybody():
    text = page(*kept())
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|<script|src=|url\(", text)
