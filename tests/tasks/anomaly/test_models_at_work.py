"""Who scores is what the registry says, and nothing that cannot be trusted to be it."""

from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.anomaly.model_names import CHALLENGER, CHAMPION, model_name, named_cells
from tasks.anomaly.models_at_work import appointed
from tasks.anomaly.serving import DETECTOR
from tasks.stored_models import ModelCard, ModelVersion, StoredModel

OURS = ("NRCellDU", "15min")
PROFILES = {"A": "profile-01", "B": "profile-02"}
CARD = ModelCard({"table": "cell_kpis"}, "c1", 1)


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)


class SwappedModels(InMemoryModelRegistry):
    """A registry in whose store somebody swapped the models of one name."""

    def load(self, name: str, reference: str | int) -> tuple[StoredModel, ModelVersion]:
        if name.endswith("profile-01"):
            raise InputError("The stored model is not the registered one.")
        return super().load(name, reference)


def filled(registry: InMemoryModelRegistry, roles: dict[str, list[str]]) -> InMemoryModelRegistry:
    for name, aliases in roles.items():
        for number, alias in enumerate(aliases, start=1):
            model = StoredModel("principal_components", ("k",), {"n": number}, {"a": np.ones(1)})
            kept = registry.register(name, model, CARD)
            registry.assign(name, alias, kept.version, "a test", "tester")
    return registry


def test_champions_decide_for_their_profile_and_all_for_the_rest():
    names = {model_name("profile-01"): [CHAMPION], model_name("all"): [CHAMPION]}
    work = appointed(filled(InMemoryModelRegistry(Clock()), names), PROFILES).models[OURS]
    assert work.deciding.references(["A", "B", "C"]) == [
        "cell_anomalies.profile-01/1",
        "cell_anomalies.all/1",
        "cell_anomalies.all/1",
    ]
    assert work.beside == ()


def test_without_a_model_for_all_the_detector_scores_the_rest():
    names = {model_name("profile-01"): [CHAMPION]}
    work = appointed(filled(InMemoryModelRegistry(Clock()), names), PROFILES).models[OURS]
    assert work.deciding.references(["A", "B"]) == ["cell_anomalies.profile-01/1", DETECTOR]


def test_a_challenger_scores_beside_and_decides_nothing():
    names = {model_name("all"): [CHAMPION, CHALLENGER]}
    work = appointed(filled(InMemoryModelRegistry(Clock()), names), {}).models[OURS]
    assert work.deciding.references(["A"]) == ["cell_anomalies.all/1"]
    assert [one.references(["A"]) for one in work.beside] == [["cell_anomalies.all/2"]]


def test_a_model_that_was_swapped_does_not_score_and_is_named():
    names = {model_name("profile-01"): [CHAMPION], model_name("all"): [CHAMPION]}
    found = appointed(filled(SwappedModels(Clock()), names), PROFILES)
    assert found.models[OURS].deciding.references(["A"]) == ["cell_anomalies.all/1"]
    assert len(found.refusals) == 1
    assert "cell_anomalies.profile-01 version 1 does not score" in found.refusals[0]


def test_classes_and_granularities_have_models_of_their_own():
    names = {model_name("all"): [CHAMPION], model_name("all", "EUtranCellFDD", "day"): [CHAMPION]}
    found = appointed(filled(InMemoryModelRegistry(Clock()), names), {})
    assert set(found.models) == {OURS, ("EUtranCellFDD", "day")}


def test_other_models_of_the_registry_are_left_alone():
    names = {"finding_worth.all": [CHAMPION], "cell_anomalies": [CHAMPION]}
    found = appointed(filled(InMemoryModelRegistry(Clock()), names), {})
    assert (found.models, found.refusals) == ({}, ())


@pytest.mark.parametrize(
    "named",
    list(product(["all", "profile-03"], ["NRCellDU", "EUtranCellFDD"], ["15min", "hour", "day"])),
)
def test_a_name_says_again_what_it_was_made_from(named):
    assert named_cells(model_name(*named)) == named


@pytest.mark.parametrize("name", ["cell_anomalies.", "cell_anomalies.a.b.c.day", "worth.all", ""])
def test_a_name_of_something_else_names_no_cells(name):
    assert named_cells(name) is None
