"""Promotion on a person's word, and the way back."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.anomaly.model_names import CHALLENGER, CHAMPION
from tasks.anomaly.training.gate import Decision
from tasks.anomaly.training.roles import former_holder, holder, placed, promoted, rolled_back
from tasks.anomaly.training.training_record import GATE, PASSED, REFUSED
from tasks.stored_models import ModelCard, StoredModel

NAME = "cell_anomalies.all"
WHEN = datetime(2026, 3, 1, tzinfo=UTC)


class TickingClock:
    def __init__(self):
        self.moment = WHEN

    def now(self):
        self.moment += timedelta(seconds=1)
        return self.moment


def registered(models, value, gate=PASSED):
    card = ModelCard({}, "catalogue", 1, {GATE: gate}, {}, "chosen among two.")
    return models.register(NAME, StoredModel("double", ("a",), {}, {"w": np.full(2, value)}), card)


@pytest.fixture
def models():
    made = InMemoryModelRegistry(TickingClock())
    for value, gate in ((1.0, PASSED), (2.0, PASSED), (3.0, REFUSED)):
        registered(made, value, gate)
    return made


def held(*versions):
    return [(version, "", "", WHEN) for version in versions]


@pytest.mark.parametrize(
    ("history", "former"),
    [
        pytest.param([], None, id="nobody ever"),
        pytest.param([1], None, id="the first one"),
        pytest.param([1, 2], 1, id="the one before"),
        pytest.param([1, 2, 2], 1, id="assigned twice is once"),
        pytest.param([1, 2, 3, 2], 1, id="a second rollback goes on"),
        pytest.param([1, None], None, id="rolled back to nobody"),
        pytest.param([1, 2, None, 3], None, id="nobody in between"),
    ],
)
def test_the_former_holder(history, former):
    assert former_holder(held(*history)) == former


def test_rolling_back_twice_goes_back_two_steps(models):
    for number in (1, 2):
        promoted(models, NAME, number, ("better", "ann"))
    assert "version 1 is champion again" in rolled_back(models, NAME, "noise", "ben")
    assert "the detector scores" in rolled_back(models, NAME, "still", "ben")
    assert holder(models, NAME, CHAMPION) is None
    with pytest.raises(InputError, match="none can be rolled back"):
        rolled_back(models, NAME, "again", "ben")
    told = models.assignments(NAME, CHAMPION)
    assert [record[0] for record in told] == [1, 2, 1, None]
    assert told[2][1:3] == ("rolled back from version 2: noise", "ben")


def test_what_the_gate_refused_serves_only_when_somebody_overrules_it_on_record(models):
    with pytest.raises(InputError, match=r"chosen among two\. --despite-gate"):
        promoted(models, NAME, 3, ("hurry", "ann"))
    assert holder(models, NAME, CHAMPION) is None
    promoted(models, NAME, 3, ("hurry", "ann"), despite_gate=True)
    assert models.assignments(NAME, CHAMPION)[-1][:3] == (3, "despite the gate: hurry", "ann")


def test_a_challenger_that_is_promoted_challenges_no_more(models):
    models.assign(NAME, CHALLENGER, 2, "beside", "train-models")
    promoted(models, NAME, 2, ("right in 9 of 10", "ann"))
    assert holder(models, NAME, CHAMPION) == 2
    assert holder(models, NAME, CHALLENGER) is None


def test_versions_and_names_that_are_not_there_are_sentences(models):
    with pytest.raises(InputError, match=r"there are 1, 2, 3\."):
        promoted(models, NAME, 9, ("x", "ann"))
    with pytest.raises(InputError, match=r"No model cell_anomalies\.nowhere"):
        promoted(models, "cell_anomalies.nowhere", 1, ("x", "ann"))


def test_the_gate_gives_roles(models):
    versions = models.versions(NAME)
    passed, refused = (Decision(is_promoted, "detector", ()) for is_promoted in (True, False))
    assert placed(models, versions[0], refused, "train") == "version 1 is challenger"
    assert holder(models, NAME, CHAMPION) is None
    assert placed(models, versions[1], passed, "train") == "version 2 is champion"
    assert holder(models, NAME, CHALLENGER) is None
    assert placed(models, versions[1], refused, "train") == "version 2 is champion already"
    assert holder(models, NAME, CHALLENGER) is None
    assert models.assignments(NAME, CHAMPION)[-1][1] == passed.reason
