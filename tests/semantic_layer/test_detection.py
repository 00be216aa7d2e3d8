"""Rules of detection are definitions: complete, owned, and refused when they contradict."""

from dataclasses import replace

import pytest
import yaml

from semantic_layer.detection import PACKAGED, detection, load_detection
from semantic_layer.errors import DefinitionError
from semantic_layer.loading import catalogue


def changed(tmp_path, **values):
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    for entry in entries:
        entry["value"] = values.get(entry["name"], entry["value"])
    path = tmp_path / "detection.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


def test_the_packaged_rules_load():
    assert detection().score_begins > detection().score_ends
    assert detection() == load_detection(PACKAGED)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"score_ends": 99.0}, "score_ends must not lie above score_begins"),
        ({"fewest_history_days": 60}, "fewest_history_days must not exceed training_days"),
        ({"own_correlation_trust": 2}, "own_correlation_trust"),
        ({"severities": []}, "severities"),
    ],
)
def test_rules_that_contradict_are_refused(tmp_path, values, said):
    with pytest.raises(DefinitionError, match=said):
        load_detection(changed(tmp_path, **values))


def test_a_rule_without_owner_or_meaning_is_refused(tmp_path):
    path = tmp_path / "detection.yaml"
    path.write_text("- {name: training_days, value: 28, unit: d}\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"Entry 1 of detection\.yaml lacks owner, descr"):
        load_detection(path)


def test_a_rule_nobody_knows_is_refused(tmp_path):
    path = changed(tmp_path)
    with path.open("a", encoding="utf-8") as file:
        file.write("- {name: mood, value: 1, unit: '1', owner: me, description: none}\n")
    with pytest.raises(DefinitionError, match="mood"):
        load_detection(path)


def test_a_rule_defined_twice_is_refused(tmp_path):
    path = changed(tmp_path)
    with path.open("a", encoding="utf-8") as file:
        file.write("- {name: training_days, value: 1, unit: d, owner: me, description: x}\n")
    with pytest.raises(DefinitionError, match="'training_days' twice"):
        load_detection(path)


@pytest.mark.parametrize(("granularity_s", "periods"), [(900, 2), (3600, 1), (86400, 1)])
def test_the_shortest_finding_is_counted_in_whole_periods(granularity_s, periods):
    assert detection().fewest_periods(granularity_s) == periods


def test_a_changed_rule_changes_the_catalogue_version():
    known = catalogue()
    assert known.detection == detection()
    stricter = detection().model_copy(update={"score_begins": detection().score_begins + 1})
    assert replace(known, detection=stricter).version != known.version
