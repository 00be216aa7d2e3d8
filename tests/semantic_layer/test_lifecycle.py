"""How long tables are kept: which rule counts, and every broken rule told with its line."""

import pytest

from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import PACKAGED, catalogue, load_catalogue
from tests.semantic_layer.small_catalogue import FILES, told, written

KNOWN = catalogue()
FILE = "lifecycle.yaml"


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("pm_measurements", "raw_measurements"),
        ("cell_kpis", "kpis"),
        ("core_kpis", "kpis"),
        ("cell_anomalies", "findings"),
        ("cell_anomalies.scores", "scores"),
        ("alarms", "alarms"),
        ("alarms.notifications", "notifications"),
        ("network_configuration", "inventory"),
        ("network_configuration.drift", "drift"),
        ("network_topology.links", "inventory"),
        ("trouble_tickets.updates", "records"),
        ("data_quality.quarantine", "quarantine"),
        ("a_table_of_tomorrow", "everything_else"),
    ],
)
def test_the_rule_that_names_a_table_most_closely_counts(table, rule):
    assert KNOWN.lifecycle_of(table).name == rule


def test_what_a_detector_learns_from_is_kept_as_long_as_it_looks_back():
    assert KNOWN.detection is not None
    assert (KNOWN.lifecycle_of("cell_kpis").cold_days or 0) > KNOWN.detection.training_days
    assert (KNOWN.lifecycle_of("pm_measurements").cold_days or 0) > KNOWN.detection.training_days


def test_data_closest_to_persons_is_kept_shortest():
    ages = {
        name: rule.cold_days
        for name, rule in KNOWN.lifecycles.items()
        if rule.cold_days is not None
    }
    assert min(ages, key=lambda name: ages[name]) == "subscriber_sessions"


def test_what_only_holds_changes_is_never_deleted():
    for table in ("network_configuration", "network_topology", "operations_documents"):
        assert KNOWN.lifecycle_of(table).cold_days is None


def test_letters_make_a_pattern_close_and_a_later_rule_wins_a_tie(tmp_path):
    third = FILES[FILE].split("- name: cells")[0].replace("name: rest", "name: plans")
    for pattern, table, rule in [
        ("cell_*", "cell_kpis", "cells"),
        ("cell_*", "cell_plans", "plans"),
        ("*", "cell_plans", "rest"),
        ("cell_kpi[s]", "cell_kpis", "plans"),
        ("?ell_kpi*s", "cell_kpis", "cells"),
        ("?ell_kpi*s", "bell_kpi_s", "plans"),
    ]:
        own = FILES[FILE] + third.replace('["*"]', f'["{pattern}"]') * (pattern != "*")
        known = load_catalogue(written(tmp_path, **{FILE: own}))
        assert known.lifecycle_of(table).name == rule, pattern


def test_a_networks_own_rule_counts_over_the_packaged_one(tmp_path):
    own = FILES[FILE].split("- name: cells")[1].replace("[cell_kpis]", "[cell_kpis, '*']")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / FILE).write_text(f"- name: ours{own}", encoding="utf-8")
    known = load_catalogue(PACKAGED, tmp_path / "own")
    assert known.lifecycle_of("cell_kpis").name == "ours"
    assert known.lifecycle_of("a_table_of_tomorrow").name == "ours"
    assert known.lifecycle_of("core_kpis").name == "kpis"


def test_a_catalogue_without_rules_says_so(tmp_path):
    root = written(tmp_path)
    (root / FILE).unlink()
    with pytest.raises(UnknownNameError, match="lifecycle for table 'cell_kpis'"):
        load_catalogue(root).lifecycle_of("cell_kpis")


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("hot_days: 1", "hot_days: 3", 1, "must not exceed warm_days", id="hot"),
        pytest.param("cold_days: 3", "cold_days: 1", 1, "must not exceed cold_days", id="cold"),
        pytest.param("hot_days: 1", "hot_days: -1", 3, "greater than or equal to 0", id="below 0"),
        pytest.param("target_file_mb: 64", "target_file_mb: 0", 7, "greater than", id="no size"),
        pytest.param('["*"]', "[cell_kpis]", 10, "already kept by 'rest'", id="a table twice"),
        pytest.param('["*"]', '["cell_*"]', 2, "takes the tables that no other", id="no rest"),
        pytest.param("[cell_kpis]", "['']", 10, "without a name", id="no name"),
        pytest.param("[cell_kpis]", "[]", 10, "at least 1", id="no table"),
        pytest.param("  keep_snapshots_days: 1\n", "", 1, "has no keep_snapshots_days", id="none"),
        pytest.param("description: All.", "description: ''", 8, "empty description", id="no why"),
        pytest.param("hot_days: 5", "hot_dyas: 5", 11, "did you mean 'hot_days'", id="a key"),
    ],
)
def test_a_wrong_rule_is_told_with_its_line(tmp_path, old, new, line, expected):
    found = told(tmp_path, FILE, old, new)
    start = f"own/lifecycle.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found
