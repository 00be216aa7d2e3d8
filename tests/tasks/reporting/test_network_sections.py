"""What else was perceived, in the report: near findings, alarms, changes, core, users, arrivals."""

import re
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from lxml import html

from data_products.network_topology.ways_to_core import ways_to_core
from semantic_layer.loading import catalogue
from tasks.reporting import network_facts as shapes
from tasks.reporting.html_page import html_page
from tasks.reporting.kpi_sources import kpi_sources
from tasks.reporting.markdown_page import markdown_page
from tasks.reporting.nearby import nearby_facts
from tasks.reporting.network_facts import NetworkFacts
from tasks.reporting.network_report import network_report
from tasks.reporting.plain_text import report_text
from tests.tasks.reporting import world
from tests.tasks.reporting.perceived import (
    CELL,
    ELEMENT,
    FAR,
    HOSTILE,
    OTHER,
    START,
    alarm,
    beside,
    change,
    drift,
    facts,
    ticket,
)


def report_of(told: NetworkFacts, town=None):
    return network_report(town or world.town(sites=3, bands=1, sick=1), world.SOURCES, told)


def near(told: NetworkFacts, since=24.0, until=30.0):
    """Return the sentences near one finding of CELL, from and to hours after the start."""
    found = world.finding(
        1, CELL, anomaly_start=START + timedelta(hours=since),
        anomaly_end=START + timedelta(hours=until),
    )  # fmt: skip
    cells = world.topology(2, 1)
    town = replace(
        world.town(sites=2, bands=1, sick=0), findings=world.findings(found), topology=cells
    )
    report = report_of(told, town)
    return [fact.sentence for fact in report.nearby[1].facts] if 1 in report.nearby else []


@pytest.mark.parametrize(
    ("told", "place"),
    [
        pytest.param(facts(tickets=[ticket([CELL])]), "on the cell", id="the cell itself"),
        pytest.param(facts(tickets=[ticket(opened=40)]), "on its element", id="people come late"),
        pytest.param(
            facts(tickets=[ticket([f"{ELEMENT},GNBCUCPFunction=1"])]), "on its element", id="a part"
        ),
    ],
)
def test_a_ticket_on_a_cell_or_its_element_is_near_while_it_is_open(told, place):
    (sentence,) = near(told)
    assert place in sentence


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(facts(tickets=[ticket([OTHER])]), id="another cell"),
        pytest.param(facts(tickets=[ticket([FAR])]), id="another element"),
        pytest.param(
            facts(tickets=[ticket(resolved_at=START + timedelta(hours=23))]), id="resolved before"
        ),
        pytest.param(facts(tickets=[ticket(["no DN at all", "", HOSTILE])]), id="no name"),
        pytest.param(facts([alarm(CELL, 25)], [change([CELL], 25)]), id="no evidence published"),
        pytest.param(facts(evidence=[beside(anomaly_id="other")]), id="beside another finding"),
    ],
)
def test_what_stood_elsewhere_or_at_another_time_is_not_near(told):
    assert near(told) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(beside(), "Major alarm on the cell, 1 h before it began", id="an alarm"),
        pytest.param(
            beside("change", -0.25, "upstream", object_dn="A=1,ManagedElement=7,X=1,I=2"),
            "Major alarm on its way to the core (ManagedElement=7,I=2), 15 min after it began",
            id="a change upstream, late",
        ),
        pytest.param(beside("neighbor", 0.0, "same_site"), "as it began", id="a cell beside"),
        pytest.param(beside(relation="network"), "all of the network", id="the core"),
        pytest.param(beside(lead=None, relation=None), "at a time not told", id="little known"),
    ],
)
def test_evidence_is_told_with_place_and_lead_time(row, said):
    (sentence,) = near(facts(evidence=[row]))
    assert said in sentence


def test_near_things_are_told_by_kind_summed_up_and_bounded():
    told = facts(
        tickets=[ticket(opened=each) for each in range(6)],
        evidence=[
            beside("summary", None, None, "1 alarm near", reference_id="alarm"),
            beside("neighbor", 0.0), beside("change", 2.0), beside("alarm", 3.0),
        ],
    )  # fmt: skip
    found = world.finding(
        1, CELL, anomaly_start=START + timedelta(hours=24), anomaly_end=START + timedelta(hours=30)
    )
    town = replace(world.town(sites=2, bands=1, sick=0), findings=world.findings(found))
    around = report_of(told, town).nearby[1]
    assert [fact.kind for fact in around.facts] == ["alarm", "change", "neighbor"] + ["ticket"] * 4
    assert around.unlisted == 2
    assert around.words == "1 alarm near; 6 tickets"
    assert "cause" not in " ".join(fact.sentence for fact in around.facts)


def network(*links):
    """Return nodes and links: routers R1 at site S001, R2, core router R3, light under R1-R2."""
    kinds = {"R1": "cell_site_router", "R2": "aggregation_router", "R3": "core_router"}
    nodes = [
        {"network_id": "ip", "node_id": name, "kind": kind, "layer": "ip",
         "managed_object_dn": f"M={name}", "site_id": "S001" if name == "R1" else None}
        for name, kind in kinds.items()
    ] + [
        {"network_id": "optical", "node_id": name, "kind": "optical_terminal", "layer": "optical",
         "managed_object_dn": f"M={name}", "site_id": None}
        for name in ("O1", "O2")
    ]  # fmt: skip
    rows = [
        {"network_id": "ip", "link_id": name, "layer": layer, "from_node_id": start,
         "to_node_id": end, "from_dn": f"M={start},I={name}", "to_dn": f"M={end},I={name}",
         "delay_ms": delay, "supported_by": list(below)}
        for name, layer, start, end, delay, below in links
    ]  # fmt: skip
    return pl.DataFrame(nodes, schema=shapes.NODES), pl.DataFrame(rows, schema=shapes.LINKS)


WAY = (
    ("L1", "ip", "R1", "R2", 1.0, ("W1",)),
    ("L2", "ip", "R2", "R3", 1.0, ()),
    ("L3", "ip", "R1", "R3", 9.0, ()),
    ("W1", "optical", "O1", "O2", 1.0, ()),
)


def test_a_sites_way_is_the_quickest_with_the_light_under_it():
    (way,) = ways_to_core(*network(*WAY), ["S001"]).values()
    assert {"M=R1", "M=R2", "M=R3", "M=R1,I=L1", "M=R2,I=L2", "M=O1", "M=O2,I=W1"} <= way
    assert not any("L3" in dn for dn in way)


def test_without_a_core_or_a_way_nothing_is_said_of_it():
    nodes, links = network(("L1", "ip", "R1", "R2", 1.0, ()))
    assert ways_to_core(nodes, links, ["S001", "S999"]) == {}
    empty = NetworkFacts()
    assert ways_to_core(empty.nodes, empty.links, ["S001"]) == {}


def test_a_ticket_on_the_way_to_the_core_is_near_and_one_beside_it_is_not():
    nodes, links = network(*WAY)
    told = facts(tickets=[ticket(["M=R2,I=L2"]), ticket(["M=R3,I=L3"])], nodes=nodes, links=links)
    (sentence,) = near(told)
    assert "on its way to the core" in sentence


def test_alarms_that_stand_are_counted_by_layer_as_of_the_windows_end():
    hours = world.WINDOW.seconds / 3600
    told = report_of(
        facts(
            [
                alarm(CELL, -48), alarm(CELL, 1, 2), alarm(CELL, 3, hours + 1),
                alarm(OTHER, 4, layer=None, perceived_severity="CRITICAL"),
                alarm(OTHER, 5, 6, is_flapping=True, flaps_count=7),
                alarm(OTHER, 7, 7, is_clear_without_raise=True),
            ]
        )
    ).alarms  # fmt: skip
    assert (told.raised, told.active, told.flapping_count, told.without_raise) == (4, 3, 1, 1)
    assert dict(told.by_layer) == {"radio": (0, 2, 0, 0, 2), "not known": (1, 0, 0, 0, 1)}
    assert told.longest[0].length_text == "5 d"
    assert told.sentence.startswith("4 alarms raised in this window; 3 active at its end")


def test_changes_drift_and_tickets_of_the_window_are_counted():
    told = report_of(
        facts(
            changes=[change(at=1), change(at=-30, actual_end=START - timedelta(hours=29)),
                     change(at=None, state="scheduled")],
            tickets=[ticket(opened=-5), ticket(opened=5)],
            drifts=[drift(at=1), drift("missing_object", -50),
                    drift(at=-9, ended_at=START + timedelta(hours=1))],
        )
    ).changes  # fmt: skip
    assert (told.changes_count, told.executed) == (2, 1)
    assert (told.drift_count, told.drift_new) == (2, 1)
    assert (told.tickets_count, told.tickets_opened) == (2, 1)
    assert "1 changed without a request" in told.drift_sentence


def test_what_was_never_published_is_a_sentence_and_no_table():
    report = report_of(NetworkFacts())
    page = html.document_fromstring(html_page(report))
    for name, said in (
        ("alarms", "No alarm was ever published."),
        ("changes", "No change request was ever published."),
        ("services", "No KPI of core or transport was ever published."),
    ):
        (section,) = page.xpath(f"//section[@id='{name}']")
        assert said in section.text_content()
        assert not section.xpath(".//table")
    assert "Came in" not in report_text(report)


def test_an_empty_window_of_a_published_product_says_so():
    known = frozenset(
        {"alarms", "change_history", "trouble_tickets", "network_configuration", "core_kpis",
         "customer_experience"}
    )  # fmt: skip
    report = report_of(facts(known_tables=known))
    assert report.alarms.sentence == "No alarm was raised in this window and none stands."
    assert report.changes.tickets_sentence == "No ticket was open in this window."
    assert "Configuration is as planned" in report.changes.drift_sentence
    assert "No KPI of core or transport was published for this" in report.services.kpis_sentence
    assert "No session of users was sampled" in report.services.experience_sentence


def test_kpis_outside_their_thresholds_are_told_with_the_limits():
    rows = [
        ("U=1", "upf_n3_delay", 24, 3, 1, 41.0, START),
        ("U=2", "amf_load", 24, 1, 0, 75.0, START),
    ]
    outside = pl.DataFrame(rows, schema=shapes.OUTSIDE, orient="row")
    told = facts(outside=outside, watched_objects=9, kpi_granularity="hour")
    report = network_report(world.town(sites=2, bands=1), kpi_sources(catalogue()), told)
    assert report.services.kpis_sentence == (
        "2 of 9 objects left a threshold in some hour: 2 KPIs, 1 past the critical one."
    )
    assert report.services.outside[0].worst_text == "41 ms"
    assert report.services.outside[0].limits_text == "warning above 15 ms, critical above 30 ms"


def test_experience_is_weighted_by_sessions_and_withheld_groups_enter_no_share():
    rows = [
        (CELL, "voice", 900.0, 900.0, 0.5, 0.1, 2, 0),
        (OTHER, "voice", 100.0, 100.0, 1.0, 0.0, 2, 1),
        (world.cell_dn(2, 1), "voice", 5000.0, 0.0, None, None, 2, 2),
        (world.cell_dn(2, 2), "voice", 10.0, 10.0, 0.0, 0.0, 2, 0),
    ]
    told = facts(experience=pl.DataFrame(rows, schema=shapes.EXPERIENCE, orient="row"))
    (voice,) = report_of(told).services.services
    assert voice.sessions == 6010
    assert voice.satisfied_text == "54 %"
    assert voice.withheld_text == "3 of 8"
    assert [each.rsplit(" ", 2)[-2:] for each in voice.worst] == [["50", "%"], ["100", "%"]]


def test_arrivals_tell_rows_freshness_quarantine_and_refusals():
    end = world.WINDOW.end
    counted = pl.DataFrame(
        [
            ("pm_measurements", 900, end - timedelta(minutes=15), True, 1800.0),
            ("alarms.notifications", 7, end - timedelta(days=2), True, 86400.0),
            ("network_topology", 0, None, True, None),
        ],
        schema=shapes.ARRIVALS,
        orient="row",
    )
    quality = world.quality().with_columns(is_accepted=pl.lit(value=False))
    town = replace(world.town(sites=2, bands=1), quality=quality)
    report = report_of(facts(arrivals=counted), town)
    by_name = {one.table: one for one in report.arrivals.tables}
    measured = by_name["pm_measurements"]
    assert (measured.rows, measured.lag_text, measured.is_late) == (900, "15 min", False)
    assert measured.quarantined == 252
    assert measured.refused == 1
    assert measured.reasons[0] == ("unknown counter RRU.PrbTotD", 240)
    assert by_name["alarms.notifications"].is_late
    assert report.arrivals.silent_text == "Nothing of this window came for network_topology."
    text = report_text(report)
    assert "Came in: 900 measurement rows." in text
    assert "Refused: pm_measurements and cell_kpis; the last good rows stand." in text
    assert "Late: alarms.notifications (2 d old)." in text


def hostile_report():
    names = ("alarm_id", "managed_object_dn", "alarm_name", "layer", "specific_problem", "source")
    bad = dict.fromkeys(names, HOSTILE) | {"perceived_severity": HOSTILE, "is_flapping": True}
    told = facts(
        [alarm(since=25, **bad), alarm(since=25, alarm_name=None, specific_problem=HOSTILE)],
        [change([CELL, HOSTILE], 25, change_id=HOSTILE, title=HOSTILE, state=HOSTILE, risk=HOSTILE,
                change_type=HOSTILE)],
        [ticket([CELL, HOSTILE], ticket_id=HOSTILE, title=HOSTILE, state=HOSTILE,
                severity=HOSTILE)],
        [drift(HOSTILE, managed_object_dn=HOSTILE, attribute=HOSTILE, planned_value=HOSTILE,
               actual_value=HOSTILE)],
        outside=pl.DataFrame([(HOSTILE, HOSTILE, 2, 1, 1, 1.0, START)], schema=shapes.OUTSIDE,
                             orient="row"),
        watched_objects=1,
        evidence=[beside(object_dn=HOSTILE, detail=HOSTILE, reference_id=HOSTILE, relation=HOSTILE),
                  beside("summary", None, None, HOSTILE)],
        experience=pl.DataFrame([(HOSTILE, HOSTILE, 200.0, 200.0, 0.1, 0.1, 1, 0)],
                                schema=shapes.EXPERIENCE, orient="row"),
        arrivals=pl.DataFrame([(HOSTILE, 1, START, True, None)], schema=shapes.ARRIVALS,
                              orient="row"),
    )  # fmt: skip
    found = world.finding(
        1, CELL, anomaly_start=START + timedelta(hours=24), anomaly_end=START + timedelta(hours=30)
    )
    town = replace(world.town(sites=2, bands=1, sick=0), findings=world.findings(found))
    return report_of(told, town)


def test_hostile_alarms_changes_and_tickets_stay_text_on_the_page():
    report = hostile_report()
    assert report.nearby[1].counts == {"alarm": 1, "change": 0, "neighbor": 0, "ticket": 1}
    page = html_page(report)
    tree = html.document_fromstring(page)
    assert len(tree.xpath("//script")) == 1
    assert not tree.xpath("//img")
    assert not [href for href in tree.xpath("//a/@href") if not href.startswith("#")]
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page)
    assert "<script>alert" in tree.xpath("//section[@id='alarms']")[0].text_content()
    assert tree.xpath("//details[@class='near']//q")


def test_hostile_alarms_changes_and_tickets_are_no_markup_in_markdown():
    page = markdown_page(hostile_report(), {})
    prose = re.sub(r"`[^`\n]*`", "", page.replace(r"\`", ""))
    assert "<script" not in prose
    assert "http://" not in prose
    assert not re.search(r"(?<!\\)\]\(", prose)
    assert "\x1b" not in page
    assert "\u202e" not in page
    tables = [part.splitlines() for part in prose.split("\n\n") if part.startswith("|")]
    for lines in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_hostile_text_reaches_no_terminal():
    text = report_text(hostile_report())
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_the_same_facts_in_another_order_give_the_same_page():
    def told(reverse):
        rows = [alarm(ELEMENT, 20 + each) for each in range(9)]
        people = [ticket(opened=each) for each in range(5)]
        whole = facts(rows, [change(at=each) for each in range(5)], people)
        if not reverse:
            return whole
        return replace(
            whole, alarms=whole.alarms.reverse(), changes=whole.changes.reverse(),
            tickets=whole.tickets.reverse(),
        )  # fmt: skip

    assert html_page(report_of(told(reverse=False))) == html_page(report_of(told(reverse=True)))


def test_nobody_is_near_a_finding_of_a_cell_that_topology_does_not_know():
    found = world.findings(world.finding(1, "SubNetwork=5,ManagedElement=5,NRCellDU=1"))
    report = report_of(NetworkFacts(), replace(world.town(sites=1, bands=1), findings=found))
    assert report.nearby == {}
    assert nearby_facts([], NetworkFacts(), world.topology(1, 1)) == {}
