"""Protocols of the services that agents reason with, and of the one way into the network.

As in ports.py: each has an in-process default and passes one behaviour suite under tests/ports.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import AnopsError
from semantic_layer.periods import Window
from tasks.messages.cell_reports import FedReports
from tasks.messages.change_sets import ManagedObject, Operation
from tasks.messages.chat import ChatAnswer, ChatRequest
from tasks.messages.ledger import EntryDraft, LedgerEntry
from tasks.messages.passages import FoundPassage, Passage, PassageFilter
from tasks.messages.spans import AgentSpan


class ForeignChangeError(AnopsError):
    """The network holds neither what an operation expects nor what it writes: others changed it."""


class ChatModel(Protocol):
    """Language models behind routes by role, with fallbacks, limits, cache and cost."""

    def answer(self, request: ChatRequest) -> ChatAnswer:
        """Return what the first route of the request's role that works answers.

        The answer may break the schema: whoever asked checks it.

        Raises:
            NoRouteError: no route answered, or the role has none.
            BudgetError: the run's requests, tokens, money or seconds are used up.
        """
        ...


class Embedder(Protocol):
    """Makes vectors of texts, so that near meanings are near."""

    @property
    def name(self) -> str:
        """Which model and version; vectors of different names never mix."""
        ...

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one row of length 1 a text; a text without a known word is a row of zeros."""
        ...


class KnowledgeIndex(Protocol):
    """Passages by meaning and by word, in named collections."""

    def put(self, collection: str, passages: Sequence[Passage]) -> None:
        """Add passages, or replace those with the same id."""
        ...

    def remove(self, collection: str, passage_ids: Sequence[str]) -> None:
        """Forget passages; unknown ids are no error."""
        ...

    def held(self, collection: str) -> dict[str, str]:
        """Return content hash by passage id; empty for a collection that does not exist."""
        ...

    def search(
        self, collection: str, query: str, *, limit: int, where: PassageFilter | None = None
    ) -> list[FoundPassage]:
        """Return the passages that fit best, best first; ties by id."""
        ...

    def close(self) -> None:
        """Let another process hold the index; calling twice is harmless."""
        ...


class ConfigurationGateway(Protocol):
    """The one way to read and change how the network is configured."""

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        """Return the objects that exist, as they are now.

        Raises:
            TransientError: the network did not answer.
        """
        ...

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        """Return the objects of a class contained in `dn`, at any depth, sorted by DN."""
        ...

    def write(self, operation: Operation) -> None:
        """Carry out one operation, wholly or not at all.

        It is compared first: only where `before` stands is anything written; where `after`
        stands already, nothing is.

        Raises:
            ForeignChangeError: neither stands.
            InputError: the network refuses the value, object or attribute.
            TransientError: the network did not answer; whether it was written is not known.
        """
        ...


class Ledger(Protocol):
    """Entries that are only ever appended, each bound to the one before by hash, and signed."""

    def append(self, draft: EntryDraft) -> LedgerEntry:
        """Put an entry on record, durably, before this returns.

        An entry whose key stands already is not written again: the standing one is returned.

        Raises:
            InputError: an entry with that key says something else.
        """
        ...

    def entries(self, subject_id: str | None = None) -> list[LedgerEntry]:
        """Return the entries of a subject, or all, oldest first."""
        ...

    def problems(self) -> list[str]:
        """Return a sentence for each entry that was changed, removed, cut off or moved."""
        ...

    def alone(self, subject_id: str) -> AbstractContextManager[None]:
        """Let one process at a time work on a subject; the death of one lets the next in."""
        ...

    def close(self) -> None:
        """Let go of what is held open; the next call opens it again."""
        ...


class TranscriptStore(Protocol):
    """What happened in agents' runs, event by event."""

    def append(self, run_id: str, events: Sequence[dict[str, Any]]) -> None:
        """Add events to a run, durably and in order."""
        ...

    def read(self, run_id: str) -> list[dict[str, Any]]:
        """Return a run's events, oldest first.

        Raises:
            InputError: no such run, or what is stored was changed.
        """
        ...

    def runs(self) -> list[str]:
        """Return the ids of runs, sorted."""
        ...


class SpanSink(Protocol):
    """Where spans of agents' runs are told (OpenTelemetry)."""

    def emit(self, spans: Sequence[AgentSpan]) -> None:
        """Tell spans; it never raises because a collector is away, and never waits long."""
        ...


class NetworkClock(Protocol):
    """What time it is in the network: the present, or a sample network's own time."""

    def now(self) -> datetime:
        """Return the moment, UTC."""
        ...


class LoadFeed(Protocol):
    """Load by the minute, told while counters of a quarter of an hour are still being counted.

    A feed is read and forgotten: what is learnt for good comes from measurement files.
    """

    def reports(self, window: Window) -> FedReports:
        """Return what cells told of periods that end within (start, end] of a window.

        Of a cell and period that was told twice, what was told last counts. Where nothing is fed
        at all, nothing is returned: no data is no evidence.

        Args:
            window: short; feeds hold an hour or so.

        Raises:
            TransientError: the feed is away.
        """
        ...
