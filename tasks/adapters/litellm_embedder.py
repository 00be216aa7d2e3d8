"""Vectors of texts by an embedding model behind LiteLLM."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import TransientError
from tasks.adapters.litellm_calls import quiet_litellm, within
from tasks.adapters.litellm_chat_outcomes import RouteError

_TEXTS_A_CALL = 64
_TIMEOUT_S = 60.0
_PROBE = "cell"


class LiteLlmEmbedder:
    """Implements `Embedder` by a LiteLLM model, whose key LiteLLM finds by its own names.

    Args:
        model: as LiteLLM names it, such as `openai/text-embedding-3-small`.
        api_base: of a server of one's own; unset, the provider's.
        api_key: unset, as LiteLLM finds it.
        timeout_s: the longest that 64 texts may take; LiteLLM repeats what failed within it.
    """

    def __init__(
        self,
        model: str,
        api_base: str | None = None,
        api_key: str | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._model = model
        self._timeout_s = timeout_s
        self._told: dict[str, Any] = {"timeout": timeout_s}
        if api_base is not None:
            # Servers of one's own often want no key, but LiteLLM will not call them without one.
            self._told |= {"api_base": api_base, "api_key": api_key or "none"}
        elif api_key is not None:
            self._told["api_key"] = api_key
        self._width: int | None = None

    @property
    def name(self) -> str:
        """The model, as LiteLLM names it."""
        return f"litellm/{self._model}"

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one row of length 1 a text; a text of spaces alone is a row of zeros.

        Args:
            texts: in any number; they are sent 64 at a time.

        Returns:
            Rows in the order of texts, all of the width that the model has.

        Raises:
            TransientError: the model did not answer, or not with one vector a text.
        """
        said = [number for number, text in enumerate(texts) if text.strip()]
        asked = [texts[number] for number in said]
        found = [
            self._vectors(asked[start : start + _TEXTS_A_CALL])
            for start in range(0, len(asked), _TEXTS_A_CALL)
        ]
        if self._width is None:
            self._vectors([_PROBE])
        rows = np.zeros((len(texts), self._width or 0), np.float32)
        if found:
            rows[said] = np.concatenate(found)
        return rows

    def _vectors(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Return vectors of length 1 of texts that say something.

        Raises:
            TransientError: see `embed`.
        """
        rows = self._answered(texts)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True) if rows.ndim == 2 else np.zeros(0)
        is_whole = rows.ndim == 2 and len(rows) == len(texts) and bool(np.isfinite(rows).all())
        if not is_whole or self._width not in (None, rows.shape[1]):
            raise TransientError(
                f"The embedding model {self._model!r} answered {len(texts)} texts with vectors of "
                f"shape {rows.shape}; expected one a text, as wide as before, of finite numbers."
            )
        self._width = int(rows.shape[1])
        return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)

    def _answered(self, texts: list[str]) -> npt.NDArray[np.float32]:
        litellm = quiet_litellm()
        try:
            return within(self._timeout_s, lambda: self._called(litellm, texts))
        except RouteError as error:
            raise TransientError(
                f"The embedding model {self._model!r} gave no vectors of {len(texts)} texts: "
                f"{error}."
            ) from error

    def _called(self, litellm: Any, texts: list[str]) -> npt.NDArray[np.float32]:  # noqa: ANN401
        import httpx
        import openai

        try:
            answer = litellm.embedding(model=self._model, input=texts, **self._told)
            ranked = sorted(answer.data, key=lambda one: one["index"])
            return np.array([one["embedding"] for one in ranked], np.float32)
        except (
            openai.OpenAIError, httpx.HTTPError, OSError, ValueError, TypeError, AttributeError,
            LookupError,
        ) as error:  # fmt: skip
            raise RouteError(" ".join(str(error).split())[:200], "retry") from error
