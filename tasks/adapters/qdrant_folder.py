"""Qdrant in process, on disk: one writer at a time, and readers that never hold it up.

Qdrant lets one process alone open its folder. So it is opened to write and closed again at once,
under a lock of ours, and who reads takes a copy. Beside it lies a list of what it holds, so that
asking whether anything is to be done needs no Qdrant at all. The folder is a copy of published
tables: one that broke is begun anew.
"""

import fcntl
import json
import logging
import pickle
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from semantic_layer.errors import InputError, TransientError
from tasks.adapters.qdrant_calls import held_hashes

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_LOG = logging.getLogger(__name__)
_TRIES = 100
_PAUSE_S = 0.1
_BROKEN = (
    sqlite3.Error,
    pickle.UnpicklingError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    ImportError,
)
"""What reading spoilt files of Qdrant raises."""


class QdrantFolder:
    """A folder of Qdrant's, and the list of what it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._storage = folder / "qdrant"
        self._list = folder / "held.json"
        self._guard = threading.Lock()
        self._copy: tuple[object, QdrantClient] | None = None

    @contextmanager
    def writing(self) -> Iterator["QdrantClient"]:
        """Hold the folder alone; what it then holds is listed anew.

        Raises:
            TransientError: another process holds it.
            InputError: the folder cannot be made.
        """
        with self._locked(fcntl.LOCK_EX):
            self._list.unlink(missing_ok=True)
            client = self._opened()
            try:
                yield client
                held = {one.name: held_hashes(client, one.name) for one in _collections(client)}
            finally:
                client.close()
            self._write_list(held)

    @contextmanager
    def reading(self) -> Iterator["QdrantClient | None"]:
        """Give a copy as it stands now, to one thread at a time; None where nothing was written.

        Raises:
            InputError: the files cannot be read.
            TransientError: somebody writes, for longer than is waited.
        """
        with self._guard:
            state = self._state()
            if self._copy is None or self._copy[0] != state or state is None:
                self._drop_copy()
                self._copy = self._copied()
            yield self._copy[1] if self._copy else None

    def held(self, name: str) -> dict[str, str]:
        """Return content hash by passage id of a collection; empty where there is none."""
        listed = self._listed()
        if listed is None and (self._storage / "meta.json").exists():
            with self.writing():
                pass
            listed = self._listed()
        return dict((listed or {}).get(name, {}))

    def close(self) -> None:
        """Forget the copy."""
        with self._guard:
            self._drop_copy()

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = (self._folder / "lock").open("w")
        except OSError as error:
            raise InputError(
                f"The knowledge index cannot be kept in {self._folder}: {error.strerror}; set "
                "ANOPS_HOME to a folder that can be written."
            ) from error
        with file:
            for attempt in range(_TRIES):
                try:
                    fcntl.flock(file, kind | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if attempt + 1 < _TRIES:
                        time.sleep(_PAUSE_S)
            else:
                raise TransientError(_busy(self._folder))
            yield

    def _opened(self) -> "QdrantClient":
        """Return Qdrant on the folder; on an empty one where what lies there is broken."""
        self._check_nobody_else()
        try:
            return _client(self._storage)
        except _BROKEN as error:
            _LOG.warning(
                "The knowledge index in %s cannot be read (%s: %s); it is begun anew from the "
                "published tables.",
                self._folder,
                type(error).__name__,
                error,
            )
        shutil.rmtree(self._storage)
        return _client(self._storage)

    def _check_nobody_else(self) -> None:
        """Ask for Qdrant's own lock, which programs that know nothing of ours may hold."""
        path = self._storage / ".lock"
        if path.exists():
            with path.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise TransientError(_busy(self._folder)) from error

    def _copied(self) -> "tuple[object, QdrantClient] | None":
        """Return the state that was copied, and Qdrant on it: it then lies in memory whole."""
        if not (self._storage / "meta.json").exists():
            return None
        with TemporaryDirectory(prefix="anops-knowledge-") as place:
            target = Path(place) / "qdrant"
            with self._locked(fcntl.LOCK_SH):
                state = self._state()
                shutil.copytree(self._storage, target, ignore=shutil.ignore_patterns(".lock"))
            try:
                return state, _client(target)
            except _BROKEN as error:
                self._list.unlink(missing_ok=True)
                raise InputError(
                    f"The knowledge index in {self._folder} cannot be read "
                    f"({type(error).__name__}); `anops knowledge index` makes it anew from the "
                    "published tables."
                ) from error

    def _drop_copy(self) -> None:
        if self._copy is not None:
            client = self._copy[1]
            self._copy = None
            client.close()

    def _state(self) -> object:
        """Return what changes with every write; None where nobody has listed what is held."""
        try:
            found = self._list.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _listed(self) -> Mapping[str, Mapping[str, str]] | None:
        """Return what each collection holds, None unless the list is of the files that lie here."""
        try:
            told: Any = json.loads(self._list.read_text(encoding="utf-8"))
            held: Mapping[str, Mapping[str, str]] = told["held"]
            return held if told["files"] == self._files() else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _write_list(self, held: Mapping[str, Mapping[str, str]]) -> None:
        text = json.dumps({"held": held, "files": self._files()})
        draft = self._list.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self._list)

    def _files(self) -> dict[str, list[int]]:
        """Return size and time of each file of Qdrant's, by its place."""
        return {
            str(path.relative_to(self._storage)): [path.stat().st_size, path.stat().st_mtime_ns]
            for path in sorted(self._storage.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


def _collections(client: "QdrantClient") -> list[Any]:
    return list(client.get_collections().collections)


def _client(folder: Path) -> "QdrantClient":
    from qdrant_client import QdrantClient

    return QdrantClient(path=str(folder), force_disable_check_same_thread=True)


def _busy(folder: Path) -> str:
    return (
        f"Another process works on the knowledge index in {folder}; try again, or set "
        "ANOPS_KNOWLEDGE_URL to a Qdrant server, which serves many."
    )
