"""Verdicts of three people on three findings: as rows, and what they say together."""

from datetime import UTC, datetime

from data_products.finding_verdicts.derive import derive
from data_products.finding_verdicts.standing import contradictions, standing_verdicts
from data_products.registry import table
from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.agreement import weighed_verdicts

NOON = datetime(2026, 3, 1, 13, tzinfo=UTC)


def test_a_verdict_told_twice_is_one_and_one_about_nothing_is_none(story, golden):
    shape = table("finding_verdicts")
    given = story("finding_verdicts/given.csv", shape)
    findings = story("finding_verdicts/findings.csv", shape)
    rows = derive(given, findings, NOON)
    golden(rows, "finding_verdicts/verdicts.csv")
    golden(weighed_verdicts(rows, fault_kinds()), "finding_verdicts/weighed.csv")
    told = contradictions(standing_verdicts(rows, fault_kinds()))
    flat = told.with_columns(told["said_real"].list.join(" "), told["said_not_real"].list.join(" "))
    golden(flat, "finding_verdicts/contradictions.csv")
