"""Causes as definitions: they name what the catalogue knows; a file that does not is refused."""

import json
from typing import get_args

import pytest
import yaml

from semantic_layer.causes import PACKAGED, Fact, Sign, causes, load_causes, load_explaining
from semantic_layer.errors import DefinitionError
from semantic_layer.fault_kinds import fault_kinds
from semantic_layer.loading import catalogue

SIGNS = [(cause.name, sign) for cause in causes().values() for sign in cause.signs]


def definition(**more):
    sign = {"about": "alarm", "any_of": ["link_down"], "weight": 2, "because": "it says so"}
    return {
        "name": "cut", "title": "A cut", "fault_kind": "transport_failure", "owner": "transport",
        "description": "A link is cut.", "signs": [sign, sign], "runbook": "link cut",
        "deciders": [{"look": "Look at both ends.", "source": "read_alarms"}], **more,
    }  # fmt: skip


def written(tmp_path, *definitions):
    path = tmp_path / "causes.yaml"
    path.write_text(json.dumps(definitions), encoding="utf-8")
    return path


def test_signs_name_kpis_alarms_and_facts_that_are_defined():
    known = catalogue()
    names = {"kpi": known.kpis, "core_kpi": known.kpis, "alarm": known.alarms}
    for cause, sign in SIGNS:
        for name in sign.any_of:
            assert sign.about not in names or name in names[sign.about], (cause, name)


def test_facts_are_those_that_code_computes():
    told = {name for _, sign in SIGNS if sign.about == "fact" for name in sign.any_of}
    assert told <= set(get_args(Fact))


def test_every_cause_has_a_sign_for_it_and_one_against_it():
    for cause in causes().values():
        weights = [weight for sign in cause.signs for weight in (sign.weight, sign.otherwise)]
        assert max(weights) >= 1, cause.name
        assert min(weights) < 0, cause.name


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"fault_kind": "transport_failur"}, "did you mean", id="kind"),
        pytest.param({"owner": ""}, "owner", id="no owner"),
        pytest.param({"signs": []}, "signs", id="no sign"),
        pytest.param({"base": 9}, "base", id="a base beyond reason"),
        pytest.param({"color": "red"}, "color", id="unknown key"),
        pytest.param(
            {"deciders": [{"look": "Look at it well.", "source": "eyes", "against": ["flood"]}]},
            "'flood', which is no cause",
            id="against nothing",
        ),
    ],
)
def test_a_definition_that_cannot_be_used_says_why(tmp_path, more, says):
    with pytest.raises(DefinitionError, match=says):
        load_causes(written(tmp_path, definition(**more)), fault_kinds())


def test_a_name_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(DefinitionError, match="defines cut twice"):
        load_causes(written(tmp_path, definition(), definition()), fault_kinds())


def test_only_signs_about_kpis_say_how_they_move():
    with pytest.raises(ValueError, match="says how they move"):
        Sign(about="kpi", any_of=("dl_bler",), weight=1, because="it does")
    with pytest.raises(ValueError, match="says how they move"):
        Sign(about="alarm", any_of=("link_down",), moves="up", weight=1, because="it does")


def test_rules_whose_limits_are_out_of_order_are_refused(tmp_path):
    path = tmp_path / "explaining.yaml"
    told = yaml.safe_load((PACKAGED.parent / "explaining.yaml").read_text(encoding="utf-8"))
    for entry in told:
        if entry["name"] == "clear_bands":
            entry["value"] = 0.5
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(DefinitionError, match="clear_bands must be more"):
        load_explaining(path)
