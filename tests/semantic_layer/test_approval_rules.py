"""Rules of approval: every risk has its time, and none is endless."""

from datetime import timedelta

import pytest
import yaml

from semantic_layer.approval_rules import PACKAGED, approval_rules, load_approval_rules
from semantic_layer.errors import DefinitionError


def test_each_risk_has_a_time_in_which_people_answer():
    rules = approval_rules()
    times = [rules.time_for(risk) for risk in ("low", "medium", "high")]
    assert all(timedelta(hours=1) <= time <= timedelta(days=14) for time in times)


@pytest.mark.parametrize(
    "hours", [{"low": 24, "medium": 24}, {"low": 24, "medium": 24, "high": 0}, {"low": 1e6}, {}]
)
def test_a_risk_without_a_time_or_with_an_endless_one_is_refused(tmp_path, hours):
    told = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    told[0]["value"] = hours
    path = tmp_path / "approval.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(DefinitionError, match="request_hours"):
        load_approval_rules(path)
