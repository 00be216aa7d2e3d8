"""Rules of guardrails, autonomy and protection load whole, and refuse to contradict themselves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from semantic_layer import autonomy, guardrails, protected
from semantic_layer.errors import DefinitionError

FILES = {
    "guardrails": (guardrails.PACKAGED, guardrails.load_guardrail_rules),
    "autonomy": (autonomy.PACKAGED, autonomy.load_autonomy_rules),
    "protected": (protected.PACKAGED, protected.load_protected_places),
}


def changed(tmp_path: Path, file: str, name: str, value: object) -> Path:
    """Return a copy of a packaged file in which one rule has another value."""
    entries = yaml.safe_load(FILES[file][0].read_text(encoding="utf-8"))
    for entry in entries:
        if entry["name"] == name:
            entry["value"] = value
    path = tmp_path / f"{file}.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


@pytest.mark.parametrize("file", FILES)
def test_the_packaged_rules_load(file):
    path, load = FILES[file]
    assert load(path)


NUMBER = {"use_case": "heal_tilt_slip", "kind": "MODIFY", "object_class": "X", "attribute": "tilt",
          "form": "planned_number"}  # fmt: skip
LEVELS = yaml.safe_load(autonomy.PACKAGED.read_text(encoding="utf-8"))[0]["value"]


@pytest.mark.parametrize(
    ("file", "name", "value", "reason"),
    [
        ("guardrails", "allowances", [NUMBER], "needs unit, lowest, highest"),
        ("guardrails", "allowances", [{**NUMBER, "kind": "DELETE", "form": "restart"}],
         "never deleted"),
        ("guardrails", "allowances", [{**NUMBER, "kind": "CREATE"}], "planned_number"),
        ("guardrails", "priorities", ["heal_tilt_slip"], "priorities lack"),
        ("guardrails", "time_zone", "Mars/Olympus", "no time zone"),
        ("guardrails", "most_community_share", 1.5, "most_community_share"),
        ("guardrails", "freeze_windows",
         [{"name": "x", "begins": "2025-01-02T00:00:00Z", "ends": "2025-01-01T00:00:00Z"}],
         "ends before it begins"),
        ("autonomy", "levels", LEVELS[:5], "L0 to L5"),
        ("autonomy", "levels",
         [*LEVELS[:4], {**LEVELS[4], "persons": {"low": 0, "medium": 0, "high": 1}}, LEVELS[5]],
         "two persons"),
        ("autonomy", "levels",
         [*LEVELS[:4], {**LEVELS[4], "persons": {"low": 1, "medium": 1, "high": 2}}, LEVELS[5]],
         "needs more persons"),
        ("autonomy", "use_cases",
         [{"use_case": "x", "first": 1, "highest": 4, "highest_by_hand": 3, "lowest": 2,
           "least_risk": "low"}], "not in order"),
        ("protected", "places", [{"name": "x", "service": "hospital", "rule": "never"}],
         "names no site"),
        ("protected", "places",
         [{"name": "x", "service": "event", "rule": "never", "site_ids": ["S1"],
           "begins": "2025-01-01T00:00:00"}], "times with a zone"),
    ],
)  # fmt: skip
def test_rules_that_contradict_themselves_do_not_load(tmp_path, file, name, value, reason):
    with pytest.raises(DefinitionError, match=reason):
        FILES[file][1](changed(tmp_path, file, name, value))


def test_every_use_case_that_may_write_has_a_level_a_right_and_a_rank():
    rules, levels = guardrails.guardrail_rules(), autonomy.autonomy_rules()
    for one in rules.allowances:
        assert levels.of(one.use_case) is not None
        assert one.use_case in {right.use_case for right in rules.privileges}
        assert one.use_case in rules.priorities


def test_the_riskier_of_two_statements_counts():
    rules = autonomy.autonomy_rules()
    assert rules.risk_of("heal_tilt_slip", "low") == "medium"
    assert rules.risk_of("heal_tilt_slip", "high") == "high"
    assert rules.risk_of("heal_sleeping_cell", "unheard of") == "high"
    assert rules.risk_of("unheard of", "low") == "high"
    assert (rules.persons(9, "low"), rules.persons(2, "unheard of")) == (2, 2)


def test_a_place_is_protected_in_its_time():
    begins = datetime(2025, 6, 7, tzinfo=UTC)
    ends = begins + timedelta(hours=3)
    place = protected.ProtectedPlace(
        name="match", service="event", rule="never", site_ids=("S1",), begins=begins, ends=ends
    )
    assert [place.holds_at(at) for at in (begins, ends)] == [True, False]
