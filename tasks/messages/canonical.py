"""One way to write a value as text, so that a hash of it means the value and nothing else."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from semantic_layer.errors import InputError

JsonValue: TypeAlias = (
    str | int | float | bool | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
)


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return JSON with sorted keys, no spaces and no NaN: equal values give equal text.

    Raises:
        InputError: the value is not JSON, or a number is not finite.
    """
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"A value cannot be written as JSON: {error}.") from error


def digest_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
