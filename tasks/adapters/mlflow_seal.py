"""The seal on what a registry holds: only who has the key can make a model that loads.

Stored beside the models would be no use: whoever can swap a model there could swap its digest too.
The key lies in a file of its own, readable by its owner alone.
"""

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from semantic_layer.errors import InputError

_KEY_BYTES = 32
_FORBIDDEN = 0o027  # nothing for others, no writing by the group


class Seal:
    """Signs statements with HMAC-SHA-256, and tells its own from others'."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sealed(self, statement: Mapping[str, Any]) -> str:
        """Return the statement and its seal, as one text."""
        told = json.dumps(dict(statement), sort_keys=True)
        return json.dumps({"statement": told, "seal": self._seal_of(told)})

    def opened(self, sealed: str) -> dict[str, Any] | None:
        """Return the statement in `sealed`, None unless it was sealed with this key."""
        try:
            parts = json.loads(sealed)
            told, seal = str(parts["statement"]), str(parts["seal"])
        except (ValueError, KeyError, TypeError):
            return None
        if not hmac.compare_digest(seal, self._seal_of(told)):
            return None
        statement: dict[str, Any] = json.loads(told)
        return statement

    def _seal_of(self, told: str) -> str:
        return hmac.new(self._key, told.encode(), sha256).hexdigest()


def key_in(path: Path) -> bytes:
    """Return the key in a file; a file that is not there is written with a new one, mode 0600.

    Raises:
        InputError: the file cannot be read or written, is too short to be a key, or others may
            read or write it.
    """
    try:
        if not path.exists():
            _write_new(path)
        mode, key = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The key of the model registry, {path}, cannot be used: {error.strerror}. "
            "ANOPS_MODEL_KEY_FILE names another file."
        ) from error
    if mode & _FORBIDDEN:
        raise InputError(
            f"{path} is the key that models are sealed with, and others may read or write it; "
            f"`chmod 600 {path}`."
        )
    if len(key) < _KEY_BYTES:
        raise InputError(f"{path} is too short to be a key: {len(key)} of {_KEY_BYTES} bytes.")
    return key


def _write_new(path: Path) -> None:
    """Write a key whole or not at all; of two writers at once, the first one's stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
