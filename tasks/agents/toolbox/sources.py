"""Where tools get what they tell: published tables by identity, knowledge, the network, the twin.

All sessions of one run share one `ToolSources`, so that a table is read, and put on record, once a
run and not once a call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import RLock
from typing import Any, Protocol, TypeVar

import polars as pl

from data_products.access import AccessDeniedError
from semantic_layer.errors import InputError, TransientError, UnknownNameError
from semantic_layer.periods import Window
from tasks.action_ports import KnowledgeIndex
from tasks.agents.tools import ToolFailedError
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ChangeSet, ManagedObject
from tasks.ports import DataReader

Made = TypeVar("Made")
WhatIf = Callable[[ChangeSet, Window], Sequence[Mapping[str, JsonValue]]]
"""What a change would do to cells, as the twin computes it: a row a cell."""


class ReadableNetwork(Protocol):
    """The network as it is configured now; there is no way to write through it."""

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        """Return the objects that exist; see `ConfigurationGateway.read`."""
        ...

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        """Return objects of a class below a DN; see `ConfigurationGateway.read_below`."""
        ...


class ReadingOnly:
    """Implements `ReadableNetwork` over a gateway whose way of writing is not handed on."""

    def __init__(self, gateway: ReadableNetwork) -> None:
        self.read = gateway.read
        self.read_below = gateway.read_below


class SharedFrames:
    """What a run has read or derived so far, by what it is; made once, whoever asks first."""

    def __init__(self) -> None:
        self._made: dict[object, Any] = {}
        self._lock = RLock()

    def once(self, key: object, make: Callable[[], Made]) -> Made:
        """Return what `make` made when it was first asked for under this key."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            found: Made = self._made[key]
            return found


@dataclass(frozen=True)
class ToolSources:
    """What tools may reach, for one identity and one run.

    Attributes:
        reader: published tables, allowed column by column and put on record.
        identity: who reads.
        knowledge: passages and cases; None where there is no index.
        network: as it is configured now; None where it is not reached.
        window: what the run is about; nothing later is read but dumps of configuration.
        purpose: why, for the record of reads.
        what_if: computes a change in the twin; None where there is no twin.
        frames: what was read already.
    """

    reader: DataReader
    identity: str
    knowledge: KnowledgeIndex | None
    network: ReadableNetwork | None
    window: Window
    purpose: str = "an agent's tool"
    what_if: WhatIf | None = None
    frames: SharedFrames = field(default_factory=SharedFrames)

    def rows(
        self,
        table: str,
        window: Window | None,
        columns: Sequence[str],
        only: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Return rows of a published table, read once a run.

        Args:
            table: full name.
            window: rows of this time only; all when None.
            columns: that are asked for; each must be allowed.
            only: a condition on these columns.

        Raises:
            ToolFailedError: the identity may not, the table does not answer, or has no such column.
        """
        key = (table, str(window), tuple(columns), "" if only is None else str(only))
        return self.frames.once(key, lambda: self._read(table, window, columns, only))

    def derived(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what was derived from rows once for the whole run."""
        return self.frames.once(("derived", name), make)

    def days(self, count: int) -> Window:
        """Return the window with so many days before it."""
        return Window(self.window.start - timedelta(days=count), self.window.end)

    def _read(
        self, table: str, window: Window | None, columns: Sequence[str], only: pl.Expr | None
    ) -> pl.DataFrame:
        try:
            rows = self.reader.read(
                table, window, identity=self.identity, columns=columns, purpose=self.purpose
            )
            return (rows if only is None else rows.filter(only)).collect()
        except (AccessDeniedError, TransientError, UnknownNameError, InputError) as error:
            raise failed(table, window, str(error)) from error


def failed(query: str, window: Window | None, reason: str) -> ToolFailedError:
    """Return the failure of a tool: what was asked for, of which time, and why it failed."""
    of_time = f" for {window}" if window is not None else ""
    return ToolFailedError(f"{query}{of_time} could not be read: {reason}")
