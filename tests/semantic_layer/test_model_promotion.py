"""Rules of training and promotion are definitions: complete, owned, refused if contradictory."""

import pytest
import yaml

from semantic_layer.errors import DefinitionError
from semantic_layer.model_promotion import PACKAGED, ModelPromotion, model_promotion
from semantic_layer.owned_rules import load_rules


def changed(tmp_path, **values):
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    for entry in entries:
        entry["value"] = values.get(entry["name"], entry["value"])
    path = tmp_path / "model_promotion.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


def test_the_packaged_rules_load_and_hold_two_baselines():
    rules = model_promotion()
    assert rules == load_rules(PACKAGED, ModelPromotion)
    assert rules.candidates[:2] == ("dynamic_threshold", "principal_components")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"candidates": []}, "candidates"),
        ({"alert_share": 0.7}, "alert_share"),
        ({"promotion_confidence": 1.5}, "promotion_confidence"),
        (
            {"planted": {"share_of_cells": 1, "a_cell": 1, "spreads": [5, 1], "hours": [1, 2]}},
            "spreads must be positive and must not fall",
        ),
    ],
)
def test_rules_that_contradict_are_refused(tmp_path, values, said):
    with pytest.raises(DefinitionError, match=said):
        load_rules(changed(tmp_path, **values), ModelPromotion)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- {name: seed, value: 1, unit: '1'}\n", r"Entry 1 of rules\.yaml lacks owner, descr"),
        ("seed: 1\n", "must be a list"),
        ("- [unclosed\n", "is not YAML"),
        (
            "- &one {name: seed, value: 1, unit: '1', owner: me, description: x}\n"
            "- {name: seed, value: 2, unit: '1', owner: me, description: x}\n",
            "'seed' twice",
        ),
    ],
)
def test_files_that_are_no_rules_are_refused(tmp_path, content, said):
    path = tmp_path / "rules.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DefinitionError, match=said):
        load_rules(path, ModelPromotion)
