"""Vectors of texts by the words that they hold: the double of embedders, without a model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.adapters.passage_terms import term_number, terms

_WIDTH = 256


class HashedEmbedder:
    """Implements `Embedder` by counting words: near are texts that share them."""

    def __init__(self, name: str = "hashed-words-1") -> None:
        self._name = name

    @property
    def name(self) -> str:
        """The name that it was given; vectors are the same under any."""
        return self._name

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one row of length 1 a text; a text without a known word is a row of zeros."""
        rows = np.zeros((len(texts), _WIDTH), dtype=np.float32)
        for place, text in enumerate(texts):
            for word in terms(text):
                rows[place, term_number(word) % _WIDTH] += 1.0
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        np.divide(rows, lengths, out=rows, where=lengths > 0)
        return rows
