"""Models in MLflow: a SQLite store in a folder, or a tracking server by address.

A version is what carries a sealed statement: name, number, digest and card, signed with our key.
The statement is written last, as one value, so a registration that is killed leaves nothing that
loads. Who holds an alias is told by sealed records that are only ever added; MLflow's own alias is
set after them, for people who look there, and decides nothing.
"""

import fcntl
import json
import logging
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semantic_layer.errors import InputError
from tasks.adapters.mlflow_calls import all_pages, calling, client_of, write_schema
from tasks.adapters.mlflow_seal import Seal, key_in
from tasks.ports import Clock
from tasks.stored_models import ModelCard, ModelVersion, StoredModel, from_bytes, to_bytes

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_LOG = logging.getLogger(__name__)
_EXPERIMENT = "anops"
_MODEL_FILE = "model.npz"
_STATEMENT = "anops.statement"
_ASSIGNED = "anops.assigned"
_NAME = re.compile(r"[a-z][\w.-]{0,199}", re.ASCII)
_ALIAS = re.compile(r"[a-z][a-z_]{0,40}")
_LONGEST_REASON = 2000  # a record must fit into a value of MLflow's smallest column

Assignment = tuple[int | None, str, str, datetime]


class MlflowModelRegistry:
    """Implements `ModelRegistry` on MLflow.

    Args:
        address: MLflow's tracking address.
        folder: where locks lie and, unless a server keeps them, artifacts.
        key_file: the key that models are sealed with; made when it is not there.
        clock: tells when a model was registered or assigned.
    """

    def __init__(self, address: str, folder: Path, key_file: Path, clock: Clock) -> None:
        self._address = address
        self._folder = folder
        self._key_file = key_file
        self._clock = clock

    @classmethod
    def at(
        cls, root: Path, clock: Clock, address: str | None = None, key_file: Path | None = None
    ) -> "MlflowModelRegistry":
        """Return the registry under `root`, or at an address when one is given."""
        folder = root / "models"
        return cls(
            address or f"sqlite:///{folder / 'registry.db'}",
            folder,
            key_file or folder / "signing.key",
            clock,
        )

    def register(self, name: str, model: StoredModel, card: ModelCard) -> ModelVersion:
        """Keep a model, sealed; see `ModelRegistry.register`."""
        _check(_NAME, name, "a model's name")
        with self._alone(), calling(f"registering {name}"):
            for known in self.versions(name):
                if known.digest == model.digest:
                    return known
            self._ensure_name(name)
            run_id = self._run(name, model, card)
            made = self._client.create_model_version(
                name, source=f"runs:/{run_id}/{_MODEL_FILE}", run_id=run_id
            )
            statement = {
                "name": name,
                "version": int(made.version),
                "family": model.family,
                "kpis": list(model.kpis),
                "digest": model.digest,
                "registered_at": self._clock.now().isoformat(),
                "card": asdict(card),
            }
            self._client.set_model_version_tag(
                name, made.version, _STATEMENT, self._seal.sealed(statement)
            )
        return _version(statement, ())

    def load(self, name: str, reference: str | int) -> tuple[StoredModel, ModelVersion]:
        """Return a sealed model; see `ModelRegistry.load`."""
        version = self._holder(name, reference) if isinstance(reference, str) else reference
        with calling(f"loading {name} version {version}"):
            kept = self._client.get_model_version(name, str(version))
            statement = self._seal.opened(kept.tags.get(_STATEMENT, ""))
            if not _is_of(statement, name, version):
                raise InputError(
                    f"Version {version} of {name} bears no seal of ours: its registration was "
                    "broken off, or somebody else put it there. Register it from a training run."
                )
            stored = self._bytes_of(str(kept.run_id))
        assert statement is not None  # noqa: S101 - `_is_of` saw to it, and mypy cannot
        model = from_bytes(stored, str(statement["digest"]))
        return model, _version(statement, self._aliases(name, version))

    def versions(self, name: str) -> list[ModelVersion]:
        """Return the sealed versions, oldest first; see `ModelRegistry.versions`."""
        if self._is_unused or not _NAME.fullmatch(name):
            return []
        found = []
        with calling(f"versions of {name}"):
            holders = self._holders(name)
            for kept in all_pages(self._searched(name)):
                statement = self._seal.opened(kept.tags.get(_STATEMENT, ""))
                number = int(kept.version)
                if statement is not None and _is_of(statement, name, number):
                    held = tuple(alias for alias, holder in holders.items() if holder == number)
                    found.append(_version(statement, held))
                elif _STATEMENT in kept.tags:
                    _LOG.warning("Version %d of %s has a seal that is not ours.", number, name)
        return sorted(found, key=lambda version: version.version)

    def names(self) -> list[str]:
        """Return the names that have a sealed version, sorted."""
        if self._is_unused:
            return []
        with calling("names"):
            known = sorted(model.name for model in all_pages(self._client.search_registered_models))
        return [name for name in known if self.versions(name)]

    def assign(self, name: str, alias: str, version: int | None, reason: str, author: str) -> None:
        """Add a sealed record of who holds an alias; see `ModelRegistry.assign`."""
        _check(_ALIAS, alias, "an alias")
        with self._alone(), calling(f"assigning {alias} of {name}"):
            if version not in {None, *(known.version for known in self.versions(name))}:
                raise InputError(f"No version {version} of {name} that could be its {alias}.")
            number = len(self.assignments(name, alias)) + 1
            record = {
                "name": name,
                "alias": alias,
                "number": number,
                "version": version,
                "reason": reason[:_LONGEST_REASON],
                "author": author,
                "since": self._clock.now().isoformat(),
            }
            self._ensure_name(name)
            key = f"{_ASSIGNED}.{alias}.{number:06d}-{secrets.token_hex(4)}"
            self._client.set_registered_model_tag(name, key, self._seal.sealed(record))
            if version is None:
                self._client.delete_registered_model_alias(name, alias)
            else:
                self._client.set_registered_model_alias(name, alias, str(version))

    def assignments(self, name: str, alias: str) -> list[Assignment]:
        """Return the sealed records of an alias, oldest first."""
        if self._is_unused:
            return []
        with calling(f"assignments of {name}"):
            records = [record for record in self._records(name) if record["alias"] == alias]
        return [
            (
                record["version"],
                record["reason"],
                record["author"],
                datetime.fromisoformat(record["since"]),
            )
            for record in records
        ]

    @property
    def _is_unused(self) -> bool:
        """Tell whether nothing was ever registered here: asking MLflow costs seconds to import."""
        kind, _, place = self._address.partition(":///")
        return kind == "sqlite" and not Path(place).exists()

    @cached_property
    def _client(self) -> "MlflowClient":
        self._folder.mkdir(parents=True, exist_ok=True)
        return client_of(self._address)

    @cached_property
    def _seal(self) -> Seal:
        return Seal(key_in(self._key_file))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process of this machine write at a time; a killed one lets go."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "registry.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _ensure_name(self, name: str) -> None:
        if self._name_tags(name) is None:
            self._client.create_registered_model(name)

    def _name_tags(self, name: str) -> dict[str, str] | None:
        """Return what MLflow keeps beside a name, None when it does not know the name."""
        _check(_NAME, name, "a model's name")
        known = self._client.search_registered_models(f"name='{name}'")
        return next((dict(model.tags) for model in known), None)

    def _run(self, name: str, model: StoredModel, card: ModelCard) -> str:
        """Return the id of a finished run with the model's file, card, parameters and metrics."""
        run = self._client.create_run(
            self._experiment, run_name=name, tags={"anops.family": model.family, **card.data}
        )
        run_id = str(run.info.run_id)
        for parameter, value in card.parameters.items():
            self._client.log_param(run_id, parameter, value)
        for metric, figure in card.metrics.items():
            self._client.log_metric(run_id, metric, figure)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / _MODEL_FILE).write_bytes(to_bytes(model))
            (folder / "card.json").write_text(json.dumps(asdict(card), indent=2), "utf-8")
            write_schema(folder, run_id, model.kpis)
            self._client.log_artifacts(run_id, scratch)
        self._client.set_terminated(run_id)
        return run_id

    @cached_property
    def _experiment(self) -> str:
        known = self._client.get_experiment_by_name(_EXPERIMENT)
        if known is not None:
            return str(known.experiment_id)
        is_server = self._address.startswith("http")
        place = None if is_server else (self._folder / "artifacts").resolve().as_uri()
        return str(self._client.create_experiment(_EXPERIMENT, artifact_location=place))

    def _bytes_of(self, run_id: str) -> bytes:
        with tempfile.TemporaryDirectory() as scratch:
            return Path(self._client.download_artifacts(run_id, _MODEL_FILE, scratch)).read_bytes()

    def _searched(self, name: str) -> Any:  # noqa: ANN401 - MLflow's own pages
        def search(**page: Any) -> Any:  # noqa: ANN401
            return self._client.search_model_versions(f"name='{name}'", **page)

        return search

    def _records(self, name: str) -> list[dict[str, Any]]:
        """Return the sealed records of all aliases of a name, in the order they were added."""
        tags = self._name_tags(name) or {}
        opened = [self._seal.opened(tags[key]) for key in sorted(tags) if key.startswith(_ASSIGNED)]
        return sorted(
            (record for record in opened if record is not None and record.get("name") == name),
            key=lambda record: int(record["number"]),
        )

    def _holders(self, name: str) -> dict[str, int | None]:
        return {record["alias"]: record["version"] for record in self._records(name)}

    def _aliases(self, name: str, version: int) -> tuple[str, ...]:
        with calling(f"aliases of {name}"):
            holders = self._holders(name)
        return tuple(alias for alias, holder in holders.items() if holder == version)

    def _holder(self, name: str, alias: str) -> int:
        with calling(f"aliases of {name}"):
            version = self._holders(name).get(alias)
        if version is None:
            raise InputError(f"No model {name} is {alias}; `anops models list` shows which are.")
        return version


def _is_of(statement: dict[str, Any] | None, name: str, version: int) -> bool:
    return (
        statement is not None
        and statement.get("name") == name
        and statement.get("version") == version
    )


def _version(statement: dict[str, Any], aliases: tuple[str, ...]) -> ModelVersion:
    return ModelVersion(
        str(statement["name"]),
        int(statement["version"]),
        str(statement["family"]),
        str(statement["digest"]),
        datetime.fromisoformat(statement["registered_at"]),
        ModelCard(**statement["card"]),
        tuple(sorted(aliases)),
    )


def _check(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise InputError(f"{text!r} cannot be {what}: {pattern.pattern} is what fits.")
