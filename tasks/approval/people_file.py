"""Tokens of people: made at random, told once, kept as hashes in the file of people."""

import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from semantic_layer.errors import InputError, did_you_mean
from semantic_layer.plain_yaml import read_yaml_file
from tasks.guardrails.approvals import load_people

_TOKEN_BYTES = 32


def add_token(path: Path, person: str, token: str | None = None) -> str:
    """Write the hash of a new token into the file of people; return the token, kept nowhere.

    Comments at the head of the file stay, others do not.

    Args:
        path: the file; never the packaged one, which is the same for everybody.
        person: of the file.
        token: made at random when None.

    Raises:
        InputError: nobody of that name is in the file, or it cannot be written.
        DefinitionError: the file cannot be used.
    """
    people = load_people(path)
    if person not in people.persons:
        raise InputError(
            f"{person[:60]!r} is nobody of {path}{did_you_mean(person, people.persons)}"
        )
    made = token or secrets.token_urlsafe(_TOKEN_BYTES)
    told: dict[str, Any] = read_yaml_file(path)
    hashes = told["persons"][person].setdefault("token_hashes", [])
    hashes.append(sha256(made.encode()).hexdigest())
    head = _head(path.read_text(encoding="utf-8"))
    text = head + yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=100)
    try:
        _replace(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    return made


def _head(text: str) -> str:
    """Return the lines of comment that a file begins with."""
    lines = text.splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:count])


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
