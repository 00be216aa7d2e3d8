"""How entries of a ledger are hashed, chained and signed, and how one tells that they still are.

The hash of an entry covers all that it says, its number and the hash of the entry before; the
signature (Ed25519) covers the hash. Only who holds the key can make an entry that is believed;
whoever holds the public half can check all of them, on any machine.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semantic_layer.errors import InputError
from tasks.messages.canonical import canonical_json, digest_of
from tasks.messages.ledger import ENTRY_KINDS, EntryDraft, LedgerEntry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

NO_HASH = "0" * 64
"""What the first entry names as the hash of the one before."""
LONGEST_PAYLOAD = 1_000_000
"""Characters of a payload as canonical JSON; more is no decision but a delivery."""
FIELDS: tuple[str, ...] = tuple(field.name for field in fields(LedgerEntry))
"""Fields of an entry, in order."""
_FORBIDDEN = 0o077  # nothing for the group or others
_TIMES = ("at", "recorded_at")


class LedgerBrokenError(InputError):
    """What is on record was changed, removed or signed by somebody else; nothing may rest on it."""


class LedgerSeal:
    """Checks entries by a public key; with the private one, makes them."""

    def __init__(
        self, public: "Ed25519PublicKey", private: "Ed25519PrivateKey | None" = None
    ) -> None:
        self._public, self._private = public, private
        self._believed: set[tuple[str, str]] = set()

    @classmethod
    def fresh(cls) -> "LedgerSeal":
        """Return a seal with a new key that is kept nowhere."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = Ed25519PrivateKey.generate()
        return cls(private.public_key(), private)

    @classmethod
    def of_key_file(cls, path: Path) -> "LedgerSeal":
        """Return the seal of a private key in PEM.

        Raises:
            InputError: the file cannot be read, is no Ed25519 key, or others may read it.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            mode, told = path.stat().st_mode, path.read_bytes()
        except OSError as error:
            raise InputError(
                f"The ledger's key, {path}, cannot be read: {error.strerror}. "
                "ANOPS_LEDGER_KEY_FILE names another file."
            ) from error
        if mode & _FORBIDDEN:
            raise InputError(
                f"{path} is the key that the ledger is signed with, and others may use it; "
                f"`chmod 600 {path}`."
            )
        try:
            private = load_pem_private_key(told, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(f"{path} is no private key in PEM: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise InputError(f"{path} is a private key, but none of Ed25519.")
        return cls(private.public_key(), private)

    @classmethod
    def of_public_key(cls, pem: str) -> "LedgerSeal":
        """Return the seal that can only check.

        Raises:
            InputError: the text is no Ed25519 public key in PEM.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            public = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"This is no public key in PEM: {pem[:60]!r}.") from error
        if not isinstance(public, Ed25519PublicKey):
            raise InputError("This is a public key, but none of Ed25519.")
        return cls(public)

    @property
    def public_key(self) -> str:
        """The public key in PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def entry(
        self, draft: EntryDraft, previous: LedgerEntry | None, recorded_at: datetime
    ) -> LedgerEntry:
        """Return the entry that puts a draft on record behind another.

        Raises:
            InputError: the draft is none, or this seal can only check.
        """
        unsigned: dict[str, Any] = {
            "number": previous.number + 1 if previous else 1,
            "kind": draft.kind,
            "subject_id": draft.subject_id,
            "actor": draft.actor,
            "at": draft.at.astimezone(UTC),
            "recorded_at": recorded_at.astimezone(UTC),
            "payload": dict(draft.payload),
            "key": draft.key,
            "previous_hash": previous.hash if previous else NO_HASH,
        }
        found = digest_of(_plain(unsigned))
        return LedgerEntry(**unsigned, hash=found, signature=self.sign(bytes.fromhex(found)))

    def sign(self, content: bytes) -> str:
        """Return the signature of content, hexadecimal.

        Raises:
            InputError: this seal can only check.
        """
        if self._private is None:
            raise InputError("Without the ledger's private key nothing can be put on record.")
        return self._private.sign(content).hex()

    def has_signed(self, content: bytes, signature: str) -> bool:
        """Tell whether a signature of content was made with this key."""
        from cryptography.exceptions import InvalidSignature

        try:
            told = bytes.fromhex(signature)
            self._public.verify(told, content)
        except (InvalidSignature, ValueError):
            return False
        return told.hex() == signature

    def problem_of(self, entry: LedgerEntry) -> str:
        """Return why an entry is not what was signed; empty when it is.

        A signature that was found good is not checked again by the same seal.
        """
        unsigned = entry_json(entry)
        del unsigned["hash"], unsigned["signature"]
        if digest_of(unsigned) != entry.hash:
            return f"Entry {entry.number} was changed: it does not have the hash that it names."
        if (entry.hash, entry.signature) in self._believed:
            return ""
        if not self.has_signed(bytes.fromhex(entry.hash), entry.signature):
            return f"Entry {entry.number} is not signed with the ledger's key."
        self._believed.add((entry.hash, entry.signature))
        return ""


def chain_problems(entries: Sequence[LedgerEntry], seal: LedgerSeal) -> Iterator[str]:
    """Tell what is wrong with entries that should be all, from the first, in order."""
    previous_hash = NO_HASH
    for number, entry in enumerate(entries, start=1):
        wrong = seal.problem_of(entry)
        if wrong:
            yield wrong
        if entry.number != number:
            yield f"Entry {entry.number} stands where entry {number} should."
        if entry.previous_hash != previous_hash:
            yield (
                f"Entry {entry.number} does not follow the entry before it: one was removed, "
                "added or changed between them."
            )
        previous_hash = entry.hash


def checked_draft(draft: EntryDraft) -> EntryDraft:
    """Return the draft with its payload as it will be read again.

    Raises:
        InputError: its kind is none, it lacks a subject, an actor or the zone of its time, or its
            payload is not JSON, is too long or cannot be written as UTF-8.
    """
    if draft.kind not in ENTRY_KINDS:
        raise InputError(f"The ledger knows no entries of kind {draft.kind!r}.")
    if not draft.subject_id or not draft.actor:
        raise InputError(f"An entry {draft.kind!r} names what it is about and who did it.")
    if draft.at.tzinfo is None:
        raise InputError(f"An entry {draft.kind!r} of {draft.subject_id} has a time without zone.")
    try:
        told = canonical_json(dict(draft.payload))
    except RecursionError as error:
        raise InputError(
            f"An entry {draft.kind!r} of {draft.subject_id} has a payload in too many layers."
        ) from error
    if len(told) > LONGEST_PAYLOAD:
        raise InputError(
            f"An entry {draft.kind!r} of {draft.subject_id} has a payload of {len(told)} "
            f"characters; at most {LONGEST_PAYLOAD} are kept."
        )
    try:
        "".join((draft.subject_id, draft.actor, draft.key, told)).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"An entry {draft.kind!r} holds half a character: {error}.") from error
    return EntryDraft(
        draft.kind, draft.subject_id, draft.actor, draft.at, json.loads(told), draft.key
    )


def is_said_by(entry: LedgerEntry, draft: EntryDraft) -> bool:
    """Tell whether a standing entry says what a draft says; when it was said does not count."""
    return (entry.kind, entry.subject_id, entry.actor) == (
        draft.kind, draft.subject_id, draft.actor,
    ) and canonical_json(entry.payload) == canonical_json(draft.payload)  # fmt: skip


def other_said(standing: LedgerEntry) -> InputError:
    """Return the error for a draft whose key bears something else already."""
    return InputError(
        f"Entry {standing.number} has the key {standing.key!r} already and says something else "
        f"({standing.kind} by {standing.actor}); what is on record is never changed."
    )


def entry_json(entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry as JSON values."""
    return _plain({name: getattr(entry, name) for name in FIELDS})


def entry_of(told: Mapping[str, Any]) -> LedgerEntry:
    """Return the entry that `entry_json` told.

    Raises:
        LedgerBrokenError: it is none.
    """
    try:
        times = {name: datetime.fromisoformat(told[name]) for name in _TIMES}
        entry = LedgerEntry(**{name: told[name] for name in FIELDS} | times)
        is_same = canonical_json(entry_json(entry)) == canonical_json(dict(told))
    except (KeyError, TypeError, ValueError, InputError, AttributeError) as error:
        raise LedgerBrokenError(
            f"Entry {told.get('number')!s:.20} cannot be read any more: {error!s:.200}."
        ) from error
    is_typed = type(entry.number) is int and isinstance(entry.payload, dict)
    if not (is_same and is_typed and _is_hash(entry.hash)):
        raise LedgerBrokenError(f"Entry {told['number']!s:.20} is not written as entries are.")
    return entry


def make_key(path: Path) -> None:
    """Write a new private key, mode 0600; of two writers at once, the first one's stands.

    Raises:
        InputError: the file cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    told = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_first(path, told)
    except OSError as error:
        raise InputError(
            f"The ledger's key cannot be written to {path}: {error.strerror}. "
            "ANOPS_LEDGER_KEY_FILE names another file."
        ) from error


def write_whole(path: Path, content: bytes, *, is_durable: bool = True) -> None:
    """Replace a file atomically.

    Args:
        path: of the file.
        content: all of it.
        is_durable: it is on the disk when this returns; otherwise, should power fail, the former
            content may stand again, whole.
    """
    draft = _draft(path, content, 0o644)
    draft.replace(path)
    if is_durable:
        _sync_folder(path.parent)


def _write_first(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; of two writers at once, the first one's stands."""
    draft = _draft(path, content, 0o600)
    try:
        os.link(draft, path)
        _sync_folder(path.parent)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _draft(path: Path, content: bytes, mode: int) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    return told | {name: told[name].isoformat() for name in _TIMES}


def _is_hash(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")
