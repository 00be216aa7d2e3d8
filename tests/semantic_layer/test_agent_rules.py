"""How far an agent's run may go is a definition with an owner, and bounded."""

import pytest
import yaml

from semantic_layer.agent_rules import PACKAGED, agent_rules, load_agent_rules
from semantic_layer.errors import DefinitionError


def test_the_packaged_rules_say_who_owns_each_and_what_it_means():
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    assert {entry["name"] for entry in entries} == set(type(agent_rules()).model_fields)
    assert all(entry["owner"] and entry["description"] for entry in entries)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("most_calls", 0, "most_calls", id="an agent that looks at nothing"),
        pytest.param("least_majority", 0.5, "least_majority", id="a tie would decide"),
        pytest.param("most_seconds", 1e9, "most_seconds", id="a run without end"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(tmp_path, name, value, said):
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    changed = [entry | ({"value": value} if entry["name"] == name else {}) for entry in entries]
    path = tmp_path / "agent_rules.yaml"
    path.write_text(yaml.safe_dump(changed), encoding="utf-8")
    with pytest.raises(DefinitionError, match=said):
        load_agent_rules(path)
