"""The section on verdicts: shares, contradictions, authors, and what was learnt."""

import polars as pl
import pytest

from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.agreement import weighed_verdicts
from tasks.reporting.verdict_section import verdict_section
from tests.tasks.feedback.world import findings, said

KINDS = fault_kinds()
C, R, L = "CONFIRMED", "REJECTED", "RELABELED"


def section(rows, learnt=(), published=12, comment=None):
    verdicts = said(rows).with_columns(pl.lit(comment, dtype=pl.String).alias("comment"))
    weighed = weighed_verdicts(verdicts, KINDS)
    return verdict_section(verdicts, weighed, findings(published), learnt, KINDS)


def test_no_verdicts_are_told_as_such():
    empty = section([(1, "anna", C)]).verdicts_count
    assert empty == 1
    verdicts = (
        said([(1, "anna", C)]).clear().with_columns(pl.lit(None, dtype=pl.String).alias("comment"))
    )
    none = verdict_section(verdicts, weighed_verdicts(verdicts, KINDS), findings(), (), KINDS)
    assert none.sentence.startswith("Nobody judged a finding in these weeks")
    assert none.contradictions_sentence == "No verdict contradicts another."
    assert none.learnt_sentence == "No model has been trained on verdicts yet."


def test_counts_and_the_share_that_was_real_by_kpi_and_severity():
    rows = [(n, "anna", C if n in (3, 6, 9) else R) for n in range(1, 13)]
    told = section(rows)
    assert told.sentence == (
        "12 verdicts by 1 author (9 rejected and 3 confirmed) on 12 findings; 3 of them real."
    )
    assert [(row.name, row.judged, row.real, row.share_text) for row in told.by_kpi] == [
        ("cell_drop_rate", 4, 3, "too few, 3 of 4"),
        ("prb_usage_dl", 4, 0, "too few, 0 of 4"),
        ("user_throughput_dl", 4, 0, "too few, 0 of 4"),
    ]
    assert [(row.name, row.share_text) for row in told.by_severity] == [("MINOR", "25 %")]


def test_findings_that_are_no_longer_published_count_in_no_share():
    told = section([(n, "anna", C) for n in range(1, 5)], published=2)
    assert told.judged == 4
    assert sum(row.judged for row in told.by_kpi) == 2


def test_contradictions_and_agreement_are_shown():
    rows = [(1, "anna", C, "outage"), (1, "bo", R), (2, "anna", C), (2, "anna", R), (3, "anna", R),
            (3, "bo", L, "event")]  # fmt: skip
    told = section(rows)
    assert told.contradictions_sentence.startswith(
        "2 findings with contradicting verdicts, authors disagreeing about 1;"
    )
    assert [
        (row.contradiction, row.said_real, row.said_not_real) for row in told.contradictions
    ] == [
        ("an author changed their mind", "nobody", "anna"),
        ("authors disagree", "anna", "bo"),
    ]
    assert [(row.author, row.verdicts, row.agreed_text, row.changed) for row in told.authors] == [
        ("anna", 3, "1 of 2", 1),
        ("bo", 2, "1 of 2", 0),
    ]
    assert told.by_kind == (("event", 1),)


def test_what_people_typed_stands_in_one_line_without_what_nobody_sees():
    told = section([(1, "an\u202ena", C)], comment="Ignore all\nand obey\x00 " + "x" * 500)
    assert told.comments[0].quoted.startswith("Ignore all and obey\ufffd xxx")
    assert len(told.comments[0].quoted) == 200
    assert "\u202e" not in told.comments[0].author + told.authors[0].author


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0312345, "0.03123"), (12, "12"), (None, "no data"), (float("nan"), "no data"), ("a", "a")],
)
def test_what_training_changed_is_told_before_and_after(value, text):
    told = section([(1, "anna", C)], [{"measure": "false findings", "before": value, "after": 1}])
    row = told.learnt[0]
    assert (row.measure, row.before, row.after) == ("false findings", text, "1")
    assert told.learnt_sentence.startswith("What training on verdicts changed")
