"""How far around a finding to look is a definition with an owner, and bounded."""

import pytest
import yaml

from semantic_layer.errors import DefinitionError
from semantic_layer.evidence import PACKAGED, evidence_rules, load_evidence_rules


def test_the_packaged_rules_say_who_owns_each_and_what_it_means():
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    assert {entry["name"] for entry in entries} == set(type(evidence_rules()).model_fields)
    assert all(entry["owner"] and entry["description"] for entry in entries)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("rows_a_kind", 0, "rows_a_kind", id="no row at all"),
        pytest.param("hours_before", 10_000, "hours_before", id="more than tables are kept"),
        pytest.param("onset_drift", -1, "onset_drift", id="calm would be a deviation"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(tmp_path, name, value, said):
    entries = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    changed = [entry | ({"value": value} if entry["name"] == name else {}) for entry in entries]
    path = tmp_path / "evidence.yaml"
    path.write_text(yaml.safe_dump(changed), encoding="utf-8")
    with pytest.raises(DefinitionError, match=said):
        load_evidence_rules(path)
