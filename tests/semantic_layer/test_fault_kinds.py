"""The words for what a finding was."""

import pytest

from semantic_layer.errors import DefinitionError, UnknownNameError
from semantic_layer.fault_kinds import fault_kind, fault_kinds, load_fault_kinds

GOOD = "- {name: outage, title: Down, is_fault: true, description: Dead.}\n"
NONE = "- {name: event, title: A match, is_fault: false, description: Fans.}\n"


def test_faults_and_what_is_none_can_be_told_apart():
    assert fault_kinds()["sleeping_cell"].is_fault
    assert not fault_kinds()["planned_change"].is_fault


@pytest.mark.parametrize("word", ["feeder_loss", "Feeder or antenna line loss", " FEEDER-LOSS "])
def test_a_kind_goes_by_name_or_title_in_any_case(word):
    assert fault_kind(word, fault_kinds()).name == "feeder_loss"


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'interference'"):
        fault_kind("interferenz", fault_kinds())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD, "must define faults and what is none"),
        (GOOD + GOOD + NONE, "defines 'down' twice"),
        (GOOD + NONE + GOOD.replace("name: outage", "name: down"), "defines 'down' twice"),
        (GOOD.replace("is_fault: true, ", "") + NONE, "cannot be used"),
        ("- [", "cannot be used"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, text, says):
    path = tmp_path / "fault_kinds.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=says):
        load_fault_kinds(path)
