"""What a run's summary, a run's page and `anops explain` tell of agents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from data_products.finding_explanations.derive import derive
from semantic_layer.loading import catalogue
from tasks.reporting.agent_text import agent_lines
from tasks.reporting.explanation_section import explanation_section
from tasks.reporting.html_page import html_page
from tasks.reporting.inspection import cell_explanation
from tasks.reporting.markdown_page import markdown_page
from tasks.reporting.network_report import network_report
from tasks.reporting.plain_text import cell_text, report_text
from tasks.reporting.proposal_section import proposal_section
from tests.tasks.reporting import published, world
from tests.tasks.reporting.proposed import change, changes, outcomes
from tests.tasks.reporting.test_explanation_section import decision

SITES = {world.cell_dn(1, 1): "Harbour 1"}


@pytest.fixture(scope="module")
def town():
    return world.town(sites=2, sick=1)


def told_of(town, decisions=(), proposals=()):
    explained = explanation_section(derive(decisions, world.WINDOW), SITES) if decisions else None
    proposed = proposal_section(changes(*proposals), outcomes(), world.WINDOW, SITES, world.SOURCES)
    return network_report(town, world.SOURCES, explanations=explained, proposals=proposed)


def test_a_summary_tells_the_first_causes_and_the_way_from_approval_to_effect(town):
    first = decision(1, cell_dn=world.cell_dn(1, 1))
    report = told_of(town, [first, decision(2, is_decided=False), decision(3)], [change(1)])
    assert agent_lines(report) == [
        "3 findings explained by code, 2 with a cause that leads clearly:",
        "  Harbour 1 · NRCellDU=1: sleeping cell, 80 %",
        "  ManagedElement=2 · NRCellDU=1: sleeping cell, 80 %, not decided",
        "1 change waits for approval: p1 (heal tilt slip, Harbour 1 · NRCellDU=1); "
        "`anops approvals list` tells more.",
        "  Yes: `anops approvals approve p1 --as PERSON`, "
        "then `anops start apply-approved-changes`.",
        "  Its effect: `anops sample advance --hours 2` (sample network), `anops run --span hour`, "
        "`anops start verify-changes`.",
    ]
    assert "\n".join(agent_lines(report)) in report_text(report)


def test_several_that_wait_are_named_up_to_a_few(town):
    lines = agent_lines(told_of(town, (), [change(number) for number in range(1, 7)]))
    assert lines[0].startswith("6 changes wait for approval: p1, p2, p3, p4 and 2 more (the first")


def test_where_nothing_waits_the_summary_says_so_in_a_line(town):
    assert agent_lines(told_of(town)) == [
        "No change waits for approval; `anops decisions list` tells all."
    ]
    refused = agent_lines(told_of(town, (), [change(1, "REFUSED")]))
    assert refused[0].startswith("No change waits for approval; 1 refused by guardrails;")
    assert len(refused) == 1


def test_of_a_change_that_is_written_the_summary_says_how_to_measure_its_effect(town):
    head, way = agent_lines(told_of(town, (), [change(1, "APPLIED")]))
    assert head.startswith("No change waits for approval; 1 under way;")
    assert "`anops start verify-changes`" in way


def test_models_that_chose_or_told_are_named(town):
    report = told_of(
        town, [decision(1), decision(2, said_by="qwen"), decision(3, decided_by="qwen")]
    )
    assert agent_lines(report)[0].startswith("3 findings explained by qwen (2) and code (1),")


def test_nothing_that_a_hypothesis_rests_on_makes_it_certain(town):
    report = told_of(town, [decision(1, probability=0.9985)])
    assert "over 99 %" in agent_lines(report)[1]


def test_the_pages_tell_why(town):
    report = told_of(town, [decision(1, title="Sleeping <b>cell")])
    page, markdown = html_page(report), markdown_page(report, {})
    assert 'href="#explanations"' in page
    assert "Sleeping &lt;b&gt;cell" in page
    assert "| Harbour 1 · NRCellDU=1 | Sleeping &lt;b&gt;cell | 80 % |" in markdown
    without = network_report(town, world.SOURCES)
    assert "explanations" not in html_page(without)
    assert "## Why" not in markdown_page(without, {})


@pytest.fixture(scope="module")
def tables():
    """Return tables in which an agent explained the sick cell's finding, twice."""
    store = published.tables()
    rows = store.read("cell_anomalies").collect()
    sick = {"anomaly_id": rows["anomaly_id"][0], "cell_dn": published.SICK}
    half = replace(world.WINDOW, end=world.WINDOW.end - timedelta(days=1))
    for window, text in ((half, "Nobody knows yet."), (world.WINDOW, "It sleeps " + 30 * "ever ")):
        put = decision(1, text=text, **sick)
        published.put(store, "finding_explanations", derive([put], window), window=window)
    return store


def test_explain_tells_what_an_agent_last_said_of_the_finding(tables):
    text = cell_text(cell_explanation(tables, catalogue(), published.SICK, world.WINDOW))
    assert "Likely cause: Sleeping cell, 80 %; next feeder loss 10 % (told by code" in text
    assert "It sleeps ever" in text
    assert "Nobody knows yet." not in text
    assert "What would decide: Look at preambles." in text
    assert max(len(line) for line in text.splitlines() if "ever" in line) <= 112


def test_explain_of_a_finding_that_no_agent_looked_at_says_nothing_of_causes():
    told = cell_explanation(published.tables(), catalogue(), published.SICK, world.WINDOW)
    assert "Likely cause" not in cell_text(told)
