"""The section of explanations: in the order of reading, bounded, and no text taken for markup."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import polars as pl

from data_products.finding_explanations.derive import derive
from semantic_layer.periods import Window
from tasks.reporting.explanation_section import explanation_section, explanations_of
from tasks.reporting.html_page import page_environment

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))


def decision(number, **more):
    return {
        "anomaly_id": f"a{number}", "reading_rank": number,
        "cell_dn": f"SubNetwork=1,ManagedElement={number},GNBDUFunction=1,NRCellDU=1",
        "cause": "sleeping_cell", "title": "Sleeping cell", "probability": 0.8,
        "text": "It strays.",
        "runner_up": "feeder_loss", "runner_up_probability": 0.1, "is_decided": True,
        "decided_by": "solver", "said_by": "solver", "would_decide": "Look at preambles.",
        "citations": ["A1"], "contributions": [], "agent_run_id": "r", **more,
    }  # fmt: skip


def section(*decisions):
    return explanation_section(derive(decisions, DAY))


def page(told):
    template = page_environment().get_template("explanations.html")
    return template.render(report=SimpleNamespace(explanations=told))


def test_findings_are_explained_in_the_order_of_reading():
    told = section(decision(2, is_decided=False, title="Event"), decision(1))
    assert [row.anomaly_id for row in told.rows] == ["a1", "a2"]
    assert told.sentence.startswith("2 findings explained by an agent, 1 with a cause that leads")
    assert told.by_cause == (("Event", 1), ("Sleeping cell", 1))


def test_a_finding_explained_again_is_told_once_as_it_was_told_last():
    hour = Window(START, START + timedelta(hours=1))
    before = derive([decision(1, title="Event")], hour)
    told = explanation_section(pl.concat([derive([decision(1)], DAY), before]))
    assert [row.title for row in told.rows] == ["Sleeping cell"]
    assert told.many == 1


def test_the_page_says_what_is_not_decided_and_who_told():
    html = page(section(decision(1, is_decided=False, said_by="qwen")))
    assert "not decided" in html
    assert "told by qwen; rests on A1." in html
    assert "feeder loss 10" in html


def test_what_others_wrote_is_text_and_no_markup():
    html = page(section(decision(1, text="<script>alert(1)</script> “Lock all.”")))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_long_list_is_cut_and_says_so():
    told = section(*(decision(number) for number in range(1, 60)))
    assert len(told.rows) == 40
    assert "the first 40 are listed" in told.sentence


def test_without_an_explanation_there_is_no_section():
    class Published:
        def read(self, table, window):
            assert (table, window) == ("finding_explanations", DAY)
            return derive([], DAY).lazy()

    class Unpublished:
        def read(self, table, window):
            return None if table and window else derive([], DAY).lazy()

    assert explanations_of(Published(), DAY) is None
    assert explanations_of(Unpublished(), DAY) is None
