"""Answers of models that were given before to the very same question, kept in files."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from tasks.messages.chat import ChatAnswer, ChatRequest

_LOG = logging.getLogger(__name__)
_FORM = 1
_WRITES_A_TIDYING = 200


def question_key(route: str, identity: str, request: ChatRequest, most_tokens: int) -> str:
    """Return the name under which an answer is kept; whatever could change the answer is in it.

    Args:
        route: name of the route.
        identity: everything else that tells its model from others: name, address, options.
        request: the question; its run and use case do not matter.
        most_tokens: that the answer may have.
    """
    told = {
        "form": _FORM,
        "route": route,
        "identity": identity,
        "messages": [(message.author, message.text) for message in request.messages],
        "schema": request.answer_schema,
        "seed": request.seed,
        "temperature": request.temperature,
        "most_tokens": most_tokens,
    }
    # Not sorted: a schema with its properties in another order may be answered otherwise.
    text = json.dumps(told, default=dict, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


class AnswerCache:
    """Keeps answers, a file each, for so many days and megabytes.

    A file that is broken, cut off or too old counts as none. A folder that cannot be written keeps
    nothing, which is logged and holds nobody up.

    Args:
        folder: of the files; made when first needed.
        days: how long an answer is given again; 0 keeps none.
        megabytes: of all files together; the oldest go first.
        now: the present, in seconds.
    """

    def __init__(
        self,
        folder: Path,
        days: float,
        megabytes: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._most_s = days * 86_400.0
        self._most_bytes = megabytes * 1e6
        self._now = now
        self._writes = 0
        self._lock = Lock()

    def find(self, key: str) -> ChatAnswer | None:
        """Return the answer kept under a key, marked as cached and free; None where none is."""
        if not self._most_s:
            return None
        try:
            held = json.loads(self._path(key).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(held, dict) or held.get("digest") != _digest(key, held.get("answer")):
            return None
        age = self._now() - float(held["answer"].get("at", 0.0))
        if not 0 <= age <= self._most_s:
            return None
        return _cached(held["answer"])

    def keep(self, key: str, answer: ChatAnswer) -> None:
        """Keep an answer under a key."""
        if not self._most_s:
            return
        kept = {"at": self._now(), **asdict(answer)}
        text = json.dumps({"digest": _digest(key, kept), "answer": kept})
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            written = path.with_suffix(f".{uuid4().hex}.part")
            written.write_text(text, "utf-8")
            written.replace(path)
            self._tidy_now_and_then()
        except OSError as error:
            _LOG.warning("A model's answer cannot be kept in %s: %s.", path, error.strerror)

    def _tidy_now_and_then(self) -> None:
        """Give up what is too old or too much, at the first write and now and then after."""
        with self._lock:
            is_time = self._writes % _WRITES_A_TIDYING == 0
            self._writes += 1
        if is_time:
            self.tidy()

    def tidy(self) -> None:
        """Give up the oldest files until the rest is young and small enough."""
        found = []
        for path in self._folder.glob("??/*"):
            try:
                told = path.stat()
            except FileNotFoundError:  # another process tidies too
                continue
            found.append((told.st_mtime, told.st_size, path))
        size = 0
        for written_at, bytes_, path in sorted(found, reverse=True):
            size += bytes_
            if size > self._most_bytes or self._now() - written_at > self._most_s:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def _cached(kept: dict[str, Any]) -> ChatAnswer:
    return ChatAnswer(
        text=str(kept["text"]),
        route=str(kept["route"]),
        model=str(kept["model"]),
        prompt_tokens=int(kept["prompt_tokens"]),
        completion_tokens=int(kept["completion_tokens"]),
        is_cached=True,
    )


def _digest(key: str, answer: Any) -> str:  # noqa: ANN401 - whatever a file holds
    return sha256(f"{key}{json.dumps(answer, sort_keys=True)}".encode()).hexdigest()
