"""Alarms: which delivered one is which, and every broken definition told with its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.alarms import alike
from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import catalogue, load_catalogue
from tests.semantic_layer.small_catalogue import told, written

KNOWN = catalogue()
FILE = "alarms/all.yaml"
LAYERS = {
    "radio": 11, "hardware": 7, "power": 8, "environment": 5, "synchronization": 5,
    "transport": 9, "optical": 6, "core": 9, "software": 6,
}  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "name"),
    [
        ("Cell service unavailable", "cell_service_unavailable"),
        ("VSWR over threshold", "vswr_over_threshold"),
        ("RF branch degraded", "rf_branch_degraded"),
        ("NG link unstable", "ng_link_unstable"),
        ("Cabinet door open", "cabinet_door_open"),
        ("Cabinet temperature high", "cabinet_temperature_high"),
        ("Battery test failed", "battery_failure"),
        ("Synchronization reference lost", "timing_reference_lost"),
        ("License will expire", "license_will_expire"),
        ("Chassis | Fan | Fan Failed", "fan_failure"),
        ("  vswr   OVER_threshold ", "vswr_over_threshold"),
    ],
)
def test_a_vendors_text_leads_to_the_alarm(problem, name):
    found = KNOWN.alarm_of("whatever", problem)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("cause", "problem", "alarm_type", "name"),
    [
        pytest.param("lossOfSignal", "xyz", "", "loss_of_signal", id="a cause only it has"),
        pytest.param("LOSS_OF_SIGNAL", "", "", "loss_of_signal", id="spelt otherwise"),
        pytest.param("8", "", "", "loss_of_signal", id="a number"),
        pytest.param("106", "", "ENVIRONMENTAL_ALARM", "mains_failure", id="a number and a type"),
        pytest.param("106", "", "EQUIPMENT_ALARM", None, id="a type that contradicts"),
        pytest.param("equipmentMalfunction", "odd", "", None, id="a cause that fits many"),
        pytest.param("thresholdCrossed", "", "", None, id="a general cause"),
        pytest.param("batteryFailure", "Fan failure", "", "fan_failure", id="the problem first"),
        pytest.param("", "", "", None, id="nothing at all"),
        pytest.param("unheard of", "unheard of", "", None, id="unheard of"),
    ],
)
def test_an_alarm_is_told_by_its_problem_else_by_a_telling_cause(cause, problem, alarm_type, name):
    found = KNOWN.alarm_of(cause, problem, alarm_type)
    assert (found.name if found else None) == name


@given(st.text(), st.text(), st.text())
def test_no_text_whatever_breaks_the_telling(cause, problem, alarm_type):
    found = KNOWN.alarm_of(cause, problem, alarm_type)
    if found is not None and alike(problem) not in {alike(text) for _, text in found.texts}:
        assert not KNOWN.probable_causes[found.probable_cause].is_general


@given(st.sampled_from(sorted(KNOWN.alarms)), st.data())
def test_every_text_of_an_alarm_leads_back_to_it_in_any_case_and_spacing(name, data):
    alarm = KNOWN.alarm(name)
    _, text = data.draw(st.sampled_from(list(alarm.texts)))
    mark = data.draw(st.sampled_from([" ", "  ", "_", "-", " - "]))
    case = data.draw(st.sampled_from([str.upper, str.lower, str.title]))
    assert KNOWN.alarm_of("", mark.join(case(text).split())) is alarm


def test_each_layer_has_its_alarms_and_each_alarm_a_sentence_and_a_document():
    counted: dict[str, int] = {}
    for alarm in KNOWN.alarms.values():
        counted[alarm.layer] = counted.get(alarm.layer, 0) + 1
        assert alarm.description.endswith(".")
        assert any(word in alarm.source for word in ("ITU-T ", "TS ", "RFC ", "WG4", "practice"))
        assert alarm.probable_cause in KNOWN.probable_causes
    assert counted == LAYERS


def test_an_unknown_alarm_comes_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean 'mains_failure'"):
        KNOWN.alarm("mains_failur")


@pytest.mark.real_data
def test_classes_of_a_real_alarm_knowledge_base_are_recognized(real_data):
    """NOC's alarm classes: those that our alarms are also known as exist there, spelt so."""
    folder = real_data / "noc_alarm_kb/collections/fm.alarmclasses"
    names = {
        json.loads(path.read_text(encoding="utf-8"))["name"] for path in folder.rglob("*.json")
    }
    ours = {
        text for alarm in KNOWN.alarms.values() for text in alarm.also_known_as if " | " in text
    }
    assert len(ours) >= 14
    assert ours <= names, ours - names


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("[NRCellDU]", "[NRCelDU]", 19, "did you mean 'NRCellDU'", id="a class"),
        pytest.param("commercialPowerFailure", "comercialPowerFailure", 4,
                     "did you mean 'commercialPowerFailure'", id="a cause"),
        pytest.param("[AC power lost]", "[Cell-Down]", 13, "already leads to 'mains_failure'",
                     id="a text of another"),
        pytest.param("[AC power lost]", "['--']", 7, "an empty text", id="a text without letters"),
        pytest.param("name: cell_down", "name: Cell-Down", 13, "lower-case word", id="no word"),
        pytest.param("name: cell_down", "name: mains_failure", 13, "defined twice", id="twice"),
        pytest.param("MAJOR", "BAD", 5, "'CRITICAL', 'MAJOR'", id="a severity"),
        pytest.param("ENVIRONMENTAL_ALARM", "environmentalAlarm", 3, "'EQUIPMENT_ALARM'",
                     id="a type"),
        pytest.param("layer: power", "layer: grid", 9, "'power'", id="a layer"),
        pytest.param("  specific_problem: Cell down\n", "", 13, "has no specific_problem",
                     id="no problem"),
        pytest.param("source: ITU-T M.3100", "source: ' '", 11, "empty source", id="no source"),
        pytest.param("[ManagedElement]", "[]", 8, "at least 1", id="no class"),
        pytest.param("also_known_as", "also_known", 7, "did you mean 'also_known_as'", id="a key"),
    ],
)  # fmt: skip
def test_a_wrong_alarm_is_told_with_its_line(tmp_path, old, new, line, expected):
    found = told(tmp_path, FILE, old, new)
    start = f"own/alarms/all.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("264", "8", 2, "the number of 'lossOfSignal'", id="a number twice"),
        pytest.param("lossOfSignal", "Loss of signal", 1, "pattern", id="no camelCase"),
        pytest.param("number: 106", "number: -1", 3, "greater than or equal", id="no number"),
    ],
)
def test_a_wrong_cause_is_told_with_its_line(tmp_path, old, new, line, expected):
    found = told(tmp_path, "probable_causes.yaml", old, new)
    start = f"own/probable_causes.yaml:{line}: "
    assert any(text.startswith(start) and expected in text for text in found), found


def test_an_alarm_changes_the_version_and_a_word_or_an_age_does_not(tmp_path):
    version = load_catalogue(written(tmp_path / "a")).version
    for number, (file, old, new, is_same) in enumerate(
        [
            (FILE, "MAJOR", "MINOR", False),
            ("correlation/all.yaml", "max_delay_s: 60", "max_delay_s: 61", False),
            ("probable_causes.yaml", "number: 106", "number: 107", False),
            ("synonyms.yaml", "dark sites", "lights out", True),
            ("lifecycle.yaml", "hot_days: 1", "hot_days: 0", True),
        ]
    ):
        root = written(tmp_path / str(number))
        text = (root / file).read_text(encoding="utf-8")
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        assert (load_catalogue(root).version == version) is is_same, file
