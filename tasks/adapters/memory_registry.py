"""Models in memory: for unit tests, and for trying a training without keeping it."""

from dataclasses import replace
from datetime import datetime
from threading import Lock

from semantic_layer.errors import InputError
from tasks.ports import Clock
from tasks.stored_models import ModelCard, ModelVersion, StoredModel, from_bytes, to_bytes

Assignment = tuple[int | None, str, str, datetime]


class InMemoryModelRegistry:
    """Implements `ModelRegistry`; what it holds ends with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, list[tuple[bytes, ModelVersion]]] = {}
        self._assigned: dict[tuple[str, str], list[Assignment]] = {}
        self._lock = Lock()

    def register(self, name: str, model: StoredModel, card: ModelCard) -> ModelVersion:
        """Keep a model; see `ModelRegistry.register`."""
        with self._lock:
            kept = self._kept.setdefault(name, [])
            for _, known in kept:
                if known.digest == model.digest:
                    return self._with_aliases(known)
            made = ModelVersion(
                name, len(kept) + 1, model.family, model.digest, self._clock.now(), card
            )
            kept.append((to_bytes(model), made))
            return made

    def load(self, name: str, reference: str | int) -> tuple[StoredModel, ModelVersion]:
        """Return a model; see `ModelRegistry.load`."""
        version = self._holder(name, reference) if isinstance(reference, str) else reference
        for stored, known in self._kept.get(name, []):
            if known.version == version:
                return from_bytes(stored, known.digest), self._with_aliases(known)
        raise InputError(f"No version {version} of {name}.")

    def versions(self, name: str) -> list[ModelVersion]:
        """Return all versions of a name, oldest first."""
        return [self._with_aliases(known) for _, known in self._kept.get(name, [])]

    def names(self) -> list[str]:
        """Return the names that have a version, sorted."""
        return sorted(self._kept)

    def assign(self, name: str, alias: str, version: int | None, reason: str, author: str) -> None:
        """Let a version hold an alias; see `ModelRegistry.assign`."""
        if version not in {None, *(known.version for _, known in self._kept.get(name, []))}:
            raise InputError(f"No version {version} of {name} that could be its {alias}.")
        with self._lock:
            record = (version, reason, author, self._clock.now())
            self._assigned.setdefault((name, alias), []).append(record)

    def assignments(self, name: str, alias: str) -> list[Assignment]:
        """Return who held an alias, oldest first."""
        return list(self._assigned.get((name, alias), []))

    def _holder(self, name: str, alias: str) -> int:
        held = self._assigned.get((name, alias))
        if not held or held[-1][0] is None:
            raise InputError(f"No model {name} is {alias}; `anops models list` shows which are.")
        return held[-1][0]

    def _with_aliases(self, version: ModelVersion) -> ModelVersion:
        held = sorted(
            alias
            for (name, alias), records in self._assigned.items()
            if name == version.name and records[-1][0] == version.version
        )
        return replace(version, aliases=tuple(held))
