"""The schemas that editors use: fresh, satisfied by every packaged file, and able to refuse."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from semantic_layer import loading
from semantic_layer.editor_schemas import FOLDER, KINDS, RULES, file_patterns, files, schemas
from semantic_layer.loading import PACKAGED, catalogue
from tests.conftest import REPOSITORY

SCHEMAS = schemas(catalogue())
PATTERNS = {name: kind.files for name, kind in KINDS.items()} | {
    name: f"{name}.yaml" for name in RULES
}
CHECKED = [
    (name, path) for name, pattern in PATTERNS.items() for path in sorted(PACKAGED.glob(pattern))
]


def problems(name: str, content: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMAS[name]).iter_errors(content)]


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_schemas_are_not_stale():
    expected = files(catalogue())
    assert {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == expected, (
        "run `make catalogue`"
    )


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_a_schema(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(("name", "path"), CHECKED, ids=lambda it: getattr(it, "name", it))
def test_every_packaged_file_satisfies_its_schema(name, path):
    assert problems(name, loaded(path)) == []


def test_every_packaged_file_has_a_schema():
    known = {path for _, path in CHECKED}
    assert sorted(set(PACKAGED.rglob("*.yaml")) - known) == []


def test_every_kind_that_is_loaded_has_a_schema():
    assert set(loading._KINDS) <= set(PATTERNS.values())


@pytest.mark.parametrize(("name", "path"), CHECKED, ids=lambda it: getattr(it, "name", it))
def test_an_unknown_key_is_refused_wherever_it_stands(name, path):
    content = loaded(path)
    entries = content if isinstance(content, list) else [content]
    changed = copy.deepcopy(entries[0]) | {"colour": "blue"}
    if name not in RULES:  # their entries may carry more for people
        assert problems(name, [changed] if isinstance(content, list) else changed)


KPI = loaded(PACKAGED / "kpis" / "site.yaml")[0]
MEASUREMENT = loaded(PACKAGED / "measurements" / "site.yaml")[0]
RULE = next(rule for rule in loaded(PACKAGED / "detection.yaml") if rule["name"] == "training_days")


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("kpis", KPI | {"better": "bigger"}),
        ("kpis", KPI | {"numerator": []}),
        ("kpis", KPI | {"numerator": "pee_energy"}),
        ("kpis", KPI | {"low": "zero"}),
        ("kpis", KPI | {"unit": 2}),
        ("kpis", KPI | {"factor": 2.0}),
        ("kpis", {key: value for key, value in KPI.items() if key != "source"}),
        ("measurements", MEASUREMENT | {"aggregation": "median"}),
        ("measurements", MEASUREMENT | {"technology": "6G"}),
        ("detection", {key: value for key, value in RULE.items() if key != "owner"}),
        ("detection", RULE | {"name": "training"}),
        ("detection", RULE | {"value": 0}),
    ],
)
def test_what_the_loader_would_refuse_is_refused_while_typing(kind, entry):
    assert problems(kind, [entry])


def test_what_the_loader_takes_is_taken():
    assert problems("kpis", [KPI]) == []
    assert problems("kpis", KPI) == []
    assert problems("detection", [RULE]) == []
    assert problems("kpis", [KPI | {"unit": 1, "numerator": ["our_own_counter"]}]) == []


def test_known_names_are_offered_and_words_explain_them():
    entry = SCHEMAS["kpis"]["$defs"]["Kpi"]["properties"]
    offered = entry["numerator"]["items"]["anyOf"][0]["enum"]
    assert {"pee_energy", "-cell_unavailable_time", "observed_time"} <= set(offered)
    assert entry["better"]["description"] == "which way is good; `neither` for loads and volumes."
    assert all("description" in value for value in entry.values())


def test_the_editor_s_list_names_files_that_exist():
    listed = json.loads((FOLDER / "editor.json").read_text(encoding="utf-8"))["yaml.schemas"]
    assert listed == file_patterns()
    for schema, pattern in listed.items():
        assert schema.startswith("https://") or (REPOSITORY / schema).is_file()
        assert list(REPOSITORY.glob(pattern)), pattern
