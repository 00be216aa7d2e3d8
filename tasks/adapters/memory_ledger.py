"""A ledger that ends with its process: for tests and trials, chained and signed like the real."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.adapters.ledger_seal import (
    LedgerSeal,
    chain_problems,
    checked_draft,
    is_said_by,
    other_said,
)
from tasks.messages.ledger import EntryDraft, LedgerEntry
from tasks.ports import Clock


class MemoryLedger:
    """Implements `Ledger` for the threads of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seal = LedgerSeal.fresh()
        self._entries: list[LedgerEntry] = []
        self._mine = threading.RLock()
        self._alone: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def append(self, draft: EntryDraft) -> LedgerEntry:
        """Put an entry on record.

        Raises:
            InputError: the draft is no entry, or one with its key says something else.
        """
        draft = checked_draft(draft)
        with self._mine:
            for standing in self._entries:
                if draft.key and standing.key == draft.key:
                    if not is_said_by(standing, draft):
                        raise other_said(standing)
                    return standing
            last = self._entries[-1] if self._entries else None
            self._entries.append(self._seal.entry(draft, last, self._clock.now()))
            return self._entries[-1]

    def entries(self, subject_id: str | None = None) -> list[LedgerEntry]:
        """Return the entries of a subject, or all, oldest first."""
        with self._mine:
            return [one for one in self._entries if subject_id in (None, one.subject_id)]

    def problems(self) -> list[str]:
        """Return a sentence for each entry that is not as it was put on record."""
        with self._mine:
            return list(chain_problems(self._entries, self._seal))

    @contextmanager
    def alone(self, subject_id: str) -> Iterator[None]:
        """Wait until no other thread works on a subject, then keep others out."""
        with self._mine:
            lock = self._alone[subject_id]
        with lock:
            yield

    @property
    def public_key(self) -> str:
        """The key in PEM by which anybody can check entries."""
        return self._seal.public_key

    def close(self) -> None:
        """Keep everything: there is nothing to let go of."""
