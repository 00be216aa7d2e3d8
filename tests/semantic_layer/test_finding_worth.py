"""Rules of a finding's worth are definitions: complete, owned, and refused when they contradict."""

import pytest
import yaml

from semantic_layer.errors import DefinitionError
from semantic_layer.finding_worth import PACKAGED, finding_worth, load_finding_worth


def changed(tmp_path, **values):
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    for entry in entries:
        entry["value"] = values.get(entry["name"], entry["value"])
    path = tmp_path / "finding_worth.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


def part(name, **values):
    return getattr(finding_worth(), name).model_dump() | values


def test_the_packaged_rules_load():
    assert finding_worth() == load_finding_worth(PACKAGED)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"severity_worth": {"CRITICAL": 1}}, "must name exactly CRITICAL, MAJOR, MINOR, WARNING"),
        (
            {"severity_worth": {"CRITICAL": 1, "MAJOR": 2, "MINOR": 1, "WARNING": 1}},
            "not rise from CRITICAL down",
        ),
        ({"calm_tail": part("calm_tail", unmarked_share=0.04)}, "at most half of tail_share"),
        ({"prior": part("prior", at_begin=1.5)}, "prior.at_begin"),
        ({"findings_a_day": 0}, "findings_a_day"),
        ({"kept_real_share": 1.2}, "kept_real_share"),
    ],
)
def test_rules_that_contradict_are_refused(tmp_path, values, said):
    with pytest.raises(DefinitionError, match=said):
        load_finding_worth(changed(tmp_path, **values))


def test_a_rule_without_owner_is_refused_by_name(tmp_path):
    path = tmp_path / "finding_worth.yaml"
    path.write_text("- {name: findings_a_day, value: 5, unit: 1/d, description: x}\n", "utf-8")
    with pytest.raises(DefinitionError, match=r"lacks owner; every rule of a finding's worth"):
        load_finding_worth(path)
