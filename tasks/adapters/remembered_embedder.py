"""Vectors kept in files: a text that was embedded once costs no loading of a model again.

Agents ask the same questions every day; each run is a new process.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks.action_ports import Embedder

_MOST_KEPT = 4000


class RememberedEmbedder:
    """Implements `Embedder` by another one, remembering what it answered.

    What cannot be read or written is embedded anew; nothing fails because memory does.

    Args:
        embedder: makes the vectors.
        folder: where they are kept, by the embedder's name.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self._folder = folder / sha256(embedder.name.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """Which model and version."""
        return self._embedder.name

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one row of length 1 a text; see `Embedder.embed`."""
        kept = [self._kept(text) for text in texts]
        asked = [text for text, row in zip(texts, kept, strict=True) if row is None]
        if not asked and texts:
            return np.stack([row for row in kept if row is not None])
        made = self._embedder.embed(asked)
        for text, row in zip(asked, made, strict=True):
            self._keep(text, row)
        fresh = iter(made)
        rows = [next(fresh) if row is None else row for row in kept]
        return np.stack(rows) if rows else made

    def _path(self, text: str) -> Path:
        return self._folder / f"{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}.npy"

    def _kept(self, text: str) -> npt.NDArray[np.float32] | None:
        try:
            row = np.load(self._path(text), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        is_vector = row.ndim == 1 and row.dtype == np.float32 and bool(np.isfinite(row).all())
        return row if is_vector else None

    def _keep(self, text: str, row: npt.NDArray[np.float32]) -> None:
        path = self._path(text)
        draft = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.iterdir()) < _MOST_KEPT:
                with draft.open("wb") as file:
                    np.save(file, row, allow_pickle=False)
                draft.replace(path)
