"""A program that kills its own registrations with SIGKILL, one step later each time, and looks.

    python -m tests.ports.killed_registration FOLDER

A step is every call of MLflow's client that writes. After each kill it checks that all versions
load, that none is half there, and that the next registration completes. It prints the number of
kills. It forks before a store is opened, so one import serves every kill.
"""

import os
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tasks.adapters.mlflow_registry import MlflowModelRegistry
from tasks.settings import keep_mlflow_quiet
from tasks.stored_models import ModelCard, StoredModel

keep_mlflow_quiet()

from mlflow.tracking import MlflowClient  # noqa: E402 - quiet first

NAME = "cell_anomalies.all"
COUNTED = (
    "create_registered_model",
    "create_run",
    "log_artifacts",
    "set_terminated",
    "create_model_version",
    "set_model_version_tag",
    "set_registered_model_tag",
    "set_registered_model_alias",
)


class OneClock:
    def now(self):
        return datetime(2026, 3, 1, tzinfo=UTC)


def registered(registry, generation):
    model = StoredModel("double", ("a",), arrays={"w": np.full(3, generation)})
    made = registry.register(NAME, model, ModelCard({"snapshot": str(generation)}, "v", 1))
    registry.assign(NAME, "champion", made.version, f"generation {generation}", "test")


def kill_at(step):
    taken = [0]

    def count():
        taken[0] += 1
        if taken[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(call):
        def called(*given, **named):
            count()
            return call(*given, **named)

        return called

    for name in COUNTED:
        setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))


def check(registry, newest):
    held = [record[0] for record in registry.assignments(NAME, "champion")]
    for version in registry.versions(NAME):
        model, _ = registry.load(NAME, version.version)
        assert str(model.arrays["w"][0]) == version.card.data["snapshot"], "a mixed version"
        assert int(version.card.data["snapshot"]) <= newest
    if held:
        registry.load(NAME, "champion")


def in_child(work):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    except BaseException:  # noqa: BLE001 - a child must never return into the parent's loop
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def killed_steps(folder):
    for step in range(1, 100):

        def killed(step=step):
            kill_at(step)
            registered(MlflowModelRegistry.at(folder, OneClock()), step)

        def mended(step=step):
            registry = MlflowModelRegistry.at(folder, OneClock())
            check(registry, step)
            registered(registry, step)
            check(registry, step)
            model, _ = registry.load(NAME, "champion")
            assert model.arrays["w"][0] == step
            known = [version.card.data["snapshot"] for version in registry.versions(NAME)]
            assert len(known) == len(set(known)), f"registered twice: {known}"

        ended = in_child(killed)
        assert in_child(mended) == 0, f"killed at step {step}"
        if ended == 0:
            return step - 1
        assert ended == -signal.SIGKILL, f"step {step} ended with {ended}"
    raise AssertionError("the registration never ended")


if __name__ == "__main__":
    sys.stdout.write(f"{killed_steps(Path(sys.argv[1]))}\n")
