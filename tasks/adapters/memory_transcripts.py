"""Transcripts in memory: for tests, trials and repeated runs, which leave no file."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from semantic_layer.errors import InputError
from tasks.adapters.transcript_lines import (
    events_of,
    events_so_far,
    follows,
    last_hash,
    lines_of,
    safe_run_id,
)


class InMemoryTranscripts:
    """Implements `TranscriptStore` in this process, by the same chained lines as files hold."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._lock = Lock()

    def append(self, run_id: str, events: Sequence[dict[str, Any]]) -> None:
        """Add events; see `TranscriptStore.append`."""
        safe_run_id(run_id)
        if not events:
            return
        with self._lock:
            text = self._texts.get(run_id, "")
            follows(events_so_far(text, run_id), events, run_id)
            lines = lines_of(events, last_hash(text))
            self._texts[run_id] = text + "".join(f"{line}\n" for line in lines)

    def read(self, run_id: str) -> list[dict[str, Any]]:
        """Return a run's events; see `TranscriptStore.read`."""
        with self._lock:
            text = self._texts.get(safe_run_id(run_id))
        if text is None:
            raise InputError(f"No transcript of run {run_id!r}.")
        return events_of(text, run_id)

    def runs(self) -> list[str]:
        """Return the ids of runs; see `TranscriptStore.runs`."""
        return sorted(self._texts)
