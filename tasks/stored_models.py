"""A fitted model as plain data: settings, arrays and a digest, never a pickled object.

What a model is must be readable without running anything of unknown origin. So a model is JSON
values and NumPy arrays; the code that scores with them is a family in this repository.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError

Setting: TypeAlias = str | int | float | bool | list[str] | list[float] | list[int] | None
Array: TypeAlias = npt.NDArray[np.generic]

_LISTED = "listed.json"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What scoring needs of a fitted model.

    Attributes:
        family: name of the family whose code reads it.
        kpis: names of the KPIs on the second axis of what it scores, in order: its signature.
        settings: JSON values.
        arrays: numbers, or bytes as uint8; never of objects.
    """

    family: str
    kpis: tuple[str, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over everything that the model is; equal models have equal digests."""
        told = hashlib.sha256(self._described().encode())
        for name in sorted(self.arrays):
            told.update(np.ascontiguousarray(self.arrays[name]).tobytes())
        return told.hexdigest()

    def _described(self) -> str:
        shapes = {
            name: [str(array.dtype), list(array.shape)]
            for name, array in sorted(self.arrays.items())
        }
        return json.dumps(
            {
                "family": self.family,
                "kpis": list(self.kpis),
                "settings": dict(self.settings),
                "arrays": shapes,
            },
            sort_keys=True,
        )


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything needed to know where a model comes from, and to make it again.

    Attributes:
        data: what it was fitted on: table, snapshot id and window, as text.
        catalogue_version: of the semantic layer when it was fitted.
        seed: of everything random.
        parameters: of the training.
        metrics: of its validation.
        reason: why it was registered, in a sentence.
    """

    data: Mapping[str, str]
    catalogue_version: str
    seed: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model.

    Attributes:
        name: what it serves, such as `cell_anomalies.profile-03`.
        version: counts from 1 by name.
        digest: of the stored model.
        registered_at: UTC.
        aliases: the roles that it holds: `champion`, `challenger`.
    """

    name: str
    version: int
    family: str
    digest: str
    registered_at: datetime
    card: ModelCard
    aliases: tuple[str, ...] = ()


def to_bytes(model: StoredModel) -> bytes:
    """Return a model as the bytes of an uncompressed NumPy archive; the same model, same bytes."""
    target = io.BytesIO()
    listed = np.frombuffer(model._described().encode(), np.uint8)  # noqa: SLF001 - same module
    np.savez(
        target,
        allow_pickle=False,
        **{_LISTED: listed, **{f"array.{name}": model.arrays[name] for name in model.arrays}},
    )
    return target.getvalue()


def from_bytes(stored: bytes, digest: str) -> StoredModel:
    """Return the model in `stored` if it is the one with this digest.

    Raises:
        InputError: it is not a model's archive, or is another model, or was changed.
    """
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as archive:
            described = json.loads(archive[_LISTED].tobytes().decode())
            arrays = {name: archive[f"array.{name}"] for name in described["arrays"]}
        model = StoredModel(
            str(described["family"]), tuple(described["kpis"]), described["settings"], arrays
        )
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise InputError(f"This is not a stored model: {error}.") from error
    if model.digest != digest:
        raise InputError(
            f"The stored model is not the registered one: its digest begins {model.digest[:12]}, "
            f"registered is {digest[:12]}. Register it anew from a training run."
        )
    return model
