"""How text is cut into passages, what of it is shown, and how long a passage is the same one."""

import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_products.operations_documents.derive import DOCUMENT_SCHEMA
from data_products.operations_knowledge.chunking import passage_spans, shown
from data_products.operations_knowledge.derive import derive
from semantic_layer.knowledge_rules import knowledge_rules

RULES = knowledge_rules()
START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = st.text(
    st.sampled_from("ab .:!\n\t-|1)\u200b\u202e\u2066\ufeff\x00\x1b\U000e0041\u0301é中"),
    max_size=300,
)


def pieces(text, most):
    return [text[start:end] for start, end in passage_spans(text, most)]


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        pytest.param("Short.", 50, ["Short."], id="what fits stays whole"),
        pytest.param("  \n ", 50, [], id="white space is no passage"),
        pytest.param(
            "First part here.\n\nSecond part.",
            20,
            ["First part here.", "Second part."],
            id="paragraphs",
        ),
        pytest.param(
            "Intro words.\n\n1. one\n2. two\n3. three",
            30,
            ["Intro words.", "1. one\n2. two\n3. three"],
            id="a list stays whole where it fits",
        ),
        pytest.param(
            "1. one thing\n   goes on\n2. two things\n3. three",
            24,
            ["1. one thing\n   goes on", "2. two things\n3. three"],
            id="else it is cut between items",
        ),
        pytest.param(
            "One is here. Two is there! Three?", 20, ["One is here.", "Two is there! Three?"],
            id="sentences",
        ),
        pytest.param("alpha beta gamma", 11, ["alpha beta", "gamma"], id="words"),
        pytest.param("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5], id="a word without an end"),
        pytest.param(
            "Some text.\n\nCheck this:\n\n- a lamp\n- a plug",
            30,
            ["Some text.", "Check this:\n\n- a lamp\n- a plug"],
            id="what leads in goes with its list",
        ),
        pytest.param("| a | b |\n|---|---|\n| 1 | 2 |", 22, ["| a | b |\n|---|---|", "| 1 | 2 |"],
            id="rows of a table"),
    ],
)  # fmt: skip
def test_text_is_cut_where_sense_ends(text, most, cut):
    assert pieces(text, most) == cut


@given(HOSTILE | st.text(max_size=400), st.integers(5, 120))
def test_passages_fit_and_leave_out_nothing_but_white_space(text, most):
    spans = passage_spans(text, most)
    assert all(0 < end - start <= most for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert not "".join(
        text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)
    ).strip()


@given(HOSTILE | st.text(max_size=400))
def test_nothing_invisible_is_shown_and_all_of_it_is_counted(text):
    told = shown(text)
    assert len(told.text) + told.hidden == len(text)
    categories = {unicodedata.category(letter) for letter in told.text if letter not in "\n\t"}
    assert not categories & {"Cc", "Cf", "Co", "Cs", "Cn"}
    assert shown(told.text) == (told.text, 0) or shown(told.text).hidden == 0


@pytest.mark.parametrize(
    ("original", "text"),
    [
        pytest.param("Lock\u202eeht\u202c cell", "Lockeht cell", id="turned around"),
        pytest.param("re\u200bstart\ufeff", "restart", id="zero width"),
        pytest.param("a\U000e0069\U000e0067b", "ab", id="tags that only machines read"),
        pytest.param("ok\ufe0f\U000e0100", "ok", id="variation selectors"),
        pytest.param("\x1b[31mred\x07", "[31mred", id="a terminal's commands"),
        pytest.param("Störung 故障 é", "Störung 故障 é", id="every script stays"),
    ],
)
def test_what_no_reader_sees_is_not_shown(original, text):
    assert shown(original).text == text


def section(day, number, text, document="runbooks/a", **more):
    told = {
        "document_id": document,
        "section_number": number,
        "valid_from": START + timedelta(days=day),
        "kind": "runbook",
        "title": "A",
        "heading_path": "A > Do",
        "text": text,
        "source_file": "a.md",
        "content_hash": f"h{day}",
    }
    return told | more


def derived(*sections, rules=RULES):
    return derive(pl.DataFrame(list(sections), schema=DOCUMENT_SCHEMA, orient="row"), rules)


def test_unchanged_text_keeps_its_id_wherever_it_moves_to():
    one = derived(section(0, 0, "Restart."), section(0, 1, "Call."))
    two = derived(
        section(0, 0, "Restart."),
        section(0, 1, "Call."),
        section(9, 0, "New."),
        section(9, 4, "Restart."),
    )
    ids = dict(one.rows.select("text", "passage_id").iter_rows())
    later = {row["text"]: row for row in two.rows.iter_rows(named=True)}
    assert later["Restart."]["passage_id"] == ids["Restart."]
    assert (later["Restart."]["section_number"], later["Restart."]["document_hash"]) == (4, "h9")
    assert later["Restart."]["valid_until"] is None
    assert later["Call."]["valid_until"] == START + timedelta(days=9)


def test_equal_texts_in_one_document_are_two_passages():
    rows = derived(section(0, 0, "Restart."), section(0, 1, "Restart.")).rows
    assert rows["passage_id"].n_unique() == 2


def test_a_document_longer_than_the_bound_says_what_is_left_out():
    rules = RULES.model_copy(update={"passages_a_document": 3})
    made = derived(*(section(0, number, f"Step {number}.") for number in range(5)), rules=rules)
    assert made.rows.height == 3
    assert made.left_out["place"].to_list() == ["section 3, character 0", "section 4, character 0"]


def test_a_section_of_nothing_visible_is_no_passage():
    assert derived(section(0, 0, "\u200b\u200b\ufeff")).rows.is_empty()


def test_headings_are_shown_without_what_hides_in_them_and_name_the_document_once():
    rows = derived(
        section(0, 0, "x.", title="A\u202e", heading_path="Do"),
        section(0, 1, "y.", title="A\u202e", heading_path=None),
    ).rows
    assert rows.sort("section_number")["heading_path"].to_list() == ["A > Do", "A"]
