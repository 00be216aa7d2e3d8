"""Causal rules: what they say, that no circle closes, and every broken one told with its line."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.loading import CatalogueError, catalogue, load_catalogue
from tests.semantic_layer.small_catalogue import ALARMS, CORRELATION, told, written

KNOWN = catalogue()
FILE = "correlation/all.yaml"


def test_the_rules_cover_every_layer_and_relation():
    rules = KNOWN.correlation_rules.values()
    assert len(rules) >= 30
    assert {rule.relation for rule in rules} == {
        "same_object", "contained_in", "same_site", "carried_by", "supported_by", "served_by",
        "synchronized_by",
    }  # fmt: skip
    named = {KNOWN.alarm(name).layer for rule in rules for name in (rule.cause, rule.effect)}
    assert named == {alarm.layer for alarm in KNOWN.alarms.values()}


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        ("mains_failure", "cell_service_unavailable"),
        ("amplifier_gain_low", "packet_loss_high"),
        ("loss_of_signal", "ng_link_unstable"),
        ("gnss_reception_lost", "phase_offset_high"),
        ("network_function_restarted", "pdu_session_rejections_high"),
    ],
)
def test_chains_of_rules_lead_from_a_root_cause_to_what_is_felt(cause, effect):
    graph = nx.DiGraph((rule.cause, rule.effect) for rule in KNOWN.correlation_rules.values())
    assert nx.has_path(graph, cause, effect)
    assert nx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("cause: mains_failure", "cause: mains_failur", 2,
                     "did you mean 'mains_failure'", id="a cause"),
        pytest.param("effect: cell_down", "effect: cel_down", 3, "did you mean 'cell_down'",
                     id="an effect"),
        pytest.param("same_site", "nearby", 4, "'same_object'", id="a relation"),
        pytest.param("same_site", "served_by", 4, "no object of NRCellDU is served by",
                     id="not served by a site"),
        pytest.param("served_by", "same_site", 11, "no object of NRCellDU is same site",
                     id="no site of a core function"),
        pytest.param("same_site", "same_object", 4, "can never hold", id="two classes"),
        pytest.param("max_delay_s: 60", "max_delay_s: 0", 5, "greater than 0", id="no time"),
        pytest.param("cause: amf_gone", "cause: cell_down", 10, "circle", id="its own cause"),
        pytest.param("name: amf_brings_cell", "name: mains_brings_cell", 8, "defined twice",
                     id="twice"),
        pytest.param("source: practice", "source: ''", 6, "empty source", id="no source"),
        pytest.param("  relation: same_site\n", "", 1, "has no relation", id="no relation"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_told_with_its_line(tmp_path, old, new, line, expected):
    found = told(tmp_path, FILE, old, new)
    start = f"own/correlation/all.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found


def test_two_rules_that_say_the_same_are_told(tmp_path):
    again = CORRELATION.split("- name: amf_brings_cell")[0].replace("mains_brings", "once_more")
    root = written(tmp_path, **{FILE: CORRELATION + again})
    with pytest.raises(CatalogueError, match="says what 'mains_brings_cell' says"):
        load_catalogue(root)


def alarm(name: str) -> str:
    return (
        ALARMS.split("- name: cell_down")[0]
        .replace("mains_failure", name)
        .replace("Mains failure", f"Problem {name}")
        .replace("AC power lost", f"Known as {name}")
    )


def rule(number: int, cause: str, effect: str) -> str:
    return (
        f"- {{name: r{number}, cause: {cause}, effect: {effect}, relation: same_site, "
        "max_delay_s: 1, source: s, description: d}\n"
    )


@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_rules_load_if_and_only_if_no_circle_closes(tmp_path_factory, pairs):
    edges = sorted(pairs)
    text = "".join(rule(n, f"alarm_{a}", f"alarm_{b}") for n, (a, b) in enumerate(edges))
    alarms = "".join(alarm(f"alarm_{n}") for n in range(6))
    root = written(
        tmp_path_factory.mktemp("rules"),
        **{"alarms/all.yaml": alarms, FILE: text, "synonyms.yaml": "- {name: word}\n"},
    )
    if nx.is_directed_acyclic_graph(nx.DiGraph(edges)):
        assert len(load_catalogue(root).correlation_rules) == len(edges)
    else:
        with pytest.raises(CatalogueError, match="closes a circle of causes") as caught:
            load_catalogue(root)
        left = nx.DiGraph(edges)
        for problem in caught.value.problems:
            left.remove_edge(*edges[problem.line - 1])
        assert nx.is_directed_acyclic_graph(left)
