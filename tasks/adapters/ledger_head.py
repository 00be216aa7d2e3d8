"""Where a ledger ends, told outside its database, so that a cut end or an older copy is found.

Before an entry is committed the head says what is being written, the whole entry included; after
it, that it stands. A process that dies between leaves a head from which the next one finishes.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semantic_layer.errors import InputError
from tasks.adapters.ledger_seal import (
    NO_HASH,
    LedgerBrokenError,
    LedgerSeal,
    entry_json,
    entry_of,
    write_whole,
)
from tasks.messages.canonical import canonical_json
from tasks.messages.ledger import LedgerEntry


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The end of a ledger.

    Attributes:
        number: of the last entry that stands; 0 for none.
        hash: of that entry; 64 zeros for none.
        writing: the entry that is being written behind it, if any.
    """

    number: int
    hash: str
    writing: LedgerEntry | None = None

    @classmethod
    def at(cls, last: LedgerEntry | None, writing: LedgerEntry | None = None) -> "LedgerHead":
        """Return the head of a ledger that ends with an entry."""
        return cls(last.number if last else 0, last.hash if last else NO_HASH, writing)

    def is_of(self, last: LedgerEntry | None) -> bool:
        """Tell whether a ledger that ends so is whole, be it that a write was interrupted."""
        found = LedgerHead.at(last)
        if (found.number, found.hash) == (self.number, self.hash):
            return True
        return self.has_written(last)

    def has_written(self, last: LedgerEntry | None) -> bool:
        """Tell whether what was being written stands."""
        return self.writing is not None and self.writing == last


def read_head(path: Path, seal: LedgerSeal) -> LedgerHead | None:
    """Return the head in a file, None when there is no file.

    Raises:
        LedgerBrokenError: it cannot be read, or was not signed with the ledger's key.
    """
    try:
        told = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"The ledger's head {path} cannot be read: {error.strerror}.") from error
    try:
        parts = json.loads(told)
        signature = str(parts.pop("signature"))
        is_ours = seal.has_signed(_signed(parts), signature)
        writing = parts["writing"] and entry_of(parts["writing"])
        head = LedgerHead(int(parts["number"]), str(parts["hash"]), writing)
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise LedgerBrokenError(f"The ledger's head {path} was changed: {error!s:.200}.") from error
    if not is_ours or (head.writing is not None and seal.problem_of(head.writing)):
        raise LedgerBrokenError(f"The ledger's head {path} is not signed with the ledger's key.")
    return head


def write_head(path: Path, head: LedgerHead, seal: LedgerSeal) -> None:
    """Replace the head in a file: durably where it announces a write.

    Should power fail after a write, the announcement may stand again, and that finishes well.
    """
    parts = {
        "number": head.number,
        "hash": head.hash,
        "writing": entry_json(head.writing) if head.writing else None,
    }
    told = canonical_json({**parts, "signature": seal.sign(_signed(parts))})
    write_whole(path, told.encode(), is_durable=head.writing is not None)


def _signed(parts: dict[str, Any]) -> bytes:
    """Return what is signed; it begins with a word, so it is never the hash of an entry."""
    return f"head of a ledger {canonical_json(parts)}".encode()
