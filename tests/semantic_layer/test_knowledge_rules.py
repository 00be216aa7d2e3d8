"""How knowledge is cut, found and believed are definitions with an owner, and bounded."""

import pytest
import yaml

from semantic_layer.errors import DefinitionError
from semantic_layer.knowledge_rules import PACKAGED, knowledge_rules, load_knowledge_rules


def test_the_packaged_rules_say_who_owns_each_and_what_it_means():
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    assert {entry["name"] for entry in entries} == set(type(knowledge_rules()).model_fields)
    assert all(entry["owner"] and entry["description"] for entry in entries)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("passage_characters", 10, id="no sentence fits"),
        pytest.param("dense_share", 1.5, id="more than the whole"),
        pytest.param("case_half_life", 0, id="cases are old at once"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(tmp_path, name, value):
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    changed = [entry | ({"value": value} if entry["name"] == name else {}) for entry in entries]
    path = tmp_path / "knowledge_rules.yaml"
    path.write_text(yaml.safe_dump(changed), encoding="utf-8")
    with pytest.raises(DefinitionError, match=name):
        load_knowledge_rules(path)
