"""Transcripts as files, one a run, of chained lines: `<run id>.ndjson` in a folder.

The first events of a run appear as a whole file or not at all; later ones are appended under a
lock. All are on disk before `append` returns.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from semantic_layer.errors import InputError
from tasks.adapters.transcript_lines import (
    events_of,
    events_so_far,
    follows,
    last_hash,
    lines_of,
    safe_run_id,
)

_SUFFIX = ".ndjson"


class FileTranscripts:
    """Implements `TranscriptStore` by files.

    Args:
        folder: made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, run_id: str, events: Sequence[dict[str, Any]]) -> None:
        """Add events; see `TranscriptStore.append`.

        Raises:
            InputError: the id cannot be used, an event does not follow, or what stands was changed.
        """
        path = self._path(run_id)
        if not events:
            return
        try:
            if path.exists() or not self._is_begun(path, run_id, events):
                self._continue(path, run_id, events)
        except OSError as error:
            raise InputError(
                f"Transcript {run_id} cannot be written to {path}: {error.strerror}."
            ) from error

    def read(self, run_id: str) -> list[dict[str, Any]]:
        """Return a run's events; see `TranscriptStore.read`."""
        path = self._path(run_id)
        try:
            return events_of(path.read_text(encoding="utf-8"), run_id)
        except FileNotFoundError as error:
            raise InputError(f"No transcript of run {run_id!r} in {self._folder}.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"Transcript {path} cannot be read: {error}.") from error

    def runs(self) -> list[str]:
        """Return the ids of runs; see `TranscriptStore.runs`."""
        if not self._folder.is_dir():
            return []
        names = (entry.name for entry in os.scandir(self._folder))
        return sorted(
            name.removesuffix(_SUFFIX)
            for name in names
            if name.endswith(_SUFFIX) and not name.startswith(".")
        )

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{safe_run_id(run_id)}{_SUFFIX}"

    def _is_begun(self, path: Path, run_id: str, events: Sequence[dict[str, Any]]) -> bool:
        """Write a new run's file; False when another process was first."""
        follows([], events, run_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f".{uuid4().hex}"
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines_of(events)))
                file.flush()
                os.fsync(file.fileno())
            os.link(unfinished, path)
        except FileExistsError:
            return False
        finally:
            unfinished.unlink(missing_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return True

    def _continue(self, path: Path, run_id: str, events: Sequence[dict[str, Any]]) -> None:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            follows(events_so_far(text, run_id), events, run_id)
            file.write("".join(f"{line}\n" for line in lines_of(events, last_hash(text))))
            file.flush()
            os.fsync(file.fileno())
