"""A language model that runs in this process, from one GGUF file, by llama.cpp (xllamacpp).

It needs no key and reaches nothing outside. llama.cpp's server opens a port on this machine alone,
which a random key locks; questions go to it by function call.
"""

import json
import os
import secrets
import time
from pathlib import Path
from threading import Lock
from typing import Any

from tasks.adapters.litellm_chat_outcomes import Call, Completion, RouteError

_CONTEXT_TOKENS = 8192
_MOST_THREADS = 8
_SILENT = -1
_QUIET_JSON = {"whitespace_flexible": False, "key_separator": ":", "item_separator": ","}
_SERVERS: dict[Path, Any] = {}
_LOCK = Lock()


class LocalLlama:
    """Answers by the model in a GGUF file, one question at a time.

    The model is loaded when it is first asked, once in a process.

    Args:
        path: of the file; None where none is set.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @property
    def identity(self) -> str:
        """Which model it is: name, size and time of its file."""
        if self._path is None or not self._path.is_file():
            return ""
        told = self._path.stat()
        return f"{self._path.name} {told.st_size} {told.st_mtime_ns}"

    def lack(self) -> str:
        """Return why it cannot answer; empty where it can. Nothing is loaded for that."""
        if self._path is None:
            return (
                "no local model is set; `anops routes fetch-local-model` gets one, and "
                "ANOPS_LOCAL_MODEL names its file"
            )
        if not self._path.is_file():
            return f"ANOPS_LOCAL_MODEL names {self._path}, where no file is"
        from importlib.util import find_spec

        if find_spec("xllamacpp") is None:
            return "xllamacpp is not installed; `pip install 'anops[local-llm]'` brings it"
        return ""

    def completion(self, call: Call) -> Completion:
        """Return what the model answers; it is stopped when its time is up.

        Raises:
            RouteError: it cannot be loaded, refuses the question, or takes too long.
        """
        lack = self.lack()
        if lack or self._path is None:
            raise RouteError(lack, "rest")
        until = time.monotonic() + call.timeout_s
        if not _LOCK.acquire(timeout=call.timeout_s):
            raise RouteError(f"it was busy for {call.timeout_s:g} s", "next")
        try:
            return _answered(_loaded(self._path), call, until, self._path.name)
        finally:
            _LOCK.release()


def compact_grammar(schema: Any) -> str:  # noqa: ANN401 - any JSON Schema
    """Return a grammar of JSON that keeps a schema and holds no needless space.

    Spaces are tokens, and a token takes a twentieth of a second on two cores.
    """
    return "%llguidance {}\nstart: %json " + json.dumps(dict(schema) | {"x-guidance": _QUIET_JSON})


def _loaded(path: Path) -> Any:  # noqa: ANN401 - a server without types
    """Return the server of a file; the caller holds the lock.

    Raises:
        RouteError: llama.cpp cannot load it.
    """
    if path not in _SERVERS:
        import xllamacpp

        chosen = xllamacpp.CommonParams()
        chosen.model.path = str(path)
        chosen.n_ctx = _CONTEXT_TOKENS
        chosen.n_parallel = 1
        threads = min(os.cpu_count() or 1, _MOST_THREADS)
        chosen.cpuparams.n_threads = threads
        chosen.cpuparams_batch.n_threads = threads
        chosen.hostnames = ["127.0.0.1"]
        chosen.api_keys = [secrets.token_urlsafe(32)]
        chosen.ui = False
        chosen.endpoint_slots = False
        chosen.endpoint_props = False
        chosen.offline = True
        chosen.verbosity = _SILENT
        try:
            _SERVERS[path] = xllamacpp.Server(chosen)
        except (RuntimeError, ValueError, OSError) as error:
            raise RouteError(f"{path} cannot be loaded ({error})", "rest") from error
    return _SERVERS[path]


def _answered(
    server: Any,  # noqa: ANN401 - without types
    call: Call,
    until: float,
    model: str,
) -> Completion:
    """Return the answer, piece by piece so that it can be stopped.

    Raises:
        RouteError: the question is refused, or time is up.
    """
    pieces: list[str] = []
    used: dict[str, int] = {}
    refusals: list[str] = []

    def take(piece: dict[str, Any]) -> bool:
        if "error" in piece:
            refusals.append(str(piece["error"].get("message", piece["error"])))
        choices = piece.get("choices", ())
        pieces.extend(choice.get("delta", {}).get("content") or "" for choice in choices)
        counts = (piece.get("usage") or {}).items()
        used.update({key: value for key, value in counts if isinstance(value, int)})
        return time.monotonic() > until

    try:
        server.handle_chat_completions(_question(call), take)
    except (RuntimeError, ValueError) as error:
        raise RouteError(f"it refuses the question ({error})", "next") from error
    if refusals:
        raise RouteError(f"it refuses the question ({refusals[0]})", "next")
    if time.monotonic() > until:
        raise RouteError(f"it took longer than {call.timeout_s:g} s", "next")
    text = "".join(pieces)
    if not text.strip():
        raise RouteError("it answered nothing", "next")
    prompt, said = used.get("prompt_tokens", 0), used.get("completion_tokens", len(pieces))
    return Completion(text, model, prompt, said, 0.0)


def _question(call: Call) -> dict[str, Any]:
    request = call.request
    told: dict[str, Any] = {
        "messages": call.messages,
        "max_tokens": call.most_tokens,
        "seed": request.seed,
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.answer_schema and call.route.supports_schema:
        told["grammar"] = compact_grammar(request.answer_schema)
    return told
