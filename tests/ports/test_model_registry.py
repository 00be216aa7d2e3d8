"""The behaviour that every model registry owes, and how MLflow's refuses what is not ours."""

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from semantic_layer.errors import InputError, TransientError
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.adapters.mlflow_registry import MlflowModelRegistry
from tasks.stored_models import ModelCard, StoredModel
from tests.conftest import REPOSITORY

NAME = "cell_anomalies.profile-03"
START = datetime(2026, 3, 1, tzinfo=UTC)
CARD = ModelCard(
    {"table": "cell_kpis", "snapshot": "42"},
    "catalogue-7",
    11,
    {"family": "double"},
    {"ap": 0.5, "delay": float("nan")},
    "best of three",
)


class TickingClock:
    def __init__(self):
        self.moment = START

    def now(self):
        self.moment += timedelta(seconds=1)
        return self.moment


def model(value=1.0):
    return StoredModel(
        "double", ("drops", "load"), {"span": 4}, {"w": np.full((2, 3), value, np.float32)}
    )


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """Return an empty store: MLflow takes seconds to make one, and a copy serves as well."""
    folder = tmp_path_factory.mktemp("empty")
    MlflowModelRegistry.at(folder, TickingClock())._client.search_registered_models()
    return folder / "models/registry.db"


@pytest.fixture
def kept(tmp_path, empty_store):
    (tmp_path / "models").mkdir()
    shutil.copy(empty_store, tmp_path / "models")
    return MlflowModelRegistry.at(tmp_path, TickingClock())


@pytest.fixture(params=["memory", "mlflow"])
def registry(request):
    if request.param == "memory":
        return InMemoryModelRegistry(TickingClock())
    return request.getfixturevalue("kept")


def test_what_was_registered_comes_back_as_it_was(registry):
    made = registry.register(NAME, model(), CARD)
    assert (made.name, made.version, made.family) == (NAME, 1, "double")
    assert made.digest == model().digest
    found, version = registry.load(NAME, 1)
    assert found.digest == model().digest
    assert found.settings == {"span": 4}
    assert np.array_equal(found.arrays["w"], model().arrays["w"])
    assert version.registered_at == made.registered_at > START
    assert version.card.data == CARD.data
    assert version.card.metrics["ap"] == 0.5
    assert np.isnan(version.card.metrics["delay"])
    assert (version.card.seed, version.card.reason) == (11, "best of three")


def test_versions_count_up_by_name_and_names_are_sorted(registry):
    for value in (1.0, 2.0):
        registry.register(NAME, model(value), CARD)
    registry.register("finding_worth.all", model(), CARD)
    assert [version.version for version in registry.versions(NAME)] == [1, 2]
    assert [version.version for version in registry.versions("finding_worth.all")] == [1]
    assert registry.names() == [NAME, "finding_worth.all"]


def test_the_same_model_again_is_the_version_that_it_has(registry):
    registry.register(NAME, model(1.0), CARD)
    registry.register(NAME, model(2.0), CARD)
    assert registry.register(NAME, model(1.0), CARD).version == 1
    assert len(registry.versions(NAME)) == 2


def test_an_alias_names_a_version_and_remembers_who_held_it(registry):
    for value in (1.0, 2.0):
        registry.register(NAME, model(value), CARD)
    registry.assign(NAME, "champion", 1, "first", "training")
    registry.assign(NAME, "champion", 2, "better by 0.03", "training")
    registry.assign(NAME, "challenger", 1, "beside", "ann")
    found, version = registry.load(NAME, "champion")
    assert found.digest == model(2.0).digest
    assert version.aliases == ("champion",)
    told = registry.assignments(NAME, "champion")
    assert [record[:3] for record in told] == [
        (1, "first", "training"),
        (2, "better by 0.03", "training"),
    ]
    assert told[0][3] < told[1][3]
    assert [one.aliases for one in registry.versions(NAME)] == [("challenger",), ("champion",)]


def test_nobody_may_hold_an_alias(registry):
    registry.register(NAME, model(), CARD)
    registry.assign(NAME, "champion", 1, "first", "training")
    registry.assign(NAME, "champion", None, "it cries wolf", "ann")
    with pytest.raises(InputError, match="is champion"):
        registry.load(NAME, "champion")
    assert registry.versions(NAME)[0].aliases == ()
    assert registry.assignments(NAME, "champion")[-1][0] is None


@pytest.mark.parametrize("reference", [7, "champion"])
def test_what_is_not_there_is_a_sentence(registry, reference):
    with pytest.raises(InputError):
        registry.load(NAME, reference)
    registry.register(NAME, model(), CARD)
    with pytest.raises(InputError, match=str(reference)):
        registry.load(NAME, reference)


def test_an_alias_for_a_version_that_is_not_there_is_refused(registry):
    registry.register(NAME, model(), CARD)
    with pytest.raises(InputError, match="No version 9"):
        registry.assign(NAME, "champion", 9, "typo", "ann")
    assert registry.assignments(NAME, "champion") == []


def test_a_name_that_nobody_registered_has_no_versions(registry):
    assert registry.versions("cell_anomalies.nowhere") == []
    assert registry.assignments("cell_anomalies.nowhere", "champion") == []
    assert registry.names() == []


def test_another_process_finds_what_this_one_registered(kept, tmp_path):
    made = kept.register(NAME, model(), CARD)
    kept.assign(NAME, "champion", 1, "first", "training")
    found, version = MlflowModelRegistry.at(tmp_path, TickingClock()).load(NAME, "champion")
    assert found.digest == made.digest
    assert version.aliases == ("champion",)
    assert (tmp_path / "models/signing.key").stat().st_mode & 0o777 == 0o600


def stored_file(folder, number=0):
    return sorted((folder / "models/artifacts").rglob("model.npz"))[number]


def database(folder):
    return closing(sqlite3.connect(folder / "models/registry.db", isolation_level=None))


def test_a_model_swapped_on_disk_is_refused(kept, tmp_path):
    kept.register(NAME, model(1.0), CARD)
    kept.register("cell_anomalies.other", model(2.0), CARD)
    files = sorted((tmp_path / "models/artifacts").rglob("model.npz"))
    contents = {path: path.read_bytes() for path in files}
    files[0].write_bytes(contents[files[1]])
    files[1].write_bytes(contents[files[0]])
    for name in (NAME, "cell_anomalies.other"):
        with pytest.raises(InputError, match="is not the registered one"):
            kept.load(name, 1)


def test_a_model_swapped_with_its_digest_is_refused_for_want_of_the_key(kept, tmp_path):
    kept.register(NAME, model(), CARD)
    with database(tmp_path) as base:
        rows = base.execute("SELECT value FROM model_version_tags WHERE key = 'anops.statement'")
        sealed = json.loads(rows.fetchone()[0])
        sealed["statement"] = sealed["statement"].replace(model().digest, model(2.0).digest)
        base.execute(
            "UPDATE model_version_tags SET value = ? WHERE key = 'anops.statement'",
            (json.dumps(sealed),),
        )
    with pytest.raises(InputError, match="bears no seal of ours"):
        kept.load(NAME, 1)
    assert kept.versions(NAME) == []


def test_the_statement_of_one_version_does_not_serve_for_another(kept, tmp_path):
    for value in (1.0, 2.0):
        kept.register(NAME, model(value), CARD)
    with database(tmp_path) as base:
        base.execute(
            "UPDATE model_version_tags SET value = (SELECT value FROM model_version_tags "
            "WHERE key = 'anops.statement' AND version = 1) "
            "WHERE key = 'anops.statement' AND version = 2"
        )
    with pytest.raises(InputError, match="Version 2"):
        kept.load(NAME, 2)
    assert [version.version for version in kept.versions(NAME)] == [1]


def test_an_alias_that_somebody_moved_in_mlflow_moves_nothing(kept, tmp_path):
    for value in (1.0, 2.0):
        kept.register(NAME, model(value), CARD)
    kept.assign(NAME, "champion", 1, "first", "training")
    with database(tmp_path) as base:
        base.execute("UPDATE registered_model_aliases SET version = 2")
        tag = base.execute("SELECT key, value FROM registered_model_tags").fetchone()
        base.execute(
            "INSERT INTO registered_model_tags (name, key, value, workspace) VALUES (?, ?, ?, ?)",
            (NAME, tag[0] + "x", tag[1].replace('\\"version\\": 1', '\\"version\\": 2'), "default"),
        )
    assert kept.load(NAME, "champion")[1].version == 1
    assert len(kept.assignments(NAME, "champion")) == 1


def test_a_registry_with_another_key_loads_nothing(kept, tmp_path):
    kept.register(NAME, model(), CARD)
    other = tmp_path / "other.key"
    stranger = MlflowModelRegistry.at(tmp_path, TickingClock(), key_file=other)
    with pytest.raises(InputError, match="no seal of ours"):
        stranger.load(NAME, 1)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        MlflowModelRegistry.at(tmp_path, TickingClock(), key_file=key).register(NAME, model(), CARD)


def test_bytes_that_went_missing_are_a_sentence(kept, tmp_path):
    kept.register(NAME, model(), CARD)
    stored_file(tmp_path).unlink()
    with pytest.raises(InputError, match=r"model\.npz"):
        kept.load(NAME, 1)


def test_mlflow_shows_what_the_model_reads_and_who_is_champion(kept, tmp_path):
    kept.register(NAME, model(), CARD)
    kept.assign(NAME, "champion", 1, "first", "training")
    shown = kept._client.get_model_version_by_alias(NAME, "champion")
    assert shown.version == 1
    run = kept._client.get_run(shown.run_id)
    assert run.data.params == {"family": "double"}
    assert run.data.metrics["ap"] == 0.5
    assert run.data.tags["snapshot"] == "42"
    assert "drops" in stored_file(tmp_path).with_name("MLmodel").read_text(encoding="utf-8")


@pytest.mark.slow
def test_two_processes_that_register_at_once_both_succeed(tmp_path):
    program = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from tasks.adapters.mlflow_registry import MlflowModelRegistry as R;"
        "from tasks.adapters.system_clock import SystemClock;"
        "from tasks.stored_models import ModelCard, StoredModel;"
        "r = R.at(Path(sys.argv[1]), SystemClock());"
        "[r.register('a.all', StoredModel('f', ('k',), arrays={'w': np.full(2, v)}),"
        " ModelCard({}, 'v', 1)) for v in map(int, sys.argv[2:])]"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), *values],
            cwd=REPOSITORY, stderr=subprocess.PIPE, text=True,
        )
        for values in (["0", "1", "2", "3"], ["3", "2", "5", "6"])
    ]  # fmt: skip
    for one in both:
        _, told = one.communicate(timeout=120)
        assert one.returncode == 0, told
    registry = MlflowModelRegistry.at(tmp_path, TickingClock())
    versions = registry.versions("a.all")
    assert [version.version for version in versions] == [1, 2, 3, 4, 5, 6]
    assert len({version.digest for version in versions}) == 6
    for version in versions:
        registry.load("a.all", version.version)


@pytest.mark.slow
def test_a_registration_killed_at_any_step_leaves_no_half_version(tmp_path):
    killed = subprocess.run(
        [sys.executable, "-m", "tests.ports.killed_registration", str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert killed.returncode == 0, killed.stderr
    assert int(killed.stdout) >= 7


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_a_transient_error(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(TransientError, match="names"):
        MlflowModelRegistry.at(tmp_path, TickingClock(), address).names()


def test_the_client_is_imported_on_first_use_only():
    program = (
        "import sys; import tasks.wiring, tasks.adapters.mlflow_registry;"
        "sys.exit('mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    assert done.returncode == 0


def test_mlflow_does_not_reach_out_by_itself(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path;"
        "from tasks.adapters.mlflow_registry import MlflowModelRegistry as R;"
        "from tasks.adapters.system_clock import SystemClock;"
        "R.at(Path(sys.argv[1]), SystemClock())._client;"
        "from mlflow.telemetry.utils import is_telemetry_disabled;"
        "sys.exit(not is_telemetry_disabled())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=REPOSITORY, env={"PATH": ""},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0


def test_asking_a_local_store_that_was_never_used_imports_and_makes_nothing(tmp_path):
    code = (
        "import sys; from pathlib import Path;"
        "from tasks.adapters.mlflow_registry import MlflowModelRegistry as Registry;"
        "from tasks.adapters.system_clock import SystemClock;"
        "models = Registry.at(Path(sys.argv[1]), SystemClock());"
        "assert models.names() == models.versions('a') == models.assignments('a', 'b') == [];"
        "assert 'mlflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=REPOSITORY)
    assert list(tmp_path.iterdir()) == []
